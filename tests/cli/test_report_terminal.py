"""On a terminal, ``report`` shows bars and colours; anywhere else, the plain text."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pty", reason="pseudo-terminals are POSIX")

from rich.cells import cell_len
from rich.console import Console

from application_sdk.monitoring.analysis.leaks.report import LeakReport, LeakSite
from application_sdk.monitoring.analysis.leaks.retained import retained_profile
from application_sdk.monitoring.analysis.leaks.text import report_text
from application_sdk.monitoring.cli.report_tables import shown_file
from application_sdk.monitoring.cli.report_view import show_profile
from application_sdk.monitoring.cli.terminal import Sheet, shortened, spread
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers import html, summary
from tests.cli.commands import ROOT, Here, saved
from tests.cli.terminals import Terminal, has_colours, plain
from tests.interchange.builders import (
    CPU_METRICS,
    FETCH,
    MAIN,
    MEMORY_METRICS,
    PARSE,
    both_halves,
    profile_of,
    profiles,
    tree_of,
)

HOSTILE = [
    "[red]painted[/red]",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\u202egnp.exe",
    "line\nbreak\rback",
    "\u2028\u2029\x85",
    "\ud800",
    "名" * 200,
    "x" * 10_000,
    "</script>",
    ":smile:",
    "",
]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return saved(both_halves(notes=("rss was used because memray is taken",)), tmp_path / "a.json")


@pytest.fixture
def report() -> LeakReport:
    leaked = tree_of(MEMORY_METRICS, [((MAIN, PARSE), (64_000, 100))])
    profile = both_halves()
    return LeakReport(
        verdict="leak",
        target="my_app.orders.load",
        bytes_per_call=640.0,
        confidence_interval=(630.0, 650.0),
        native_bytes_per_call=0.0,
        calls=120,
        seconds=3.5,
        sites=[
            LeakSite(
                function="parse",
                file="/app/orders.py",
                line=14 + place,
                bytes_per_call=640.0 / (place + 1),
                allocations_per_call=1.0,
                stack=("/app/main.py:5 main", "/app/orders.py:14 parse"),
            )
            for place in range(10)
        ],
        profile=retained_profile("my_app.orders.load", profile.started_at, 3.5, leaked),
        explanation="Each call leaves 640 bytes behind.",
        notes=("small objects were not traced",),
    )


def shown_lines(profile: Profile, width: int) -> list[str]:
    console = Console(file=StringIO(), force_terminal=True, width=width, highlight=False)
    with console.capture() as shown:
        show_profile(profile, Sheet(console))
    return plain(shown.get()).split("\n")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_every_section_fits_the_width_of_the_terminal(
    terminal: Terminal, path: Path, width: int
) -> None:
    code, shown = terminal("report", path, width=width)
    lines = plain(shown).splitlines()
    assert code == 0
    assert max(map(cell_len, lines)) <= width
    text = " ".join(plain(shown).split())
    for expected in (
        "my_app.orders.load",
        "returned after 12.9 s",
        "2026-05-04 11:22:33 UTC",
        "worker-7, process 4242",
        "Orders",
        "1 of 412 calls",
        "Notes",
        "memray is taken",
        "Time sampler, 1,240",
        "Hottest functions by own time",
        "Hottest functions in total",
        "8.30 s 59.6 %",
        "before 134 MB, peak 419 MB",
        "Holding most at the peak",
        "Holding most of what was retained",
        "1.10 TB",
        "Cost of monitoring",
        "12.0 ms",
    ):
        assert expected in text


def test_the_function_that_costs_most_itself_and_the_one_that_costs_most_in_all_lead(
    terminal: Terminal, path: Path
) -> None:
    lines = plain(terminal("report", path)[1]).splitlines()
    own = next(n for n, line in enumerate(lines) if line.startswith("Hottest functions by own"))
    total = next(n for n, line in enumerate(lines) if line.startswith("Hottest functions in total"))
    assert "fetch  /app/orders.py:40" in lines[own + 2]
    assert "main  /app/main.py:3" in lines[total + 2]


def test_a_bar_is_as_long_as_its_share(terminal: Terminal, path: Path) -> None:
    lines = plain(terminal("report", path)[1]).splitlines()
    cpu = next(line for line in lines if line.startswith("on CPU"))
    assert cpu.count("█") == 10, "25.1 % of 40 cells"


def test_a_wide_terminal_tells_cpu_and_awaiting_of_each_function_too(
    terminal: Terminal, path: Path
) -> None:
    lines = plain(terminal("report", path, width=120)[1]).splitlines()
    fetch = next(line for line in lines if "fetch  /app/orders.py:40" in line)
    assert fetch.split()[-4:] == ["8.10", "s", "fetch", "/app/orders.py:40"]


def test_the_resident_memory_is_a_curve_whose_highest_block_is_its_peak(
    terminal: Terminal, tmp_path: Path
) -> None:
    profile = both_halves()
    assert profile.memory is not None
    timeline = tuple((float(n), (1 + (n == 30)) * 10**8) for n in range(61))
    memory = profile.memory.model_copy(update={"timeline": timeline})
    path = saved(profile.model_copy(update={"memory": memory}), tmp_path / "a.json")
    lines = plain(terminal("report", path)[1]).splitlines()
    curve = next(line for line in lines if "▁" in line).strip()
    assert curve.startswith("▁▁▁")
    assert curve.count("█") == 1
    assert curve.endswith("over 1 min 00 s")


def test_no_color_leaves_the_layout_and_takes_the_colours(terminal: Terminal, path: Path) -> None:
    coloured = terminal("report", path)[1]
    bare = terminal("report", path, env={"NO_COLOR": "1"})[1]
    assert has_colours(coloured)
    assert not has_colours(bare)
    assert plain(bare) == plain(coloured)


@pytest.mark.parametrize("argv", [["-o", "-"], ["--format", "summary"]])
def test_whoever_names_a_format_or_a_file_gets_its_bytes(
    terminal: Terminal, path: Path, argv: list[str]
) -> None:
    text = terminal("report", path, *argv)[1]
    assert text == summary.render_summary(
        both_halves(notes=("rss was used because memray is taken",))
    )


def test_a_dumb_terminal_gets_the_plain_text(terminal: Terminal, path: Path) -> None:
    dumb = terminal("report", path, env={"TERM": "dumb"})[1]
    assert dumb == terminal("report", path, "-o", "-")[1]


def test_a_terminal_that_knows_ascii_only_gets_ascii_only(terminal: Terminal, path: Path) -> None:
    code, shown = terminal("report", path, encoding="ascii")
    assert code == 0
    assert "###" in shown
    assert "\\u2" not in shown, "nothing had to be escaped but what is foreign"


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("width", [40, 120])
def test_a_foreign_name_neither_styles_nor_steers_the_terminal(name: str, width: int) -> None:
    frame = Frame(name, name, 3)
    profile = profile_of(
        tree_of(CPU_METRICS, [((MAIN, frame), (1.0, 1.0, 0.0))]),
        tree_of(MEMORY_METRICS, [((frame,), (100, 1))]),
        name=name,
        exception_type=name or None,
        outcome="raised",
        notes=(name,),
    )
    lines = shown_lines(profile, width)
    assert all(line.isprintable() for line in lines)
    assert max(map(cell_len, lines)) <= width
    if name.startswith("["):
        assert any("[red]painted[/red]" in line for line in lines), "it is shown, not obeyed"
    if name == ":smile:":
        assert any(name in line for line in lines)


@settings(max_examples=25, deadline=None)
@given(profiles(), st.integers(20, 200))
def test_any_profile_fits_any_terminal(profile: Profile, width: int) -> None:
    assert max(map(cell_len, shown_lines(profile, width))) <= max(width, 20)


def test_a_profile_without_any_half_says_what_it_knows(terminal: Terminal, tmp_path: Path) -> None:
    path = saved(profile_of(), tmp_path / "a.json")
    code, shown = terminal("report", path)
    assert code == 0
    assert "measured   nothing" in plain(shown)


def test_what_was_not_measured_is_said(tmp_path: Path, terminal: Terminal) -> None:
    tree = tree_of(CPU_METRICS[:1], [((MAIN,), (1.0,))])
    path = saved(profile_of(tree), tmp_path / "a.json")
    text = plain(terminal("report", path)[1])
    assert "on CPU     not measured" in text
    assert "awaiting   not measured" in text


def test_an_empty_tree_says_that_nothing_was_seen(terminal: Terminal, tmp_path: Path) -> None:
    path = saved(profile_of(tree_of(CPU_METRICS, [])), tmp_path / "a.json")
    assert "nothing was seen" in plain(terminal("report", path)[1])


def test_a_profile_of_leaks_has_a_section_of_them(
    terminal: Terminal, report: LeakReport, tmp_path: Path
) -> None:
    assert report.profile is not None
    path = saved(report.profile, tmp_path / "a.json")
    text = plain(terminal("report", path)[1])
    assert "Leaks  only what kept growing from call to call" in text
    assert "grew by    64.0 kB" in text
    assert "parse  /app/orders.py:12" in text


def test_a_leak_report_is_shown_with_its_places(
    terminal: Terminal, report: LeakReport, tmp_path: Path
) -> None:
    path = tmp_path / "leaks.json"
    path.write_text(report.model_dump_json())
    for width in (40, 80):
        code, shown = terminal("report", path, width=width)
        lines = plain(shown).splitlines()
        assert code == 0
        assert max(map(cell_len, lines)) <= width
        assert "Each call leaves 640 bytes behind." in plain(shown)
        assert "and 2 more" in lines
    assert "640 B a call (98 % interval 630 B to 650 B)" in plain(shown)
    assert "parse  /app/orders.py:14" in plain(shown)


def test_a_leak_report_elsewhere_is_what_leaks_prints(
    sdk_monitoring: Here, report: LeakReport, tmp_path: Path
) -> None:
    path = tmp_path / "leaks.json"
    path.write_text(report.model_dump_json())
    assert sdk_monitoring("report", path).out == report_text(report) + "\n"
    assert json.loads(sdk_monitoring("report", path, "--json").out) == report.model_dump(
        mode="json"
    )
    assert sdk_monitoring("report", path, "-o", tmp_path / "a.html").code == 0
    assert report.profile is not None
    assert (tmp_path / "a.html").read_bytes() == html.render(report.profile)


def test_a_leak_report_without_a_flamegraph_says_so(
    sdk_monitoring: Here, report: LeakReport, tmp_path: Path
) -> None:
    path = tmp_path / "leaks.json"
    path.write_text(report.model_copy(update={"profile": None}).model_dump_json())
    result = sdk_monitoring("report", path, "-o", tmp_path / "a.html")
    assert result.code == 2
    assert "no flamegraph" in result.err


@pytest.mark.parametrize("content", ['{"verdict": 1}', "{}", "[]", "{"])
def test_what_is_neither_a_profile_nor_a_leak_report_is_refused(
    sdk_monitoring: Here, content: str, tmp_path: Path
) -> None:
    path = tmp_path / "leaks.json"
    path.write_text(content)
    assert sdk_monitoring("report", path).code == 2


def test_rich_is_loaded_for_a_terminal_only(tmp_path: Path) -> None:
    path = saved(both_halves(), tmp_path / "a.json")
    program = (
        "import sys; from application_sdk.monitoring.cli.main import main; "
        f"main(['report', {str(path)!r}]); "
        "print([m for m in sys.modules if m.partition('.')[0] == 'rich'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.endswith("[]\n")


def test_a_curve_keeps_each_peak_and_the_last_known_value_where_nothing_was_read() -> None:
    points = [(0.0, 1.0), (0.1, 9.0), (0.2, 2.0), (10.0, 3.0)]
    assert spread(points, 5) == [9.0, 9.0, 9.0, 9.0, 3.0]


def test_a_long_path_keeps_its_end() -> None:
    assert shortened("/app/very/long/orders.py:40", 20) == "…/long/orders.py:40"
    assert shortened("/app/very/long/orders.py:40", 15) == "…/orders.py:40"
    assert shortened("/app/very/long/orders.py:40", 8) == "…s.py:40"
    assert shortened("a.py:1", 8) == "a.py:1"


def test_fetch_and_parse_are_told_apart_by_their_lines(terminal: Terminal, path: Path) -> None:
    text = plain(terminal("report", path)[1])
    assert f"{FETCH.function}  {FETCH.file}:{FETCH.line}" in text
    assert f"{PARSE.function}  {PARSE.file}:{PARSE.line}" in text


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/venv/lib/python3.12/site-packages/pandas/core/frame.py", "pandas/core/frame.py"),
        ("/usr/lib/python3/dist-packages/yaml/loader.py", "yaml/loader.py"),
        ("/usr/lib/python3.12/asyncio/tasks.py", "python3.12/asyncio/tasks.py"),
        ("/srv/other/orders.py", "/srv/other/orders.py"),
        ("<frozen codecs>", "<frozen codecs>"),
    ],
)
def test_a_library_is_shown_by_its_own_path(path: str, shown: str) -> None:
    assert shown_file(path) == shown


def test_a_file_of_the_program_is_shown_from_here_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown_file(str(tmp_path / "app" / "orders.py")) == "app/orders.py"
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert shown_file("/srv/orders.py") == "/srv/orders.py"


def test_whoever_sets_columns_decides_the_width(terminal: Terminal, path: Path) -> None:
    shown = terminal("report", path, width=120, env={"COLUMNS": "50"})[1]
    assert max(map(cell_len, plain(shown).splitlines())) <= 50
