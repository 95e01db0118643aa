"""Records the memory of a real workload over hours, for tests of the trend detector.

    python -m benchmarks.leaks.record_series crawl --hours 2 -o tests/leaks/recorded/crawl.json

The workloads are busy for a small part of the time. A recording can be played back slower
than it was made, so that two hours stand for a day.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import functools
import itertools
import json
import os
import queue
import random
import sqlite3
import sys
import sysconfig
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

LEAK_BYTES_PER_SECOND = 120 * 2**20 / 3600
"""Ten MB an hour when two hours are played back as a day."""

_SECONDS_BETWEEN_READINGS = 5.0
_IDLE_SHARE = 20

kept: list[bytes] = []


def crawl() -> Iterator[None]:
    """Parse installed packages into a database, one file at a time."""
    database = sqlite3.connect(":memory:")
    database.execute("create table item (file text, name text primary key)")
    files = list(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    for file in itertools.cycle(files):
        tree = ast.parse(file.read_text(encoding="utf-8", errors="replace"))
        names = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        rows = [(file.name, f"{file.name}.{name}") for name in names]
        database.executemany("insert or replace into item values (?, ?)", rows)
        database.commit()
        yield


def service() -> Iterator[None]:
    """Answer bursts of requests on an event loop, more of them at some times than at others."""
    loop = asyncio.new_event_loop()

    async def answer(number: int) -> str:
        body = {"id": number, "rows": [{"n": i, "text": "x" * 50} for i in range(200)]}
        await asyncio.sleep(random.random() / 50)
        return json.dumps(json.loads(json.dumps(body)))

    async def burst(size: int) -> None:
        await asyncio.gather(*(answer(number) for number in range(size)))

    while True:
        loop.run_until_complete(burst(random.choice((1, 2, 5, 10, 40, 120))))
        yield


def transform() -> Iterator[None]:
    """Group and sort tables of rows that are dropped again."""
    while True:
        rows = [
            {"key": random.randrange(500), "value": random.random(), "text": "t" * 30}
            for _ in range(random.choice((2_000, 20_000, 80_000)))
        ]
        groups: defaultdict[Any, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            groups[row["key"]].append(row)
        for group in groups.values():
            group.sort(key=lambda row: row["value"])
            yield


@functools.lru_cache(maxsize=60_000)
def rendered(number: int) -> str:
    """What the cached workload looks up."""
    return f"{number}: " + "page " * (number % 150)


def cached() -> Iterator[None]:
    """Look up pages through a bounded cache that takes a while to fill."""
    while True:
        for _ in range(20):
            rendered(int(random.paretovariate(0.6)) % 200_000)
        yield


def threads() -> Iterator[None]:
    """Hand work to threads through a queue."""
    work: queue.Queue[int] = queue.Queue(1_000)

    def worker() -> None:
        while True:
            size = work.get()
            bytearray(size * 1_000).translate(None)

    for _ in range(6):
        threading.Thread(target=worker, daemon=True).start()
    while True:
        for _ in range(random.choice((1, 10, 60))):
            work.put(random.randrange(10, 3_000))
        yield


WORKLOADS: dict[str, Callable[[], Iterator[None]]] = {
    workload.__name__: workload for workload in (crawl, service, transform, cached, threads)
}


def main() -> int:
    """Run one workload and record it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=list(WORKLOADS))
    parser.add_argument("--leaks", action="store_true", help="leak beside the work")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    series: list[tuple[float, int]] = []
    process = psutil.Process()
    began = last = time.monotonic()
    next_reading = began
    for _ in WORKLOADS[arguments.workload]():
        now = time.monotonic()
        if arguments.leaks:
            kept.append(bytes(int((now - last) * LEAK_BYTES_PER_SECOND)))
        if now >= next_reading:
            series.append((round(now - began, 1), process.memory_info().rss // 1024))
            next_reading = now + _SECONDS_BETWEEN_READINGS
            # Kept up to date, so that a recording that is cut short is a recording too.
            write(Path(arguments.output), arguments, series)
        if now - began > arguments.hours * 3600:
            break
        time.sleep(min(1.0, (now - last) / 2 + 0.005 * _IDLE_SHARE))
        last = now
    return 0


def write(path: Path, arguments: argparse.Namespace, series: list[tuple[float, int]]) -> None:
    """Write a recording: seconds since its begin, and the resident set in KiB."""
    recording = {
        "workload": arguments.workload,
        "leaks": arguments.leaks,
        "python": ".".join(map(str, sys.version_info[:3])),
        "series": series,
    }
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(recording, separators=(",", ":")) + "\n", encoding="utf-8")
    os.replace(partial, path)


if __name__ == "__main__":
    sys.exit(main())
