"""The one owner of the interpreter's profile hook in this process.

pyinstrument and memray both work through that hook, and either one breaks the other for
the rest of the process when they overlap on any thread. So each asks here first, and
keeps the hook until its last capture has ended. A hook of somebody else is left alone.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Literal

Holder = Literal["pyinstrument", "memray"]


class ProfileHook:
    """Lends the hook to one kind of profiler at a time; that kind may take it many times."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder: Holder | None = None
        self._count = self._claims = 0
        self._end_idle: Callable[[], None] | None = None

    @property
    def holder(self) -> Holder | None:
        """Who of ours has the hook now."""
        return self._holder

    def acquire(self, holder: Holder, end_idle: Callable[[], None] | None = None) -> str | None:
        """Take the hook, or learn why not.

        Args:
            holder: The profiler that wants it.
            end_idle: Called when another wants it, to release it if it is only kept for later.

        Returns:
            None when it was taken (``release`` it once), else the reason, to complete
            'not used because ...'.
        """
        if self._holder is not None and self._holder != holder:
            self.end_idle()
        with self._lock:
            if self._claims:
                return "the program is starting or ending a memray tracker of its own"
            if self._holder is not None and self._holder != holder:
                return f"{self._holder} is capturing in this process and both need the profile hook"
            reason = foreign_hook(self._holder)
            if reason is not None:
                return reason
            self._holder = holder
            self._count += 1
            self._end_idle = end_idle or self._end_idle
            return None

    def end_idle(self) -> None:
        """Have the hook released, unless a capture needs it."""
        end = self._end_idle
        if end is not None:
            end()

    def release(self) -> None:
        """Give back what one ``acquire`` took."""
        with self._lock:
            self._count -= 1
            if self._count == 0:
                self._holder = self._end_idle = None

    def claim(self, change: int) -> None:
        """Count (1), or count no more (-1), a place where the program itself takes the hook."""
        with self._lock:
            self._claims += change

    def reset(self) -> None:
        """Forget all holders: in a forked child none of their threads lives on."""
        self._lock = threading.Lock()
        self._claims = 0
        self._holder = self._end_idle = None
        self._count = 0


def foreign_hook(holder: Holder | None = None) -> str | None:
    """Why the hook is not free on this thread, as far as that can be seen, else None.

    Args:
        holder: Who of ours has it now; its hook is not foreign.

    The interpreter shows a thread only its own hook; the hook for threads to come is
    where a memray tracker that somebody else started gives itself away.
    """
    for_new_threads = threading.getprofile()
    memrays = is_memrays(for_new_threads)
    if memrays and holder != "memray":
        return "a memray tracker that the program started itself is running"
    mine = sys.getprofile()
    if type(mine).__name__ == "ProfilerState":
        if holder != "pyinstrument":
            return "a pyinstrument profiler that the program started itself is running"
    elif mine is not None:
        return "the program has set a profile hook of its own"
    if for_new_threads is not None and not memrays:
        return "the program has set a profile hook for new threads"
    return None


def is_memrays(hook: object) -> bool:
    """Whether a hook for new threads is the one that a memray tracker sets."""
    module = getattr(hook, "__module__", None) or ""
    if module.startswith("memray") or type(hook).__module__.startswith("memray"):
        return True
    return getattr(hook, "__name__", "") == "start_thread_trace"


profile_hook = ProfileHook()
"""The process's only one."""
