"""What differs between a slow call and one from before: a diff page beside the profile."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

from application_sdk.monitoring.analysis.regressions.duration_shift import DurationShift
from application_sdk.monitoring.containment import report_fault
from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.exporters.files import write_beside
from application_sdk.monitoring.model.files import load_profile
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.html.diff_page import render_diff

EXTENSION = ".diff.html"
_MOST_READ = 5
_STAMP = "%Y%m%dT%H%M%S.%fZ"


def write_diff(
    slow: Profile, files: list[Path], shift: DurationShift, good_until: datetime
) -> tuple[Path | None, str | None]:
    """Write the page that compares a slow call's profile with a good one.

    Args:
        slow: The slow call's profile.
        files: Its files.
        shift: What is known of the slow-down.
        good_until: Profiles that began before this are good.

    Returns:
        The page, or None and the reason.
    """
    if slow.cpu is None:
        return None, "the profiled call has no CPU profile"
    if not files:
        return None, "the profile of the slow call was not written"
    try:
        good = last_good(slow.name, files[0].parent, good_until, shift.before_seconds)
        if good is None:
            return None, "no JSON profile from before is there to compare with"
        return write_beside(files[0], EXTENSION, render_diff(good, slow)), None
    except Exception as error:
        report_fault("comparing a slow call with one from before")
        return None, f"comparing it with one from before failed: {error}"


def last_good(name: str, directory: Path, until: datetime, usual: float) -> Profile | None:
    """Of the newest stored CPU profiles from before, the one that lasted most nearly as usual.

    Args:
        name: The function's name.
        directory: Where its profiles are.
        until: They began before this.
        usual: The usual duration in seconds.
    """
    found: list[Profile] = []
    bound = until.astimezone(UTC).strftime(_STAMP)
    # File names begin with the time: no file has to be read for its age.
    for file in sorted(directory.glob("*_*.json"), reverse=True):
        if file.name >= bound or file.name.count(".") != 2 or file.is_symlink():
            continue
        try:
            profile = load_profile(file)
        except UnreadableProfileError:
            continue  # of a newer version, or deleted meanwhile
        if profile.name == name and profile.cpu is not None and profile.outcome == "returned":
            found.append(profile)
        if len(found) == _MOST_READ:
            break
    return min(found, key=lambda profile: _distance(profile.duration_seconds, usual), default=None)


def _distance(seconds: float, usual: float) -> float:
    return abs(math.log(max(seconds, 1e-9) / max(usual, 1e-9)))
