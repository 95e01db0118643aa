"""The page in a real Chromium, used the way a reader uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from application_sdk.monitoring.renderers.html import render
from application_sdk.monitoring.renderers.html.diff_page import render_diff
from benchmarks.viewer.bench_page import example
from benchmarks.viewer.bench_views import with_noise
from tests.viewer.builders import FRAMES, NODES, deep_profile, profile, tree
from tests.viewer.chromium import Page

Open = Callable[..., Page]

CONTROLS = (
    "Search", "Icicle", "Flame", "Callers", "Sandwich", "Table", "Timeline", "Metric",
    "Hide library frames", "Reset zoom", "Theme",
)  # fmt: skip
ROW = 20


def crumbs(page: Page) -> list[str]:
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('.path button')].map(b => b.textContent)"
    )
    return found


def click_row(page: Page, row: int, share: float = 0.1) -> None:
    x, y, width = page.evaluate(
        "(b => [b.x, b.y, b.width])(document.querySelector('canvas').getBoundingClientRect())"
    )
    page.click(x + width * share, y + row * ROW + ROW / 2)


def rows_of_table(page: Page) -> dict[str, list[str]]:
    found: dict[str, list[str]] = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.table tbody tr')].map(r =>"
        " [r.querySelector('.name').textContent, [...r.cells].slice(1).map(c => c.textContent)]))"
    )
    return found


def text(page: Page) -> str:
    found: str = page.evaluate("document.body.innerText")
    return found


def test_the_head_tells_what_when_where_and_how_it_was_measured(opened: Open) -> None:
    said = text(opened(profile(overhead=0.012)))

    for part in (
        "app.activities.extract", "returned", "1.00 s", "2026-11-01 12:00:00.000 UTC", "worker-1",
        "workflow wf-7", "workflow run run-7", "CPU by sampler", "memory by memray",
        "sampling adaptive", "cost of monitoring 12.0 ms", "The sampler ran, because",
    ):  # fmt: skip
        assert part in said


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_is_found_by_its_accessible_name(opened: Open, name: str) -> None:
    assert opened(profile()).named(name)


def test_the_graph_takes_the_focus_and_says_what_it_is(opened: Open) -> None:
    page = opened(profile())

    label = page.evaluate(
        "(c => { c.focus(); return document.activeElement === c && c.getAttribute('aria-label'); })"
        "(document.querySelector('canvas'))"
    )

    assert "app.activities.extract" in label


def test_every_view_of_both_halves_shows_without_a_problem_or_a_request(opened: Open) -> None:
    page = opened(profile())

    for metric in ("Wall time", "Awaiting", "Peak memory", "Allocations retained"):
        page.choose("Metric", metric)
        for view in ("Icicle", "Flame", "Callers", "Sandwich", "Table", "Timeline"):
            page.press(view)
            assert (
                page.on(view, "function() { return this.getAttribute('aria-pressed'); }") == "true"
            )

    assert "Peak 60.0 MB" in text(page)
    assert page.problems == []
    assert page.requests == []


def test_one_click_zooms_and_breadcrumbs_back_and_reset_lead_out_again(opened: Open) -> None:
    page = opened(profile())

    click_row(page, 2, 0.3)
    assert crumbs(page) == ["all", "main", "load"]
    click_row(page, 1, 0.1)
    assert crumbs(page) == ["all", "main", "load", "read_csv"]
    page.press("Back")
    assert crumbs(page) == ["all", "main", "load"]
    page.press("Reset zoom")
    assert crumbs(page) == ["all"]


def test_the_pointer_shows_name_place_and_shares(opened: Open) -> None:
    page = opened(profile())
    x, y = page.evaluate(
        "(b => [b.x + b.width * .3, b.y + 50])"
        "(document.querySelector('canvas').getBoundingClientRect())"
    )

    page.move(x, y)
    page.until("!document.querySelector('.tip').hidden")

    said = page.evaluate("document.querySelector('.tip').innerText")
    for part in ("load", "/app/load.py:10", "530 ms", "53.0%", "80.0 ms (8.0%)"):
        assert part in said


def test_percentages_of_the_table_are_those_computed_in_python(opened: Open) -> None:
    example = profile()
    page = opened(example)

    page.press("Table")

    rows = rows_of_table(page)
    assert example.cpu is not None
    stats = example.cpu.tree.functions("wall_seconds")
    whole = example.cpu.tree.total("wall_seconds")
    assert len(rows) == len(stats)
    for stat in stats:
        assert rows[stat.function][1] == f"{stat.self_value / whole:.1%}"
        assert rows[stat.function][3] == f"{stat.total_value / whole:.1%}"


def test_a_search_tells_the_share_of_what_it_finds_within_60_ms(opened: Open) -> None:
    page = opened(profile())

    page.on("Search", "function() { this.focus(); }")
    page.type("pandas")
    assert page.evaluate("document.querySelector('.result').textContent").startswith(
        "2 functions, 45.0%"
    )
    elapsed = page.evaluate(
        "(s => { const t = performance.now(); s.value = 'write';"
        " s.dispatchEvent(new Event('input')); return performance.now() - t; })"
        "(document.querySelector('input[type=search]'))"
    )

    assert elapsed < 60
    assert "1 function, 45.0%" in text(page)


def test_the_next_match_is_shown_wherever_it_is(opened: Open) -> None:
    page = opened(profile())

    page.on("Search", "function() { this.focus(); }")
    page.type("parse")
    page.press("Next match")

    said = page.evaluate("document.querySelector('.spoken').textContent")
    assert said.startswith("Match 1 of")


def test_a_regular_expression_that_would_hang_others_is_answered(opened: Open) -> None:
    page = opened(profile(name="a" * 5000))

    page.press("Regular expression")
    page.on("Search", "function() { this.focus(); }")
    page.type("(a+)+b|^write")
    assert "1 function" in text(page)
    page.type("(")

    assert "missing" in page.evaluate("document.querySelector('.result').textContent")
    assert page.problems == []


def test_library_frames_collapse_into_one_that_says_how_many(opened: Open) -> None:
    page = opened(profile())

    page.press("Hide library frames")
    x, y = page.evaluate(
        "(b => [b.x + b.width * .3, b.y + 70])"
        "(document.querySelector('canvas').getBoundingClientRect())"
    )
    page.move(x, y)
    page.until("!document.querySelector('.tip').hidden")

    assert "2 frames hidden (pandas)" in page.evaluate("document.querySelector('.tip').innerText")


def test_the_keyboard_reaches_every_frame_and_says_it(opened: Open) -> None:
    page = opened(profile())
    page.evaluate("document.querySelector('canvas').focus()")

    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.key(key)
    assert "write, /app/write.py:3" in page.evaluate(
        "document.querySelector('.spoken').textContent"
    )
    page.key("Enter")
    assert crumbs(page) == ["all", "main", "write"]
    page.key("Escape")
    assert crumbs(page) == ["all"]
    page.key("/")
    assert page.evaluate("document.activeElement.type") == "search"


def test_the_keyboard_reads_the_timeline_from_its_peak(opened: Open) -> None:
    page = opened(profile())
    page.press("Timeline")
    page.evaluate("document.querySelector('.timeline svg').focus()")

    page.key("ArrowLeft")

    assert "900 ms: 59.9 MB. Peak 60.0 MB at 1.00 s" in text(page)


def test_a_name_in_the_table_opens_its_sandwich_in_sight(opened: Open) -> None:
    page = opened(profile())
    page.press("Table")

    page.evaluate(
        "[...document.querySelectorAll('.name')].find(b => b.textContent === 'parse').click()"
    )
    page.settle()

    top = page.evaluate("document.querySelector('canvas').getBoundingClientRect().top")
    assert 0 <= top < 800
    assert page.on("Sandwich", "function() { return this.getAttribute('aria-pressed'); }") == "true"
    assert crumbs(page) == ["parse"]


def test_a_view_is_shared_through_the_hash(opened: Open) -> None:
    page = opened(profile())
    page.press("Flame")
    page.choose("Metric", "Awaiting")
    page.press("Hide library frames")
    page.press("Theme")
    shared = page.evaluate("location.hash")

    again = opened(profile(), shared)

    assert again.evaluate("location.hash") == shared
    assert again.on("Flame", "function() { return this.getAttribute('aria-pressed'); }") == "true"
    assert again.on("Hide library frames", "function() { return this.checked; }")


@pytest.mark.parametrize("dark", [False, True])
def test_the_theme_follows_the_system_until_it_is_chosen(opened: Open, dark: bool) -> None:
    page = opened(profile(), dark=dark)
    colour = "getComputedStyle(document.body).backgroundColor"

    before = page.evaluate(colour)
    page.press("Theme")

    assert (before == "rgb(27, 26, 24)") is dark
    assert page.evaluate(colour) != before


def test_a_recursion_of_three_thousand_frames_is_shown_and_folded(opened: Open) -> None:
    page = opened(deep_profile(3000))

    height = page.evaluate("document.querySelector('.graph').scrollHeight")
    page.press("Flame")
    page.press("Table")
    page.press("Icicle")
    page.press("Fold recursion")

    assert height >= 3000 * ROW
    assert page.evaluate("document.querySelector('.graph').scrollHeight") <= 4 * ROW
    assert page.problems == []


def test_paper_gets_every_row_in_the_colours_of_paper(opened: Open) -> None:
    page = opened(deep_profile(200), dark=True)
    corner = (
        "[...document.querySelector('canvas').getContext('2d').getImageData(2, 1, 1, 1).data]"
    )
    height = "document.querySelector('canvas').height"
    screen, dark = page.evaluate(height), page.evaluate(corner)

    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    paper, light = page.evaluate(height), page.evaluate(corner)
    page.evaluate("dispatchEvent(new Event('afterprint'))")

    assert screen < paper
    assert paper == 201 * ROW
    assert sum(light) > sum(dark)
    assert page.evaluate(height) == screen


def test_many_narrow_frames_stand_together_as_one_that_can_be_opened(opened: Open) -> None:
    frames = (*FRAMES, *((f"tiny_{k}", "/app/tiny.py", k) for k in range(4000)))
    nodes = (*NODES, *((0, len(FRAMES) + k, 0.05) for k in range(4000)))
    page = opened(profile(tree(frames=frames, nodes=nodes), memory=False))
    place = page.evaluate(
        "(b => [b.x + b.width * .93, b.y + 50])"
        "(document.querySelector('canvas').getBoundingClientRect())"
    )

    page.move(*place)
    page.until("!document.querySelector('.tip').hidden")
    said = page.evaluate("document.querySelector('.tip').innerText")
    page.click(*place)

    assert "4,000 narrow frames together" in said
    assert "% of its width" in text(page)


@pytest.mark.parametrize("view", ["icicle", "callers", "icicle&fold=1"])
def test_hundreds_of_functions_side_by_side_are_shown(opened: Open, view: str) -> None:
    frames = tuple((f"f{k}", "/app/main.py", k + 1) for k in range(300))
    nodes = tuple((-1, k, 10.0 + k) for k in range(300))
    page = opened(render(profile(tree(frames=frames, nodes=nodes))), f"#view={view}")

    page.until("document.querySelector('canvas').height > 30")

    assert page.problems == []


def test_a_diff_marks_what_was_added_and_removed(opened: Open) -> None:
    frames = tuple(
        ("renamed" if name == "write" else name, file, line) for name, file, line in FRAMES
    )
    page = opened(render_diff(profile(), profile(tree(frames=frames, scale=0.002))))

    page.press("Table")
    rows = rows_of_table(page)
    assert rows["load"][1].startswith("1.06 s")
    assert "removed" in rows["write"][5]
    assert "added" in rows["renamed"][5]
    page.choose("Compare", "Share of the whole")
    assert rows_of_table(page)["load"][5] == "0.0 points"
    for width in ("Baseline", "Candidate", "Change"):
        page.choose("Width", width)
        for view in ("Icicle", "Flame", "Callers", "Sandwich"):
            page.press(view)
    assert page.problems == []


def test_shares_in_the_table_of_a_large_diff_are_those_computed_in_python(opened: Open) -> None:
    before = example(20_000)
    after = with_noise(before)
    assert before.cpu is not None
    assert after.cpu is not None
    page = opened(render_diff(before, after))

    page.choose("Compare", "Share of the whole")
    page.press("Table")

    rows = rows_of_table(page)
    assert len(rows) == 100
    for side, measured in enumerate((before, after)):
        assert measured.cpu is not None
        whole = measured.cpu.tree.total("wall_seconds")
        stats = {stat.function: stat for stat in measured.cpu.tree.functions("wall_seconds")}
        for function, cells in rows.items():
            total, own = stats[function].total_value, stats[function].self_value
            assert cells[side] == f"{total / whole:.1%}"
            assert cells[side + 2] == f"{own / whole:.1%}"


def test_a_diff_of_much_that_is_the_same_tells_what_is_not(opened: Open) -> None:
    nodes = (*NODES[:4], (3, 2, 140), (0, 5, 455))
    page = opened(render_diff(profile(), profile(tree(nodes=nodes))))

    page.press("Table")
    rows = rows_of_table(page)
    assert rows["parse"][2:5] == ["150 ms", "140 ms", "-10.0 ms"]
    assert rows["write"][2:5] == ["450 ms", "455 ms", "+5.00 ms"]
    assert rows["tokenize"][4] == "0 s"


def test_downloads_hold_what_is_shown(opened: Open) -> None:
    page = opened(profile())
    page.evaluate(
        "window.saved = []; URL.createObjectURL = blob => { saved.push(blob); return 'data:,'; };"
        "HTMLAnchorElement.prototype.click = () => 0"
    )
    for what in ("SVG", "PNG", "speedscope", "collapsed"):
        page.evaluate(
            f"[...document.querySelectorAll('.menu button')]"
            f".find(b => b.textContent === '{what}').click()"
        )
    page.until("saved.length === 4")
    found = page.evaluate("Promise.all(saved.map(b => b.type === 'image/png' ? b.type : b.text()))")
    said = "\n".join(found)
    speedscope = json.loads(next(text for text in found if text.startswith("{")))
    wall = speedscope["profiles"][0]

    assert "image/png" in found
    assert wall["unit"] == "nanoseconds"
    assert wall["endValue"] == 10**9
    assert [event["type"] for event in wall["events"]].count("O") == len(NODES)
    assert {"name": "load", "file": "/app/load.py", "line": 10} in speedscope["shared"]["frames"]
    assert re.search(r"<svg[^>]*>.*read_csv", said, re.DOTALL)
    assert '"$schema":"https://www.speedscope.app' in said
    assert "main (/app/main.py:1);load (/app/load.py:10) 80000" in said
    assert page.problems == []


def test_a_page_is_reproducible_and_a_trivial_one_is_small() -> None:
    assert render(profile()) == render(profile())
    assert len(render(profile())) <= 150_000


def test_a_profile_without_any_tree_still_has_its_page(opened: Open) -> None:
    page = opened(profile(memory=False).model_copy(update={"cpu": None}))

    page.press("Icicle")

    assert "Nothing was recorded here." in text(page)
    assert page.problems == []
