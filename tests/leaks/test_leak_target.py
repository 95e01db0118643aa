"""What `leaks module:function` calls, and with which arguments."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from application_sdk.monitoring import MonitoringError
from application_sdk.monitoring.cli.leak_target import find_target, parse_arguments, set_up

MODULE = "module_for_leak_target"
SOURCE = """
number = 3
class Loader:
    @staticmethod
    def load(): return "loaded"
def two(): return 1, 2
def named(): return {"size": 4}
def nothing(): pass
def wrong(): return "text"
def fails(): raise KeyError("no database")
async def later(): return (5,)
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / f"{MODULE}.py").write_text(SOURCE)
    (tmp_path / "broken_for_leak_target.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop(MODULE, None)


def test_a_method_of_a_class_in_the_working_directory_is_found() -> None:
    assert find_target(f"{MODULE}:Loader.load")() == "loaded"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("module", "module is not module:function"),
        ("app/jobs.py:load", "app/jobs.py is a file; name its module: app.jobs:load"),
        (":load", "is not module:function"),
        ("module:", "is not module:function"),
        ("no_such_module:f", "cannot import no_such_module: ModuleNotFoundError"),
        ("broken_for_leak_target:f", "cannot import .*ZeroDivisionError"),
        (f"{MODULE}:absent", f"{MODULE} has no absent"),
        (f"{MODULE}:Loader.absent", "has no Loader.absent"),
        (f"{MODULE}:number", "is a int, which cannot be called"),
    ],
)
def test_what_is_no_target_is_refused_with_its_reason(text: str, message: str) -> None:
    with pytest.raises(MonitoringError, match=message):
        find_target(text)


def test_arguments_are_literals_where_they_can_be_and_text_otherwise() -> None:
    assert parse_arguments(["3", "[1, 2]", "plain text", "a-b=c", "size=10", "name=x=y"]) == (
        (3, [1, 2], "plain text", "a-b=c"),
        {"size": 10, "name": "x=y"},
    )


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("two", ((1, 2), {})),
        ("named", ((), {"size": 4})),
        ("nothing", ((), {})),
        ("later", ((5,), {})),
    ],
)
def test_what_the_set_up_returns_are_the_arguments(function: str, arguments: object) -> None:
    assert set_up(f"{MODULE}:{function}") == arguments


@pytest.mark.parametrize(
    ("function", "message"),
    [("wrong", "returned a str; it may return"), ("fails", "raised KeyError: 'no database'")],
)
def test_a_set_up_that_fails_says_how(function: str, message: str) -> None:
    with pytest.raises(MonitoringError, match=message):
        set_up(f"{MODULE}:{function}")
