"""What is still to be uploaded, written down so that a kill does not make it forgotten.

Entries lie in ``<output_dir>/.uploads``, one a profile. A process that has entries holds a
lock beside them, which ends with it: entries without a held lock were left behind. Process
ids would not do, for in a container the next process often has the id of the last one.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

JOURNAL = ".uploads"
_LOCK = ".lock"
_ENTRY = ".json"

Files = list[tuple[Path, str]]
"""Local files, each with its key in the store."""


class UploadJournal:
    """One process's part of the journal of one directory of profiles.

    Args:
        output_dir: The directory of profiles.
    """

    def __init__(self, output_dir: Path) -> None:
        self._output_dir = output_dir
        self._place = output_dir / JOURNAL
        self._mutex = threading.Lock()
        self._start_anew()

    def _start_anew(self) -> None:
        self._pid = os.getpid()
        self._owner = uuid.uuid4().hex
        self._pending: set[Path] = set()
        self._held: int | None = None

    def add(self, identity: str, folder: str, files: Sequence[Path]) -> Path:
        """Write down that a profile's files are to be uploaded.

        Args:
            identity: The profile's id.
            folder: What their keys start with.
            files: The files, below the directory of profiles.

        Raises:
            OSError: If the journal cannot be written.
        """
        if self._place.is_symlink():
            raise OSError(f"{self._place} is a symbolic link, and none is followed")
        with self._mutex:
            if self._pid != os.getpid():
                self._start_anew()  # a forked child: the lock and the entries are its parent's
            self._place.mkdir(mode=0o700, exist_ok=True)
            entry = self._place / f"{self._owner}.{identity}{_ENTRY}"
            if self._held is None:
                self._held = _hold(self._lock_of(self._owner))
            # Relative, because the next process may find the volume in another place.
            content = [[str(file.relative_to(self._output_dir)), file.name] for file in files]
            listed = {"files": [[path, f"{folder}/{name}"] for path, name in content]}
            temporary = entry.with_suffix(".tmp")
            temporary.write_text(json.dumps(listed), encoding="utf-8", errors="surrogateescape")
            os.replace(temporary, entry)
            self._pending.add(entry)
        return entry

    def read(self, entry: Path) -> Files:
        """What an entry says; nothing where it is gone or cannot be trusted."""
        try:
            content = json.loads(entry.read_text(encoding="utf-8", errors="surrogateescape"))
            listed = [(Path(path), str(key)) for path, key in content["files"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []
        # Only what lies below the directory is ours to send away.
        return [
            (self._output_dir / path, key)
            for path, key in listed
            if not path.is_absolute() and ".." not in path.parts
        ]

    def remove(self, entry: Path) -> None:
        """An entry's files have arrived."""
        entry.unlink(missing_ok=True)
        with self._mutex:
            self._pending.discard(entry)
            if self._held is not None and not self._pending and self._pid == os.getpid():
                self._lock_of(self._owner).unlink(missing_ok=True)
                os.close(self._held)
                self._held = None

    def left_behind(self) -> list[Path]:
        """The entries of processes that have ended, oldest first."""
        if self._place.is_symlink() or not self._place.is_dir():
            return []
        for lock in self._place.glob(f"*{_LOCK}"):
            if lock.stem != self._owner:
                _remove_unless_held(lock)
        found = [
            entry
            for entry in self._place.glob(f"*{_ENTRY}")
            if not self._lock_of(entry.name.partition(".")[0]).exists()
        ]
        for cut_off in self._place.glob("*.tmp"):
            if not self._lock_of(cut_off.name.partition(".")[0]).exists():
                cut_off.unlink(missing_ok=True)
        return sorted(found, key=_age)

    def _lock_of(self, owner: str) -> Path:
        return self._place / f"{owner}{_LOCK}"


def _hold(lock: Path) -> int:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    _lock_descriptor(descriptor)
    return descriptor


def _remove_unless_held(lock: Path) -> None:
    try:
        descriptor = os.open(lock, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return
    try:
        if _lock_descriptor(descriptor):
            lock.unlink(missing_ok=True)
    except OSError:
        return  # Windows does not delete what its process has open
    finally:
        os.close(descriptor)


def _lock_descriptor(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows: there an open file cannot be deleted, which serves as well
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _age(entry: Path) -> tuple[float, str]:
    try:
        return entry.stat().st_mtime, entry.name
    except OSError:
        return 0.0, entry.name
