"""The two sides that ``compare`` is asked about, and the verdict on them."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.model.profile import Profile

if TYPE_CHECKING:
    from application_sdk.monitoring.analysis.regressions.process_side import Work
    from application_sdk.monitoring.analysis.regressions.verdicts import Comparison

_MAX_SECONDS = 60.0
_CALLABLE = re.compile(r"[\w.]+:[\w.]+")


@dataclass(frozen=True)
class Judged:
    """A verdict, and what the page of it is made from.

    Attributes:
        comparison: The verdict.
        title: What was compared.
        pages: A profile of each side; None when there is none.
        no_pages: Then, why.
    """

    comparison: Comparison
    title: str
    pages: tuple[Profile, Profile] | None
    no_pages: str = ""


def stored(arguments: argparse.Namespace) -> Judged:
    """Compare the stored profiles that the arguments name.

    Raises:
        MonitoringError: If they are not two sides, or cannot be read or compared.
    """
    from application_sdk.monitoring.analysis.regressions.profiles import compare_profiles

    if len(arguments.what) != 2:
        raise MonitoringError(
            "give BASE and CANDIDATE, two profiles or directories of them; "
            "to measure against a git revision add --base GIT_REV"
        )
    if arguments.max_seconds is not None:
        raise MonitoringError("--max-seconds goes with --base: stored profiles are only read")
    before, after = (_read(side, arguments.metric) for side in arguments.what)
    comparison = compare_profiles(before, after, threshold=arguments.threshold)
    names = sorted({profile.name for profile in [*before, *after]})
    title = names[0] if len(names) == 1 else " -> ".join(arguments.what)
    # Adding up is for the page only, and only when there is one to be written. Sums compare when
    # they are of equally many; names begin with the time, so the last are the newest.
    count = min(len(before), len(after))
    pages = (_whole(before[-count:]), _whole(after[-count:])) if arguments.html else None
    return Judged(comparison, title, pages)


def with_revision(arguments: argparse.Namespace) -> Judged:
    """Measure the working tree against a git revision.

    Raises:
        MonitoringError: If git or the work fails.
    """
    from application_sdk.monitoring.analysis.regressions.revisions import compare_revisions
    from application_sdk.monitoring.cli.progress import Progress

    metric = arguments.metric or "time"
    work = _work(arguments.what)
    progress = Progress()
    try:
        found = compare_revisions(
            work,
            arguments.base,
            threshold=arguments.threshold,
            max_seconds=_MAX_SECONDS if arguments.max_seconds is None else arguments.max_seconds,
            metric=metric,
            always_profile=arguments.html is not None,
            progress=progress,
        )
    finally:
        progress.done()
    title = f"{shlex.join(arguments.what)} against {arguments.base} ({found.commit[:12]})"
    if found.baseline is None or found.candidate is None:
        reason = "only the time of MODULE:FUNCTION is profiled, not memory and not whole commands"
        return Judged(found.comparison, title, None, reason)
    return Judged(found.comparison, title, (found.baseline, found.candidate))


def _work(words: Sequence[str]) -> Work:
    from application_sdk.monitoring.analysis.regressions.process_side import (
        CallableWork,
        CommandWork,
    )

    if _CALLABLE.fullmatch(words[0]):
        if len(words) > 1:
            raise MonitoringError(
                f"{words[0]} is called without arguments; name a function that passes them on"
            )
        return CallableWork(words[0])
    if len(words) == 1 and shutil.which(words[0]) is None:
        raise MonitoringError(f"{words[0]} is neither module:function nor a command that is here")
    return CommandWork(shlex.join(words))


def _read(side: str, metric: str | None) -> list[Profile]:
    from application_sdk.monitoring.cli.inputs import find_profiles, read_profile

    profiles = [read_profile(path) for path in find_profiles([side])]
    if metric == "memory":
        return [profile.model_copy(update={"cpu": None}) for profile in profiles]
    if metric == "time" and any(profile.cpu is None for profile in profiles):
        raise MonitoringError(f"{side} holds no time to compare; make it with --cpu")
    return profiles


def _whole(profiles: Sequence[Profile]) -> Profile:
    from application_sdk.monitoring.analysis.merging import merge_profiles

    return profiles[0] if len(profiles) == 1 else merge_profiles(profiles)
