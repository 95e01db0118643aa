"""What is entered and left around the steps of a profiled call and of what it has started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Stepping(Protocol):
    """What is needed of a session here."""

    loose: bool

    def time_step(self, enter: Callable[[], None]) -> None:
        """Enter a step, and take note of what that costs."""

    def resume(self) -> None:
        """The call runs on."""

    def pause(self, awaiting: bool) -> None:
        """It does not run now."""

    def enter_part(self) -> None:
        """A part of it runs on."""

    def leave_part(self) -> None:
        """It does not run now."""


class CallStep:
    """Entered whenever the call runs; left when it waits or is left alone."""

    def __init__(self, session: Stepping, awaiting: bool) -> None:
        self._session = session
        self._awaiting = awaiting

    @property
    def loose(self) -> bool:
        """Whether all steps to come may be one; a consumer's between two of them may not."""
        return self._awaiting and self._session.loose

    def __enter__(self) -> None:
        self._session.time_step(self._session.resume)

    def __exit__(self, *exception: object) -> None:
        self._session.pause(self._awaiting)


class PartStep:
    """Entered whenever a task or thread of the call runs."""

    def __init__(self, session: Stepping) -> None:
        self._session = session

    @property
    def loose(self) -> bool:
        """Whether all steps to come may be one."""
        return self._session.loose

    def __enter__(self) -> None:
        self._session.time_step(self._session.enter_part)

    def __exit__(self, *exception: object) -> None:
        self._session.leave_part()
