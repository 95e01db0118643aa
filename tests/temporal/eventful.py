"""Workflows that use all that workflows have, decorated and plain, with one history for both."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

from application_sdk.monitoring import flamegraph, memory_profile
from tests.temporal.decorated import burn

SOON = timedelta(seconds=20)


@dataclass
class Order:
    items: int
    fail: bool = False


@flamegraph
@activity.defn
async def price(item: int) -> int:
    return item * 10


@workflow.defn
@flamegraph
class Child:
    @workflow.run
    async def run(self, item: int) -> int:
        burn(0.02)
        return await workflow.execute_activity(price, item, start_to_close_timeout=SOON)


class Steps:
    """What both variants do."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.done = False

    async def process(self, order: Order) -> list[int]:
        burn(0.3)
        await asyncio.sleep(0.2)
        prices = list(
            await asyncio.gather(
                *(
                    workflow.execute_activity(price, item, start_to_close_timeout=SOON)
                    for item in range(order.items)
                )
            )
        )
        prices.append(await workflow.execute_child_workflow(Child.run, 7))
        workflow.random().random()
        await workflow.wait_condition(lambda: self.done)
        burn(0.03)
        if order.fail:
            raise ApplicationError("ordered to fail", non_retryable=True)
        return prices


@memory_profile
@flamegraph
@workflow.defn(name="Eventful")
class Eventful(Steps):
    @workflow.run
    async def run(self, order: Order) -> list[int]:
        return await self.process(order)

    @workflow.signal
    async def note(self, text: str) -> None:
        burn(0.01)
        await asyncio.sleep(0.05)
        self.notes.append(text)

    @workflow.signal
    def finish(self) -> None:
        self.done = True

    @workflow.query
    def noted(self) -> list[str]:
        return self.notes

    @workflow.update
    async def rename(self, text: str) -> int:
        await asyncio.sleep(0.05)
        self.notes.append(f"renamed {text}")
        return len(self.notes)

    @rename.validator
    def check(self, text: str) -> None:
        if not text:
            raise ValueError("an empty name")


@workflow.defn(name="Eventful")
class Plain(Steps):
    @workflow.run
    async def run(self, order: Order) -> list[int]:
        return await self.process(order)

    @workflow.signal
    async def note(self, text: str) -> None:
        burn(0.01)
        await asyncio.sleep(0.05)
        self.notes.append(text)

    @workflow.signal
    def finish(self) -> None:
        self.done = True

    @workflow.query
    def noted(self) -> list[str]:
        return self.notes

    @workflow.update
    async def rename(self, text: str) -> int:
        await asyncio.sleep(0.05)
        self.notes.append(f"renamed {text}")
        return len(self.notes)

    @rename.validator
    def check(self, text: str) -> None:
        if not text:
            raise ValueError("an empty name")


@workflow.defn
@flamegraph
class Continues:
    @workflow.run
    async def run(self, left: int) -> str:
        await asyncio.sleep(1)
        if left:
            workflow.continue_as_new(left - 1)
        return "ended"


@workflow.defn
@flamegraph
class Waits:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


@workflow.defn
@flamegraph
class FailsItsTaskOnce:
    @workflow.run
    async def run(self) -> str:
        await asyncio.sleep(1)
        if not workflow.unsafe.is_replaying() and workflow.info().get_current_history_length() < 12:
            raise RuntimeError("a bug, deployed away while the server retries the task")
        return "survived"


@workflow.defn
class CallsHelpers:
    """Decorated helpers instead of a decorated run, also in tasks of the workflow's own."""

    @workflow.run
    async def run(self) -> int:
        first = await helper(1)
        others = await asyncio.gather(helper(2), helper(3))
        return first + sum(others) + plain_helper(4)


@flamegraph
async def helper(n: int) -> int:
    burn(0.02)
    await asyncio.sleep(1)
    return n


@flamegraph
def plain_helper(n: int) -> int:
    return n


@flamegraph
@workflow.defn
class HoldsItsTask:
    @workflow.run
    async def run(self) -> str:
        sluggish()
        return "late"


def sluggish() -> None:
    # By the clock: half a second is beyond our limit and within Temporal's, on any machine.
    with workflow.unsafe.sandbox_unrestricted():
        until = time.perf_counter() + 0.5
        while time.perf_counter() < until:
            burn(0.001)


@workflow.defn
class RetriesActivity:
    @workflow.run
    async def run(self) -> str:
        return await workflow.execute_activity(
            fails_twice,
            start_to_close_timeout=SOON,
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=10)),
        )


@activity.defn
@flamegraph
async def fails_twice() -> str:
    if activity.info().attempt < 3:
        raise RuntimeError("not yet")
    return "at last"
