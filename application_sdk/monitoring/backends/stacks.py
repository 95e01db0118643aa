"""Stacks of running threads and of suspended coroutines, taken without keeping a frame.

Each walk is one composition of C-level iterators, which never gives up the interpreter's
lock half-way: a thread cannot run on, and its frames cannot go away, while they are read.
"""

from __future__ import annotations

import gc
import operator
import os
import sys
from functools import partial
from itertools import accumulate, chain, islice, repeat, takewhile
from operator import attrgetter, itemgetter
from types import CodeType, CoroutineType
from typing import Any

from application_sdk.monitoring.calls.wrapper import WRAPPER_FILE

_PACKAGE_DIRECTORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_PROFILERS = (f"{os.sep}pyinstrument{os.sep}", f"{os.sep}memray{os.sep}")
_MOST_FILES = 20_000

_code_of_frame = attrgetter("f_code")
_place_of_frame = attrgetter("f_code", "f_lasti")
_code_of_coroutine = attrgetter("cr_code")
# isinstance with its arguments the other way round, at C level.
_is_coroutine = partial(type.__instancecheck__, CoroutineType)

# Before 3.12 allocating a frame object may run the garbage collector, and with it any
# finalizer written in Python, in the middle of a walk.
_GC_MAY_RUN_IN_WALK = sys.version_info < (3, 12)


def running_codes(thread: int) -> list[CodeType]:
    """The code objects on a thread's stack, innermost first; empty if it has ended."""
    return _walk(thread, _code_of_frame)


def running_places(thread: int) -> list[tuple[CodeType, int]]:
    """The same with the offset of each frame's current instruction, which tells its line."""
    return _walk(thread, _place_of_frame)


def _walk(thread: int, what: attrgetter[Any]) -> list[Any]:
    frames = accumulate(
        chain(
            islice(map(itemgetter(thread), iter(sys._current_frames, None)), 1),
            repeat("f_back"),
        ),
        getattr,
    )
    walk = map(what, takewhile(bool, frames))
    try:
        if _GC_MAY_RUN_IN_WALK and gc.isenabled():
            return _without_collection(walk)
        return list(walk)
    except KeyError:
        return []


def _without_collection(walk: map[Any]) -> list[Any]:
    # Switching the collector off, walking and switching it on again is one C-level step too,
    # so that no other thread ever sees it off.
    try:
        steps: tuple[Any, ...] = (gc.disable, partial(list, walk), gc.enable)
        call: Any = operator.call
        codes: list[Any] = list(map(call, steps))[1]
    except BaseException:
        gc.enable()
        raise
    return codes


def line_of(code: CodeType, instruction: int) -> int:
    """The line of an instruction, by its offset in bytes."""
    for start, end, line in code.co_lines():
        if start <= instruction < end and line is not None:
            return line
    return code.co_firstlineno


def awaited_codes(coroutine: Any) -> list[CodeType]:
    """The code objects that a suspended coroutine waits through, outermost first.

    It follows coroutines only: the last one is what awaits a future, a task or a
    generator, and nothing can be told beyond that.
    """
    if not _is_coroutine(coroutine):
        code = getattr(coroutine, "ag_code", None) or getattr(coroutine, "gi_code", None)
        inner = getattr(coroutine, "ag_await", None) or getattr(coroutine, "gi_yieldfrom", None)
        head = [code] if isinstance(code, CodeType) else []
        return head + (awaited_codes(inner) if _is_coroutine(inner) else [])
    chained = accumulate(chain([coroutine], repeat("cr_await")), getattr)
    return list(map(_code_of_coroutine, takewhile(_is_coroutine, chained)))


class _OwnFiles(dict[str, bool]):
    """Whether code of a file belongs to this library or to a profiler; learns as it is asked."""

    def __missing__(self, file: str) -> bool:
        if len(self) > _MOST_FILES:
            self.clear()
        own = self[file] = (
            file == WRAPPER_FILE
            or file.startswith(_PACKAGE_DIRECTORY)
            or any(part in file for part in _PROFILERS)
        )
        return own


own_files = _OwnFiles()
"""By file name: whether its frames are left out of every tree."""
