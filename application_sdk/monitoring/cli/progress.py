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
