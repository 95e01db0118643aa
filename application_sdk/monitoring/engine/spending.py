"""Lets a process publish what its monitoring costs; on the delivery thread, never a caller's."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from application_sdk.monitoring.containment import contained
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.exporters.outward import outboxes
from application_sdk.monitoring.exporters.spend import SpendFile
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.spend import Spend
from application_sdk.monitoring.settings import current_settings

SETTLE_SECONDS = 5.0
"""A directory gets figures when profiles have come for so long: of a script they say nothing."""

BUSY_SECONDS, IDLE_SECONDS = 2.0, 0.25
"""So much lies between two writings at least, while profiles wait and when none does."""

_MOST_PLACES = 8


@dataclass
class _Place:
    """One directory of profiles.

    Attributes:
        file: The figures in it.
        hostname: What the machine is called there.
        first_at: When the first profile came, by the publisher's clock.
        written_at: When the figures were last written; None before the first time.
    """

    file: SpendFile
    hostname: str
    first_at: float
    written_at: float | None = None


class SpendPublisher:
    """Writes the process's figures into each directory that its profiles go to.

    Args:
        clock: Seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._places: dict[Path, _Place] = {}

    def delivered(self, profile: Profile, output_dir: Path) -> None:
        """A profile was delivered: publish what has been spent, unless that was just done.

        Args:
            profile: The profile, already redacted.
            output_dir: Where its files are.
        """
        began = time.thread_time()
        with contained(f"publishing what monitoring costs below {output_dir}"), self._lock:
            now = self._clock()
            place = self._place(output_dir, profile.process.hostname, now)
            if self._is_due(place, now):
                place.written_at = now
                self._write(place)
                budget.spend(time.thread_time() - began, "writing")

    def end(self) -> None:
        """The process ends: say so, with the last figures."""
        with contained("publishing what monitoring has cost"), self._lock:
            for place in self._places.values():
                if place.written_at is not None:
                    self._write(place, ended=True)

    def reset(self) -> None:
        """In a forked child: the files and their locks are the parent's."""
        places = self._places
        self.__init__(self._clock)  # type: ignore[misc]  # forgets every lock
        for place in places.values():
            place.file.forget()

    def _place(self, output_dir: Path, hostname: str, now: float) -> _Place:
        place = self._places.get(output_dir)
        if place is None:
            if len(self._places) >= _MOST_PLACES:
                self._places.pop(next(iter(self._places))).file.forget()
            place = _Place(SpendFile(output_dir, hostname), hostname, now)
            self._places[output_dir] = place
        return place

    @staticmethod
    def _is_due(place: _Place, now: float) -> bool:
        if now - place.first_at < SETTLE_SECONDS:
            return False
        pause = BUSY_SECONDS if delivery.waiting else IDLE_SECONDS
        return place.written_at is None or now - place.written_at >= pause

    @staticmethod
    def _write(place: _Place, *, ended: bool = False) -> None:
        if current_settings().enabled:
            place.file.write(spend(place.hostname, ended=ended))


def spend(hostname: str, *, ended: bool = False) -> Spend:
    """What this process's monitoring has cost so far.

    Args:
        hostname: What the machine is called, or its hash.
        ended: Whether the process ends.
    """
    settings = current_settings()
    lately, in_all = budget.ledger.periods()
    full = {name: box.dropped for name, box in outboxes.items() if box.dropped}
    return Spend(
        pid=os.getpid(),
        hostname=hostname,
        began_at=budget.ledger.began_at,
        as_of=datetime.now(UTC),
        overhead_budget=settings.overhead_budget,
        sample_rate=settings.sample_rate,
        lately=lately,
        in_all=in_all,
        dropped={"delivery": delivery.dropped, **full},
        ended=ended,
    )


spend_publisher = SpendPublisher()
"""The process's only one."""
