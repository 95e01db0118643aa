"""Capture files on disk, with enough beside them to use them after a kill.

Beside each capture (``.bin``) lies a journal (``.calls``): a line for the process, and one
for each call that began in it or was delivered. Its writer holds a lock on it that ends with
the process, so whoever can take the lock knows that the capture was left behind.
"""

from __future__ import annotations

import json
import os
import platform
import socket
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from application_sdk.monitoring.containment import contained
from application_sdk.monitoring.protocols import ProfiledCall

SPOOL_DIRECTORY = ".captures"
CAPTURE_SUFFIX, JOURNAL_SUFFIX = ".bin", ".calls"

_open_spools: weakref.WeakSet[Spool] = weakref.WeakSet()


class Spool:
    """One capture file, its journal, and who still needs them.

    Attributes:
        path: The capture; complete once ``closed`` is set, readable before.
        closed: Set when the tracker has stopped.
        wanted: Identities of the calls in it, each with its place where it is a block.
        ended: Those whose end is marked in the capture.
        found: What was read so far, by identity.
        keep_alive: memray knows code objects by address, so none may be freed meanwhile.
        cut_off: Why the tracker was stopped while calls went on; None if it was not.
        cut_off_at: When that was, in the clock of ``time.perf_counter``.
        active: Calls that are being captured.

    Args:
        directory: Where profiles go; the capture goes to a directory of its own in there.

    Raises:
        OSError: If the directory or the journal cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        place = directory / SPOOL_DIRECTORY
        if place.is_symlink():
            raise OSError(f"{place} is a symbolic link, and none is followed below {directory}")
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = place / f"{os.getpid()}-{uuid.uuid4().hex}{CAPTURE_SUFFIX}"
        self.closed = threading.Event()
        self.wanted: dict[str, Any] = {}
        self.ended: set[str] = set()
        self.found: dict[str, Any] = {}
        self.keep_alive: list[CodeType] = []
        self.cut_off: str | None = None
        self.cut_off_at = 0.0
        self.active = 0
        self._lock = threading.Lock()
        self._users = 0
        self._journal: int | None = os.open(
            self.path.with_suffix(JOURNAL_SUFFIX),
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND,
            0o600,
        )
        _open_spools.add(self)
        try:
            _take_lock(self._journal)
            self._write(
                event="process",
                pid=os.getpid(),
                hostname=socket.gethostname(),
                python=platform.python_version(),
                implementation=platform.python_implementation(),
            )
        except BaseException:
            # A full disk: leave neither an empty journal nor its descriptor behind.
            self.closed.set()
            self.remove_if_unused()
            raise

    def joined(self) -> None:
        """A call needs the capture from now on, until it is ``done`` with it."""
        with self._lock:
            self._users += 1

    def began(self, call: ProfiledCall, rss_bytes: int | None) -> None:
        """Note what the profile of a call that joined needs to be made of."""
        root, block = call.root, call.block
        self._write(
            event="began",
            identity=call.identity,
            name=call.name,
            started_at=call.started_at.isoformat(),
            context=call.context.model_dump(exclude_none=True),
            sampling=call.sampling.model_dump(),
            root=[root.co_name, root.co_filename, root.co_firstlineno]
            if isinstance(root, CodeType)
            else list(root),
            block=None if block is None else [block.code.co_name, block.code.co_filename],
            max_nodes=call.max_nodes,
            rss_bytes=rss_bytes,
        )

    def cut(self, reason: str) -> None:
        """The tracker is stopped now, while calls go on."""
        self.cut_off, self.cut_off_at = reason, time.perf_counter()

    def done(self, identity: str) -> None:
        """A call no longer needs the capture; the last one removes it."""
        self.wanted.pop(identity, None)
        self.found.pop(identity, None)
        with contained("noting that a capture was delivered"):
            # On a full disk this fails, and above all then the capture has to go.
            self._write(event="done", identity=identity)
        with self._lock:
            self._users -= 1
        self.remove_if_unused()

    def remove_if_unused(self) -> None:
        """Delete the files when the tracker has stopped and no call needs them."""
        with self._lock:
            if self._users or not self.closed.is_set() or self._journal is None:
                return
            journal, self._journal = self._journal, None
        remove_capture(self.path)
        os.close(journal)

    def forget(self) -> None:
        """In a forked child: the files stay the parent's, and so does the lock."""
        journal, self._journal = self._journal, None
        if journal is not None:
            os.close(journal)

    def _write(self, **line: Any) -> None:
        if self._journal is not None:
            os.write(self._journal, (json.dumps(line) + "\n").encode())


@dataclass
class LeftBehind:
    """A capture whose process has died, held by a lock until it is closed.

    Attributes:
        path: The capture.
        process: What is known of the process.
        calls: The calls that were not delivered, as they were noted at their begin.
    """

    path: Path
    process: dict[str, Any] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)


def left_behind(place: Path) -> Iterator[LeftBehind]:
    """The captures in a spool directory whose processes have died, one by one, locked."""
    for journal in sorted(place.glob(f"*{JOURNAL_SUFFIX}")):
        try:
            descriptor = os.open(journal, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            continue  # its process is at work, or another recovery was faster
        try:
            if _take_lock(descriptor) and journal.exists():
                yield _read_journal(journal)
        finally:
            os.close(descriptor)


def remove_capture(path: Path) -> None:
    """Delete a capture and its journal."""
    path.unlink(missing_ok=True)
    path.with_suffix(JOURNAL_SUFFIX).unlink(missing_ok=True)


def forget_spools() -> None:
    """In a forked child: close what the parent holds open."""
    for spool in list(_open_spools):
        spool.forget()


def _take_lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has no memray, so there are no captures either
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_journal(journal: Path) -> LeftBehind:
    found = LeftBehind(journal.with_suffix(CAPTURE_SUFFIX))
    calls: dict[str, dict[str, Any]] = {}
    for text in journal.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue  # the kill cut it off
        if line.get("event") == "process":
            found.process = line
        elif line.get("event") == "began":
            calls[line["identity"]] = line
        elif line.get("event") == "done":
            calls.pop(line["identity"], None)
    found.calls = list(calls.values())
    written = [path.stat().st_mtime for path in (found.path, journal) if path.exists()]
    # The latest write to the capture is the last that is known of its process.
    found.process["last_sign"] = max(written)
    return found
