"""What is known of a call at its edges: where it starts and how it ended."""

from __future__ import annotations

import asyncio
import sys
from types import CodeType, FrameType, FunctionType

from application_sdk.monitoring.engine.plan import Plan
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import Outcome
from application_sdk.monitoring.protocols import BlockPlace


def root_of(plan: Plan, frame: FrameType | None) -> CodeType | Frame:
    """What a call's tree starts with: its target's code, or a frame where there is none."""
    if frame is not None:
        return frame.f_code
    target = getattr(plan.shown, "__func__", plan.shown)  # of a bound method: its function
    if not isinstance(target, FunctionType):
        target = getattr(type(target).__call__, "__func__", type(target).__call__)
    if isinstance(target, FunctionType):
        return target.__code__
    return Frame(plan.name.rpartition(".")[2], "", 0)


def place_of(frame: FrameType) -> BlockPlace:
    """Where the ``with`` block of a frame stands."""
    depth, current = 0, frame
    walker: FrameType | None = current
    while walker is not None:
        depth += 1
        walker = walker.f_back
    coroutine = None
    if "asyncio" in sys.modules:
        try:
            task = asyncio.current_task()
            coroutine = None if task is None else task.get_coro()
        except RuntimeError:
            coroutine = None  # no event loop runs in this thread
    return BlockPlace(frame.f_code, depth, coroutine)


def outcome_of(error: BaseException | None, closed: bool) -> tuple[Outcome, str | None]:
    """How a call ended, and the qualified name of its exception."""
    if closed or isinstance(error, GeneratorExit):
        return "closed", None
    if error is None:
        return "returned", None
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    cancelled = isinstance(error, asyncio.CancelledError) or kind.__name__ == "CancelledError"
    return ("cancelled" if cancelled else "raised"), name
