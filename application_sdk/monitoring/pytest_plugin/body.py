"""A test's body as a callable without arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def arguments_of(item: Any) -> dict[str, Any]:
    """A test's fixtures and parameters, set up already."""
    return {name: item.funcargs[name] for name in item._fixtureinfo.argnames}


def bind(function: Callable[..., Any], arguments: dict[str, Any]) -> Callable[[], Any]:
    """A function with its arguments bound; a coroutine function stays one."""
    if inspect.iscoroutinefunction(function):

        async def body_async() -> Any:
            return await function(**arguments)

        return body_async

    def body() -> Any:
        return function(**arguments)

    return body


def bind_body(item: Any) -> Callable[[], Any]:
    """The test without arguments: fixtures and parameters, set up once, are bound.

    An asynchronous test gives a coroutine function, unless a plugin for asynchronous tests
    has already made it synchronous: then it runs on that plugin's loop, as its fixtures did.
    """
    function: Callable[..., Any] = item.obj
    arguments = arguments_of(item)
    return bind(function, arguments) if arguments else function
