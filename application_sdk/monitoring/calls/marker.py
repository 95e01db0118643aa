"""Markers: a frame with a unique name around the steps of one profiled call.

Stack walkers and the allocation tracker see frames, not calls. Running the call inside
a function whose code carries a name of its own tells the stacks of concurrent calls of
one function apart, exactly and without any look-up while the call runs. An awaited call
or a generator is driven step by step, so that its captures know when it runs and when
it is suspended.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from types import CodeType, CoroutineType, FunctionType, GeneratorType
from typing import Any, Protocol

MARKER_PREFIX = "<monitored call "
"""Every marker's function name starts with this."""

PART_PREFIX = "<monitored part of call "
"""The same for the markers of what a call started in other tasks and threads."""

BEGIN_PREFIX = "<monitored call begins "
END_PREFIX = "<monitored call ends "
"""Of the functions whose one allocation notes a call's begin and end among the records."""


_MOST_NAMES = 256
"""Of tasks' coroutines that one call keeps; a program may make them up as it goes."""


class Step(Protocol):
    """Entered whenever a call, or a part of it, runs."""

    @property
    def rest(self) -> AbstractContextManager[None] | None:
        """What to enter once for all steps to come; None as long as each is to be entered."""
        ...

    def __enter__(self) -> None: ...

    def __exit__(self, *exception: object) -> None: ...


class Marker:
    """The marker functions of one call.

    Args:
        identity: Unique among all calls of all processes that share a directory.
        prefix: What the markers' names start with.
    """

    def __init__(self, identity: str, prefix: str = MARKER_PREFIX) -> None:
        self.name = f"{prefix}{identity}>"
        self.code = _named(_call.__code__, self.name)
        self._steps_code: CodeType | None = None
        self._marks: TaskMarks | None = None

    @property
    def codes(self) -> tuple[CodeType, ...]:
        """The code objects that stand for the call on a stack."""
        codes = (self.code,) if self._steps_code is None else (self.code, self._steps_code)
        return codes if self._marks is None else (*codes, self._marks.code)

    @property
    def steps_of_coroutines(self) -> CodeType:
        """The code of the stepping marker of awaitables."""
        if self._steps_code is None:
            self._steps_code = _named(_AWAITABLE_STEPS, self.name)
        return self._steps_code

    def call(self, target: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call the target inside the marker."""
        return FunctionType(self.code, {})(target, args, kwargs)

    def drive_coroutine(self, awaited: Any, step: Step) -> Any:
        """An awaitable that runs another one, entering ``step`` whenever it runs."""
        inner = awaited if hasattr(awaited, "send") else awaited.__await__()
        return self._drive(_AWAITABLE_STEPS, inner, step)

    def drive_task(self, coroutine: Any, step: Step) -> Any:
        """A coroutine for a task that runs another one, entering ``step`` whenever it runs."""
        driving = _drive_task(self.drive_coroutine(coroutine, step))
        _name_like(driving, coroutine)
        return driving

    @property
    def task_marks(self) -> TaskMarks:
        """What makes coroutines that run another one inside the marker, and no more."""
        if self._marks is None:
            self._marks = TaskMarks(_named(_drive_task.__code__, self.name))
        return self._marks

    def mark_task(self, coroutine: Any) -> Any:
        """A coroutine for a task that runs another one inside the marker, and no more."""
        marked = self.task_marks[""](coroutine)
        _name_like(marked, coroutine)
        return marked

    def drive_generator(self, inner: Any, step: Step) -> Generator[Any, Any, Any]:
        """A generator that runs another one, entering ``step`` whenever it runs."""
        driven: Generator[Any, Any, Any] = self._drive(_steps.__code__, inner, step)
        return driven

    def _drive(self, code: CodeType, inner: Any, step: Step) -> Any:
        if self._steps_code is None:
            self._steps_code = _named(code, self.name)
        native = type(inner) in _NATIVE
        send = getattr(inner, "send", None) or _Next(inner)
        return FunctionType(self._steps_code, {})(inner, send, step, native)


class TaskMarks(dict[str, Callable[[Any], Any]]):
    """By a coroutine's qualified name: what makes one of that name that runs it in the marker.

    A coroutine has the names of its function. Naming each one anew would take longer.

    Args:
        code: The marker's code, which all of them share.
    """

    def __init__(self, code: CodeType) -> None:
        self.code = code

    def __missing__(self, qualname: str) -> Callable[[Any], Any]:
        if len(self) >= _MOST_NAMES:
            self.clear()
        mark = self[qualname] = FunctionType(self.code, {})
        mark.__name__, mark.__qualname__ = qualname.rpartition(".")[2], qualname
        return mark


class _Next:
    """``send`` for iterators that have none."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __call__(self, value: Any) -> Any:
        return next(self._inner)


def _name_like(driving: Any, coroutine: Any) -> None:
    for name in ("__name__", "__qualname__"):
        setattr(driving, name, getattr(coroutine, name, type(coroutine).__name__))


def _named(code: CodeType, name: str) -> CodeType:
    return code.replace(co_name=name, co_qualname=name)


def _call(target: Any, args: Any, kwargs: Any) -> Any:
    return target(*args, **kwargs)


def _steps(inner: Any, send: Any, step: Any, native: bool) -> Any:
    # What ``yield from`` does (PEP 380), with each step of the inner generator inside ``step``.
    argument = error = None
    while True:
        if native and argument is None and error is None:
            rest = step.rest
            if rest is not None:
                with rest:
                    return (yield from inner)
        try:
            with step:
                if error is None:
                    yielded = send(argument)
                elif hasattr(inner, "throw"):
                    yielded = inner.throw(error)
                else:
                    raise error
        except StopIteration as stop:
            if stop is error:
                raise
            return stop.value
        finally:
            # A frame that keeps the exception it passed on keeps everything alive with it.
            argument = error = None
        try:
            argument = yield yielded
        except GeneratorExit:
            with step:
                if hasattr(inner, "close"):
                    inner.close()
            raise
        except BaseException as thrown:
            error = thrown


async def _drive_task(driven: Any) -> Any:
    # From 3.12 on a task takes nothing but what ``async def`` makes.
    return await driven


# What ``yield from`` takes as it is, in a generator and in a coroutine.
_NATIVE = (CoroutineType, GeneratorType)
_AWAITABLE_STEPS: CodeType = types.coroutine(_steps).__code__
