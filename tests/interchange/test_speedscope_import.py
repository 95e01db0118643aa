"""Speedscope files as other tools write them: events, other units, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from application_sdk.monitoring.backends.source_lines import first_line
from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.importers.assembly import Wishes
from application_sdk.monitoring.importers.reading import import_profile
from application_sdk.monitoring.model.profile import Profile


def events(*, changes: tuple[tuple[str, int, float], ...], unit: str = "seconds") -> dict[str, Any]:
    return {
        "type": "evented",
        "name": "main thread",
        "unit": unit,
        "startValue": 0,
        "endValue": 100,
        "events": [{"type": kind, "frame": frame, "at": at} for kind, frame, at in changes],
    }


def samples(unit: str, weight: float = 4) -> dict[str, Any]:
    return {
        "type": "sampled",
        "name": "main thread",
        "unit": unit,
        "samples": [[0, 1]],
        "weights": [weight],
    }


def imported(part: dict[str, Any], path: Path, wishes: Wishes | None = None) -> Profile:
    data = {"shared": {"frames": [{"name": "main"}, {"name": "work"}]}, "profiles": [part]}
    path.write_text(json.dumps(data))
    return import_profile(path, wishes or Wishes(), first_line)


NESTED = (("O", 0, 0), ("O", 1, 10), ("C", 1, 25), ("C", 0, 30))


@pytest.mark.parametrize(
    ("unit", "scale"),
    [("seconds", 1), ("milliseconds", 1e-3), ("microseconds", 1e-6), ("nanoseconds", 1e-9)],
)
def test_events_give_each_frame_the_time_between_them(
    unit: str, scale: float, tmp_path: Path
) -> None:
    profile = imported(events(changes=NESTED, unit=unit), tmp_path / "a.json")
    assert profile.cpu is not None
    found = {s.function: (s.self_value, s.total_value) for s in profile.cpu.tree.functions()}
    assert found["main"] == pytest.approx((15 * scale, 30 * scale))
    assert found["work"] == pytest.approx((15 * scale, 15 * scale))


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        (events(changes=(("O", 0, 5), ("C", 0, 4))), "events go back in time"),
        (events(changes=(("O", 0, 0), ("C", 1, 1))), "not the innermost one"),
        (events(changes=(("C", 0, 1),)), "not the innermost one"),
        (events(changes=(("O", 0, 0),)), "a frame is never closed"),
        (samples("seconds") | {"weights": []}, "differ in length"),
        (samples("seconds") | {"type": "other"}, "unknown type of profile 'other'"),
        (samples("seconds") | {"samples": [[9]]}, "IndexError"),
    ],
)
def test_a_damaged_profile_is_unreadable_with_its_reason(
    part: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableProfileError, match=reason):
        imported(part, tmp_path / "a.json")


def test_bytes_are_shown_as_the_peak_and_the_profile_says_so(tmp_path: Path) -> None:
    profile = imported(samples("bytes", 4096), tmp_path / "a.json")
    assert profile.memory is not None
    assert profile.memory.peak_bytes == 4096
    assert any("shown as the peak" in note for note in profile.notes)


def test_numbers_without_a_unit_are_samples_of_the_interval_that_is_given(tmp_path: Path) -> None:
    wishes = Wishes(interval_seconds=0.01)
    profile = imported(samples("none"), tmp_path / "a.json", wishes)
    assert profile.cpu is not None
    assert profile.cpu.wall_seconds == pytest.approx(0.04)


def test_numbers_without_a_unit_are_what_the_user_says_that_they_are(tmp_path: Path) -> None:
    profile = imported(samples("none"), tmp_path / "a.json", Wishes(metric="retained_bytes"))
    assert profile.memory is not None
    assert profile.memory.retained_bytes == 4


def test_numbers_without_a_unit_and_without_a_word_about_them_cannot_be_read(
    tmp_path: Path,
) -> None:
    with pytest.raises(UnreadableProfileError):
        imported(samples("none"), tmp_path / "a.json")
