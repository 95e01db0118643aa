"""Profiles ten thousand calls, and fails if any of the memory that this takes stays behind.

Takes two to three minutes; run by `make leak-check`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from application_sdk.monitoring import configure, flamegraph, flush, memory_profile
from application_sdk.monitoring.analysis.leaks.conclusion import TYPICAL_OBJECT_BYTES
from application_sdk.monitoring.analysis.leaks.readings import HeapReader, Readings, frozen_heap
from application_sdk.monitoring.analysis.leaks.statistics import block_trend

MOST_BYTES_PER_CALL = 64.0
_READINGS = 20
_WARM_UP_CALLS = 1_000
"""Until then the bounded caches of templates, patterns and source lines have filled."""


def work() -> int:
    """What is profiled: a few allocations and a few calls."""
    rows = [{"id": number, "name": f"row {number}"} for number in range(50)]
    return sum(len(str(row)) for row in rows)


WAYS: dict[str, tuple[Callable[[], int], int]] = {
    "flamegraph, pyinstrument": (flamegraph(sample_rate=1.0, backend="pyinstrument")(work), 10_000),
    "flamegraph, sampler": (flamegraph(sample_rate=1.0, backend="sampler")(work), 10_000),
    "memory_profile, rss": (memory_profile(sample_rate=1.0, backend="rss")(work), 10_000),
    "memory_profile, memray": (memory_profile(sample_rate=1.0)(work), 2_000),
    "both, at the default rate": (memory_profile(flamegraph(work)), 200_000),
}


def bytes_per_call(profiled: Callable[[], int], calls: int) -> float:
    """How much of the live heap each call leaves behind."""
    for _ in range(_WARM_UP_CALLS):
        profiled()
        flush()
    part = max(1, calls // _READINGS)
    readings = Readings(_READINGS + 1)
    # What is on its way to a file is not a leak.
    reader = HeapReader(before_reading=flush)
    with frozen_heap():
        readings.add(0, reader.read())
        for index in range(_READINGS):
            for _ in range(part):
                profiled()
                if calls <= 20_000:
                    flush()
            readings.add((index + 1) * part, reader.read())
    levels = [
        blocks * TYPICAL_OBJECT_BYTES + native
        for blocks, native in zip(readings.blocks, readings.native, strict=True)
    ]
    trend = block_trend(list(readings.calls), levels)
    # The typical step counts, as in ``check_leaks``: names that live for one call make the
    # interpreter's table of interned strings outgrow its memory once, by a mebibyte.
    return max(0.0, min(trend.slope.value, trend.net, trend.steady))


def main() -> int:
    """Check every way of profiling."""
    failed = []
    with tempfile.TemporaryDirectory() as directory:
        configure(
            output_dir=directory, formats="json", max_stored_profiles=20, leak_detection=False
        )
        for name, (profiled, calls) in WAYS.items():
            start = time.perf_counter()
            growth = bytes_per_call(profiled, calls)
            verdict = "clean" if growth < MOST_BYTES_PER_CALL else "LEAKS"
            print(
                f"{name:28} {calls:7,} calls, {time.perf_counter() - start:5.0f} s: "
                f"{growth:6.1f} bytes a call, {verdict}",
                flush=True,
            )
            if growth >= MOST_BYTES_PER_CALL:
                failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
