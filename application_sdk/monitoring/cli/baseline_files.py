"""Where ``baseline`` keeps its histories, and the newest profiles to compare with.

``DIR/<target>/<fingerprint>/history.json``, and the profiles in ``reference/`` beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from application_sdk.monitoring.analysis.regressions.history import History, history_of, run_of
from application_sdk.monitoring.cli.output import write_output
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.exporters.files import safe_name
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers import json as json_renderer

DIRECTORY = ".monitoring-baselines"

_HISTORY = "history.json"
_REFERENCE = "reference"


class Baselines:
    """The histories below a directory.

    Args:
        directory: The directory; it need not be there yet.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def save(self, profile: Profile, revision: str | None, keep: int, references: int) -> History:
        """Add a profile to its history.

        Args:
            profile: The run.
            revision: The commit that it belongs to.
            keep: The most runs that the history keeps.
            references: The most profiles that are kept whole.

        Returns:
            The history with it.

        Raises:
            MonitoringError: If a file cannot be read or written.
        """
        empty = history_of(profile)
        place = self._place(empty)
        history = self._read(place / _HISTORY) if (place / _HISTORY).exists() else empty
        history = history.with_run(run_of(profile, revision)).pruned(keep)
        if references:
            _make(place / _REFERENCE)
            name = _reference_name(profile.profile_id)
            write_output(str(place / _REFERENCE / name), json_renderer.render(profile))
        self.write(history, references)
        return history

    def histories(self) -> Iterator[History]:
        """All histories, by target.

        Raises:
            MonitoringError: If one cannot be read.
        """
        for file in sorted(self.directory.glob(f"*/*/{_HISTORY}")):
            yield self._read(file)

    def find(self, target: str) -> list[History]:
        """The histories of one target.

        Raises:
            MonitoringError: If there is none, or one cannot be read.
        """
        found = [history for history in self.histories() if history.target == target]
        if not found:
            raise MonitoringError(
                f"no baseline of {target} in {self.directory} (baseline list shows what there is)"
            )
        return found

    def write(self, history: History, references: int) -> None:
        """Write a history, or remove it with its last run; older reference profiles go.

        Raises:
            MonitoringError: If a file cannot be written.
        """
        place = self._place(history)
        newest = history.runs[-references:] if references else ()
        kept = {_reference_name(run.profile_id) for run in newest}
        try:
            for file in (place / _REFERENCE).glob("*.json"):
                if file.name not in kept:
                    file.unlink(missing_ok=True)
            if not history.runs:
                (place / _HISTORY).unlink(missing_ok=True)
                return
        except OSError as error:
            raise MonitoringError(f"cannot change {place}: {error.strerror or error}") from error
        _make(place)
        text = history.model_dump_json(indent=2, exclude_none=True) + "\n"
        write_output(str(place / _HISTORY), text.encode())

    def references(self, history: History) -> Path | None:
        """The directory of the profiles to compare with; None when none is kept."""
        place = self._place(history) / _REFERENCE
        return place if any(place.glob("*.json")) else None

    def _place(self, history: History) -> Path:
        name = safe_name(history.target)
        if name != history.target:
            # Two targets must not share a place because their names look alike once made safe.
            name += "-" + hashlib.sha256(history.target.encode()).hexdigest()[:8]
        return self.directory / name / history.fingerprint

    def _read(self, file: Path) -> History:
        try:
            return History.model_validate_json(file.read_bytes())
        except OSError as error:
            raise MonitoringError(f"cannot read {file}: {error.strerror or error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise MonitoringError(f"{file} is no baseline: {where} {first['msg']}") from error


def _reference_name(profile_id: str) -> str:
    return f"{safe_name(profile_id)}.json"


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MonitoringError(f"cannot make {directory}: {error.strerror or error}") from error
