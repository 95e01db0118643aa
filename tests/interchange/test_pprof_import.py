"""pprof files as Go's tools write them, and fields that are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from application_sdk.monitoring.backends.source_lines import first_line
from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.importers.assembly import Wishes
from application_sdk.monitoring.importers.reading import import_profile
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.protobuf import block, number, packed, text

STRINGS = ("", "samples", "count", "cpu", "nanoseconds", "main.work", "work.go", "main.main")
PERIOD = block(11, number(1, 3) + number(2, 4)) + number(12, 10_000_000)


def value_type(kind: int, unit: int) -> bytes:
    return block(1, number(1, kind) + number(2, unit))


def location(identity: int, address: int = 0, *functions: int) -> bytes:
    lines = b"".join(block(4, number(1, function)) for function in functions)
    return block(4, number(1, identity) + number(3, address) + lines)


def function(identity: int, name: int) -> bytes:
    return block(5, number(1, identity) + number(2, name) + number(4, 6) + number(5, 12))


def go_profile(more: bytes = b"", strings: tuple[str, ...] = STRINGS) -> bytes:
    """Counts and CPU time of an inlined call and of an address without a symbol."""
    return b"".join(
        (
            value_type(1, 2),
            value_type(3, 4),
            block(2, packed(1, [2, 1]) + packed(2, [3, 30_000_000])),
            location(1, 0, 1, 2),
            location(2, 0x4F2),
            function(1, 5),
            function(2, 7),
            *(text(6, entry) for entry in strings),
            more,
        )
    )


def imported(content: bytes, tmp_path: Path) -> Profile:
    path = tmp_path / "go.pb"
    path.write_bytes(content)
    return import_profile(path, Wishes(), first_line, "pprof")


def test_cpu_time_is_taken_over_and_what_has_no_place_is_said(tmp_path: Path) -> None:
    profile = imported(go_profile(PERIOD), tmp_path)
    assert profile.cpu is not None
    assert profile.cpu.cpu_seconds == pytest.approx(0.03)
    assert profile.cpu.interval_seconds == pytest.approx(0.01)
    assert "samples (count) was left out: a profile has no place for it" in profile.notes
    assert any("does not say when it was made" in note for note in profile.notes)


def test_inlined_calls_are_frames_of_their_own_and_an_address_stands_for_itself(
    tmp_path: Path,
) -> None:
    profile = imported(go_profile(), tmp_path)
    assert profile.cpu is not None
    frames = [node.frame for node in profile.cpu.tree.walk()]
    assert frames == [
        Frame("main.main", "work.go", 12),
        Frame("main.work", "work.go", 12),
        Frame("0x4f2", "", 0),
    ]


def test_allocations_of_go_are_what_was_ever_allocated_and_it_says_so(tmp_path: Path) -> None:
    strings = ("", "alloc_objects", "count", "alloc_space", "bytes", *STRINGS[5:])
    profile = imported(go_profile(strings=strings), tmp_path)
    assert profile.memory is not None
    assert profile.memory.peak_bytes == 30_000_000
    assert any("what was ever allocated" in note for note in profile.notes)


@pytest.mark.parametrize(
    "damage",
    [
        block(2, packed(1, [9]) + packed(2, [1, 1])),  # a location that is not there
        block(2, packed(1, [1]) + packed(2, [1])),  # a value too few
        location(3, 0, 9),  # a function that is not there
        function(3, 99),  # a string that is not there
        block(9, b"text"),  # bytes where a number must be
        b"\x00\x01",  # a field without a number
        b"\x0b",  # a wire type that nobody uses
        b"\x09\x01",  # a fixed field that is cut off
        b"\x48\xff",  # a number that is cut off
    ],
)
def test_a_damaged_field_makes_the_file_unreadable(damage: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableProfileError, match="this pprof file is damaged"):
        imported(go_profile(damage), tmp_path)


def test_a_fixed_field_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    later = b"\xa1\x06" + bytes(8) + b"\xad\x06" + bytes(4)
    assert imported(go_profile(later), tmp_path).cpu == imported(go_profile(), tmp_path).cpu


def test_a_message_without_sample_types_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(UnreadableProfileError, match="no sample type or no table of strings"):
        imported(text(6, ""), tmp_path)
