"""How long an event loop stalls while 50 profiles are read, rendered and written.

Goal: never more than 20 ms. A ticker on the loop wakes each millisecond; its longest gap meanwhile
stands beside its longest in a plain run of the same length, once with everything done in the
process (the helper switched off) and once with the helper. Profiles are small memory captures
(``few``), memory captures of thousands of stacks (``stacks``), or CPU trees of 20,000 nodes, 60
deep (``cpu``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from application_sdk.monitoring import configure, flamegraph, flush, memory_profile
from application_sdk.monitoring.backends import reading
from application_sdk.monitoring.backends.cpu_tally import CpuTally
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import CpuProfile
from application_sdk.monitoring.protocols import ProfiledCall
from application_sdk.monitoring.registry import cpu_backends

TICK = 0.001
GOAL_MS = 20.0


async def gaps_until(done: asyncio.Future[Any]) -> list[float]:
    """The milliseconds by which each tick was late."""
    late: list[float] = []
    while not done.done():
        before = time.perf_counter()
        await asyncio.sleep(TICK)
        late.append((time.perf_counter() - before - TICK) * 1_000)
    return late


def allocate(objects: int) -> list[bytearray]:
    """Some work whose allocations are all traced one by one."""
    return [bytearray(600 + number % 100) for number in range(objects)]


def _branches(depth: int, number: int) -> list[Any]:
    """A call path of its own for each number: its binary digits say which way it goes."""
    if not depth:
        return [bytearray(600)]
    return (_left if number & 1 else _right)(depth - 1, number >> 1)


def _left(depth: int, number: int) -> list[Any]:
    return _branches(depth, number)


def _right(depth: int, number: int) -> list[Any]:
    return _branches(depth, number)


def allocate_at_many_places(objects: int) -> list[list[Any]]:
    """The same from as many call paths as there are objects, up to 2,048."""
    return [_branches(11, number % 2_048) for number in range(objects)]


class ManySamples:
    """A capture with the samples of a long call: 20,000 nodes, 60 deep."""

    backend = "many"

    def __init__(self, call: ProfiledCall) -> None:
        self.call = call
        self.tally = CpuTally(call, Frame("root", "root.py", 1))

    def start(self) -> None:
        """Take samples that are made up."""
        self.tally.resume()
        for branch in range(340):
            frames = [Frame(f"f{branch % 7}_{depth}", "file.py", depth) for depth in range(60)]
            frames[1] = Frame(f"f{branch}", "file.py", branch)
            self.tally.sampled_running(frames, threading.get_ident())
        self.tally.end()

    def resume(self) -> None:
        """As of any capture."""

    enter_part = leave_part = stop = abandon = resume

    def pause(self, awaiting: bool) -> None:
        """As of any capture."""

    def half(self) -> CpuProfile:
        """The half."""
        return self.tally.profile(self.call, self.backend, lambda key: key)  # type: ignore[arg-type,return-value]


def _profiled(kind: str) -> Callable[[int], object]:
    if kind == "few":
        return memory_profile(name="allocate", sample_rate=1.0)(allocate)
    if kind == "stacks":
        return memory_profile(name="allocate", sample_rate=1.0)(allocate_at_many_places)
    cpu_backends.register("many", ManySamples)
    return flamegraph(name="allocate", sample_rate=1.0, backend="many")(lambda _: None)


async def measure(profiles: int, objects: int, kind: str) -> dict[str, float]:
    """Capture the profiles first, then watch the loop while they are delivered."""
    loop = asyncio.get_running_loop()
    profiled = _profiled(kind)
    # Nothing is delivered until all are captured, so that the captures' own work is not measured.
    gate = asyncio.Event()

    def hold() -> None:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

    delivery.put(hold)
    for _ in range(profiles):
        profiled(objects)
        await asyncio.sleep(0.05)
    began = time.perf_counter()
    gate.set()
    waiting = loop.run_in_executor(None, flush)
    late = await gaps_until(asyncio.ensure_future(waiting))
    seconds = time.perf_counter() - began
    plain = await gaps_until(asyncio.ensure_future(asyncio.sleep(seconds)))
    late.sort()
    return {
        "seconds": seconds,
        "worst_ms": late[-1],
        "p999_ms": late[int(len(late) * 0.999)],
        "plain_worst_ms": max(plain),
    }


def child(here: bool, profiles: int, objects: int, formats: str, kind: str) -> None:
    """One measurement; prints what the parent reads."""
    logging.disable(logging.CRITICAL)
    if here:
        reading.SMALL_BYTES = 2**62
        sys.executable = ""
    with tempfile.TemporaryDirectory() as directory:
        configure(output_dir=directory, formats=formats)
        print(json.dumps(asyncio.run(measure(profiles, objects, kind))))


def main() -> int:
    """Measure both ways in turns, each time in a fresh process, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=50)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--formats", default="html,json,summary")
    parser.add_argument("--kind", choices=["few", "stacks", "cpu"], default="few")
    parser.add_argument("--child", choices=["here", "elsewhere"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        here = arguments.child == "here"
        child(here, arguments.profiles, arguments.objects, arguments.formats, arguments.kind)
        return 0
    worst = 0.0
    for _ in range(arguments.rounds):
        for where in ("here", "elsewhere"):
            done = subprocess.run(
                [sys.executable, __file__, *sys.argv[1:], "--child", where],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise SystemExit(done.stdout + done.stderr)
            found = json.loads(done.stdout.splitlines()[-1])
            beyond = found["worst_ms"] - found["plain_worst_ms"]
            if where == "elsewhere":
                worst = max(worst, beyond)
            print(
                f"{where:9} {found['seconds']:6.2f} s, worst stall {found['worst_ms']:6.1f} ms"
                f" (p99.9 {found['p999_ms']:.1f}), plain {found['plain_worst_ms']:.1f},"
                f" beyond plain {beyond:.1f} (goal {GOAL_MS:g})",
                flush=True,
            )
    return 0 if worst <= GOAL_MS else 1


if __name__ == "__main__":
    sys.exit(main())
