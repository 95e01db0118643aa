"""A worker with 1,000 short workflows and 5,000 activities, with monitoring and without.

Goal: with everything at its defaults, at most 1.05 times as long as the same worker with
``ATLAN_MONITORING_ENABLED=false``. Both run in turns, each time in a fresh process with a
server of its own; the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from temporalio import activity, workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from application_sdk.monitoring import configure, flamegraph, flush, memory_profile

ACTIVITIES_A_WORKFLOW = 5
AT_A_TIME = 50
LIMIT = timedelta(seconds=60)


@memory_profile
@flamegraph
@activity.defn
async def on_loop(number: int) -> int:
    """A short activity."""
    return sum(range(number))


@memory_profile
@flamegraph
@activity.defn
def in_thread(number: int) -> int:
    """A short activity in a thread."""
    return sum(range(number))


@flamegraph
@workflow.defn
class Short:
    """A workflow of five short activities."""

    @workflow.run
    async def run(self, number: int) -> int:
        """Run them one after the other."""
        total = 0
        for turn in range(ACTIVITIES_A_WORKFLOW):
            chosen: Any = in_thread if turn % 2 else on_loop
            total += await workflow.execute_activity(
                chosen, number, result_type=int, start_to_close_timeout=LIMIT
            )
        return total


async def run_all(workflows: int) -> float:
    """Run the workflows, so many at a time; how long it took."""
    program = str(Path(sysconfig.get_path("scripts")) / "temporal-test-server")
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=program
    ) as environment:
        # The server's skipping of time does not bear many clients that wait at once.
        with environment.auto_time_skipping_disabled(), ThreadPoolExecutor(8) as threads:
            async with Worker(
                environment.client,
                task_queue="bench",
                workflows=[Short],
                activities=[on_loop, in_thread],
                activity_executor=threads,
            ):
                places = asyncio.Semaphore(AT_A_TIME)

                async def one(number: int) -> int:
                    async with places:
                        return await environment.client.execute_workflow(
                            Short.run, 1_000, id=f"bench-{number}", task_queue="bench"
                        )

                await asyncio.gather(*(one(-1 - number) for number in range(20)))  # warm up
                began = time.perf_counter()
                totals = await asyncio.gather(*(one(number) for number in range(workflows)))
                seconds = time.perf_counter() - began
                assert set(totals) == {ACTIVITIES_A_WORKFLOW * 499_500}
    return seconds


def child(workflows: int, directory: str) -> None:
    """One measurement; prints what the parent reads."""
    seconds = asyncio.run(run_all(workflows))
    flush()
    # The watch for leaks is meant to go on for as long as a profiled function is there.
    configure(leak_detection=False)
    for thread in threading.enumerate():
        if thread.name.startswith("monitoring-"):
            thread.join(10)
    left = [t.name for t in threading.enumerate() if t.name.startswith("monitoring-")]
    files = [str(p) for p in Path(directory).rglob("*") if p.suffix in {".bin", ".tmp"}]
    profiles = len(list(Path(directory).rglob("*.json")))
    found = {"seconds": seconds, "cpu": time.process_time(), "left": left + files}
    print(json.dumps({**found, "profiles": profiles}))
    sys.stdout.flush()
    time.sleep(0.5)  # temporalio's threads


def measure(workflows: int, enabled: bool) -> dict[str, Any]:
    """One measurement in a fresh process."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {
            **os.environ,
            "ATLAN_MONITORING_ENABLED": str(enabled).lower(),
            "ATLAN_MONITORING_OUTPUT_DIR": directory,
        }
        done = subprocess.run(
            [sys.executable, __file__, "--child", directory, "--workflows", str(workflows)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode or "Failed" in done.stderr:
        raise SystemExit(done.stdout + done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> int:
    """Measure in turns and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workflows", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.workflows, arguments.child)
        return 0
    times: dict[bool, list[float]] = {False: [], True: []}
    for number in range(arguments.rounds):
        for enabled in (False, True) if number % 2 else (True, False):
            found = measure(arguments.workflows, enabled)
            times[enabled].append(found["seconds"])
            label = "with" if enabled else "without"
            print(
                f"{label:8} {found['seconds']:6.2f} s, CPU {found['cpu']:6.2f} s, "
                f"{found['profiles']} profiles",
                flush=True,
            )
            if found["left"]:
                print("left behind:", found["left"])
                return 1
    ratio = median(times[True]) / median(times[False])
    print(f"ratio of medians {ratio:.3f} (goal 1.05)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
