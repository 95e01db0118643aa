"""Activities and workflows that know nothing of monitoring."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow

SOON = timedelta(seconds=20)


def work(rounds: int) -> None:
    for _ in range(rounds):
        sum(range(30_000))


@activity.defn
async def fetch(name: str) -> str:
    work(20)
    await asyncio.sleep(0)
    return name.upper()


@activity.defn
def count(name: str) -> int:
    work(20)
    return len(name)


class Store:
    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    @activity.defn
    def save(self, name: str) -> str:
        work(20)
        return self.prefix + name


@workflow.defn
class Crawl:
    @workflow.run
    async def run(self, name: str) -> list[str]:
        work(120)
        fetched = await workflow.execute_activity(fetch, name, start_to_close_timeout=SOON)
        counted = await workflow.execute_activity(count, name, start_to_close_timeout=SOON)
        saved = await workflow.execute_activity_method(
            Store.save, name, start_to_close_timeout=SOON
        )
        return [fetched, str(counted), saved]


@workflow.defn
class Other:
    @workflow.run
    async def run(self, name: str) -> str:
        await asyncio.sleep(1)
        return name


@workflow.defn
class Breaks:
    @workflow.run
    async def run(self, name: str) -> str:
        raise TimeoutError(name)
