"""Values the way people read them."""

from __future__ import annotations

import pytest

from application_sdk.monitoring.renderers.html.text import escape, format_value


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (3e-9, "s", "3 ns"),
        (1.5e-6, "s", "1.50 µs"),
        (0.0123, "s", "12.3 ms"),
        (119.0, "s", "119 s"),
        (150.4, "s", "2 min 30 s"),
        (-3725.0, "s", "-62 min 5 s"),
        (0, "B", "0 B"),
        (999, "B", "999 B"),
        (1_250, "B", "1.25 kB"),
        (12_500_000, "B", "12.5 MB"),
        (-3e9, "B", "-3.00 GB"),
        (2e12, "B", "2.00 TB"),
        (1_234_567, "", "1,234,567"),
    ],
)
def test_a_value_has_the_unit_that_fits_it(value: float, unit: str, text: str) -> None:
    assert format_value(value, unit) == text


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x85", "\ud800", "\uffff"])
def test_a_character_that_no_page_may_hold_is_replaced(character: str) -> None:
    assert escape(f"<a{character}b>") == "&lt;a\ufffdb&gt;"
