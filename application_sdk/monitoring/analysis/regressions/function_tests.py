"""Which functions' own costs changed, beyond noise and beyond a floor."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import fmean, median, variance

from application_sdk.monitoring.analysis.regressions.false_discovery import discoveries
from application_sdk.monitoring.analysis.regressions.function_costs import SideCosts
from application_sdk.monitoring.analysis.regressions.function_matching import Identity
from application_sdk.monitoring.analysis.regressions.rank_tests import normal_tail
from application_sdk.monitoring.analysis.regressions.verdicts import Verdict

SUSPICION_RATE = 0.02
"""What is found at this rate of false discoveries and not at the standard's is no finding, and not
unchanged either."""

LEAST_SAMPLES = 40
"""Both sides together."""

LEAST_RELATIVE = 0.20
LEAST_RELATIVE_OF_ONE = 0.35
"""With one profile a side nothing tells how far two runs of equal code differ: in step with a
periodic program a sampler was seen to misplace a third of a function's samples."""

LEAST_SHARE = 0.005

_MOST_DISPERSION = 10.0
_FUNCTIONS_FOR_SCALE = 8
_FUNCTIONS_FOR_DISPERSION = 6
_RUNS_FOR_SPREAD = 3
_MEDIAN_OF_CHI_SQUARE = 0.4549
_LEAST_DISPERSION = 1.5
_DEFAULT_DISPERSION = 3.0
_PACE_STEPS = 3
_CLEAR = 2.5
_LEAST_KNOWN_PACE = 0.2
"""A pace less certain than this is none."""


@dataclass(frozen=True)
class Standard:
    """How much it takes for a finding.

    Attributes:
        false_discoveries: Of the findings, so many may be wrong; in equal code so many comparisons
            have any, and the floors and the callers' filter have still to let it pass.
        dispersion: What the samples' variance is to Poisson's where few functions tell it.
    """

    false_discoveries: float
    dispersion: float


STORED = Standard(false_discoveries=0.002, dispersion=_DEFAULT_DISPERSION)
"""For profiles of any sampler, and to say whether anything changed. A gate must not cry wolf."""

CERTAIN_CHANGE = Standard(false_discoveries=SUSPICION_RATE, dispersion=_LEAST_DISPERSION)
"""To name the functions of a change that is certain already, from samples at random times."""


@dataclass(frozen=True)
class Change:
    """One function on both sides.

    Attributes:
        before: Self value per run of the baseline, scaled to the candidate's general pace.
        after: Self value per run of the candidate.
        error: Standard error of the difference.
        p_value: Two-sided, against no change.
        verdict: What became of it; ``inconclusive`` also where it may well have changed.
    """

    identity: Identity
    before: float
    after: float
    error: float
    p_value: float
    verdict: Verdict

    @property
    def suspected(self) -> bool:
        """Whether it may well cost more, which the samples are too few to say."""
        return self.verdict == "inconclusive" and self.p_value < 1.0 and self.after > self.before


@dataclass(frozen=True)
class Pace:
    """How much slower the candidate's runs were in general.

    Attributes:
        factor: Candidate / baseline of what did not change.
        error: Its standard error, relative.
        known: Whether it was measured; else it is taken to be 1.
    """

    factor: float
    error: float
    known: bool


def pace(before: SideCosts, after: SideCosts) -> Pace:
    """How much slower the candidate's runs were in general.

    A machine's mood and a different amount of work move all functions alike, so this is the ratio
    of what the unchanged functions cost together: those near the median ratio, then those near
    the ratio of these, and all that were seen too seldom to be told apart. With few functions
    that could be the very one that changed; then the pace is 1. A general pace shows in the
    whole, so it never goes beyond the whole's ratio.
    """
    both = sorted(before.own.keys() & after.own.keys())
    seen = [key for key in both if _seen_enough(before, after, key)]
    rare = [key for key in both if key not in set(seen)]
    calm = seen if len(seen) >= _FUNCTIONS_FOR_SCALE else []
    scale = median([after.mean(k) / before.mean(k) for k in calm if before.mean(k)] or [0.0])
    for _ in range(_PACE_STEPS):
        if not scale:
            break
        rough = Pace(scale, 0.0, known=True)
        calm = [
            key
            for key in seen
            if abs(after.mean(key) - scale * before.mean(key))
            < _CLEAR * _error(before, after, key, rough, _DEFAULT_DISPERSION)
        ]
        scale = _ratio(before, after, [*calm, *rare])
    steady = [*calm, *rare]
    error = _pace_error(before, after, steady)
    if len(steady) < _FUNCTIONS_FOR_SCALE or error > _LEAST_KNOWN_PACE:
        return Pace(1.0, 0.0, known=False)
    scale = _ratio(before, after, steady)
    whole = after.total / before.total
    return Pace(min(max(scale, min(1.0, whole)), max(1.0, whole)), error, known=True)


def _ratio(before: SideCosts, after: SideCosts, keys: list[Identity]) -> float:
    cost = sum(map(before.mean, keys))
    return sum(map(after.mean, keys)) / cost if cost else 0.0


def _pace_error(before: SideCosts, after: SideCosts, keys: list[Identity]) -> float:
    """The relative standard error of the ratio of what some functions cost together."""
    counts = [sum(_samples(side, key) for key in keys) for side in (before, after)]
    if not all(counts):
        return math.inf
    return math.sqrt(_DEFAULT_DISPERSION * sum(1.0 / count for count in counts))


def changes(
    before: SideCosts,
    after: SideCosts,
    general: Pace,
    threshold: float,
    standard: Standard = STORED,
) -> tuple[list[Change], float]:
    """Test every function seen often enough; also says the dispersion that was used.

    Samples in a function are counts, but of stretches rather than of single events, so their
    variance is a multiple of Poisson's. The multiple is estimated from all functions together:
    most of them did not change. Benjamini-Hochberg bounds the false discoveries.

    Source:
        Overdispersed counts: P. McCullagh and J. A. Nelder, *Generalized Linear Models* (1989),
        6.2; the spread of unchanged cases as the yardstick: B. Efron, Journal of the American
        Statistical Association 99 (2004), 96-104.
    """
    scale = general.factor
    keys = sorted(before.own.keys() | after.own.keys())
    plain = {key: _error(before, after, key, general, 1.0) for key in keys}
    tested = [key for key in keys if _seen_enough(before, after, key)]
    squares = [((after.mean(k) - scale * before.mean(k)) / plain[k]) ** 2 for k in tested]
    dispersion = _dispersion(squares, standard.dispersion)
    found: list[Change] = []
    p_values = []
    for key in tested:
        error = _error(before, after, key, general, dispersion)
        gap = after.mean(key) - scale * before.mean(key)
        p_values.append(min(1.0, 2 * normal_tail(abs(gap) / error)))
    rejected = dict(zip(tested, discoveries(p_values, standard.false_discoveries), strict=True))
    likely = dict(zip(tested, discoveries(p_values, SUSPICION_RATE), strict=True))
    p_by_key = dict(zip(tested, p_values, strict=True))
    for key in keys:
        error = _error(before, after, key, general, dispersion)
        old, new = scale * before.mean(key), after.mean(key)
        verdict: Verdict = "unchanged"
        if likely.get(key) and _beyond_floors(before, after, scale, old, new, threshold):
            verdict = "regression" if new > old else "improvement"
        elif key not in rejected and max(old, new) > LEAST_SHARE * after.total:
            verdict = "inconclusive"
        found.append(Change(key, old, new, error, p_by_key.get(key, 1.0), verdict))
    real = [_without_refactoring(change, before, after, general, dispersion) for change in found]
    return [
        change
        if rejected.get(change.identity, True) or change.verdict == "unchanged"
        else replace(change, verdict="inconclusive")
        for change in real
    ], dispersion


def _beyond_floors(
    before: SideCosts, after: SideCosts, scale: float, old: float, new: float, threshold: float
) -> bool:
    runs = min(before.runs, after.runs)
    least = LEAST_RELATIVE if runs >= _RUNS_FOR_SPREAD else LEAST_RELATIVE_OF_ONE
    relative = 1.0 + max(least, threshold)
    whole = min(after.total, scale * before.total)
    return max(old, new) >= relative * min(old, new) and abs(new - old) >= LEAST_SHARE * whole


def _without_refactoring(
    change: Change, before: SideCosts, after: SideCosts, general: Pace, dispersion: float
) -> Change:
    """Unchanged after all when some caller's total did not move along: work only changed hands."""
    if change.verdict not in ("regression", "improvement"):
        return change
    gap, scale = change.after - change.before, general.factor
    side, own = (after, change.after) if gap > 0 else (before, change.before / scale)
    # The function itself first: what it gives to a new callee, or takes back, stays in its total.
    holders = {change.identity: own, **side.under.get(change.identity, {})}
    for caller, part in holders.items():
        if part < 0.9 * own:
            continue  # Most of the change may lie below other callers.
        old, new = scale * before.totals.get(caller, 0.0), after.totals.get(caller, 0.0)
        counts = dispersion * (scale * before.unit * old + after.unit * new)
        noise = math.sqrt(counts + (general.error * old) ** 2)
        visible = abs(gap) / 2 >= _CLEAR * noise
        moved_along = (new - old) * math.copysign(1.0, gap)
        if visible and moved_along < abs(gap) / 2:
            return replace(change, verdict="unchanged")
    return change


def _seen_enough(before: SideCosts, after: SideCosts, key: Identity) -> bool:
    # By the sum, which says nothing about the difference: choosing by the larger side would
    # choose those that differ by chance.
    return _samples(before, key) + _samples(after, key) >= LEAST_SAMPLES


def _samples(side: SideCosts, key: Identity) -> float:
    return side.mean(key) * side.runs / side.unit if side.unit else 0.0


def _error(
    before: SideCosts, after: SideCosts, key: Identity, general: Pace, dispersion: float
) -> float:
    """Standard error of the difference: from the counts, or from run to run where that is more."""
    scale = general.factor
    floor = 0.5 * (scale * before.unit / before.runs + after.unit / after.runs)
    counts = dispersion * (
        scale * scale * before.mean(key) * before.unit / before.runs
        + after.mean(key) * after.unit / after.runs
    )
    between = 0.0
    if min(before.runs, after.runs) >= _RUNS_FOR_SPREAD:
        between = scale * scale * _spread(before, key, general) + _spread(after, key, general)
    of_pace = (general.error * scale * before.mean(key)) ** 2
    return max(floor, math.sqrt(max(counts, between) + of_pace))


def _spread(side: SideCosts, key: Identity, general: Pace) -> float:
    """The variance of the function's mean, by how far its runs differ."""
    values = side.own.get(key)
    if not values or not fmean(values):
        return 0.0
    rest = [total - value for total, value in zip(side.run_totals, values, strict=True)]
    if general.known and min(rest) > 0.0:
        # A run's mood moves all its functions, so the others tell it: what is left is the
        # function's own. It counts only where the sides' moods are taken out, too.
        mood = fmean(rest)
        values = [value * mood / other for value, other in zip(values, rest, strict=True)]
    return variance(values) / side.runs


def _dispersion(squares: list[float], default: float) -> float:
    # Few functions say little about the spread, but what they say upwards is heeded: a sampler
    # in step with a periodic program piles samples up on a few of them.
    least = _LEAST_DISPERSION if len(squares) >= 2 * _FUNCTIONS_FOR_SCALE else default
    if len(squares) < _FUNCTIONS_FOR_DISPERSION:
        return least
    return min(_MOST_DISPERSION, max(least, median(squares) / _MEDIAN_OF_CHI_SQUARE))
