"""The perf_check marker: any test, sync or async, fails when it costs more than its baseline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.leaks.test_pytest_plugin import run_suite

SUITE = """
import asyncio
import time
import unittest

import pytest

set_up = []


def work(count):
    return sum(i * i for i in range(count))


def build(count):
    return [bytes(200) for _ in range(count)]


def build_1000():
    build(1000)


def build_times_ten(size):
    build(size * 10)


async def build_1000_async():
    kept = build(1000)
    await asyncio.sleep(0)
    del kept


def needs_a_fixture_that_the_test_lacks(engine):
    pass


def broken():
    raise KeyError("lost in the baseline")


@pytest.fixture
def factor():
    set_up.append("factor")
    return 10


@pytest.mark.perf_check(baseline=lambda: work(10_000))
def test_twice_the_work():
    work(20_000)


@pytest.mark.perf_check(baseline=build_times_ten, metric="memory")
@pytest.mark.parametrize("size", [100, 50])
def test_same_memory_with_a_fixture_and_a_parameter(factor, size):
    build(factor * size)


def test_fixtures_were_set_up_once():
    assert set_up == ["factor", "factor"]


@pytest.mark.perf_check(baseline=build_1000, metric="memory")
def test_more_memory():
    build(1300)


@pytest.mark.perf_check(baseline=build_1000, metric="memory", threshold=0.5)
def test_more_memory_within_the_threshold():
    build(1300)


@pytest.mark.perf_check(baseline=build_1000, metric="memory")
def test_less_memory():
    build(600)


@pytest.mark.perf_check(baseline=build_1000_async, metric="memory")
async def test_more_memory_while_async():
    kept = build(1300)
    await asyncio.sleep(0)
    del kept


class TestOfAClass:
    @pytest.mark.perf_check(baseline=build_1000, metric="memory")
    def test_method(self):
        build(1000)


@pytest.mark.perf_check(baseline=lambda: time.sleep(0.2), max_seconds=0.5)
def test_too_slow_to_tell():
    time.sleep(0.2)


@pytest.mark.perf_check(baseline=build_1000)
def test_fails_by_itself():
    assert build(1) == "what it is not"


@pytest.mark.perf_check(baseline=broken)
def test_with_a_broken_baseline():
    pass


@pytest.mark.perf_check(baseline=build_1000)
def test_skips_itself():
    pytest.skip("not here")


@pytest.mark.perf_check(baseline=build_1000, limit=1)
def test_wrong_keyword():
    pass


@pytest.mark.perf_check("strict", baseline=build_1000)
def test_positional():
    pass


@pytest.mark.perf_check(baseline=build_1000, metric="money")
def test_wrong_metric():
    pass


@pytest.mark.perf_check
def test_no_baseline():
    pass


@pytest.mark.perf_check(baseline="origin/main")
def test_baseline_that_is_no_function():
    pass


@pytest.mark.perf_check(base="HEAD", baseline=build_1000)
def test_base_and_baseline():
    pass


@pytest.mark.perf_check(base=3)
def test_base_that_is_no_revision():
    pass


@pytest.mark.perf_check(base="HEAD")
def test_without_git():
    pass


@pytest.mark.perf_check(baseline=needs_a_fixture_that_the_test_lacks)
def test_lacking_fixture(factor):
    pass


class OldStyle(unittest.TestCase):
    @pytest.mark.perf_check(baseline=build_1000)
    def test_of_a_test_case(self):
        pass
"""

Outcomes = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    directory = tmp_path_factory.mktemp("suite")
    options = ("-p", "no:asyncio", "-p", "no:randomly", "--strict-markers")
    found = run_suite(directory, SUITE, *options)
    return {name: (outcome, text) for name, outcome, text in found}


def test_a_slower_test_fails_with_the_explanation(outcomes: Outcomes) -> None:
    outcome, text = outcomes["test_twice_the_work"]
    assert outcome == "failure"
    assert "REGRESSION" in text
    assert "slower beyond the threshold of 5 %" in text


def test_a_test_that_needs_more_memory_fails(outcomes: Outcomes) -> None:
    outcome, text = outcomes["test_more_memory"]
    assert outcome == "failure"
    assert "REGRESSION against build_1000" in text
    assert "larger" in text


@pytest.mark.parametrize(
    "name",
    [
        "test_same_memory_with_a_fixture_and_a_parameter[100]",
        "test_same_memory_with_a_fixture_and_a_parameter[50]",
        "test_more_memory_within_the_threshold",
        "test_less_memory",
        "test_method",
    ],
)
def test_a_test_that_costs_no_more_passes(outcomes: Outcomes, name: str) -> None:
    assert outcomes[name] == ("passed", "")


def test_fixtures_are_set_up_once(outcomes: Outcomes) -> None:
    assert outcomes["test_fixtures_were_set_up_once"] == ("passed", "")


def test_an_async_test_needs_no_plugin(outcomes: Outcomes) -> None:
    outcome, text = outcomes["test_more_memory_while_async"]
    assert outcome == "failure"
    assert "REGRESSION against build_1000_async" in text


def test_an_uncertain_test_fails_with_its_reason(outcomes: Outcomes) -> None:
    outcome, text = outcomes["test_too_slow_to_tell"]
    assert outcome == "failure"
    assert "INCONCLUSIVE" in text
    assert "Inconclusive: " in text


def test_a_failing_test_fails_as_it_would_without_the_check(outcomes: Outcomes) -> None:
    outcome, text = outcomes["test_fails_by_itself"]
    assert outcome == "failure"
    assert "what it is not" in text
    assert "AssertionError" in text


def test_a_failing_baseline_is_told_apart_from_the_test(outcomes: Outcomes) -> None:
    outcome, text = outcomes["test_with_a_broken_baseline"]
    assert outcome == "failure"
    assert "lost in the baseline" in text
    assert "the baseline raised" in text


def test_a_skip_inside_a_checked_test_is_a_skip(outcomes: Outcomes) -> None:
    assert outcomes["test_skips_itself"][0] == "skipped"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "test_wrong_keyword",
            "does not take limit; it takes baseline, base, threshold, max_seconds",
        ),
        ("test_positional", "does not take 'strict'"),
        ("test_wrong_metric", "metric='money' is not allowed; choose one of time, memory"),
        ("test_no_baseline", "@pytest.mark.perf_check(baseline=old_version)"),
        ("test_baseline_that_is_no_function", "'origin/main' is not callable"),
        ("test_base_and_baseline", "give base or baseline"),
        ("test_base_that_is_no_revision", "base=3 is no git revision"),
        ("test_without_git", "not a git repository"),
        ("test_lacking_fixture", "the baseline wants engine"),
    ],
)
def test_a_wrong_marker_says_what_is_allowed(outcomes: Outcomes, name: str, told: str) -> None:
    outcome, text = outcomes[name]
    assert outcome == "failure"
    assert told in text
    assert "Traceback" not in text


def test_methods_of_unittest_are_refused(outcomes: Outcomes) -> None:
    outcome, text = outcomes["test_of_a_test_case"]
    assert outcome == "error"
    assert "methods of plain classes" in text


@pytest.mark.slow
@pytest.mark.alone
def test_it_gives_the_same_verdicts_under_xdist(tmp_path: Path, outcomes: Outcomes) -> None:
    pytest.importorskip("xdist")
    found = run_suite(tmp_path, SUITE, "-p", "no:asyncio", "-n", "2")
    # Each worker sets its own fixtures up, so that the one test that counts them does not apply.
    verdicts = {
        name: outcome for name, outcome, _ in found if name != "test_fixtures_were_set_up_once"
    }
    assert verdicts == {name: outcomes[name][0] for name in verdicts}
    assert len(verdicts) == len(outcomes) - 1
