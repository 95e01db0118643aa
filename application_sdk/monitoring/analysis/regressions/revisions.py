"""Comparing the working tree with another revision, both in fresh processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from application_sdk.monitoring.analysis.regressions.callables import check_options
from application_sdk.monitoring.analysis.regressions.clock import Reading, costs
from application_sdk.monitoring.analysis.regressions.function_tests import CERTAIN_CHANGE, STORED
from application_sdk.monitoring.analysis.regressions.interleaving import Interleaving
from application_sdk.monitoring.analysis.regressions.process_profiles import profile_of
from application_sdk.monitoring.analysis.regressions.process_side import ProcessSide, Work
from application_sdk.monitoring.analysis.regressions.profiles import judge
from application_sdk.monitoring.analysis.regressions.verdicts import Comparison, FunctionVerdict
from application_sdk.monitoring.analysis.regressions.wording import comparison_of
from application_sdk.monitoring.analysis.regressions.worktree import checked_out, working_tree
from application_sdk.monitoring.model.profile import Profile

_MEASURING_SHARE = 0.75
_PROCESSES = (5, 3, 1)
_LONGEST_PROFILE_SECONDS = 4.0
_SHORT_PROFILE_SECONDS = 0.6
_ROUND_TRIP_SECONDS = 0.5


@dataclass(frozen=True)
class RevisionComparison:
    """What comparing with a revision found.

    Attributes:
        comparison: The verdict; with ``functions`` where the work was profiled.
        commit: The revision's full hash.
        baseline: Where the time of one call goes in the revision; None when not profiled.
        candidate: The same in the working tree.
    """

    comparison: Comparison
    commit: str
    baseline: Profile | None = None
    candidate: Profile | None = None


def compare_revisions(
    work: Work,
    revision: str,
    *,
    directory: Path | None = None,
    threshold: float = 0.05,
    max_seconds: float = 60.0,
    metric: str = "time",
    always_profile: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> RevisionComparison:
    """Measure the revision and the working tree in turn, A B B A, each time in a fresh process.

    A process's typical call is one measurement, so that what differs between processes of equal
    code (hash seeds, memory layout) counts as the noise that it is. When the verdict is a
    regression or an improvement, both are profiled to say which functions it lies in.

    Args:
        work: What to measure.
        revision: The baseline's revision, as git understands it.
        directory: Where to start from; left out, the current directory.
        threshold: The fraction by which the candidate may cost more.
        max_seconds: The most time to spend.
        metric: ``time`` or ``memory``.
        always_profile: Whether to profile both whatever the verdict.
        progress: Is told in words how far it has come.

    Raises:
        InvalidArgumentError: If an argument is not allowed.
        MonitoringError: If git or the work fails.
    """
    check_options(threshold, max_seconds, metric)
    begun = time.perf_counter()
    tree = working_tree(directory or Path.cwd())
    progress(f"checking {revision} out")
    with checked_out(revision, tree) as base:
        rounds = _Rounds(progress)
        sides = (
            ProcessSide(work, base, "baseline", metric, rounds.next),
            ProcessSide(work, tree, "candidate", metric, rounds.next),
        )
        for side in sides:
            # The first process also writes byte code and fills the file cache.
            side.measure()
        rounds.begin()
        outcome = Interleaving(*sides, threshold, begun + max_seconds * _MEASURING_SHARE).decide()
        comparison = comparison_of(
            outcome,
            threshold,
            more="slower" if metric == "time" else "larger",
            what="" if metric == "time" else "the peak of allocated bytes",
        )
        wanted = always_profile or comparison.verdict in ("regression", "improvement")
        name = work.profiled_as
        if not wanted or metric != "time" or name is None:
            return RevisionComparison(comparison, base.commit)
        progress("profiling both")
        left = begun + max_seconds - time.perf_counter()
        return _profiled(comparison, work, name, sides, left, threshold)


def _profiled(
    comparison: Comparison,
    work: Work,
    name: str,
    sides: tuple[ProcessSide, ProcessSide],
    left: float,
    threshold: float,
) -> RevisionComparison:
    # Several, for how far they differ tells a change from a mood; but each is to see enough.
    fitting = left / 2 / (_SHORT_PROFILE_SECONDS + _ROUND_TRIP_SECONDS)
    processes = next(count for count in _PROCESSES if count <= max(1.0, fitting))
    each = left / (2 * processes) - _ROUND_TRIP_SECONDS
    seconds = min(_LONGEST_PROFILE_SECONDS, max(0.1, each))
    answers: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for number in range(processes):
        for side in (0, 1) if number % 2 else (1, 0):
            tree, role = sides[side].checkout, sides[side].role
            answers[side].append(work.answer(tree, role, "stacks", seconds))
    # By the same clock as the verdict: the queue for a busy core differs from process to process,
    # and beside it no function would stand out.
    *spent, clock = costs(*([Reading(*each["reading"]) for each in told] for told in answers))
    parts = list(zip(sides, answers, spent, strict=True))
    runs = [
        [
            profile_of([answer], [cost], clock, side.checkout, name)
            for answer, cost in zip(told, seconds, strict=True)
        ]
        for side, told, seconds in parts
    ]
    changed = comparison.verdict in ("regression", "improvement")
    standard = CERTAIN_CHANGE if changed else STORED
    functions = judge(runs[0], runs[1], threshold, standard).functions
    whole = [profile_of(told, seconds, clock, side.checkout, name) for side, told, seconds in parts]
    return RevisionComparison(
        comparison.model_copy(
            update={
                "functions": functions,
                "explanation": comparison.explanation + _culprit(comparison, functions),
            }
        ),
        sides[0].checkout.commit,
        *whole,
    )


def _culprit(comparison: Comparison, functions: tuple[FunctionVerdict, ...]) -> str:
    hits = [each for each in functions if each.verdict == comparison.verdict]
    if comparison.verdict not in ("regression", "improvement"):
        return ""
    if not hits:
        return " No single function stands out."
    first = hits[0]
    change = "is new" if first.ratio is None else f"costs x {first.ratio:.2f}"
    return (
        f" Most of it is in {first.function} ({first.file}), which {change} and is now "
        f"{first.share * 100:.0f} % of the whole."
    )


class _Rounds:
    """Counts measurements for the progress."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._count: int | None = None

    def begin(self) -> None:
        """The warm-up is over."""
        self._count = 0

    def next(self) -> None:
        """One more measurement."""
        if self._count is None:
            self._progress("warming up")
            return
        self._count += 1
        self._progress(f"round {(self._count + 1) // 2}")
