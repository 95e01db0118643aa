"""What pytest gathers while a test runs, kept small while the body runs again and again."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_MOST_RECORDS = 1000


@contextmanager
def silent_warnings() -> Iterator[None]:
    """Filters hold, but what they let through is not gathered: pytest keeps every warning."""
    with warnings.catch_warnings():
        warnings.showwarning = _ignore_warning
        yield


@contextmanager
def bounded_logs(item: pytest.Function) -> Iterator[None]:
    """Forget gathered log records by the thousand; what is forgotten costs both sides the same."""

    def bounding(handler: Any) -> Callable[[logging.LogRecord], bool]:
        def keep_few(_: logging.LogRecord) -> bool:
            if len(handler.records) >= _MOST_RECORDS:
                handler.clear()
            return True

        return keep_few

    filters = [(handler, bounding(handler)) for handler in log_handlers(item)]
    for handler, bound in filters:
        handler.addFilter(bound)
    try:
        yield
    finally:
        for handler, bound in filters:
            handler.removeFilter(bound)


def log_handlers(item: pytest.Function) -> list[Any]:
    """The handlers with which pytest gathers a test's log."""
    plugin = item.config.pluginmanager.get_plugin("logging-plugin")
    return [
        handler
        for name in ("caplog_handler", "report_handler")
        if (handler := getattr(plugin, name, None)) is not None
    ]


def _ignore_warning(*_args: Any, **_kwargs: Any) -> None:
    """The first call's warning says as much as the ten thousandth's."""
