"""Writes a profile's files, each to a temporary name first, and keeps their number down."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from application_sdk.monitoring.containment import report_fault
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.registry import EXTENSIONS, renderers

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 150
_STEM = re.compile(r"^(\d{8}T\d{6}\.\d{6}Z_[0-9a-f]{32})\.")
_TEMPORARY = re.compile(r"^\.\d{8}T\d{6}\.\d{6}Z_[0-9a-f]{32}\..+\.tmp$")
_RESCAN_SECONDS = 60.0
_STALE_SECONDS = 3600.0


def safe_name(name: str) -> str:
    """A name as a single directory: letters, digits, dot, dash and underscore."""
    cleaned = _UNSAFE.sub("_", name)[:_LONGEST_NAME].strip(".")
    return cleaned or "_"


class Written(NamedTuple):
    """One file of a profile."""

    format: str
    path: Path
    size: int


def render_files(
    profile: Profile,
    output_dir: Path,
    formats: Iterable[str],
    failed: Callable[[str, Exception], None],
) -> list[Written]:
    """Render and write a profile.

    Args:
        profile: The profile.
        output_dir: The directory of profiles.
        formats: What to write.
        failed: Told of each format that cannot be rendered, which is left out.

    Raises:
        OSError: If the directory cannot be written.
    """
    directory = output_dir / safe_name(profile.name)
    output_dir.mkdir(parents=True, exist_ok=True)
    if directory.is_symlink():
        raise OSError(f"{directory} is a symbolic link, and none is followed below {output_dir}")
    directory.mkdir(exist_ok=True)
    written: list[Written] = []
    for name in formats:
        try:
            content = renderers.get(name)(profile)
        except Exception as error:
            failed(name, error)
            continue
        path = directory / f"{_stem(profile)}{EXTENSIONS.get(name, '.' + name)}"
        _write(path, content)
        written.append(Written(name, path, len(content)))
    return written


def write_beside(file: Path, extension: str, content: bytes) -> Path:
    """Write one more file of a stored profile, which retention then deletes with the others.

    Args:
        file: A file that ``write_files`` has written.
        extension: What tells the new one from the others.
        content: What to write.

    Raises:
        OSError: If it cannot be written.
    """
    match = _STEM.match(file.name)
    stem = match.group(1) if match else file.stem
    path = file.with_name(f"{stem}{extension}")
    _write(path, content)
    return path


def keep(profile: Profile, output_dir: Path, size: int, most: int, most_bytes: int) -> None:
    """Count a profile that was written, and delete the oldest beyond what may be stored."""
    stored = _Stored(_stem(profile), output_dir / safe_name(profile.name), size)
    _retention.keep(output_dir, stored, most, most_bytes)


def _stem(profile: Profile) -> str:
    return f"{profile.started_at:%Y%m%dT%H%M%S.%fZ}_{profile.profile_id}"


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(temporary, flags, 0o600)
    except FileExistsError:
        # Of a helper that was killed while it wrote this very file.
        temporary.unlink()
        descriptor = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class _Stored:
    """The files of one stored profile."""

    __slots__ = ("directory", "size", "stem")

    def __init__(self, stem: str, directory: Path, size: int) -> None:
        self.stem = stem
        self.directory = directory
        self.size = size

    def delete(self) -> None:
        if self.directory.is_symlink() or not self.directory.is_dir():
            return  # somebody took it away: what stands there now is not ours
        for file in self.directory.glob(f"{self.stem}.*"):
            file.unlink(missing_ok=True)
        if not any(self.directory.iterdir()):
            self.directory.rmdir()


class _Retention:
    """Knows what is stored under each directory, oldest first, with a fresh look now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Path, tuple[float, deque[_Stored]]] = {}

    def keep(self, output_dir: Path, new: _Stored, most: int, most_bytes: int) -> None:
        with self._lock:
            now = time.monotonic()
            scanned_at, stored = self._known.get(output_dir, (None, deque()))
            if scanned_at is None or now - scanned_at > _RESCAN_SECONDS:
                stored = _scan(output_dir)
                self._known[output_dir] = (now, stored)
                if len(self._known) > 64:
                    del self._known[next(iter(self._known))]
            else:
                stored.append(new)
            total = sum(item.size for item in stored)
            while stored and (len(stored) > most or total > most_bytes):
                oldest = stored.popleft()
                total -= oldest.size
                try:
                    oldest.delete()
                except OSError:
                    report_fault("deleting an old profile")


def _scan(output_dir: Path) -> deque[_Stored]:
    """What is stored; deletes what a process that was killed has left half written."""
    found: dict[tuple[str, Path], _Stored] = {}
    with os.scandir(output_dir) as directories:
        for directory in directories:
            if not directory.is_dir(follow_symlinks=False):
                continue
            with os.scandir(directory.path) as files:
                for file in files:
                    match = _STEM.match(file.name)
                    if match and file.is_file(follow_symlinks=False):
                        key = (match.group(1), Path(directory.path))
                        item = found.setdefault(key, _Stored(key[0], key[1], 0))
                        item.size += file.stat(follow_symlinks=False).st_size
                    elif _TEMPORARY.match(file.name):
                        _remove_if_stale(file)
    return deque(sorted(found.values(), key=lambda item: item.stem))


def _remove_if_stale(file: os.DirEntry[str]) -> None:
    with suppress(FileNotFoundError):
        if not file.is_file(follow_symlinks=False):
            return
        if time.time() - file.stat(follow_symlinks=False).st_mtime > _STALE_SECONDS:
            Path(file.path).unlink()


_retention = _Retention()
