"""Many profiles as one: values are added up per call path, one profile at a time."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Generic, Literal, TypeVar

from application_sdk.monitoring.analysis.merging_halves import MergedCpu, MergedMemory
from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.model.profile import (
    CallContext,
    ProcessInfo,
    Profile,
    SamplingInfo,
)

T = TypeVar("T")

MOST_NOTES = 100
"""How many different notes of the merged profiles are kept."""


class _Common(Generic[T]):
    """The first of many values, and whether all were the same.

    Attributes:
        first: The first value.
        count: How many different values there were, of those that could be remembered.
    """

    _MOST = 10_000

    def __init__(self) -> None:
        self._seen: dict[T, None] = {}

    def see(self, value: T) -> None:
        if len(self._seen) < self._MOST:
            self._seen[value] = None

    @property
    def first(self) -> T:
        return next(iter(self._seen))

    @property
    def count(self) -> int:
        return len(self._seen)

    def only(self, otherwise: T) -> T:
        return self.first if self.count == 1 else otherwise


def merge_profiles(profiles: Iterable[Profile]) -> Profile:
    """One profile that holds the sum of all.

    Args:
        profiles: Read once, one after another; none is kept.

    Raises:
        InvalidArgumentError: If there is none.
    """
    merger = Merger()
    for profile in profiles:
        merger.add(profile)
    return merger.result()


class Merger:
    """The running sum: it grows with the different call paths, not with the profiles.

    Attributes:
        count: How many profiles were added.
    """

    def __init__(self) -> None:
        self.count = 0
        self._cpu = MergedCpu()
        self._memory = MergedMemory()
        self._identity = hashlib.sha256()
        self._names = _Common[str]()
        self._modes = _Common[Literal["fixed", "adaptive", "trace"]]()
        self._rates = _Common[float | None]()
        self._outcomes: Counter[str] = Counter()
        self._exceptions = _Common[str | None]()
        self._context: dict[str, object] = {}
        self._process: ProcessInfo | None = None
        self._processes: set[tuple[str, int]] = set()
        self._environments: set[str] = set()
        self._started_at = datetime.max.replace(tzinfo=UTC)
        self._duration = self._overhead = 0.0
        self._calls: int | None = 0
        self._notes: Counter[str] = Counter()

    def add(self, profile: Profile) -> None:
        """Add one profile."""
        self.count += 1
        self._identity.update(f"{profile.profile_id}\n".encode())
        self._names.see(profile.name)
        self._outcomes[profile.outcome] += 1
        self._exceptions.see(profile.exception_type)
        self._modes.see(profile.sampling.mode)
        self._rates.see(profile.sampling.rate)
        started = profile.started_at
        started = started if started.tzinfo is not None else started.replace(tzinfo=UTC)
        self._started_at = min(self._started_at, started)
        self._duration += profile.duration_seconds
        self._overhead += profile.overhead
        calls = profile.sampling.calls_since_previous
        self._calls = None if self._calls is None or calls is None else self._calls + calls
        self._see_context(profile.context)
        self._see_process(profile.process)
        for note in profile.notes:
            if note in self._notes or len(self._notes) < MOST_NOTES:
                self._notes[note] += 1
        if profile.cpu is not None:
            self._cpu.add(profile.cpu)
        if profile.memory is not None:
            self._memory.add(profile.memory)

    def result(self, left_out: int = 0) -> Profile:
        """The sum of what was added.

        Args:
            left_out: How many profiles were to be merged and could not be; said in a note.

        Raises:
            InvalidArgumentError: If nothing was added.
        """
        if self._process is None:
            raise InvalidArgumentError("there is no profile to merge")
        cpu, memory = self._cpu.result(), self._memory.result()
        notes = [
            f"the sum of {self.count:,} profiles; durations and overhead are added up",
            *self._differences(left_out),
            *self._cpu.notes(self.count),
            *self._memory.notes(self.count),
            *(f"{note} (in {count:,} profiles)" for note, count in self._notes.most_common()),
        ]
        return Profile(
            profile_id=self._identity.hexdigest()[:32],
            name=self._names.only(f"{self._names.first} and others"),
            started_at=self._started_at,
            duration_seconds=self._duration,
            outcome=self._outcomes.most_common(1)[0][0],  # type: ignore[arg-type]
            exception_type=self._exceptions.only(None),
            process=self._process,
            context=CallContext.model_validate(self._context),
            sampling=SamplingInfo(
                mode=self._modes.only("adaptive"),
                rate=self._rates.only(None),
                calls_since_previous=self._calls,
            ),
            cpu=cpu,
            memory=memory,
            overhead=self._overhead,
            notes=tuple(notes),
        )

    def _see_context(self, context: CallContext) -> None:
        seen = context.model_dump()
        if self.count == 1:
            self._context = seen
        for key, value in seen.items():
            if self._context[key] != value:
                self._context[key] = None

    def _see_process(self, process: ProcessInfo) -> None:
        if self._process is None:
            self._process = process
        self._processes.add((process.hostname, process.pid))
        changing = {"pid", "hostname"}
        self._environments.add(process.model_dump_json(exclude=changing))

    def _differences(self, left_out: int) -> list[str]:
        notes = []
        if left_out:
            notes.append(f"{left_out:,} files were left out because they could not be read")
        if self._names.count > 1:
            notes.append(f"{self._names.count:,} different functions were profiled")
        if len(self._outcomes) > 1:
            counts = ", ".join(f"{n:,} {outcome}" for outcome, n in self._outcomes.most_common())
            notes.append(f"outcomes: {counts}; the most frequent one is shown")
        if len(self._processes) > 1:
            notes.append(f"from {len(self._processes):,} processes; the first one is shown")
        if len(self._environments) > 1:
            notes.append(
                f"from {len(self._environments):,} different environments (Python, machine or "
                "libraries); the first one is shown"
            )
        return notes
