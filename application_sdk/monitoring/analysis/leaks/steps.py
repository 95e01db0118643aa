"""What an investigation asks of whoever drives it, and the two drivers.

The investigation itself is a generator that yields steps and never calls the target, so
that one and the same serves synchronous targets, asynchronous ones, and test runners that
have an event loop of their own.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeVar

from application_sdk.monitoring.errors import MonitoringError

T = TypeVar("T")

DRIVER_FILE = __file__
"""Frames up to the last one of this file are the checker's, those inside are the target's."""

_LOOP_TURNS = 3


@dataclass(frozen=True, slots=True)
class Calls:
    """Call the target so many times."""

    count: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Let time pass, so that what is due is freed."""

    seconds: float


Step = Calls | Rest
Investigation = Generator[Step, None, T]


class TargetRaisedError(MonitoringError):
    """The checked target raised an exception; ``__cause__`` has it."""


def drive(investigation: Investigation[T], body: Callable[[], Any]) -> T:
    """Carry an investigation of a synchronous body out.

    Raises:
        TargetRaisedError: From the exception that the body raised.
    """
    made = 0
    try:
        while True:
            try:
                step = next(investigation)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(step, Rest):
                time.sleep(step.seconds)
                continue
            try:
                for _ in repeat(None, step.count):
                    made += 1
                    body()
            except (Exception, SystemExit) as error:
                raise _raised(error, made) from error
    finally:
        investigation.close()


async def drive_async(investigation: Investigation[T], body: Callable[[], Awaitable[Any]]) -> T:
    """Carry an investigation of an asynchronous body out, on the running event loop.

    Raises:
        TargetRaisedError: From the exception that the body raised.
    """
    made = 0
    try:
        while True:
            try:
                step = next(investigation)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(step, Rest):
                await asyncio.sleep(step.seconds)
                continue
            try:
                for _ in repeat(None, step.count):
                    made += 1
                    await body()
            except (Exception, SystemExit) as error:
                raise _raised(error, made) from error
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise  # the check itself is to end
                raise _raised(error, made) from error
            # What the calls have scheduled for right afterwards still belongs to them.
            for _ in repeat(None, _LOOP_TURNS):
                await asyncio.sleep(0)
    finally:
        investigation.close()


def _raised(error: BaseException, call: int) -> TargetRaisedError:
    return TargetRaisedError(
        f"the target raised {type(error).__name__} in call {call}: {error}; a leak check needs "
        "a target that can be called again and again"
    )


def bind(
    target: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Callable[[], Any], bool]:
    """A body without arguments, and whether it is to be awaited.

    A generator function is run to its end in each call: only calling it does nothing.
    """
    if inspect.isgeneratorfunction(target):

        def exhaust() -> None:
            for _ in target(*args, **kwargs):
                pass

        return exhaust, False
    if inspect.isasyncgenfunction(target):

        async def exhaust_async() -> None:
            async for _ in target(*args, **kwargs):
                pass

        return exhaust_async, True
    is_async = inspect.iscoroutinefunction(target) or inspect.iscoroutinefunction(
        getattr(target, "__call__", None)  # noqa: B004 - its kind is asked for, not whether it is there
    )
    if not args and not kwargs:
        return target, is_async

    def body() -> Any:
        return target(*args, **kwargs)

    return body, is_async
