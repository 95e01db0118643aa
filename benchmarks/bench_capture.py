"""What capturing costs over the life of a worker: hand-over, growth, size, and the budget.

Goals: a profiled call costs its caller at most 1 ms for CPU and 2 ms for memory; 20,000 profiled
calls grow the process by less than 20 MB, with threads and descriptors constant; a long call of
changing stacks 60 deep grows it by at most 10 MB and its JSON has at most 2 MB; with
``sample_rate`` left out, call-heavy work is slowed by at most the budget and 3 points.
Each part has a fresh process.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import memray
import psutil

from application_sdk.monitoring import configure, flamegraph, flush, load_profile, memory_profile
from application_sdk.monitoring.engine.delivery import THREAD_NAME

MIB = 2**20
DEPTH = 60


def hand_over() -> None:
    """Time that profiling adds to a call, beside the bare call."""

    def work() -> None:
        pass

    watched = {
        "CPU, sampler": flamegraph(sample_rate=1.0, backend="sampler")(work),
        "CPU, pyinstrument": flamegraph(sample_rate=1.0, backend="pyinstrument")(work),
        "memory, rss": memory_profile(sample_rate=1.0, backend="rss")(work),
        "memory, memray": memory_profile(sample_rate=1.0, backend="memray")(work),
    }
    for label, call in watched.items():
        times = []
        for number in range(60):
            began = time.perf_counter()
            call()
            took = time.perf_counter() - began
            assert flush(60)
            if number >= 10:
                times.append(took)
        times.sort()
        print(f"  {label:18} median {median(times) * 1e3:6.2f} ms, 90 % {times[44] * 1e3:6.2f} ms")


def memray_hand_over() -> None:
    """Where the time of a memray capture goes, beside what memray itself takes on a thread.

    A first call has to start the tracker, and memray's own start is a part of its begin. It is
    taken in turns with the bare tracker, for both depend on the libraries that are loaded.
    """
    entered = left = 0.0

    def work() -> None:
        nonlocal entered, left
        entered = left = time.perf_counter()

    async def work_async() -> None:
        work()

    watched = memory_profile(sample_rate=1.0, backend="memray")(work)
    watched_async = memory_profile(sample_rate=1.0, backend="memray")(work_async)
    times: dict[str, tuple[list[float], list[float]]] = {}

    def note(label: str, begin: float, end: float) -> None:
        begins, ends = times.setdefault(label, ([], []))
        begins.append(begin * 1e3)
        ends.append(end * 1e3)

    def one_call(label: str) -> None:
        began = time.perf_counter()
        watched()
        note(label, entered - began, time.perf_counter() - left)

    def bare_tracker(file: Path) -> None:
        tracker = memray.Tracker(file)
        taken = []
        for step in (tracker.__enter__, lambda: tracker.__exit__(None, None, None)):
            thread = threading.Thread(target=step)
            began = time.perf_counter()
            thread.start()
            thread.join()
            taken.append(time.perf_counter() - began)
        file.unlink()
        note("memray alone, on a thread", taken[0], taken[1])

    async def async_calls() -> None:
        for _ in range(40):
            began = time.perf_counter()
            await watched_async()
            note("20 ms apart, async", entered - began, time.perf_counter() - left)
            await asyncio.sleep(0.02)

    for number in range(30):
        bare_tracker(Path(current_output, f"bare-{number}"))
        one_call("first call")
        assert flush(60)
    for label, pause in (("one after the other", 0.0), ("20 ms apart", 0.02)):
        for _ in range(40):
            one_call(label)
            time.sleep(pause)
        assert flush(60)
    asyncio.run(async_calls())
    assert flush(60)
    for label, columns in times.items():
        shown = [
            f"{name} {median(column):5.2f} ms (90 % {sorted(column)[int(len(column) * 0.9)]:5.2f})"
            for name, column in zip(("begin", "end"), columns, strict=True)
        ]
        print(f"  {label:26} {',  '.join(shown)}")


def many_calls() -> None:
    """Growth over 20,000 profiled calls, after the first 2,000 have warmed it up."""
    process = psutil.Process()

    @memory_profile(sample_rate=1.0, backend="rss", formats="json")
    @flamegraph(sample_rate=1.0, backend="sampler")
    def work(number: int) -> int:
        return sum(range(number % 1_000))

    def now() -> tuple[float, int, int]:
        assert flush(120)
        while any(thread.name == THREAD_NAME for thread in threading.enumerate()):
            time.sleep(0.01)  # it ends when there is nothing left to deliver
        gc.collect()
        return process.memory_info().rss / MIB, threading.active_count(), process.num_fds()

    called = 0
    # From some moment on the process tells others what it spends, with a thread and two files.
    for count in (2_000, 10_000, 10_000):
        for number in range(count):
            work(number)
            if not number % 500:
                assert flush(120)
        called += count
        rss, threads, files = now()
        print(f"  after {called:6,} calls: {rss:6.1f} MiB, {threads} threads, {files} files")


def long_call(seconds: float) -> None:
    """Growth during one call whose stacks change all the time, and the size of its JSON."""
    functions: list[Callable[[int, int], int]] = []
    for number in range(40):
        scope: dict[str, object] = {"functions": functions}
        # Many functions from one text, each of which calls on by the next pseudo-random number.
        exec(
            f"def step_{number}(left, seed):\n"
            "    if not left: return sum(range(2_000))\n"
            "    return functions[seed % 40](left - 1, (seed * 1103515245 + 12345) % 2**31)\n",
            scope,
        )
        functions.append(scope[f"step_{number}"])  # type: ignore[arg-type]
    process = psutil.Process()
    for backend in ("sampler", "pyinstrument"):
        peak = 0

        @flamegraph(sample_rate=1.0, backend=backend, interval=0.001, formats="json", name=backend)
        def work() -> None:
            nonlocal peak
            ends = time.monotonic() + seconds
            before = None
            while time.monotonic() < ends:
                for _ in range(200):
                    functions[0](DEPTH, random.randrange(2**31))
                rss = process.memory_info().rss
                if before is None and time.monotonic() > ends - seconds * 0.95:
                    before = rss
                peak = max(peak, rss - (before or rss))

        work()
        assert flush(60)
        (file,) = Path(current_output, backend).glob("*.json")
        cpu = load_profile(file).cpu
        assert cpu is not None
        print(
            f"  {backend:13} grew by {peak / MIB:5.1f} MiB in {seconds:.0f} s; JSON "
            f"{file.stat().st_size / MIB:.2f} MiB: {cpu.sample_count:,} samples, "
            f"{len(cpu.tree):,} nodes"
        )


def adaptive(seconds: float) -> None:
    """Call-heavy work with both decorators and everything at its defaults, beside none."""

    def work() -> int:
        def fibonacci(n: int) -> int:
            return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

        return fibonacci(15)

    watched = memory_profile(flamegraph(work))
    spent = {False: [0.0, 0], True: [0.0, 0]}
    ends = time.monotonic() + seconds
    turn = False
    watched()  # the first call is always profiled, and is no part of the steady state
    assert flush(60)
    while time.monotonic() < ends:
        turn = not turn
        call = watched if turn else work
        until = time.monotonic() + 0.5
        began = time.perf_counter()
        count = 0
        while time.monotonic() < until:
            call()
            count += 1
        spent[turn][0] += time.perf_counter() - began
        spent[turn][1] += count
    plain, with_it = (spent[turn][0] / spent[turn][1] for turn in (False, True))
    print(f"  {with_it / plain:.3f} times as long over {seconds:.0f} s, {spent[True][1]:,} calls")


current_output = ""

PARTS: dict[str, Callable[[float], object]] = {
    "hand-over (1 ms CPU, 2 ms memory)": lambda _: hand_over(),
    "memray, begin and end (2 ms beside memray's own start)": lambda _: memray_hand_over(),
    "20,000 calls (20 MB, constant)": lambda _: many_calls(),
    "one long call of changing stacks (10 MB, JSON 2 MB)": long_call,
    "adaptive (1.08)": adaptive,
}


def main() -> int:
    """Run each part in a process of its own."""
    global current_output
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for the long parts")
    parser.add_argument("--only", default="", help="a part of the parts' names")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        with tempfile.TemporaryDirectory() as directory:
            current_output = directory
            configure(output_dir=directory)
            PARTS[arguments.child](arguments.seconds)
        return 0
    code = 0
    for name in PARTS:
        if arguments.only in name:
            print(name, flush=True)
            command = [sys.executable, __file__, "--child", name, "--seconds"]
            code |= subprocess.run([*command, str(arguments.seconds)], check=False).returncode
    return code


if __name__ == "__main__":
    sys.exit(main())
