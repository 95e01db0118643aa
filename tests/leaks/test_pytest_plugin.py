"""The leak_check marker: any test, sync or async, with fixtures, fails when it leaks."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PLUGIN = "application_sdk.monitoring.pytest_plugin"

SUITE = """
import asyncio
import logging
import time
import unittest
import warnings

import pytest

kept = []
set_up = []


@pytest.fixture
def store():
    set_up.append("store")
    return {"rows": kept}


@pytest.mark.leak_check
@pytest.mark.parametrize("size", [300])
def test_leaks_with_a_fixture_and_a_parameter(store, size):
    store["rows"].append(bytearray(size))


def test_fixtures_were_set_up_once():
    assert set_up == ["store"]


@pytest.mark.leak_check
async def test_leaks_while_async():
    await asyncio.sleep(0)
    kept.append(asyncio.get_running_loop().create_future())


@pytest.mark.leak_check(max_seconds=30)
async def test_clean_while_logging_and_warning():
    logging.getLogger("suite").warning("hello %s", 1)
    warnings.warn("again")
    await asyncio.sleep(0)


@pytest.mark.leak_check
def test_clean_with_a_fixture(store):
    dict(store)


@pytest.mark.leak_check(max_seconds=0.5)
def test_inconclusive_when_too_slow():
    time.sleep(0.2)


@pytest.mark.leak_check
def test_fails_by_itself():
    assert kept == "what it is not"


@pytest.mark.leak_check(bytes=1)
def test_wrong_keyword():
    pass


@pytest.mark.leak_check
def test_skips_itself():
    pytest.skip("not here")


class OldStyle(unittest.TestCase):
    @pytest.mark.leak_check
    def test_of_a_test_case(self):
        pass
"""

BESIDE_ASYNCIO = """
import asyncio

import pytest
import pytest_asyncio

kept = []


@pytest_asyncio.fixture
async def loop_of_the_fixture():
    return asyncio.get_running_loop()


@pytest.mark.asyncio
@pytest.mark.leak_check
async def test_leaks_on_the_loop_of_its_fixtures(loop_of_the_fixture):
    assert asyncio.get_running_loop() is loop_of_the_fixture
    kept.append(bytearray(200))


@pytest.mark.asyncio
async def test_plain_async():
    await asyncio.sleep(0)


@pytest.mark.leak_check
def test_clean():
    pass
"""


def run_suite(directory: Path, source: str, *options: str) -> Iterator[tuple[str, str, str]]:
    """Outcomes of a test file's tests, each as name, outcome and text."""
    (directory / "test_suite.py").write_text(source, encoding="utf-8")
    installed = entry_points(group="pytest11", name="application_sdk_monitoring")
    plugin = () if installed else ("-p", PLUGIN)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "test_suite.py", "--junitxml=results.xml"),
            *("-p", "no:cacheprovider", *plugin, *options),
        ],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=480,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    for case in ET.parse(directory / "results.xml").iter("testcase"):  # noqa: S314 - our own file
        problem = next((child for child in case if child.tag != "properties"), None)
        yield (
            case.attrib["name"],
            "passed" if problem is None else problem.tag,
            "" if problem is None else (problem.text or "") + problem.attrib.get("message", ""),
        )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str]]:
    directory = tmp_path_factory.mktemp("suite")
    found = run_suite(directory, SUITE, "-p", "no:asyncio", "-p", "no:randomly")
    return {name: (outcome, text) for name, outcome, text in found}


def test_a_leaking_test_fails_and_names_the_line(outcomes: dict[str, tuple[str, str]]) -> None:
    outcome, text = outcomes["test_leaks_with_a_fixture_and_a_parameter[300]"]
    assert outcome == "failure"
    assert "LEAK" in text
    assert "test_suite.py:23" in text
    assert "pytest_plugin" not in text


def test_fixtures_are_set_up_once(outcomes: dict[str, tuple[str, str]]) -> None:
    assert outcomes["test_fixtures_were_set_up_once"] == ("passed", "")


def test_an_async_test_needs_no_plugin(outcomes: dict[str, tuple[str, str]]) -> None:
    outcome, text = outcomes["test_leaks_while_async"]
    assert outcome == "failure"
    assert "test_leaks_while_async" in text


def test_what_pytest_gathers_of_a_test_is_no_leak(outcomes: dict[str, tuple[str, str]]) -> None:
    assert outcomes["test_clean_while_logging_and_warning"] == ("passed", "")


def test_a_clean_test_passes(outcomes: dict[str, tuple[str, str]]) -> None:
    assert outcomes["test_clean_with_a_fixture"] == ("passed", "")


def test_an_uncertain_test_fails_with_its_reason(outcomes: dict[str, tuple[str, str]]) -> None:
    outcome, text = outcomes["test_inconclusive_when_too_slow"]
    assert outcome == "failure"
    assert "INCONCLUSIVE" in text
    assert "too few calls" in text


def test_a_failing_test_fails_as_it_would_without_the_check(
    outcomes: dict[str, tuple[str, str]],
) -> None:
    outcome, text = outcomes["test_fails_by_itself"]
    assert outcome == "failure"
    assert "what it is not" in text
    assert "AssertionError" in text


def test_a_wrong_keyword_is_named(outcomes: dict[str, tuple[str, str]]) -> None:
    outcome, text = outcomes["test_wrong_keyword"]
    assert outcome == "failure"
    assert "does not take bytes" in text


def test_a_skip_inside_a_checked_test_is_a_skip(outcomes: dict[str, tuple[str, str]]) -> None:
    assert outcomes["test_skips_itself"][0] == "skipped"


def test_methods_of_unittest_are_refused(outcomes: dict[str, tuple[str, str]]) -> None:
    outcome, text = outcomes["test_of_a_test_case"]
    assert outcome == "error"
    assert "methods of plain classes" in text


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("pytest_asyncio") is None and not os.environ.get("CI"),
    reason="pytest-asyncio is not installed",
)
def test_it_works_beside_pytest_asyncio(tmp_path: Path) -> None:
    found = {name: (outcome, text) for name, outcome, text in run_suite(tmp_path, BESIDE_ASYNCIO)}
    outcome, text = found["test_leaks_on_the_loop_of_its_fixtures"]
    assert outcome == "failure"
    assert "LEAK" in text
    assert found["test_plain_async"] == ("passed", "")
    assert found["test_clean"] == ("passed", "")


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("xdist") is None and not os.environ.get("CI"),
    reason="pytest-xdist is not installed",
)
def test_it_gives_the_same_verdicts_under_xdist(
    tmp_path: Path, outcomes: dict[str, tuple[str, str]]
) -> None:
    found = run_suite(tmp_path, SUITE, "-p", "no:asyncio", "-n", "2")
    verdicts = {
        name: outcome for name, outcome, _ in found if name != "test_fixtures_were_set_up_once"
    }
    expected = {name: outcome for name, (outcome, _) in outcomes.items() if name in verdicts}
    assert verdicts == expected
