"""What is entered and left around the steps of a profiled call and of what it has started."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
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
    """Entered whenever the call runs; left when it waits or is left alone.

    Args:
        session: The call's session.
        awaiting: Whether the call awaits something between two steps.
        rest: What to enter once for all steps to come, where the session allows that: None
            where nothing may be.
    """

    def __init__(
        self, session: Stepping, awaiting: bool, rest: AbstractContextManager[None] | None
    ) -> None:
        self._session = session
        self._awaiting = awaiting
        self._rest = rest

    @property
    def rest(self) -> AbstractContextManager[None] | None:
        """What to enter once for all steps to come; None as long as each is followed."""
        return self._rest if self._session.loose else None

    def __enter__(self) -> None:
        self._session.time_step(self._session.resume)

    def __exit__(self, *exception: object) -> None:
        self._session.pause(self._awaiting)


class AwaitedRest:
    """All that is left of an awaited call, as one step: nothing else runs in its task meanwhile."""

    def __init__(self, session: Stepping) -> None:
        self._session = session

    def __enter__(self) -> None:
        self._session.resume()

    def __exit__(self, *exception: object) -> None:
        self._session.pause(True)


class PartStep:
    """Entered whenever a task or thread of the call runs."""

    def __init__(self, session: Stepping) -> None:
        self._session = session

    @property
    def rest(self) -> AbstractContextManager[None] | None:
        """What to enter once for all steps to come; None as long as each is followed."""
        return self if self._session.loose else None

    def __enter__(self) -> None:
        self._session.time_step(self._session.enter_part)

    def __exit__(self, *exception: object) -> None:
        self._session.leave_part()
