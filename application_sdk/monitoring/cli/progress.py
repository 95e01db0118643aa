"""Tells how far long work has come, on standard error, so that output stays clean."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

_TERMINAL_SECONDS = 0.1
_LOG_SECONDS = 5.0


def with_progress(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The same items; meanwhile a line on a terminal, or a line every five seconds in a log.

    Args:
        items: What is worked on.
        total: How many there are.
        what: What they are, in the plural.
    """
    on_terminal = sys.stderr.isatty()
    pause = _TERMINAL_SECONDS if on_terminal else _LOG_SECONDS
    due = time.monotonic() + pause
    shown = False
    for done, item in enumerate(items):
        if time.monotonic() >= due:
            start, end = ("\r", "") if on_terminal else ("", "\n")
            line = f"{start}{done:,} of {total:,} {what}"
            print(line, file=sys.stderr, end=end, flush=True)
            shown = True
            due = time.monotonic() + pause
        yield item
    if shown and on_terminal:
        print(f"\r{total:,} of {total:,} {what}", file=sys.stderr)


class Progress:
    """One line that is written over on a terminal, a line now and then in a log."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._said_at = time.monotonic()
        self._shown = False

    def __call__(self, text: str) -> None:
        """Say how far it has come."""
        if self._terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
            self._shown = True
        elif time.monotonic() - self._said_at >= _LOG_SECONDS:
            self._said_at = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def done(self) -> None:
        """Leave the terminal as it was."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
