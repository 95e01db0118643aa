"""From what was measured to the comparison that a user reads."""

from __future__ import annotations

from statistics import fmean

from application_sdk.monitoring.analysis.regressions.interleaving import Outcome
from application_sdk.monitoring.analysis.regressions.mean_test import mean_ratio_interval
from application_sdk.monitoring.analysis.regressions.rank_tests import (
    bootstrap_interval,
    ratio_estimate,
    strata,
)
from application_sdk.monitoring.analysis.regressions.verdicts import Comparison, Verdict

_VERDICTS: dict[str | None, Verdict] = {
    "slower": "regression",
    "faster": "improvement",
    "same": "unchanged",
    None: "inconclusive",
}


def comparison_of(
    outcome: Outcome, threshold: float, more: str = "slower", what: str = ""
) -> Comparison:
    """The comparison for a finished measurement.

    Args:
        outcome: What was measured.
        threshold: The threshold it was decided by.
        more: The word for "costs more": ``slower``, or ``larger`` for memory.
        what: What a round measures, where it is not the outcome's clock.
    """
    verdict = _VERDICTS[outcome.finding]
    if not outcome.baseline or min(*outcome.baseline, *outcome.candidate) <= 0.0:
        return Comparison(
            verdict="inconclusive",
            ratio=None,
            confidence_interval=None,
            explanation=f"Inconclusive: {outcome.reason or 'there was nothing to measure'}.",
        )
    if outcome.by_mean:
        ratio = fmean(outcome.candidate) / fmean(outcome.baseline)
        low, high = mean_ratio_interval(outcome.baseline, outcome.candidate)
    else:
        ratio = ratio_estimate(strata(outcome.baseline, outcome.candidate))
        low, high = bootstrap_interval(outcome.baseline, outcome.candidate)
    # Ties can put a percentile a hair beside the estimate; an interval holds its estimate.
    interval = (min(low, ratio), max(high, ratio))
    return Comparison(
        verdict=verdict,
        ratio=ratio,
        confidence_interval=interval,
        explanation=_sentence(
            outcome, verdict, ratio, interval, threshold, more, what or outcome.clock
        ),
    )


def percent(ratio: float) -> str:
    """A ratio as a signed change, such as ``+7.3 %``."""
    return f"{(ratio - 1.0) * 100:+.1f} %"


def _sentence(
    outcome: Outcome,
    verdict: Verdict,
    ratio: float,
    interval: tuple[float, float],
    threshold: float,
    more: str,
    what: str,
) -> str:
    less = {"slower": "faster", "larger": "smaller"}[more]
    bounds = f"{percent(interval[0])} to {percent(interval[1])}"
    rounds = f"{len(outcome.baseline)} rounds of {what}"
    allowed = f"the threshold of {threshold * 100:g} %"
    if verdict == "inconclusive":
        return f"Inconclusive: {outcome.reason} ({percent(ratio)}, 95 % interval {bounds})."
    if verdict == "unchanged":
        return (
            f"Unchanged within {allowed}: {percent(ratio)} (95 % interval {bounds}) over {rounds}."
        )
    direction = more if verdict == "regression" else less
    which = "in the mean (the typical call did not change)" if outcome.by_mean else "typically"
    return (
        f"The candidate is {which} {direction} beyond {allowed}: {percent(ratio)} "
        f"(95 % interval {bounds}) over {rounds}, confirmed by an independent run of "
        f"{outcome.confirmed} of them."
    )
