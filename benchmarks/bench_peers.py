"""What each profiler costs the same programs, in one run beside the plain program.

Goals: the sampler at most 1.02 (geometric mean) and 1.06 (worst) of plain; the pyinstrument
backend at most 1.05 of raw pyinstrument; a memory capture at most 1.05 of a raw memray tracker.
Peers are measured where they are installed (`pip install ddtrace pyroscope-io yappi`).

Every pair of a program and a profiler has a fresh process, in which plain and profiled stretches of
two seconds take turns; the ratio is the median of each profiled one to the mean of its plain
neighbours, in CPU time of the process, threads of profilers included. What a backend takes beside
the profiler that it uses is told best in turns with that one:

    python -m benchmarks.bench_peers --only "our memray" --beside "raw memray"
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import importlib.util
import inspect
import json
import math
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

from application_sdk.monitoring import configure, flamegraph, flush, memory_profile

STRETCH_SECONDS = 2.0

Program = Callable[[], object]


class Task:
    """A task of a small scheduler."""

    def __init__(self, priority: int) -> None:
        self.priority = priority
        self.ticks = 0

    def runnable(self) -> bool:
        """Whether its turn has come."""
        return self.ticks % 3 != self.priority % 3

    def tick(self) -> int:
        """One turn."""
        self.ticks += 1
        return self.priority if self.runnable() else 0


def calls() -> object:
    """Recursion: nothing but calls."""

    def fibonacci(n: int) -> int:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    return fibonacci(33)


def methods() -> object:
    """Small methods of small objects."""
    tasks = [Task(n) for n in range(100)]
    return sum(task.tick() for _ in range(45_000) for task in tasks)


def json_round_trips() -> object:
    """Native code in small pieces."""
    data = [{"id": i, "name": f"name {i}", "tags": ["a", "b"]} for i in range(1_000)]
    return [len(json.loads(json.dumps(data))) for _ in range(400)]


def rows() -> object:
    """Dictionaries by the hundred thousand."""
    groups: dict[int, int] = {}
    for row in [{"key": i % 97, "value": i} for i in range(1_700_000)]:
        groups[row["key"]] = groups.get(row["key"], 0) + row["value"]
    return groups


async def _leaf(n: int) -> int:
    await asyncio.sleep(0)
    return n


async def tasks() -> object:
    """Tasks by the thousand, in a coroutine that is profiled itself."""
    return sum([sum(await asyncio.gather(*map(_leaf, range(100)))) for _ in range(1_200)])


def gathers() -> object:
    """The same inside a function that is profiled, with its loop."""
    return asyncio.run(tasks())


def database() -> object:
    """SQLite in memory."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (a integer, b text)")
        connection.executemany("insert into t values (?, ?)", ((n, str(n)) for n in range(450_000)))
        found = connection.execute("select b, sum(a) from t group by a % 100").fetchall()
    connection.close()
    return found


PROGRAMS = (calls, methods, json_round_trips, rows, gathers, tasks, database)


@contextmanager
def _ddtrace() -> Iterator[None]:
    from ddtrace.profiling import Profiler  # type: ignore[import-not-found,unused-ignore]

    profiler = Profiler()
    profiler.start()
    yield
    profiler.stop(flush=False)


@contextmanager
def _pyroscope() -> Iterator[None]:
    import pyroscope  # type: ignore[import-not-found,unused-ignore]

    pyroscope.configure(application_name="bench", server_address="http://127.0.0.1:9")
    yield
    pyroscope.shutdown()


@contextmanager
def _yappi() -> Iterator[None]:
    import yappi  # type: ignore[import-not-found,unused-ignore]

    yappi.start()
    yield
    yappi.stop()
    yappi.clear_stats()


@contextmanager
def _c_profile() -> Iterator[None]:
    profiler = cProfile.Profile()
    profiler.enable()
    yield
    profiler.disable()


@contextmanager
def _tracemalloc() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@contextmanager
def _raw_pyinstrument() -> Iterator[None]:
    from pyinstrument import Profiler

    # The interval of the backend's default, and no mode for asyncio, which the programs start.
    profiler = Profiler(interval=0.01, async_mode="disabled")
    profiler.start()
    yield
    profiler.stop()


@contextmanager
def _raw_memray() -> Iterator[None]:
    import memray

    with tempfile.TemporaryDirectory() as directory, memray.Tracker(Path(directory, "capture")):
        yield


@contextmanager
def _bare_thread() -> Iterator[None]:
    done = threading.Event()

    def wake() -> None:
        while not done.wait(0.01):
            pass

    thread = threading.Thread(target=wake)
    thread.start()
    yield
    done.set()
    thread.join()


def _plainly(program: Program) -> Program:
    """The program as a function, with a loop around it where it needs one."""
    if inspect.iscoroutinefunction(program):
        return lambda: asyncio.run(program())
    return program


def _inside(manager: Callable[[], Any]) -> Callable[[Program], Program]:
    def around(program: Program) -> Program:
        plain = _plainly(program)

        def run() -> object:
            with manager():
                return plain()

        return run

    return around


PROFILERS: dict[str, tuple[str, Callable[[Program], Program]]] = {
    # It wakes as often as the sampler and does nothing: the floor of any sampler in the process.
    "a bare thread": ("", _inside(_bare_thread)),
    "our sampler": ("", flamegraph(sample_rate=1.0, backend="sampler")),
    "our pyinstrument": ("", flamegraph(sample_rate=1.0, backend="pyinstrument")),
    "raw pyinstrument": ("pyinstrument", _inside(_raw_pyinstrument)),
    "ddtrace": ("ddtrace", _inside(_ddtrace)),
    "Pyroscope": ("pyroscope", _inside(_pyroscope)),
    "cProfile": ("", _inside(_c_profile)),
    "yappi": ("yappi", _inside(_yappi)),
    "our memray": ("memray", memory_profile(sample_rate=1.0, backend="memray")),
    "raw memray": ("memray", _inside(_raw_memray)),
    "tracemalloc": ("", _inside(_tracemalloc)),
    "adaptive, both": ("", lambda program: memory_profile(flamegraph(program))),
}


def child(program: Program, profiler: str, rounds: int, beside: str) -> None:
    """Measure one pair, turn by turn in one process; prints the ratio."""
    with tempfile.TemporaryDirectory() as directory:
        configure(output_dir=directory, formats="json")
        watched = _plainly(PROFILERS[profiler][1](program))
        program = _plainly(PROFILERS[beside][1](program) if beside else program)
        once = _cpu_seconds(program, 1)
        _cpu_seconds(watched, 2)  # warms up, imports and calibrates
        times = max(1, round(STRETCH_SECONDS / once))
        ratios = []
        before = _cpu_seconds(program, times)
        for _ in range(rounds):
            profiled, after = _cpu_seconds(watched, times), _cpu_seconds(program, times)
            ratios.append(2 * profiled / (before + after))
            before = after
    print(median(ratios))


def _cpu_seconds(program: Program, times: int) -> float:
    taken = 0.0
    for _ in range(times):
        began = time.process_time()
        program()
        taken += time.process_time() - began
        # Writing is off the caller's path, and raw profilers write nothing here.
        flush()
    return taken


def main() -> int:
    """Print a row for each profiler."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", help="a part of the profilers' names")
    parser.add_argument(
        "--beside",
        choices=PROFILERS,
        default="",
        metavar="PROFILER",
        help="instead of beside the plain programs",
    )
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        program, profiler = arguments.child
        known = {each.__name__: each for each in PROGRAMS}
        child(known[program], profiler, arguments.rounds, arguments.beside)
        return 0
    names = [program.__name__ for program in PROGRAMS]
    print(
        f"{'ratio to ' + (arguments.beside or 'plain'):18}",
        *(f"{name:>16}" for name in names),
        f"{'mean':>7}",
        sep="",
    )
    for profiler, (module, _) in PROFILERS.items():
        if arguments.only and arguments.only not in profiler:
            continue
        if module and importlib.util.find_spec(module) is None:
            print(f"{profiler:18} left out: {module} is not installed")
            continue
        ratios = [_measure(name, profiler, arguments.rounds, arguments.beside) for name in names]
        cells = [f"{'failed' if math.isnan(r) else format(r, '.3f'):>16}" for r in ratios]
        valid = [ratio for ratio in ratios if not math.isnan(ratio)]
        mean = f"{geometric_mean(valid):7.3f}" if valid else ""
        print(f"{profiler:18}", *cells, mean, sep="", flush=True)
    return 0


def _measure(program: str, profiler: str, rounds: int, beside: str) -> float:
    command = [sys.executable, __file__, "--child", program, profiler, "--rounds", str(rounds)]
    done = subprocess.run(
        [*command, "--beside", beside] if beside else command,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stderr[-500:], file=sys.stderr)
        return math.nan
    return float(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
