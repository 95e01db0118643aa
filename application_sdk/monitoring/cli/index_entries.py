"""What the index knows of each profile: a few figures, not the whole profile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from application_sdk.monitoring.cli.inputs import read_profile
from application_sdk.monitoring.cli.progress import with_progress
from application_sdk.monitoring.cli.remote import is_url
from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.model.profile import Profile

_PAGE_EXTENSION = ".html"


class IndexEntry(BaseModel):
    """One profile in the index; each figure is None where it was not measured.

    Attributes:
        path: The profile's JSON file, relative to the page.
        page: The profile's own page beside it, relative to the index; None without one.
    """

    model_config = ConfigDict(frozen=True)

    profile_id: str
    name: str
    started_at: datetime
    duration_seconds: float
    outcome: str
    exception_type: str | None
    hostname: str
    cpu_seconds: float | None
    peak_bytes: int | None
    retained_bytes: int | None
    rss_peak_bytes: int | None
    workflow_id: str | None
    path: str
    page: str | None


class Entries(NamedTuple):
    """The profiles, newest first, and the files that hold none."""

    entries: list[IndexEntry]
    unreadable: list[str]


def read_entries(files: Sequence[str], base: Path) -> Entries:
    """Read the files one after another; only a few figures of each are kept.

    Args:
        files: The profiles' JSON files.
        base: The directory of the page, which links start from.
    """
    found = Entries([], [])
    for file in with_progress(files, len(files), "profiles"):
        try:
            found.entries.append(_entry(read_profile(file), file, base))
        except UnreadableProfileError:
            found.unreadable.append(file)
    found.entries.sort(key=lambda entry: (entry.started_at, entry.profile_id), reverse=True)
    return found


def _entry(profile: Profile, file: str, base: Path) -> IndexEntry:
    page = None if is_url(file) else Path(file).with_suffix(_PAGE_EXTENSION)
    started = profile.started_at
    memory = profile.memory
    return IndexEntry(
        profile_id=profile.profile_id,
        name=profile.name,
        started_at=started if started.tzinfo is not None else started.replace(tzinfo=UTC),
        duration_seconds=profile.duration_seconds,
        outcome=profile.outcome,
        exception_type=profile.exception_type,
        hostname=profile.process.hostname,
        cpu_seconds=None if profile.cpu is None else profile.cpu.cpu_seconds,
        peak_bytes=None if memory is None else memory.peak_bytes,
        retained_bytes=None if memory is None else memory.retained_bytes,
        rss_peak_bytes=None if memory is None else memory.rss_peak_bytes,
        workflow_id=profile.context.workflow_id,
        path=file if is_url(file) else _link(Path(file), base),
        page=_link(page, base) if page is not None and page.is_file() else None,
    )


def _link(file: Path, base: Path) -> str:
    return Path(os.path.relpath(file.resolve(), base.resolve())).as_posix()
