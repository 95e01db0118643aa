"""Which asyncio task runs on a thread, and in what context."""

from __future__ import annotations

import gc
import sys
from contextvars import Context
from types import CodeType
from typing import Any

from application_sdk.monitoring.backends.stacks import running_codes

_MOST_TRIES = 3


def current_task(loop: Any) -> Any:
    """The task that an event loop runs now, as any thread sees it; None between two tasks."""
    tasks = sys.modules.get("asyncio.tasks")
    return None if tasks is None else tasks.current_task(loop)


def running_task(loop: Any, thread: int) -> tuple[Any, list[CodeType]]:
    """The same with the stack of the loop's thread, innermost first.

    Returns:
        None and a stack also where the two could not be read together.
    """
    codes: list[CodeType] = []
    for _ in range(_MOST_TRIES):
        task = current_task(loop)
        codes = running_codes(thread)
        # The thread may have gone on in between.
        if task is current_task(loop):
            return task, codes
    return None, codes


def context_of(task: Any) -> Context | None:
    """The context that a task runs in."""
    if hasattr(task, "get_context"):
        context: Context = task.get_context()
        return context
    # Before 3.12 a task shows its context to the garbage collector only.
    for held in gc.get_referents(task):
        if type(held) is Context:
            return held
        if type(held) is dict and isinstance(own := held.get("_context"), Context):
            return own  # a task class written in Python
    return None


def code_of(task: Any) -> CodeType | None:
    """The code of the coroutine that a task runs; None where it has none."""
    coroutine = task.get_coro()
    code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
    return code if isinstance(code, CodeType) else None
