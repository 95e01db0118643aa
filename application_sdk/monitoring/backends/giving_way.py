"""Lets a profiler that the program starts go first while one of ours has the profile hook.

memray refuses a second tracker, and its end wipes out every profile hook that was set meanwhile; a
tracker that finds pyinstrument's hook fails when it ends, and so does every later one. So, for as
long as ours runs, the few places where either begins are stood in for: ours ends before they go
on. Nothing is changed at other times.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from application_sdk.monitoring.containment import contained
from application_sdk.monitoring.profile_hook import is_memrays, profile_hook

Before = Callable[[str], None]
"""Called with what the program did, to complete 'because ...', before it is done."""

Place = tuple[str, str, str]
"""A module, a name in it, and what a program does with that."""

_HOOK = "the program has set a profile hook of its own"
_PYINSTRUMENT = "the program started a pyinstrument profiler of its own"
FOR_ALL_THREADS = "the program has set a profile hook of its own for all threads"
MEMRAY = "the program started a memray tracker of its own"

BESIDE_PYINSTRUMENT: tuple[Place, ...] = (
    # memray looks this lock up by name whenever a tracker starts, however it was imported.
    ("memray._memray", "tracker_creation_lock", MEMRAY),
    ("sys", "setprofile", _HOOK),
    ("sys", "_setprofileallthreads", FOR_ALL_THREADS),
)
"""What disturbs a pyinstrument of ours; other pyinstruments do not."""

BESIDE_MEMRAY = (
    *BESIDE_PYINSTRUMENT,
    ("pyinstrument.stack_sampler", "setstatprofile", _PYINSTRUMENT),
)
"""What disturbs a memray of ours."""


class GivingWay:
    """The stand-ins, from ``begin`` to ``end``.

    Args:
        places: What is stood in for.
        before: Called before the program's own profiler starts, on its thread.

    Attributes:
        tracking: Whether new threads are to get memray's hook; cleared before the tracker ends.
    """

    def __init__(self, places: tuple[Place, ...], before: Before) -> None:
        self._places = places
        self._before = before
        self._exempt: int | None = None
        self.tracking = False
        self._placed: list[tuple[Any, str, Any, Any]] = []

    def begin(self, exempt: int | None = None) -> None:
        """Stand in for what is loaded by now.

        Args:
            exempt: The thread whose own doing is ours.
        """
        self._exempt = exempt
        self.tracking = True
        for module_name, name, what in self._places:
            module = sys.modules.get(module_name)
            original = getattr(module, name, None)
            if original is not None:
                lock = hasattr(original, "__enter__")
                stand_in = (_Lock if lock else _Function)(original, self, what)
                setattr(module, name, stand_in)
                self._placed.append((module, name, stand_in, original))

    def end(self) -> None:
        """Put everything back that is still ours."""
        for module, name, stand_in, original in self._placed:
            if getattr(module, name, None) is stand_in:
                setattr(module, name, original)
        self._placed.clear()

    def is_ours(self) -> bool:
        """Whether it is our own doing that comes by."""
        return threading.get_ident() == self._exempt

    def pass_by(self, what: str) -> None:
        """Tell of what the program does."""
        with contained("giving way to a profiler of the program's own"):
            self._before(what)


def _takes_over_memrays() -> bool:
    """Whether a new thread is taking over the hook for threads to come, and not the program's."""
    frame: Any = sys._getframe()
    while frame is not None and frame.f_globals is globals():
        frame = frame.f_back
    if frame is None or frame.f_globals is not threading.__dict__:
        return False
    hook = threading.getprofile()
    # None: memray has just ended, and the thread has its hook in hand.
    return frame.f_code.co_name == "_bootstrap_inner" and (hook is None or is_memrays(hook))


class _Lock:
    """Stands in for a lock in a ``with`` statement."""

    def __init__(self, original: Any, giving_way: GivingWay, what: str) -> None:
        self._original = original
        self._giving_way = giving_way
        self._what = what

    def __enter__(self) -> Any:
        if self._giving_way.is_ours():
            return self._original.__enter__()
        # Until the program's tracker runs none of ours may begin, on any thread.
        profile_hook.claim(1)
        try:
            self._giving_way.pass_by(self._what)
            return self._original.__enter__()
        except BaseException:
            profile_hook.claim(-1)
            raise

    def __exit__(self, *exception: object) -> Any:
        if not self._giving_way.is_ours():
            profile_hook.claim(-1)
        return self._original.__exit__(*exception)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


_NOTHING = id
"""Takes an argument and changes nothing, in no time."""


class _Function:
    """Stands in for a function that sets a hook.

    The interpreter looks ``__call__`` up and then calls, itself, what that gave: the original. So
    a hook that is set through here never sees a frame of ours return.
    """

    def __init__(self, original: Any, giving_way: GivingWay, what: str) -> None:
        self._original = original
        self._giving_way = giving_way
        self._what = what

    def _look_up(self) -> Any:
        giving_way = self._giving_way
        if giving_way.is_ours():
            return self._original
        if not _takes_over_memrays():
            giving_way.pass_by(self._what)
            return self._original
        # memray's end takes its hook off all threads: one that is set later would stay. Between
        # this look and the call that follows no other thread gets the interpreter.
        return self._original if giving_way.tracking else _NOTHING

    __call__: Any = property(_look_up)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)
