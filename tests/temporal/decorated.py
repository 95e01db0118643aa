"""Decorated workflows and activities, imported by the sandbox as any user's are: no passthrough."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel
from temporalio import activity, workflow

from application_sdk.monitoring import flamegraph, memory_profile

SOON = timedelta(seconds=20)


def burn(seconds: float) -> None:
    """Use the CPU; the clock only bounds it, so that a workflow may use this too."""
    for _ in range(int(seconds * 1000)):
        sum(range(30_000))


@dataclass
class Job:
    name: str
    size: int


class Row(BaseModel):
    key: str
    value: float


@activity.defn
@flamegraph
@memory_profile(backend="rss")
async def inside(job: Job) -> int:
    await asyncio.sleep(0.01)
    return job.size + 1


@memory_profile(backend="rss")
@flamegraph
@activity.defn
async def outside(job: Job) -> Job:
    return Job(job.name.upper(), job.size)


@flamegraph
@activity.defn
def in_thread(job: Job) -> int:
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        sum(range(500))
    return job.size * 2


@activity.defn
@flamegraph
def in_process(job: Job) -> int:
    return job.size * 3


@activity.defn
@flamegraph
async def pydantic_rows(rows: list[Row]) -> Row:
    return Row(key="sum", value=sum(row.value for row in rows))


@flamegraph
class Activities:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    @activity.defn
    async def scale(self, job: Job) -> int:
        return job.size * self.factor

    @activity.defn
    def scale_in_thread(self, job: Job) -> int:
        return job.size * self.factor * 10


@workflow.defn
class CallsActivities:
    @workflow.run
    async def run(self, job: Job) -> list[int]:
        upper = await workflow.execute_activity(outside, job, start_to_close_timeout=SOON)
        return [
            await workflow.execute_activity(inside, job, start_to_close_timeout=SOON),
            await workflow.execute_activity(in_thread, job, start_to_close_timeout=SOON),
            len(upper.name) if upper.name.isupper() else -1,
            await workflow.execute_activity_method(
                Activities.scale, job, start_to_close_timeout=SOON
            ),
            await workflow.execute_activity_method(
                Activities.scale_in_thread, job, start_to_close_timeout=SOON
            ),
        ]


@workflow.defn
class CallsProcess:
    @workflow.run
    async def run(self, job: Job) -> int:
        return await workflow.execute_activity(in_process, job, start_to_close_timeout=SOON)


@workflow.defn
class CallsPydantic:
    @workflow.run
    async def run(self, rows: list[Row]) -> Row:
        return await workflow.execute_activity(pydantic_rows, rows, start_to_close_timeout=SOON)


@flamegraph
@workflow.defn
class AboveDefn:
    @workflow.run
    async def run(self, job: Job) -> str:
        burn(0.3)
        await asyncio.sleep(1)
        return job.name


@workflow.defn
@flamegraph
class BelowDefn:
    @workflow.run
    async def run(self, job: Job) -> str:
        burn(0.3)
        await asyncio.sleep(1)
        return job.name


@workflow.defn
class AboveRun:
    @flamegraph
    @workflow.run
    async def run(self, job: Job) -> str:
        burn(0.3)
        await asyncio.sleep(1)
        return job.name


@workflow.defn
class BelowRun:
    @workflow.run
    @flamegraph
    async def run(self, job: Job) -> str:
        burn(0.3)
        await asyncio.sleep(1)
        return job.name


@memory_profile
@workflow.defn
@flamegraph
class BothSides:
    @workflow.run
    async def run(self, job: Job) -> str:
        burn(0.3)
        await asyncio.sleep(1)
        return job.name


class Base:
    @flamegraph
    @workflow.run
    async def run(self, job: Job) -> str:
        burn(0.3)
        return job.name


@flamegraph
@workflow.defn
class Inherits(Base):
    @workflow.run
    async def run(self, job: Job) -> str:
        name = await super().run(job)
        await asyncio.sleep(1)
        return name


class PlainBase:
    @workflow.run
    async def run(self, job: Job) -> str:
        burn(0.3)
        await asyncio.sleep(1)
        return job.name


@flamegraph
@workflow.defn
class InheritsOnly(PlainBase):
    # Temporal wants a run of the class's own; this is how a body without one gets it.
    async def run(self, job: Job) -> str:
        return await super().run(job)

    run = workflow.run(run)
