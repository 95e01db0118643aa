"""A program whose function becomes twice as slow; run as a program, plain or as a Temporal worker.

    python -m tests.regressions.slowing_program --output DIR [--worker]

Nothing is configured but where profiles go. The watch's clock runs faster and calls are looked
at more often, so that half an hour of a busy service passes in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from application_sdk.monitoring import configure, flamegraph, flush
    from application_sdk.monitoring.engine import gate
    from application_sdk.monitoring.engine.duration_watch import watch

CALLS_BEFORE = 550
MOST_CALLS = 3_000
AT_ONCE = 50
LIMIT = timedelta(seconds=60)

slow = False


class Heard(logging.Handler):
    """Knows whether the slow-down has been warned of."""

    said = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.__dict__.get("regression_verdict") == "slower":
            Heard.said += 1


def read_index() -> None:
    time.sleep(0.01)


def read_every_row() -> None:
    time.sleep(0.01)


@flamegraph
def price(order: int) -> int:
    read_index()
    if slow:
        read_every_row()
    return order


@flamegraph
def steady(order: int) -> int:
    read_index()
    return order


price_activity = activity.defn(name="price")(price)
steady_activity = activity.defn(name="steady")(steady)


@workflow.defn
class Orders:
    @workflow.run
    async def run(self, number: int) -> int:
        names = ["price", "steady"] * (number // 2)
        done: list[int] = await asyncio.gather(
            *(
                workflow.execute_activity(name, order, start_to_close_timeout=LIMIT)
                for order, name in enumerate(names)
            )
        )
        return len(done)


def become_slow(calls: int) -> bool:
    """Whether to go on: after some calls all is slow, until that has been warned of."""
    global slow
    slow = calls >= CALLS_BEFORE
    return not Heard.said and calls < MOST_CALLS


def run_plainly() -> None:
    calls = 0
    while become_slow(calls):
        price(calls)
        if calls % 2:
            steady(calls)
        calls += 1
        if calls == 50:
            flush(60)
    for order in range(100):  # nothing more is said
        price(order)


async def serve() -> None:
    from temporalio.testing import WorkflowEnvironment
    from temporalio.worker import Worker

    server = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    calls = 0
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(server)
    ) as environment:
        with ThreadPoolExecutor(4) as threads:
            worker = Worker(
                environment.client,
                task_queue="orders",
                workflows=[Orders],
                activities=[price_activity, steady_activity],
                activity_executor=threads,
            )
            async with worker:
                while become_slow(calls):
                    await environment.client.execute_workflow(
                        Orders.run, AT_ONCE, id=f"orders-{uuid4().hex}", task_queue="orders"
                    )
                    calls += AT_ONCE // 2


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--worker", action="store_true")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    logging.getLogger("application_sdk.monitoring").addHandler(Heard())
    watch.speed = 600.0
    gate.POLLS_PER_SECOND = 500.0
    configure(output_dir=arguments.output, formats="html,json")
    began = time.monotonic()
    if arguments.worker:
        asyncio.run(serve())
    else:
        run_plainly()
    flush(60)
    print(f"{time.monotonic() - began:.1f} s", flush=True)  # noqa: T201 - a program
    if arguments.worker:
        # As in tests/leaks/leaky_worker.py: temporalio's threads may abort an interpreter's end.
        logging.shutdown()
        os._exit(0)
    return 0


if __name__ == "__main__":
    # Imported under its own name, so that the workflow's sandbox finds the same module.
    from tests.regressions import slowing_program

    sys.exit(slowing_program.main())
