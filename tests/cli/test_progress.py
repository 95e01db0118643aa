"""Long work says on standard error how far it has come."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from application_sdk.monitoring.cli import progress


class Stream(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def told(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, seconds_each: float) -> str:
    """What is said of five items that take so many seconds each."""
    clock = [0.0]
    stream = Stream(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    items = []
    for item in progress.with_progress("abcde", 5, "files"):
        items.append(item)
        clock[0] += seconds_each
    assert items == list("abcde")
    return stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_quick_work_is_silent(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    assert told(monkeypatch, terminal=terminal, seconds_each=0.01) == ""


def test_a_log_gets_a_line_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    text = told(monkeypatch, terminal=False, seconds_each=2.5)
    assert text == "2 of 5 files\n4 of 5 files\n"


def test_a_terminal_gets_one_line_that_ends_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    text = told(monkeypatch, terminal=True, seconds_each=0.06)
    assert text == "\r2 of 5 files\r4 of 5 files\r5 of 5 files\n"
