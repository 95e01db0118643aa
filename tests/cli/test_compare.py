"""`sdk-monitoring compare`: what it prints and writes, and what its exit code says."""

from __future__ import annotations

import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from application_sdk.monitoring import Comparison
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import ProcessInfo, Profile
from tests.cli.commands import Here, command, saved
from tests.interchange.builders import CPU_METRICS, MEMORY_METRICS, both_halves, profile_of, tree_of

MACHINE = ProcessInfo(
    pid=7,
    hostname="builder",
    python="3.11.7",
    implementation="CPython",
    cpu_model="A",
    cpu_count=2,
    monitoring_version="0.1.0",
)

SHOP = """
def price(count):
    return sum(i * i for i in range(count))

def checkout():
    return price(2000)

def same():
    return len("same") + price(100)

def hold():
    return [bytes(100) for _ in range(500)]
"""
SLOWER = SHOP.replace("return price(2000)", "return price(6000)").replace(
    "range(500)", "range(700)"
)


def cpu(parse: float, *, fetch: float = 3.0, machine: ProcessInfo = MACHINE) -> Profile:
    stacks = [
        ((Frame("parse", "/app/a.py", 1),), (parse, parse, 0)),
        ((Frame("fetch", "/app/b.py", 1),), (fetch, fetch, 0)),
    ]
    return profile_of(tree_of(CPU_METRICS, stacks), process=machine)


def memory(size: float) -> Profile:
    stacks = [
        ((Frame("hold", "/app/a.py", 1),), (size, 1)),
        ((Frame("rest", "/app/a.py", 9),), (1000.0, 1)),
    ]
    return profile_of(None, tree_of(MEMORY_METRICS, stacks), process=MACHINE)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return saved(cpu(9.0), tmp_path / "base.json")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A git repository whose working tree is slower than its only commit."""

    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words],  # noqa: S607
            cwd=tmp_path,
            check=True,
        )

    (tmp_path / "shop.py").write_text(SHOP)
    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    (tmp_path / "shop.py").write_text(SLOWER)
    return tmp_path


def test_a_slower_function_ends_with_1_and_every_report_names_it(
    sdk_monitoring: Here, base: Path, tmp_path: Path
) -> None:
    slower = saved(cpu(20.0), tmp_path / "slower.json")
    page, note, tests = (tmp_path / name for name in ("diff.html", "perf.md", "perf.xml"))
    result = sdk_monitoring(
        *("compare", base, slower, "--json"),
        *("-o", page, "--markdown", note, "--junit", tests),
    )
    assert result.code == 1, result.err
    comparison = Comparison.model_validate_json(result.out)
    assert comparison.verdict == "regression"
    assert comparison.functions[0].function == "parse"
    assert "parse" in page.read_text()
    assert "| `parse` | regression | x 2.2" in note.read_text()
    failure = ET.fromstring(tests.read_bytes()).find("testsuite/testcase/failure")  # noqa: S314
    assert failure is not None
    assert failure.get("type") == "regression"
    assert "parse (/app/a.py)" in (failure.text or "")


def test_the_text_says_the_verdict_first_and_then_the_functions(
    sdk_monitoring: Here, base: Path, tmp_path: Path
) -> None:
    slower = saved(cpu(20.0), tmp_path / "slower.json")
    lines = sdk_monitoring("compare", base, slower).out.splitlines()
    assert lines[0] == "REGRESSION: my_app.orders.load"
    assert lines[-1].split()[:3] == ["regression", "x", "2.22"]


@pytest.mark.parametrize(("seconds", "verdict"), [(9.0, "unchanged"), (4.0, "improvement")])
def test_what_is_not_slower_ends_with_0_and_passes_as_a_test(
    sdk_monitoring: Here, base: Path, tmp_path: Path, seconds: float, verdict: str
) -> None:
    other = saved(cpu(seconds), tmp_path / "other.json")
    result = sdk_monitoring("compare", base, other, "--junit", "-")
    assert result.code == 0
    case = ET.fromstring(result.out).find("testsuite/testcase")  # noqa: S314
    assert case is not None
    assert case.find("failure") is None
    assert sdk_monitoring("compare", base, other).out.startswith(verdict.upper())


def test_a_profile_of_another_machine_never_ends_with_1(
    sdk_monitoring: Here, base: Path, tmp_path: Path
) -> None:
    there = saved(
        cpu(20.0, machine=MACHINE.model_copy(update={"cpu_model": "B"})), tmp_path / "there.json"
    )
    result = sdk_monitoring("compare", base, there, "--markdown", tmp_path / "perf.md")
    assert result.code == 3
    assert "Environments differ: CPU model: A -> B" in result.out
    assert "CPU model: A -> B" in (tmp_path / "perf.md").read_text()


@pytest.mark.parametrize(
    "difference",
    [
        {"cpu_model": "B"},
        {"cpu_count": 64},
        {"python": "3.13.0"},
        {"implementation": "PyPy"},
        {"libraries": {"orjson": "3.2"}},
    ],
    ids=lambda difference: next(iter(difference)),
)
@pytest.mark.parametrize("parse", [4.0, 9.0, 11.0, 30.0])
def test_equal_code_on_two_fingerprints_never_fails_a_build(
    sdk_monitoring: Here, tmp_path: Path, difference: dict[str, object], parse: float
) -> None:
    here = MACHINE.model_copy(update={"libraries": {"orjson": "3.1"}})
    for number in range(6):
        saved(cpu(9.0, machine=here), tmp_path / f"here/{number}.json")
        there = here.model_copy(update=difference)
        saved(cpu(parse, fetch=4.0, machine=there), tmp_path / f"there/{number}.json")
    one = sdk_monitoring("compare", tmp_path / "here/0.json", tmp_path / "there/0.json")
    many = sdk_monitoring("compare", tmp_path / "here", tmp_path / "there")
    for result in (one, many):
        assert result.code in (0, 3), result.out
        assert not result.out.startswith("REGRESSION")
        assert "nvironments differ" in result.out


def test_equal_code_on_two_machines_ends_with_0(
    sdk_monitoring: Here, base: Path, tmp_path: Path
) -> None:
    machine = MACHINE.model_copy(update={"cpu_model": "B"})
    there = saved(cpu(11.7, fetch=3.9, machine=machine), tmp_path / "there.json")
    assert sdk_monitoring("compare", base, there).code == 0


def test_a_directory_stands_for_all_profiles_below_it(sdk_monitoring: Here, tmp_path: Path) -> None:
    for number in range(6):
        saved(cpu(9.0 + number / 100), tmp_path / f"old/{number}.json")
        saved(cpu(20.0 + number / 100), tmp_path / f"new/{number}.json")
    page = tmp_path / "diff.html"
    result = sdk_monitoring("compare", tmp_path / "old", tmp_path / "new", "--html", page)
    assert result.code == 1
    assert page.exists()


def test_memory_is_compared_when_asked_for_or_when_there_is_nothing_else(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    little = saved(memory(50_000.0), tmp_path / "little.json")
    much = saved(memory(90_000.0), tmp_path / "much.json")
    assert sdk_monitoring("compare", little, much).code == 1
    assert sdk_monitoring("compare", little, much, "--metric", "memory").code == 1
    refused = sdk_monitoring("compare", little, much, "--metric", "time")
    assert refused.code == 2
    assert "holds no time to compare" in refused.err
    both = saved(both_halves(), tmp_path / "both.json")
    assert sdk_monitoring("compare", both, both, "--metric", "memory").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.json"], "give BASE and CANDIDATE"),
        (["a.json", "b.json", "c.json"], "give BASE and CANDIDATE"),
        (["missing.json", "missing.json"], "missing.json"),
        (["a.json", "a.json", "--max-seconds", "5"], "--max-seconds goes with --base"),
        (["a.json", "a.json", "--threshold", "0"], "threshold=0.0 is not allowed"),
        (["a.json", "a.json", "-o", "page.pdf"], "names no format (.html)"),
        (["--base", "HEAD", "a.b:c", "5"], "a.b:c is called without arguments"),
        (["--base", "HEAD", "no.such.thing"], "neither module:function nor a command"),
        (["--base", "nowhere", "shop:same"], "git does not know the revision 'nowhere'"),
    ],
)
def test_wrong_usage_ends_with_2_and_one_line(
    sdk_monitoring: Here,
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(shop)
    saved(cpu(1.0), shop / "a.json")
    result = sdk_monitoring("compare", *words)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.alone
def test_a_slower_working_tree_ends_with_1_and_its_page_shows_both(shop: Path) -> None:
    result = command(
        *("compare", "--base", "HEAD", "shop:checkout", "--max-seconds", "30"),
        *("--html", "diff.html", "--markdown", "perf.md"),
        cwd=shop,
    )
    assert result.code == 1, result.err
    assert result.out.startswith("REGRESSION: shop:checkout against HEAD (")
    assert "<genexpr>" in result.out
    assert "price" in (shop / "diff.html").read_text()
    assert "Performance regression" in (shop / "perf.md").read_text()


def test_memory_has_no_page_and_says_so(shop: Path) -> None:
    result = command(
        *("compare", "--base", "HEAD", "shop:hold", "--metric", "memory", "-o", "d.html"), cwd=shop
    )
    assert result.code == 1, result.err
    assert "d.html is not written: only the time of MODULE:FUNCTION is profiled" in result.err
    assert not (shop / "d.html").exists()


def test_a_whole_command_follows_two_dashes_and_keeps_its_own_options(shop: Path) -> None:
    code = "import sys; print('its end'); sys.exit(4 if '--json' in sys.argv else 0)"
    result = command("compare", "--base", "HEAD", "--", "python", "-c", code, "--json", cwd=shop)
    assert result.code == 2
    assert "the baseline's command ended with exit code 4: its end" in result.err


def test_a_function_that_is_not_there_ends_with_2(shop: Path) -> None:
    result = command("compare", "--base", "HEAD", "shop:missing", cwd=shop)
    assert result.code == 2
    assert "no attribute 'missing'" in result.err
