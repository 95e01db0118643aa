from __future__ import annotations

import pytest
from hypothesis import given

from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers import summary
from application_sdk.monitoring.renderers.paragraph import summary_paragraph
from application_sdk.monitoring.renderers.units import (
    human_bytes,
    human_seconds,
    one_line,
    share,
)
from tests.interchange.builders import (
    CPU_METRICS,
    FETCH,
    MAIN,
    both_halves,
    profile_of,
    profiles,
    tree_of,
)


def line_with(text: str, *parts: str) -> str:
    found = [line for line in text.splitlines() if all(part in line for part in parts)]
    assert found, f"no line with {parts} in\n{text}"
    return found[0]


def test_the_summary_says_what_was_called_when_and_how_it_ended() -> None:
    text = summary.render_summary(
        both_halves(outcome="raised", exception_type="builtins.ValueError")
    )
    assert text.startswith("my_app.orders.load\n")
    line_with(text, "outcome", "raised builtins.ValueError")
    line_with(text, "started", "2026-05-04 11:22:33 UTC")
    line_with(text, "duration", "12.9 s")
    line_with(text, "context", "workflow_type Orders")
    line_with(text, "attempt 2")
    line_with(text, "sampled", "1 of 412 calls")


def test_the_hottest_function_comes_first_with_self_total_and_shares() -> None:
    text = summary.render_summary(both_halves())
    rows = text.split("Hottest functions\n")[1].splitlines()
    assert " ".join(rows[1].split()) == (
        "8.30 s 59.6 % 8.30 s 59.6 % 1 ns <0.1 % 8.10 s 100.0 % fetch /app/orders.py:40"
    )
    assert "parse" in rows[2]
    assert " ".join(rows[2].split()).startswith("5.12 s 36.8 % 5.12 s 36.8 %")
    assert "main" in rows[3]
    assert " ".join(rows[3].split()).startswith("500 ms 3.6 % 13.9 s 100.0 %")


def test_the_summary_shows_memory_before_at_its_peak_and_after_with_the_functions() -> None:
    text = summary.render_summary(both_halves())
    line_with(text, "RSS", "before 134 MB", "peak 419 MB", "after 168 MB (+33.6 MB)")
    line_with(text, "peak", "124 kB")
    line_with(text, "retained", "1.10 TB")
    at_peak = text.split("Holding most at the peak\n")[1].splitlines()
    assert "parse" in at_peak[1]
    assert "fetch" in at_peak[2]


def test_the_summary_ends_with_notes_and_the_cost_of_monitoring() -> None:
    text = summary.render_summary(both_halves(notes=("memray was busy.",)))
    line_with(text, "- memray was busy.")
    assert text.splitlines()[-1] == ("Monitoring cost this call 12.0 ms (<0.1 % of its duration).")


def test_what_was_not_measured_is_said_and_never_shown_as_zero() -> None:
    tree = tree_of(CPU_METRICS[:1], [((MAIN,), (1.0,))])
    text = summary.render_summary(profile_of(tree))
    line_with(text, "wall 1.00 s", "on CPU not measured", "awaiting not measured")


def test_a_profile_without_samples_says_that_nothing_was_seen() -> None:
    text = summary.render_summary(profile_of(tree_of(CPU_METRICS, [])))
    line_with(text, "Hottest functions: nothing was seen.")


@given(profiles())
def test_every_profile_has_a_summary_and_a_one_line_paragraph(profile: Profile) -> None:
    assert summary.render(profile).decode() == summary.render_summary(profile)
    assert "\n" not in summary_paragraph(profile, ["a.html"])


def test_names_cannot_forge_lines_or_send_codes_to_a_terminal() -> None:
    evil = Frame("f\n\x1b[31mERROR", "/a\rb.py", 1)
    profile = profile_of(tree_of(CPU_METRICS, [((evil,), (1, 1, 0))]), name="x\nERROR all is lost")
    text = summary.render_summary(profile)
    assert text.isascii()
    assert not set(text) & {"\x1b", "\r"}
    line_with(text, r"f\n\x1b[31mERROR  /a\rb.py:1")
    assert summary_paragraph(profile, ["/p\n.json"]).startswith(r"x\nERROR all is lost returned")


def test_the_paragraph_names_functions_memory_and_files() -> None:
    text = summary_paragraph(both_halves(), ["/out/a.html", "/out/a.json"])
    assert text == (
        "my_app.orders.load returned after 12.9 s; 3.50 s on CPU, 8.10 s awaiting; "
        "hottest fetch 59.6 %, parse 36.8 %, main 3.6 %; "
        "peak memory 124 kB in parse 99.9 %, fetch <0.1 %; "
        "retained memory 1.10 TB in parse 100.0 %; files: /out/a.html, /out/a.json"
    )


def test_the_paragraph_of_a_capture_without_trees_tells_the_peak_of_the_process() -> None:
    profile = both_halves()
    assert profile.memory is not None
    memory = profile.memory.model_copy(
        update={"peak_tree": None, "retained_tree": None, "peak_bytes": None}
        | {"retained_bytes": None, "backend": "rss", "scope": "process"}
    )
    text = summary_paragraph(profile.model_copy(update={"cpu": None, "memory": memory}))
    assert text == "my_app.orders.load returned after 12.9 s; peak RSS 419 MB"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (7e-9, "7 ns"),
        (4.56e-3, "4.56 ms"),
        (0.9999, "1,000 ms"),
        (59.94, "59.9 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (-2, "-2.00 s"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert human_seconds(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.50 kB"),
        (400_000_000, "400 MB"),
        (5_120_000_000_000_000, "5,120 TB"),
        (-2000, "-2.00 kB"),
    ],
)
def test_amounts_of_memory_read_as_people_say_them(count: float, text: str) -> None:
    assert human_bytes(count) == text


def test_a_share_of_nothing_is_not_shown() -> None:
    assert share(1, 0) == ""
    assert share(1, 3) == "33.3 %"
    assert share(1, 10_000) == "<0.1 %"


def test_letters_of_other_languages_stay_as_they_are() -> None:
    assert one_line("größe_データ") == "größe_データ"


def test_a_row_names_file_and_line_of_a_function() -> None:
    text = summary.render_summary(both_halves())
    line_with(text, f"{FETCH.function}  {FETCH.file}:{FETCH.line}")
