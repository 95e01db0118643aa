"""Activities that are cancelled, time out, heartbeat and run in crowds."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, CancelledError

from application_sdk.monitoring import flamegraph, memory_profile

ONCE = RetryPolicy(maximum_attempts=1)

started = threading.Event()
"""Set by an activity that runs, for the tests to wait for; workflows never touch it."""


@memory_profile
@flamegraph
@activity.defn
def beats_in_thread() -> str:
    started.set()
    until = time.monotonic() + 50
    while time.monotonic() < until:
        activity.heartbeat("beat")
        time.sleep(0.02)
    return "never cancelled"


@memory_profile
@flamegraph
@activity.defn
async def beats_async() -> str:
    started.set()
    for _ in range(2500):
        activity.heartbeat("beat")
        await asyncio.sleep(0.02)
    return "never cancelled"


@flamegraph
@activity.defn
def overstays() -> str:
    time.sleep(0.2)
    started.set()
    time.sleep(1.3)
    return "too late"


@flamegraph
@memory_profile
@activity.defn
async def in_a_crowd(n: int) -> int:
    kept = bytearray(100_000)
    for _ in range(5):
        sum(range(5_000))
        await asyncio.sleep(0.005)
    return n + len(kept) - 100_000


@flamegraph
@memory_profile
@activity.defn
def in_a_crowd_of_threads(n: int) -> int:
    for _ in range(5):
        sum(range(5_000))
        time.sleep(0.005)
    return n


@workflow.defn
class RunsOne:
    @workflow.run
    async def run(self, name: str) -> str:
        try:
            result: str = await workflow.execute_activity(
                name,
                result_type=str,
                start_to_close_timeout=timedelta(seconds=1 if name == "overstays" else 60),
                heartbeat_timeout=timedelta(seconds=30),
                retry_policy=ONCE,
                cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
            return result
        except ActivityError as error:
            if isinstance(error.cause, CancelledError):
                return "cancelled"
            return type(error.cause).__name__


@workflow.defn
class RunsMany:
    @workflow.run
    async def run(self, name: str, count: int) -> Sequence[int]:
        results: list[int] = await asyncio.gather(
            *(
                workflow.execute_activity(
                    name, n, result_type=int, start_to_close_timeout=timedelta(seconds=30)
                )
                for n in range(count)
            )
        )
        return results
