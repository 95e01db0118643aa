"""Publishes what monitoring costs a process, as a small file beside its profiles.

The files lie in ``<output_dir>/.spend``. Beside each lies a lock that its process holds until it
ends, however it ends: process ids would not do, for in a container the next process often has
the id of the last one, and another container's cannot be asked.
"""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from application_sdk.monitoring.model.spend import Spend

SPEND_DIRECTORY = ".spend"
# No .json: whoever collects profiles by that extension must not meet these.
SPEND_SUFFIX, LOCK_SUFFIX, _TEMPORARY_SUFFIX = ".spend", ".lock", ".new"

_KEPT_SECONDS = 24 * 3600.0
_MOST_ENDED = 50
_TRIES, _PAUSE_SECONDS = 20, 0.005
_MOST_BYTES = 1_000_000
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Published(NamedTuple):
    """One process's figures.

    Attributes:
        spend: The figures.
        running: Whether the process still is; None where that cannot be told.
    """

    spend: Spend
    running: bool | None


class SpendFile:
    """One process's file in one directory of profiles.

    Args:
        output_dir: The directory of profiles.
        hostname: What the process's machine is called.
    """

    def __init__(self, output_dir: Path, hostname: str) -> None:
        self._output_dir = output_dir
        self._place = output_dir / SPEND_DIRECTORY
        host = _UNSAFE.sub("_", hostname)[:64].strip(".") or "_"
        self._stem = f"{host}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._held: int | None = None

    def write(self, spend: Spend) -> None:
        """Replace the file; nothing where the directory of profiles is gone.

        Raises:
            OSError: If it cannot be written.
        """
        if not self._output_dir.is_dir():
            return
        if self._place.is_symlink():
            raise OSError(f"{self._place} is a symbolic link, and none is followed")
        self._place.mkdir(mode=0o700, exist_ok=True)
        lock = self._path(LOCK_SUFFIX)
        if self._held is None or not lock.exists():
            self.forget()
            self._held = _hold(lock)
            _remove_stale(self._place)
        temporary = self._path(_TEMPORARY_SUFFIX)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        try:
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(spend.model_dump_json().encode())
            os.replace(temporary, self._path(SPEND_SUFFIX))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def forget(self) -> None:
        """Let go of the lock, as a forked child must: the file and its lock are the parent's."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _path(self, suffix: str) -> Path:
        return self._place / f"{self._stem}{suffix}"


def read_spends(output_dir: Path) -> list[Published]:
    """What the processes that write profiles below a directory have published, newest first.

    Raises:
        OSError: If the directory cannot be read.
    """
    found = []
    for path in _files(output_dir / SPEND_DIRECTORY):
        spend = _read(path)
        if spend is not None:
            running = False if spend.ended else _is_held(path.with_suffix(LOCK_SUFFIX))
            found.append(Published(spend, running))
    found.sort(key=lambda one: (one.running is not False, one.spend.as_of), reverse=True)
    return found


def _files(place: Path) -> Iterator[Path]:
    if place.is_symlink():
        raise OSError(f"{place} is a symbolic link, and none is followed")
    try:
        with os.scandir(place) as entries:
            names = [
                entry.name
                for entry in entries
                if entry.name.endswith(SPEND_SUFFIX) and entry.is_file(follow_symlinks=False)
            ]
    except FileNotFoundError:
        # The directory of profiles has to be there, its notes need not.
        with os.scandir(place.parent):
            return
    for name in sorted(names):
        yield place / name


def _read(path: Path) -> Spend | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as file:
            return Spend.model_validate_json(file.read(_MOST_BYTES))
    except (OSError, ValidationError):
        return None  # gone meanwhile, or none of ours


def _hold(lock: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(lock, flags, 0o600)
    for _ in range(_TRIES):
        # Whoever looks at it holds it for a moment.
        if _try_lock(descriptor) is not False:
            break
        time.sleep(_PAUSE_SECONDS)
    return descriptor


def _is_held(lock: Path) -> bool | None:
    """Whether its process runs; None where there are no such locks."""
    try:
        # To read only: whoever looks may be another user.
        descriptor = os.open(lock, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        free = _try_lock(descriptor, shared=True)
        return None if free is None else not free
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int, *, shared: bool = False) -> bool | None:
    """Whether nobody else held it; None where there are no such locks."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def _remove_stale(place: Path) -> None:
    """Delete what ended processes have left: old ones, and the oldest beyond a number."""
    oldest = time.time() - _KEPT_SECONDS
    ended = []
    with os.scandir(place) as entries:
        for entry in entries:
            path = Path(entry.path)
            if path.suffix not in (SPEND_SUFFIX, LOCK_SUFFIX, _TEMPORARY_SUFFIX):
                continue
            try:
                written_at = entry.stat(follow_symlinks=False).st_mtime
            except FileNotFoundError:
                continue
            held = _is_held(path.with_suffix(LOCK_SUFFIX))
            if held is False or (held is None and written_at < oldest):
                ended.append((written_at, path))
    ended.sort(reverse=True)
    kept = 0
    for written_at, path in ended:
        if path.suffix == SPEND_SUFFIX and written_at > oldest and kept < _MOST_ENDED:
            kept += 1
        else:
            path.unlink(missing_ok=True)
