"""Comparing stored profiles, function by function and as a whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike

from application_sdk.monitoring.analysis.regressions.callables import check_threshold
from application_sdk.monitoring.analysis.regressions.environment import environment_mismatch
from application_sdk.monitoring.analysis.regressions.function_costs import (
    Run,
    SideCosts,
    side_costs,
)
from application_sdk.monitoring.analysis.regressions.function_matching import Identity, match
from application_sdk.monitoring.analysis.regressions.function_tests import (
    STORED,
    Change,
    Standard,
    changes,
    pace,
)
from application_sdk.monitoring.analysis.regressions.rank_tests import lower_p_value, rank_p_value
from application_sdk.monitoring.analysis.regressions.verdicts import (
    Comparison,
    FunctionVerdict,
    Verdict,
)
from application_sdk.monitoring.errors import InvalidArgumentError, InvalidArgumentTypeError
from application_sdk.monitoring.model.call_tree import TRUNCATED_FUNCTION, Frame
from application_sdk.monitoring.model.files import load_profile
from application_sdk.monitoring.model.profile import Profile

ProfileSource = Profile | str | PathLike[str]

_CPU_BOUND = 0.8
_RUNS_FOR_TOTALS = 5
_ALPHA = 0.01


def compare_profiles(
    baseline: ProfileSource | Sequence[ProfileSource],
    candidate: ProfileSource | Sequence[ProfileSource],
    *,
    threshold: float = 0.05,
) -> Comparison:
    """Say which functions cost more in the candidate's profiles than in the baseline's.

    A function's own cost must differ beyond noise (with at most 0.2 % of false discoveries), by
    20 % (35 % with fewer than three profiles a side) or the threshold if that is more, and by
    half a percent of the whole; and its callers must have become dearer with it, so that moved or
    split code is no finding. CPU profiles are compared by CPU time where both sides hardly wait,
    else by wall time; profiles without a CPU half by the bytes at their peak. Several profiles a
    side make it surer.

    Args:
        baseline: A profile, the path of one, or a list of them.
        candidate: The same.
        threshold: The fraction by which the whole may cost more, 0.05 for 5 %.

    Returns:
        The verdict: ``regression`` when a function or, with at least five profiles a side, the
        whole regressed. With an ``environment_mismatch`` it is ``inconclusive`` instead.

    Raises:
        InvalidArgumentError: If there is nothing to compare or the threshold is not allowed.
        InvalidArgumentTypeError: If something is neither a profile nor a path, or the threshold
            is no number.
        UnreadableProfileError: If a file cannot be read as a profile.
    """
    check_threshold(threshold)
    return judge(
        _profiles("baseline", baseline), _profiles("candidate", candidate), threshold, STORED
    )


def judge(
    before: list[Profile], after: list[Profile], threshold: float, standard: Standard
) -> Comparison:
    """Compare profiles that are there, by a standard; see ``compare_profiles``."""
    mismatch = environment_mismatch([p.process for p in before], [p.process for p in after])
    old_runs, new_runs = _runs(before, after)
    old_names, new_names = match(_frames(old_runs), _frames(new_runs))
    old, new = side_costs(old_runs, old_names), side_costs(new_runs, new_names)
    if not old.total or not new.total:
        return Comparison(
            verdict="inconclusive",
            ratio=None,
            confidence_interval=None,
            environment_mismatch=mismatch,
            explanation="Inconclusive: a profile is empty, so there is nothing to compare.",
        )
    found, dispersion = changes(old, new, pace(old, new), threshold, standard)
    functions = _verdicts(found, new, {identity: frame for frame, identity in new_names.items()})
    # The whole pace of another machine says nothing of the code; functions are compared after
    # the general pace is taken out.
    whole = "inconclusive" if mismatch else _whole(old, new, threshold)
    verdict = _overall(found, whole)
    suspect = next((change for change in found if change.suspected), None)
    reason = _explain(verdict, functions, whole, new.total / old.total, suspect)
    if mismatch:
        reason = _beside_the_mismatch(reason, mismatch)
        verdict = "unchanged" if verdict == "unchanged" else "inconclusive"
    return Comparison(
        verdict=verdict,
        ratio=new.total / old.total,
        confidence_interval=_interval(old, new, dispersion),
        functions=tuple(functions),
        environment_mismatch=mismatch,
        explanation=reason,
    )


def _profiles(role: str, given: ProfileSource | Sequence[ProfileSource]) -> list[Profile]:
    sources = [given] if isinstance(given, (Profile, str, PathLike)) else given
    if not isinstance(sources, Sequence):
        raise InvalidArgumentTypeError(
            f"{role}={given!r} is neither a Profile, nor a path, nor a list of them"
        )
    profiles = []
    for source in sources:
        if isinstance(source, Profile):
            profiles.append(source)
        elif isinstance(source, (str, PathLike)):
            profiles.append(load_profile(source))
        else:
            raise InvalidArgumentTypeError(f"{role} holds {source!r}: neither a Profile nor a path")
    if not profiles:
        raise InvalidArgumentError(f"{role} is empty; give at least one profile")
    return profiles


def _runs(before: list[Profile], after: list[Profile]) -> tuple[list[Run], list[Run]]:
    everything = [*before, *after]
    if all(profile.cpu for profile in everything):
        metric = "cpu_seconds" if all(map(_burns, everything)) else "wall_seconds"
        return _cpu_runs(before, metric), _cpu_runs(after, metric)
    if all(profile.memory and profile.memory.peak_tree for profile in everything):
        return _memory_runs(before), _memory_runs(after)
    raise InvalidArgumentError(
        "the profiles have no half in common; compare CPU profiles with CPU profiles, or memory "
        "profiles that have a peak tree with such"
    )


def _burns(profile: Profile) -> bool:
    cpu = profile.cpu
    if cpu is None or "cpu_seconds" not in cpu.tree.metrics:
        return False
    return cpu.tree.total("cpu_seconds") >= _CPU_BOUND * cpu.tree.total("wall_seconds")


def _cpu_runs(profiles: list[Profile], metric: str) -> list[Run]:
    runs = []
    for profile in profiles:
        if profile.cpu is not None:
            tree = profile.cpu.tree
            samples = max(1, profile.cpu.sample_count)
            runs.append(Run(tree, metric, tree.total(metric) / samples))
    return runs


def _memory_runs(profiles: list[Profile]) -> list[Run]:
    # Bytes hardly vary from run to run. A 4,000th of the peak as the unit of chance makes a
    # share of half a percent 20 units: what the floors let pass is then also seen as certain.
    trees = [p.memory.peak_tree for p in profiles if p.memory and p.memory.peak_tree]
    return [Run(tree, "bytes", tree.total("bytes") / 4000) for tree in trees]


def _frames(runs: list[Run]) -> set[Frame]:
    return {
        Frame(function, run.tree.files[file], line)
        for run in runs
        for function, file, line in run.tree.frames
    }


def _verdicts(
    found: list[Change], new: SideCosts, frames: dict[Identity, Frame]
) -> list[FunctionVerdict]:
    """The functions by effect: first those with a finding, then by how far they moved."""
    order = sorted(
        found,
        key=lambda change: (
            change.verdict not in ("regression", "improvement"),
            -abs(change.after - change.before),
        ),
    )
    return [
        FunctionVerdict(
            function=change.identity.function,
            file=_file(change.identity, frames),
            verdict=change.verdict,
            ratio=change.after / change.before if change.before else None,
            share=change.after / new.total,
        )
        for change in order
        if change.identity.function != TRUNCATED_FUNCTION
    ]


def _file(identity: Identity, frames: dict[Identity, Frame]) -> str:
    frame = frames.get(identity)
    return identity.file if frame is None else frame.file


def _whole(old: SideCosts, new: SideCosts, threshold: float) -> Verdict:
    """The verdict on the totals: needs several runs a side, for one says nothing of its spread."""
    if min(old.runs, new.runs) < _RUNS_FOR_TOTALS:
        return "inconclusive"
    group = [(sorted(old.run_totals), sorted(new.run_totals))]
    above = 1.0 + threshold
    if rank_p_value(group, above) < _ALPHA:
        return "regression"
    if lower_p_value(group, 1.0 / above) < _ALPHA:
        return "improvement"
    return "unchanged"


def _overall(found: list[Change], whole: Verdict) -> Verdict:
    verdicts = {change.verdict for change in found}
    if "regression" in verdicts or whole == "regression":
        return "regression"
    if "improvement" in verdicts or whole == "improvement":
        return "improvement"
    if any(change.suspected for change in found):
        return "inconclusive"
    if not verdicts & {"unchanged"} and whole == "inconclusive":
        return "inconclusive"
    return "unchanged"


def _explain(
    verdict: Verdict,
    functions: list[FunctionVerdict],
    whole: Verdict,
    ratio: float,
    suspect: Change | None,
) -> str:
    hits = [f for f in functions if f.verdict == verdict]
    if verdict in ("regression", "improvement") and hits:
        first = hits[0]
        change = "new" if first.ratio is None else f"x {first.ratio:.2f}"
        more = f" and {len(hits) - 1} more" if len(hits) > 1 else ""
        return (
            f"{verdict.capitalize()} in {first.function} ({first.file}): its own cost is {change}, "
            f"now {first.share * 100:.1f} % of the whole{more}; the whole is x {ratio:.2f}."
        )
    if verdict in ("regression", "improvement"):
        return f"{verdict.capitalize()} of the whole, x {ratio:.2f}; no single function stands out."
    if verdict == "inconclusive" and suspect is not None:
        name = suspect.identity.function
        change = f"cost x {suspect.after / suspect.before:.2f}" if suspect.before else "be new"
        return (
            f"Inconclusive: {name} may {change}, but the samples are too few or vary too much to "
            "be sure; profile longer or more runs."
        )
    if verdict == "inconclusive":
        return "Inconclusive: too few samples in every function; profile longer or more runs."
    certain = "" if whole == "unchanged" else ", which so few runs cannot judge"
    return f"Unchanged: no function moved beyond noise; the whole is x {ratio:.2f}{certain}."


def _beside_the_mismatch(reason: str, mismatch: tuple[str, ...]) -> str:
    differences = "; ".join(mismatch)
    if reason.startswith("Inconclusive"):
        return f"{reason} The environments differ too ({differences})."
    if reason.startswith("Unchanged"):
        return f"{reason} The environments differ ({differences}), so only functions were compared."
    return f"Inconclusive, because the environments differ ({differences}): {reason}"


def _interval(old: SideCosts, new: SideCosts, dispersion: float) -> tuple[float, float]:
    """95 % interval of the ratio of totals, from the samples' count and the runs' spread."""

    def relative_variance(side: SideCosts) -> float:
        counted = dispersion * side.unit / (side.total * side.runs)
        if side.runs < 2:
            return counted
        spread = sum((t - side.total) ** 2 for t in side.run_totals) / (side.runs - 1)
        return max(counted, spread / side.runs / side.total**2)

    ratio = new.total / old.total
    half = 1.96 * math.sqrt(relative_variance(old) + relative_variance(new))
    return ratio * math.exp(-half), ratio * math.exp(half)
