"""The kinds of callables, told apart once, at decoration."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any


class Kind(Enum):
    """What a call of a callable gives back."""

    SYNC = "sync"
    ASYNC = "async"
    GENERATOR = "generator"
    ASYNC_GENERATOR = "async generator"


def kind_of(target: Callable[..., Any]) -> Kind:
    """The kind of a callable; a callable object has the kind of its ``__call__``."""
    candidates = [target]
    if not inspect.isroutine(target):
        candidates.append(type(target).__call__)
    for candidate in candidates:
        if inspect.isasyncgenfunction(candidate):
            return Kind.ASYNC_GENERATOR
        if inspect.iscoroutinefunction(candidate):
            return Kind.ASYNC
        if inspect.isgeneratorfunction(candidate):
            return Kind.GENERATOR
    return Kind.SYNC


def qualified_name(target: Callable[..., Any]) -> str:
    """``module.qualname`` of a callable; of its type where it has no name of its own."""
    named: Any = target if hasattr(target, "__qualname__") else type(target)
    inner = getattr(target, "func", None)
    if not hasattr(target, "__qualname__") and callable(inner) and hasattr(inner, "__qualname__"):
        named = inner  # functools.partial: the function that it calls
    module = getattr(named, "__module__", None) or "unknown"
    return f"{module}.{named.__qualname__}"
