"""Sees each task that is created in an event loop, and has it followed where a call creates it.

A loop may be asked for a quarter of a million tasks a second, and under memray a call of a Python
function costs as much as the step of a task. So where the loop is asyncio's own, its
``create_task`` is stood in for beside the task factory: the one call of a function that this adds
is one less of the loop's. It also leaves tasks their names: where a factory is set, Python 3.13.0
names each task that was given no name "None".
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import CoroutineType
from typing import Any

from application_sdk.monitoring.containment import report_fault

Follow = Callable[[Any, Any], Any]
"""A coroutine for a task that a session's call creates, of the coroutine that it asked for."""


class FollowedLoop:
    """An event loop, from here until it is left.

    Args:
        loop: The loop. A task factory that the program has set is kept and used.
        active: Holds the innermost session of the running code, or None.
        follow: Called for tasks of sessions that have no ``task_marks``.
    """

    def __init__(self, loop: Any, active: ContextVar[Any], follow: Follow) -> None:
        self._loop = loop
        self._previous = loop.get_task_factory()
        self._factory = _factory(self._previous, active, follow)
        loop.set_task_factory(self._factory)
        self._create_task = _shortcut(loop, self._factory, self._previous, active, follow)
        if self._create_task is not None:
            loop.create_task = self._create_task

    def leave(self) -> None:
        """Put back what is still ours: what the program has set on top goes on as it is."""
        loop = self._loop
        if loop.get_task_factory() is self._factory:
            loop.set_task_factory(self._previous)
        if self._create_task is not None and loop.create_task is self._create_task:
            del loop.create_task


def _factory(
    previous: Callable[..., Any] | None, active: ContextVar[Any], follow: Follow
) -> Callable[..., Any]:
    import asyncio

    task_class = asyncio.Task

    def factory(loop: Any, coroutine: Any, **options: Any) -> Any:
        context = options.get("context")
        session = active.get() if context is None else context.get(active)
        if session is not None:
            coroutine = _followed_safely(coroutine, session, follow)
        if previous is not None:
            return previous(loop, coroutine, **options)
        return task_class(coroutine, loop=loop, **options)

    return factory


def _followed_safely(coroutine: Any, session: Any, follow: Follow) -> Any:
    try:
        marks = session.task_marks
        if marks is None or type(coroutine) is not CoroutineType:
            return follow(coroutine, session)
        return marks[coroutine.__qualname__](coroutine)
    except Exception:
        report_fault("following a task that a call started")
        return coroutine


def _shortcut(
    loop: Any,
    factory: Callable[..., Any],
    previous: object,
    active: ContextVar[Any],
    follow: Follow,
) -> Callable[..., Any] | None:
    """A loop's ``create_task`` without the way through the factory; None where that is needed."""
    import asyncio

    own = getattr(type(loop), "create_task", None)
    if (
        previous is not None
        or own is not asyncio.BaseEventLoop.create_task
        # Not by vars(): an object asked for its dictionary finds its attributes more slowly.
        or getattr(loop.create_task, "__func__", None) is not own
        or not hasattr(loop, "_task_factory")
        or not hasattr(loop, "_closed")
    ):
        return None
    task_class, original, running = asyncio.Task, loop.create_task, active.get
    debugs = loop.get_debug()

    def create_task(coro: Any, **options: Any) -> Any:
        # Not one call more than it takes: each one of a C function is told to memray twice.
        if loop._task_factory is not factory or loop._closed:
            return original(coro, **options)
        if "context" in options and options["context"] is not None:
            session = options["context"].get(active)
        else:
            session = running()
        if session is not None:
            marks = session.task_marks
            if marks is not None and coro.__class__ is CoroutineType:
                coro = marks[coro.__qualname__](coro)
            else:
                coro = _followed_safely(coro, session, follow)
        task = task_class(coro, loop=loop, **options)
        if debugs and (created := getattr(task, "_source_traceback", None)):
            del created[-1]  # this frame, as the loop leaves out its own
        return task

    return create_task
