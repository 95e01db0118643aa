"""Reads the profiles that commands are given."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from application_sdk.monitoring.cli.remote import is_url, list_below, read
from application_sdk.monitoring.errors import MonitoringError, UnreadableProfileError
from application_sdk.monitoring.model.files import load_profile, parse_profile
from application_sdk.monitoring.model.profile import Profile

if TYPE_CHECKING:
    from application_sdk.monitoring.analysis.leaks.report import LeakReport

_OTHER_JSON = ".speedscope.json"


def add_reveal_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--reveal``."""
    parser.add_argument(
        "--reveal",
        metavar="MAP",
        help="turn hashes back by this map (.redaction-map.jsonl in the profiles' directory)",
    )


def read_profile(path: str | Path, reveal: str | None = None) -> Profile:
    """A profile of this library, from a file or an object store's URL.

    Args:
        path: The file or URL.
        reveal: A redaction map to turn hashes back by.

    Raises:
        UnreadableProfileError: If it cannot be read.
    """
    if isinstance(path, str) and is_url(path):
        profile = parse_profile(read(path), path)
    else:
        profile = load_profile(path)
    if reveal is None:
        return profile

    from application_sdk.monitoring.redaction import read_map, revealed

    return revealed(profile, read_map(Path(reveal)))


def read_leak_report(path: str) -> LeakReport | None:
    """What ``leaks --json`` has printed into a file; None where the file holds no such thing.

    Args:
        path: The file or URL.
    """
    from pydantic import ValidationError

    from application_sdk.monitoring.analysis.leaks.report import LeakReport

    try:
        data = json.loads(read(path) if is_url(path) else Path(path).read_bytes())
        # Only what names its verdict is meant to be one: else the file is a damaged profile.
        return LeakReport.model_validate(data) if "verdict" in data else None
    except (OSError, ValueError, TypeError, RecursionError, ValidationError):
        return None


def find_profiles(paths: Iterable[str]) -> list[str]:
    """The profiles that arguments name: files as they are, directories with all below.

    Raises:
        MonitoringError: If there is none.
    """
    found = [file for path in paths for file in _profiles_at(path)]
    if not found:
        raise MonitoringError(f"no profile (.json) below {', '.join(paths)}")
    return found


def _profiles_at(path: str) -> Iterator[str]:
    if is_url(path):
        if path.endswith(".json"):
            yield path
            return
        yield from (url for url in list_below(path) if _is_profile(url.rpartition("/")[2]))
        return
    if not Path(path).is_dir():
        yield path
        return
    try:
        yield from sorted(
            str(file)
            for file in Path(path).rglob("*.json")
            if _is_profile(file.name) and not _is_hidden(file.relative_to(path))
        )
    except OSError as error:
        raise UnreadableProfileError(f"cannot read {path}: {error.strerror or error}") from error


def _is_profile(name: str) -> bool:
    return name.endswith(".json") and not name.endswith(_OTHER_JSON) and not name.startswith(".")


def _is_hidden(path: Path) -> bool:
    # The monitoring keeps notes of its own in such directories.
    return any(part.startswith(".") for part in path.parts)
