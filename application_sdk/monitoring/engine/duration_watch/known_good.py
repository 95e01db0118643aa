"""The durations of a known good version that the settings name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from application_sdk.monitoring.analysis.regressions.duration_baseline import DurationBaseline
from application_sdk.monitoring.analysis.regressions.duration_sketch import DurationSketch
from application_sdk.monitoring.containment import warn_once
from application_sdk.monitoring.engine.process_info import process_info
from application_sdk.monitoring.settings import current_settings


def known_good(function: str, way: str) -> DurationSketch | None:
    """What the baseline knows of a function on this kind of machine; None when nothing.

    Args:
        function: Its name.
        way: How its calls run.
    """
    path = current_settings().duration_baseline
    return None if path is None else _read(path).sketch(process_info(), function, way)


@lru_cache(maxsize=4)
def _read(path: Path) -> DurationBaseline:
    """The file's content; none, with one warning, when it cannot be used."""
    try:
        return DurationBaseline.from_json(path.read_bytes())
    except (OSError, ValueError) as error:
        warn_once(
            f"duration_baseline {path}",
            "duration_baseline=%s cannot be used (%s), so functions are compared with their own "
            "past; write it with `sdk-monitoring baseline durations PROFILES -o FILE`",
            path,
            error,
        )
        return DurationBaseline()
