"""Measures the trend detector on many made-up series: how often it errs, and how late it is.

python -m benchmarks.leaks.measure_trend --seeds 100
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc

from application_sdk.monitoring import LeakTrend
from tests.leaks.series import CLEAN, DAILY, LEAKING, LEAKING_DAILY, Shape, readings

HOURS = 48.0
_LIMIT = 8 * 2**30
_NEVER = float("inf")


def first_times(shape: Shape, seed: int, noise: float | None = None) -> dict[str, float]:
    """The hour of the first verdict of each kind."""
    trend = LeakTrend(_LIMIT)
    found: dict[str, float] = {}
    for value, at in readings(shape, seed, HOURS, noise=noise):
        verdict = trend.observe(value, at)
        if verdict is not None:
            found.setdefault(verdict.verdict, at / 3600)
    return found


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--noise", type=float, help="MiB on each reading; left out, 0.5 to 4")
    arguments = parser.parse_args()
    seeds = range(arguments.seeds)
    for title, shapes, in_time in (
        ("clean", CLEAN, None),
        ("daily", DAILY, None),
        ("leaking", LEAKING, (6.0, 24.0)),
        ("leaking, daily", LEAKING_DAILY, (48.0, 48.0)),
    ):
        print(f"\n{title:45} suspected confirmed  (latest hour)")
        total = {"suspected": 0, "confirmed": 0}
        for name, shape in shapes.items():
            found = [first_times(shape, seed, arguments.noise) for seed in seeds]
            cells = []
            for place, kind in enumerate(total):
                hours = [times.get(kind, _NEVER) for times in found]
                until = in_time[place] if in_time else HOURS
                count = sum(hour <= until for hour in hours)
                total[kind] += count
                latest = max((hour for hour in hours if hour < _NEVER), default=0)
                cells.append(f"{count:3}/{len(seeds)} ({latest:4.1f})")
            print(f"  {name:43} {'  '.join(cells)}")
        share = len(shapes) * len(seeds)
        print(
            f"  {'all':43} {total['suspected'] / share:.1%} suspected, "
            f"{total['confirmed'] / share:.1%} confirmed" + (" in time" if in_time else "")
        )
    cost()
    return 0


def cost() -> None:
    """Print what a reading costs, and what the detector holds after a month."""
    series = list(readings(LEAKING["leaks"], 0, HOURS, 1.0))
    trend = LeakTrend(_LIMIT)
    start = time.perf_counter()
    for value, at in series:
        trend.observe(value, at)
    took = time.perf_counter() - start
    print(f"\nobserve: {took / len(series) * 1e6:.2f} us a reading, one a second for 48 h")
    tracemalloc.start()
    trend = LeakTrend(_LIMIT)
    for minute in range(30 * 24 * 60):
        trend.observe(3e8 + minute, minute * 60.0)
    print(f"memory after a month: {tracemalloc.get_traced_memory()[0] / 1024:.0f} KiB")


if __name__ == "__main__":
    sys.exit(main())
