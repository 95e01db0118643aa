"""Settings from a file that is looked at while calls come: control without a redeployment.

No thread watches it. A sampled call, or one that the gate has sent here to look, asks at
most every ten seconds whether the file is another one than before.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from application_sdk.monitoring.containment import contained, logger, warn_once
from application_sdk.monitoring.settings import (
    MonitoringSettings,
    apply_file,
    current_settings,
)

EVERY_SECONDS = 10.0

_NEVER_FROM_FILE = frozenset({"config_file"})


class ConfigFile:
    """The file that ``config_file`` names, and when it was last looked at."""

    def __init__(self) -> None:
        self._next_look = 0.0
        self._seen: object = None
        self._values: dict[str, Any] = {}
        self._valid: frozenset[str] = frozenset()

    def is_due(self) -> bool:
        """Whether there is a file, or an override that expires, and it is time to look."""
        if not self._values and not current_settings().may_change_by_itself:
            return False
        return time.monotonic() >= self._next_look

    def look(self) -> None:
        """Take over what has changed, if it is time to look; cheap where it is not."""
        if not self.is_due():
            return
        self._next_look = time.monotonic() + EVERY_SECONDS
        with contained("looking at the configuration file"):
            self._read(current_settings().config_file)
            self._expire()

    def reset(self) -> None:
        """Look at the next call again, whatever was seen. For tests and after a fork."""
        self.__init__()  # type: ignore[misc]  # its fields as they were

    def _read(self, path: Path | None) -> None:
        seen = _identity(path)
        if seen == self._seen:
            return
        self._seen = seen
        if path is None or seen is None:
            self._apply(path, {})
            return
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            self._refuse(path, f"it cannot be read: {error}")
            return
        if not isinstance(values, dict):
            self._refuse(path, "it must hold a JSON object of settings")
            return
        unknown = values.keys() - (MonitoringSettings.model_fields.keys() - _NEVER_FROM_FILE)
        if unknown:
            self._refuse(path, f"there is no setting {', '.join(sorted(unknown))}")
            return
        self._apply(path, values)

    def _apply(self, path: Path | None, values: dict[str, Any]) -> None:
        if values == self._values:
            return
        before = current_settings()
        try:
            after = apply_file(values)
        except (ValidationError, TypeError) as error:
            self._refuse(path, str(error))
            return
        self._values = values
        changed = [
            f"{name}: {getattr(before, name)!r} -> {getattr(after, name)!r}"
            for name in MonitoringSettings.model_fields
            if getattr(before, name) != getattr(after, name)
        ]
        self._valid = _valid_patterns(after)
        logger().info(
            "The configuration file %s has changed the settings of monitoring: %s",
            path,
            "; ".join(changed) or "nothing that was not so before",
        )

    def _expire(self) -> None:
        settings = current_settings()
        valid = _valid_patterns(settings)
        over = self._valid - valid
        self._valid = valid
        if over:
            apply_file(self._values)  # the same, evaluated anew
            logger().info("Overrides have expired and no longer hold: %s", ", ".join(sorted(over)))

    def _refuse(self, path: Path | None, reason: str) -> None:
        warn_once(
            f"configuration file: {self._seen}",
            "The configuration file %s is not used, and the settings stay as they are: %s",
            path,
            reason,
        )


def _identity(path: Path | None) -> tuple[int, int, int, int] | None:
    """What is another for another content; a ConfigMap replaces the file as a whole."""
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _valid_patterns(settings: MonitoringSettings) -> frozenset[str]:
    return frozenset(
        pattern
        for pattern, override in settings.overrides.items()
        if override.expires_at is not None and not override.expired
    )


config_file = ConfigFile()
"""The process's only one."""
