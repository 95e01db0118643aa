"""Measures the watch of durations on made-up series: how often it errs, and how late it is.

python -m benchmarks.regressions.measure_durations --weeks 5 --seeds 20
"""

from __future__ import annotations

import argparse
import sys
from statistics import median

from tests.regressions.series import CLEAN, DAY, Shape, told

_BEGIN = 3 * 3600.0
_GIVEN = 3600.0


def minutes_until_told(shape: Shape, seed: int, factor: float, every: float) -> float | None:
    """How long a slow-down goes on before it is told; None when it is not within an hour."""
    series = told(shape, seed, _BEGIN + _GIVEN, factor=factor, at=_BEGIN, every=every)
    return next(
        (
            (second - _BEGIN) / 60
            for second, shift in series
            if second >= _BEGIN and shift.verdict == "slower"
        ),
        None,
    )


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=5, help="of each kind of series")
    parser.add_argument("--seeds", type=int, default=20, help="slow-downs of each kind")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between timed calls")
    parser.add_argument("--only", help="kinds, with commas between")
    arguments = parser.parse_args()
    every = arguments.every
    print("series        false alarms a week   +50 %: missed, median, latest   +100 %: the same")
    for name, shape in CLEAN.items():
        if arguments.only and name not in arguments.only.split(","):
            continue
        alarms = sum(
            shift.verdict == "slower"
            for seed in range(arguments.weeks)
            for _, shift in told(shape, seed, 7 * DAY, every=every)
        )
        cells = []
        for factor in (1.5, 2.0):
            seeds = range(arguments.seeds)
            found = [minutes_until_told(shape, seed, factor, every) for seed in seeds]
            late = [minutes for minutes in found if minutes is not None]
            missed = len(found) - len(late)
            times = f"{median(late):5.1f} {max(late):5.1f} min" if late else "never"
            cells.append(f"{missed:2} of {len(found)}, {times}")
        print(f"{name:14}{alarms / arguments.weeks:12.1f}          {'   '.join(cells)}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
