"""The process's one memray tracker, shared by all calls that are captured at a time.

memray allows a single tracker, and one that is started deep inside a stack misses frames
of other threads. So it is started and stopped on a thread of its own, counted, and every
call marks its begin and end in the stream of records by an allocation of its own.
"""

from __future__ import annotations

import os
import threading
import uuid
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import memray

from application_sdk.monitoring.profile_hook import profile_hook
from application_sdk.monitoring.protocols import BackendUnavailable

BEGIN_PREFIX = "<monitored call begins "
END_PREFIX = "<monitored call ends "

_BOOKEND_BYTES = 4_099  # beyond pymalloc's small objects, so that the tracker sees it
SPOOL_DIRECTORY = ".captures"


class Spool:
    """One capture file, and who still needs it.

    Attributes:
        path: The file; complete once ``closed`` is set.
        closed: Set when the tracker has stopped.
        wanted: Identities of the calls in it, each with its place where it is a block.
        read: What was read of the file, for all its calls at once; None before.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._users = 0
        self.wanted: dict[str, Any] = {}
        self.read: dict[str, Any] | None = None
        # memray knows code objects by address: none may be freed while it tracks.
        self.keep_alive: list[CodeType] = []

    def take(self) -> None:
        """One more call needs the file."""
        with self._lock:
            self._users += 1

    def drop(self) -> None:
        """A call no longer needs it; the last one removes it."""
        with self._lock:
            self._users -= 1
            last = self._users == 0
        if last and self.closed.is_set():
            self.path.unlink(missing_ok=True)


class SharedTracker:
    """Starts a tracker for the first call, and stops it after the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tracker: Any = None
        self._spool: Spool | None = None
        self._active = 0
        self._native = False

    def join(self, directory: Path, native: bool) -> Spool:
        """Track allocations for one more call.

        Raises:
            BackendUnavailable: If memray cannot track now; the text says why.
        """
        with self._lock:
            if self._spool is None:
                self._start(directory, native)
            spool = self._spool
            assert spool is not None
            spool.take()
            self._active += 1
            return spool

    def leave(self, *, wait: bool = False) -> None:
        """One call less; the last one stops the tracker, off the caller's path.

        Args:
            wait: Whether to return only when it has stopped.
        """
        with self._lock:
            self._active -= 1
            if self._active:
                return
        stopping = threading.Thread(target=self._stop_if_idle, name="monitoring-tracker")
        stopping.daemon = True
        stopping.start()
        if wait:
            stopping.join()

    def reset(self) -> None:
        """In a forked child the tracker does not go on; forget it without touching it."""
        self.__init__()  # type: ignore[misc]  # the one way that forgets every lock

    def _start(self, directory: Path, native: bool) -> None:
        reason = profile_hook.acquire("memray")
        if reason is not None:
            raise BackendUnavailable(reason)
        try:
            spools = directory / SPOOL_DIRECTORY
            spools.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = spools / f"{os.getpid()}-{uuid.uuid4().hex}.bin"
            outcome: list[Any] = []
            starting = threading.Thread(
                target=_start_tracker, args=(path, native, outcome), name="monitoring-tracker"
            )
            starting.daemon = True
            starting.start()
            starting.join()
            if isinstance(outcome[0], BaseException):
                path.unlink(missing_ok=True)
                raise BackendUnavailable(f"memray could not start: {outcome[0]}") from outcome[0]
        except BackendUnavailable:
            profile_hook.release()
            raise
        except OSError as error:
            profile_hook.release()
            raise BackendUnavailable(f"its capture file cannot be written: {error}") from error
        except BaseException:
            profile_hook.release()
            raise
        self._tracker = outcome[0]
        self._spool = Spool(path)

    def _stop_if_idle(self) -> None:
        with self._lock:
            tracker, spool = self._tracker, self._spool
            if self._active or tracker is None or spool is None:
                return
            self._tracker = self._spool = None
            try:
                tracker.__exit__(None, None, None)
            finally:
                spool.keep_alive.clear()
                profile_hook.release()
                spool.closed.set()


def _start_tracker(path: Path, native: bool, outcome: list[Any]) -> None:
    try:
        tracker = memray.Tracker(
            destination=memray.FileDestination(path, overwrite=True, compress_on_exit=False),
            native_traces=native,
        )
        tracker.__enter__()
        os.chmod(path, 0o600)
    except BaseException as error:
        outcome.append(error)
    else:
        outcome.append(tracker)


def bookend(prefix: str, identity: str, spool: Spool) -> None:
    """Mark a place in the stream of records by an allocation under a unique name."""
    name = f"{prefix}{identity}>"
    code = _allocate.__code__.replace(co_name=name, co_qualname=name)
    spool.keep_alive.append(code)
    FunctionType(code, {})(_BOOKEND_BYTES)


def _allocate(size: int) -> None:
    bytearray(size)


shared_tracker = SharedTracker()
"""The process's only one."""
