"""Sees each task that is created in an event loop, and has it followed where a call creates it.

A loop may be asked for a quarter of a million tasks a second, and under memray a call of a Python
function costs as much as the step of a task. So where tasks only need a marker, and the loop is
asyncio's own, its ``create_task`` is stood in for beside the task factory: the one call of a
function that this adds is one less of the loop's.
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
        self._create_task = _shortcut(loop, self._factory, self._previous, active)
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
            try:
                marks = session.task_marks
                if marks is None or type(coroutine) is not CoroutineType:
                    coroutine = follow(coroutine, session)
                else:
                    coroutine = marks[coroutine.__qualname__](coroutine)
            except Exception:
                report_fault("following a task that a call started")
        if previous is not None:
            return previous(loop, coroutine, **options)
        return task_class(coroutine, loop=loop, **options)

    return factory


def _shortcut(
    loop: Any, factory: Callable[..., Any], previous: object, active: ContextVar[Any]
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
        or loop.get_debug()  # it then notes where a task was created, and leaves out its own frame
    ):
        return None
    task_class, original, running = asyncio.Task, loop.create_task, active.get

    def create_task(coro: Any, **options: Any) -> Any:
        # Not one call more than it takes: each one of a C function is told to memray twice.
        if loop._task_factory is factory and "context" not in options:
            session = running()
            if session is None:
                return task_class(coro, loop=loop, **options)
            marks = session.task_marks
            if marks is not None and coro.__class__ is CoroutineType:
                return task_class(marks[coro.__qualname__](coro), loop=loop, **options)
        return original(coro, **options)

    return create_task
