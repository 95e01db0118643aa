"""The perf_check marker against a git revision: the same test over the code of both sides."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from application_sdk.monitoring import Comparison
from tests.leaks.test_pytest_plugin import run_suite
from tests.regressions.conftest import Shop

CONFTEST = """
import pytest

@pytest.fixture
def order():
    return {"count": 2000}
"""

REFUSED = """
import pytest
from shop import cart

@pytest.mark.perf_check(base="HEAD", max_seconds=0.01)
def test_too_little_time(order):
    cart.price(order["count"])

@pytest.mark.perf_check(base="nowhere")
def test_unknown_revision():
    pass

@pytest.mark.perf_check(base="HEAD")
def test_what_the_revision_lacks():
    cart.come()

@pytest.mark.perf_check(base="HEAD")
def test_fails_by_itself():
    assert cart.price(1) == "what it is not"

@pytest.mark.perf_check(base="HEAD")
async def test_skips_itself():
    pytest.skip("not here")
"""

SLOWER = """
import pytest
from shop import cart

@pytest.mark.perf_check(base="HEAD", max_seconds=150)
def test_slower(order):
    assert order["count"] == 2000
    cart.checkout()
"""

LARGER = """
import pytest
from shop import cart

@pytest.mark.perf_check(base="HEAD", metric="memory", max_seconds=150)
@pytest.mark.parametrize("times", [1])
async def test_larger_while_async(order, times):
    for _ in range(times):
        cart.hold()

class TestOfAClass:
    @pytest.mark.perf_check(base="HEAD", metric="memory")
    def test_same(self):
        cart.price(100)
"""

Outcomes = dict[str, tuple[str, str]]


def outcomes_of(shop: Shop, suite: str) -> Outcomes:
    """The tests are not in the revision: both sides have them from the working tree."""
    tests = shop.root / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_text(CONFTEST)
    (shop.root / "pytest.ini").write_text("[pytest]\npythonpath = src\n")
    options = ("--perf-check-report", str(shop.root / "reports"))
    found = run_suite(tests, suite, "-p", "no:asyncio", "-p", "no:randomly", *options)
    outcomes = {name: (outcome, text) for name, outcome, text in found}
    assert shop.worktrees() == 1
    return outcomes


def report(shop: Shop, test: str, ending: str) -> Path:
    (file,) = (shop.root / "reports").glob(f"*{test}*{ending}")
    return file


def test_a_revision_that_cannot_be_compared_with_is_told_with_the_reason(shop: Shop) -> None:
    outcomes = outcomes_of(shop, REFUSED)
    outcome, text = outcomes["test_too_little_time"]
    assert outcome == "failure"
    assert "perf_check: INCONCLUSIVE against HEAD" in text
    assert "Inconclusive: only 0 of at least 6 rounds" in text
    outcome, text = outcomes["test_unknown_revision"]
    assert outcome == "failure"
    assert "perf_check: git does not know the revision 'nowhere'" in text
    outcome, text = outcomes["test_what_the_revision_lacks"]
    assert outcome == "failure"
    assert "the baseline (" in text
    assert "raised AttributeError: module 'shop.cart' has no attribute 'come'" in text
    assert "has to be there" in text
    outcome, text = outcomes["test_fails_by_itself"]
    assert outcome == "failure"
    assert "what it is not" in text
    assert "AssertionError" in text
    assert outcomes["test_skips_itself"][0] == "skipped"

    # What could not be judged is reported, too, and where the time went.
    told = Comparison.model_validate_json(report(shop, "too_little_time", ".json").read_text())
    assert told.verdict == "inconclusive"
    assert "No verdict on performance" in report(shop, "too_little_time", ".md").read_text()
    page = report(shop, "too_little_time", ".html").read_text()
    assert "test_too_little_time" in page
    assert "perf_side" not in page
    assert len(list((shop.root / "reports").iterdir())) == 3


@pytest.mark.slow
@pytest.mark.alone
def test_a_slower_test_is_a_regression_and_names_the_function(shop: Shop) -> None:
    outcomes = outcomes_of(shop, SLOWER)
    outcome, text = outcomes["test_slower"]
    assert outcome == "failure"
    assert "perf_check: REGRESSION against HEAD" in text
    assert "Most of it is in <genexpr>" in text
    assert "cart.py" in text
    slower = json.loads(report(shop, "test_slower", ".json").read_text())
    assert slower["functions"][0]["function"] == "<genexpr>"
    assert report(shop, "test_slower", ".html").exists()


@pytest.mark.slow
def test_an_async_test_is_judged_by_its_memory_over_the_code_of_both_sides(shop: Shop) -> None:
    outcomes = outcomes_of(shop, LARGER)
    outcome, text = outcomes["test_larger_while_async[1]"]
    assert outcome == "failure"
    assert "larger beyond the threshold" in text
    assert outcomes["test_same"] == ("passed", "")
