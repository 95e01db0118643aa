"""Reads the profiles that commands are given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from application_sdk.monitoring.errors import MonitoringError, UnreadableProfileError
from application_sdk.monitoring.model.files import load_profile
from application_sdk.monitoring.model.profile import Profile

_OTHER_JSON = ".speedscope.json"


def read_profile(path: str | Path) -> Profile:
    """A profile of this library.

    Raises:
        UnreadableProfileError: If it cannot be read; for the file of another tool the text
            says how to import it.
    """
    return load_profile(path)


def find_profiles(paths: Iterable[str]) -> list[Path]:
    """The profile files that arguments name: files as they are, directories with all below.

    Raises:
        MonitoringError: If there is none.
    """
    found = [file for path in paths for file in _profiles_at(Path(path))]
    if not found:
        raise MonitoringError(f"no profile (.json) below {', '.join(paths)}")
    return found


def _profiles_at(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    try:
        yield from sorted(
            file
            for file in path.rglob("*.json")
            if not file.name.endswith(_OTHER_JSON) and not file.name.startswith(".")
        )
    except OSError as error:
        raise UnreadableProfileError(f"cannot read {path}: {error.strerror or error}") from error
