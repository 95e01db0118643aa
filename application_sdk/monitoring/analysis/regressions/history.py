"""The history of one target on one kind of machine: a few figures of each run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from application_sdk.monitoring.analysis.regressions.change_points import (
    ChangePoint,
    change_points,
)
from application_sdk.monitoring.analysis.regressions.environment import fingerprint
from application_sdk.monitoring.model.profile import Profile

METRICS = ("cpu_seconds", "wall_seconds", "peak_bytes")


class HistoryRun(BaseModel):
    """One run; each figure is None where it was not measured.

    Attributes:
        profile_id: The run's profile.
        started_at: When it began.
        revision: The commit that was checked out when it was saved; None outside a repository.
    """

    model_config = ConfigDict(frozen=True)

    profile_id: str
    started_at: datetime
    revision: str | None = None
    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    peak_bytes: int | None = None


class Machine(BaseModel):
    """What decides a machine's speed."""

    model_config = ConfigDict(frozen=True)

    cpu_model: str | None
    cpu_count: int | None
    python: str
    implementation: str


class History(BaseModel):
    """The runs of one target on one kind of machine, oldest first.

    Attributes:
        target: The profiles' name.
        fingerprint: Short name of the kind of machine.
        machine: That kind, in words.
        runs: Its runs.
    """

    model_config = ConfigDict(frozen=True)

    target: str
    fingerprint: str
    machine: Machine
    runs: tuple[HistoryRun, ...] = ()

    def with_run(self, run: HistoryRun) -> History:
        """The history with one run more; a run that it has already takes the new figures."""
        others = [other for other in self.runs if other.profile_id != run.profile_id]
        runs = sorted([*others, run], key=lambda each: (each.started_at, each.profile_id))
        return self.model_copy(update={"runs": tuple(runs)})

    def pruned(self, keep: int, since: datetime | None = None) -> History:
        """The history with its newest ``keep`` runs, of those that began at ``since`` or later."""
        runs = [run for run in self.runs if since is None or run.started_at >= since]
        return self.model_copy(update={"runs": tuple(runs[-keep:])})


class Series(NamedTuple):
    """One metric of a history.

    Attributes:
        metric: Its name.
        runs: The runs that measured it, oldest first.
        values: Their values.
        changes: Where the level changes; indices are those of ``runs``.
    """

    metric: str
    runs: list[HistoryRun]
    values: list[float]
    changes: list[ChangePoint]


def history_of(profile: Profile) -> History:
    """The history that a profile belongs to, as yet without a run."""
    process = profile.process
    return History(
        target=profile.name,
        fingerprint=fingerprint(process),
        machine=Machine.model_validate(process, from_attributes=True),
    )


def run_of(profile: Profile, revision: str | None) -> HistoryRun:
    """A profile's figures."""
    started = profile.started_at
    cpu, memory = profile.cpu, profile.memory
    return HistoryRun(
        profile_id=profile.profile_id,
        started_at=started if started.tzinfo is not None else started.replace(tzinfo=UTC),
        revision=revision,
        cpu_seconds=None if cpu is None else cpu.cpu_seconds,
        wall_seconds=None if cpu is None else cpu.wall_seconds,
        peak_bytes=None if memory is None else memory.peak_bytes,
    )


def series_of(history: History) -> Iterator[Series]:
    """Each metric that any run has measured, with the changes of its level."""
    for metric in METRICS:
        runs = [run for run in history.runs if getattr(run, metric) is not None]
        if runs:
            values = [float(getattr(run, metric)) for run in runs]
            yield Series(metric, runs, values, change_points(values))
