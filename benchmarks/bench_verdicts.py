"""Measures how often verdicts on performance are wrong, beside the rules of others.

    python -m benchmarks.bench_verdicts --runs 3 -o results.json
    python -m benchmarks.bench_verdicts --only memory --runs 1
    python -m benchmarks.bench_verdicts --sum-up a.json b.json

Every pair of ``tests/regressions/corpus`` is compared by ``compare_callables`` in a process of its
own. The same rounds, and more of them up to a second a side, are then given as wall time to
pytest-benchmark's own check (``--benchmark-compare-fail``; left out where it is not installed:
`pip install pytest-benchmark`) and to Welch's t-test at 5 %. That is kind to them: in their usual
place the baseline was measured on another day. Memory has no timings, so only the library judges
it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from application_sdk.monitoring import compare_callables
from application_sdk.monitoring.analysis.regressions import callables, interleaving
from application_sdk.monitoring.analysis.regressions.clock import Reading
from application_sdk.monitoring.analysis.regressions.mean_test import mean_p_value
from tests.regressions.corpus.pairs import PAIRS, Pair

ROOT = Path(__file__).resolve().parents[1]
OURS = "compare_callables"
_TIMEOUT = 120
_FEWEST = 2
_THEIR_SECONDS = 1.0
"""What pytest-benchmark measures a side for, at the least."""


def main() -> int:
    """Run the measurement or, in a child, one pair of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1, help="comparisons of a pair (default 1)")
    parser.add_argument("--only", default="", help="only pairs whose name contains this")
    parser.add_argument("--part", default="1/1", help="every n-th pair only, such as 2/6")
    parser.add_argument("-o", "--output", help="write the results as JSON")
    parser.add_argument("--sum-up", nargs="+", metavar="FILE", help="sum results up, run nothing")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(compare(PAIRS[arguments.one])))
        return 0
    if arguments.sum_up:
        files = [json.loads(Path(name).read_text("utf-8")) for name in arguments.sum_up]
        return sum_up([result for file in files for result in file])
    part, parts = map(int, arguments.part.split("/"))
    names = [name for name in PAIRS if arguments.only in name][part - 1 :: parts]
    results = [_in_child(name) for _ in range(arguments.runs) for name in names]
    if arguments.output:
        Path(arguments.output).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return sum_up(results)


def compare(pair: Pair) -> dict[str, Any]:
    """What the library and the others say of one pair."""
    sides: list[_Recorded] = []
    surplus: list[float] = []

    class Recorded(interleaving.Interleaving):
        """Remembers the rounds, and adds some for the others once it has decided."""

        def __init__(self, baseline: Any, candidate: Any, *rest: Any) -> None:
            sides.extend([_Recorded(baseline), _Recorded(candidate)])
            super().__init__(sides[0], sides[1], *rest)

        def decide(self) -> interleaving.Outcome:
            outcome = super().decide()
            begun = time.perf_counter()
            while sum(reading.wall for reading in sides[0].readings) < _THEIR_SECONDS:
                for side in sides:
                    side.measure()
            surplus.append(time.perf_counter() - begun)
            return outcome

    with pair.company(), mock.patch.object(callables, "Interleaving", Recorded):
        begun = time.perf_counter()
        comparison = compare_callables(
            pair.baseline, pair.candidate, threshold=pair.threshold, metric=pair.metric
        )
        seconds = time.perf_counter() - begun - sum(surplus)
    verdicts: dict[str, str] = {OURS: comparison.verdict}
    if sides:
        walls = [[reading.wall for reading in side.readings] for side in sides]
        verdicts |= {name: rule(*walls) for name, rule in rules().items()}
    return {
        "pair": pair.name,
        "seconds": seconds,
        "ratio": comparison.ratio,
        "verdicts": verdicts,
        "explanation": comparison.explanation,
    }


class _Recorded:
    """A side that remembers what it measured."""

    def __init__(self, side: interleaving.Side) -> None:
        self._side = side
        self.readings: list[Reading] = []

    def measure(self) -> Reading:
        """Do the work once more and say what it cost."""
        reading = self._side.measure()
        self.readings.append(reading)
        return reading


Rule = Callable[[Sequence[float], Sequence[float]], str]


def rules() -> dict[str, Rule]:
    """The others' rules, by name; each judges two series of wall times."""
    found: dict[str, Rule] = {}
    try:
        # By name: the package is not among the development tools, for its plugin acts on any run.
        stats = importlib.import_module("pytest_benchmark.stats")
        utils = importlib.import_module("pytest_benchmark.utils")
    except ImportError:
        pass
    else:

        def threshold_on(field: str, percent: float) -> Rule:
            check = utils.PercentageRegressionCheck(field, percent)

            def rule(low: Sequence[float], high: Sequence[float]) -> str:
                before, after = stats.Stats(), stats.Stats()
                before.data, after.data = list(low), list(high)
                old, new = ({field: getattr(side, field)} for side in (before, after))
                if check.fails(new, old):
                    return "regression"
                return "improvement" if check.fails(old, new) else "unchanged"

            return rule

        for field, percent in (("mean", 5.0), ("min", 5.0), ("mean", 10.0), ("min", 10.0)):
            found[f"pytest-benchmark {field}:{percent:g}%"] = threshold_on(field, percent)
    found["t-test, p < 0.05"] = t_test
    return found


def t_test(low: Sequence[float], high: Sequence[float]) -> str:
    """Welch's two-sided test of equal means; hundreds of rounds make it a normal one."""
    if len(low) < _FEWEST:
        return "inconclusive"
    if mean_p_value(low, high, 1.0) < 0.025:
        return "regression"
    return "improvement" if mean_p_value(high, low, 1.0) < 0.025 else "unchanged"


def _in_child(name: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_verdicts", "--one", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{name}: {done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    verdict = result["verdicts"][OURS]
    mark = "  " if verdict in PAIRS[name].allowed else "!!"
    ratio = "" if result["ratio"] is None else f"x {result['ratio']:.3f}"
    print(f"{mark} {name:48} {verdict:12} {ratio:8} {result['seconds']:5.1f} s", flush=True)
    return result


class _Column(NamedTuple):
    title: str
    holds: Callable[[Pair], bool]
    wrong: Callable[[str], bool]


_COLUMNS = (
    _Column("equal: slower", lambda p: p.change == 0, lambda v: v == "regression"),
    _Column("equal: faster", lambda p: p.change == 0, lambda v: v == "improvement"),
    _Column("+3 %: slower", lambda p: p.change == 0.03, lambda v: v == "regression"),
    _Column("+10 % and more: missed", lambda p: p.change >= 0.1, lambda v: v != "regression"),
    _Column("less: missed", lambda p: p.change < 0, lambda v: v != "improvement"),
    _Column("inconclusive", lambda _: True, lambda v: v == "inconclusive"),
)


def sum_up(results: Sequence[dict[str, Any]]) -> int:
    """Print the table of error rates; 1 when a verdict of the library's was wrong."""
    by_rule: dict[str, list[tuple[Pair, str]]] = defaultdict(list)
    for result in results:
        pair = PAIRS[result["pair"]]
        for rule, verdict in result["verdicts"].items():
            # A smaller threshold than the others' is not theirs to be measured by.
            name = f"{rule}, memory" if pair.metric == "memory" else rule
            by_rule[name].append((pair, verdict))
    print("\n| rule | " + " | ".join(column.title for column in _COLUMNS) + " |")
    print("|---|" + "---:|" * len(_COLUMNS))
    for rule, judged in by_rule.items():
        cells = [_cell(column, judged) for column in _COLUMNS]
        print(f"| {rule} | {' | '.join(cells)} |")
    seconds = sorted(result["seconds"] for result in results)
    print(
        f"\n{len(results)} comparisons of {len({r['pair'] for r in results})} pairs; seconds each: "
        f"median {statistics.median(seconds):.1f}, most {math.ceil(seconds[-1])}"
    )
    wrong = [r for r in results if r["verdicts"][OURS] not in PAIRS[r["pair"]].allowed]
    for result in wrong:
        print(f"!! {result['pair']}: {result['explanation']}")
    return 1 if wrong else 0


def _cell(column: _Column, judged: Sequence[tuple[Pair, str]]) -> str:
    asked = [
        verdict
        for pair, verdict in judged
        # At a threshold of 1 %, +3 % is a regression and to be called one.
        if column.holds(pair) and not (pair.change == 0.03 and pair.threshold < 0.03)
    ]
    if not asked:
        return "-"
    return f"{sum(map(column.wrong, asked))} of {len(asked)}"


if __name__ == "__main__":
    raise SystemExit(main())
