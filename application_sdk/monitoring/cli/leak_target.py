"""What ``leaks`` calls: a function of a module, and the arguments it is called with."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from application_sdk.monitoring.errors import MonitoringError

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def find_target(text: str) -> Callable[..., Any]:
    """The callable that ``module:function`` names, from the working directory as well.

    Raises:
        MonitoringError: If there is none.
    """
    module, colon, name = text.partition(":")
    if not (colon and module and name):
        raise MonitoringError(f"{text} is not module:function")
    if module.endswith(".py"):
        dotted = ".".join(Path(module).with_suffix("").parts)
        raise MonitoringError(f"{module} is a file; name its module: {dotted}:{name}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise MonitoringError(f"cannot import {module}: {type(error).__name__}: {error}") from error
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise MonitoringError(f"{module} has no {name}")
    if not callable(found):
        raise MonitoringError(f"{text} is a {type(found).__name__}, which cannot be called")
    called: Callable[..., Any] = found
    return called


def parse_arguments(texts: Sequence[str]) -> Arguments:
    """Positional and keyword arguments from ``VALUE`` and ``NAME=VALUE``."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if equals and name.isidentifier():
            kwargs[name] = _value(value)
        else:
            args.append(_value(text))
    return tuple(args), kwargs


def set_up(text: str) -> Arguments:
    """Call a set-up function, and take what it returns as arguments.

    Raises:
        MonitoringError: If there is none, if it raises, or if it returns something else than
            a tuple, a dict or None.
    """
    function = find_target(text)
    try:
        result = function()
        if inspect.isawaitable(result):
            result = asyncio.run(_await(result))
    except (Exception, SystemExit) as error:
        raise MonitoringError(f"--setup {text} raised {type(error).__name__}: {error}") from error
    if result is None:
        return (), {}
    if isinstance(result, tuple):
        return result, {}
    if isinstance(result, dict):
        return (), result
    raise MonitoringError(
        f"--setup {text} returned a {type(result).__name__}; it may return a tuple of arguments, "
        "a dict of keyword arguments, or nothing"
    )


async def _await(awaitable: Any) -> Any:
    return await awaitable


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
