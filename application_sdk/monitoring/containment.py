"""Keeps faults of the monitoring away from the program that it watches.

Whatever goes wrong in here is logged once per cause, through the SDK's logger where the
SDK is installed, and swallowed at one of a few marked edges.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import threading
from types import TracebackType
from typing import Any, Protocol

from application_sdk.monitoring.sandbox import in_sandbox, load

LOGGER_NAME = "application_sdk.monitoring"

_SDK_LOGGER_MODULE = "application_sdk.observability.logger_adaptor"
_MOST_CAUSES = 256


class Logger(Protocol):
    """What is used of a logger: ``logging``'s and the SDK's both have it."""

    def info(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log at level INFO."""

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log at level WARNING."""

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Log at level DEBUG."""


_lock = threading.Lock()
_seen: set[str] = set()
_logger: Logger | None = None


def logger() -> Logger:
    """The SDK's logger when the SDK is installed, else the standard library's.

    The SDK's takes most of a second to import, so it is looked up at the first message.
    """
    global _logger
    found = _logger
    if found is None:
        found = _logger = _sdk_logger() or logging.getLogger(LOGGER_NAME)
    return found


def _sdk_logger() -> Logger | None:
    try:
        # In the sandbox the process's modules are out of the finder's sight, not of load's.
        if not in_sandbox() and importlib.util.find_spec(_SDK_LOGGER_MODULE) is None:
            return None
        module = load(_SDK_LOGGER_MODULE)
        found: Logger = module.get_logger(LOGGER_NAME)
    except ModuleNotFoundError:
        return None
    except Exception:
        logging.getLogger(LOGGER_NAME).warning(
            "The SDK's logger could not be loaded, so the standard library's is used",
            exc_info=True,
        )
        return None
    return found


def warn_once(cause: str, message: str, *args: object, exc_info: bool = False) -> bool:
    """Log a warning unless one with the same cause was logged before.

    Args:
        cause: What the warning is about; one message is logged for each.
        message: A %-style message.
        *args: Its arguments.
        exc_info: Whether to add the exception that is being handled.

    Returns:
        Whether this call logged.
    """
    with _lock:
        if cause in _seen or len(_seen) >= _MOST_CAUSES:
            return False
        _seen.add(cause)
    logger().warning(message, *args, exc_info=exc_info)
    return True


def report_fault(where: str) -> None:
    """Log the exception that is being handled, once for each place and kind."""
    error = sys.exc_info()[1]
    warn_once(
        f"{where}: {type(error).__name__}",
        "Monitoring failed while %s (%s: %s); the profiled program is not affected, "
        "and this is logged once",
        where,
        type(error).__name__,
        error,
        exc_info=True,
    )


class contained:  # noqa: N801 - read as a statement: with contained("...")
    """Log and swallow what goes wrong inside; the program's own exceptions do not pass here.

    A class, for it stands around every step of a profiled call: a generator would take ten
    times as long, and show in the call's tree.

    Args:
        where: What the monitoring was doing, to complete 'failed while ...'.
    """

    __slots__ = ("_where",)

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        """Nothing has gone wrong yet."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if isinstance(error, Exception):
            report_fault(self._where)
            return True
        return False


def forget_warnings() -> None:
    """Let every cause be logged again. For tests and after a fork."""
    global _logger
    with _lock:
        _seen.clear()
        _logger = None
