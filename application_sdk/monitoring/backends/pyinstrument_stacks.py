"""Stacks as pyinstrument tells them: texts, outermost first, each one frame.

Nearly all of this runs in the profile hook, where no coverage tool is called; hence the marks.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from types import CodeType

from application_sdk.monitoring.backends.stacks import own_files
from application_sdk.monitoring.model.call_tree import Frame

_BUILT_IN = "<built-in>"
_OUR_STEPS = frozenset(
    f"{kind}{step}"
    for kind in ("", "generator.", "coroutine.", "ContextVar.")
    for step in ("next", "send", "throw", "close", "get", "set")
)
"""What the code around a call's steps calls, as pyinstrument names it."""


def after(marker: str, stack: list[str]) -> int | None:  # pragma: no cover - in the hook
    """Where the frames behind a marker begin; None where it is not on the stack."""
    name = f"{marker}\x00"
    for index, identifier in enumerate(stack):
        if identifier.startswith(name):
            return index + 1
    return None


def outermost(code: CodeType, stack: list[str]) -> int | None:  # pragma: no cover - in the hook
    """Where a code object is on the stack first; None where it is not."""
    frame = f"{code.co_name}\x00{code.co_filename}\x00{code.co_firstlineno}"
    for index, identifier in enumerate(stack):
        if identifier.startswith(frame):
            return index
    return None


def path_in(stack: list[str]) -> list[Hashable]:  # pragma: no cover - in the hook
    """The frames of the program's own functions, outermost first."""
    # "function NUL file NUL first line", then attributes each behind a \x01.
    frames: list[Hashable] = []
    inside_ours = False
    for identifier in stack:
        function, file, line = identifier.split("\x01", 1)[0].split("\x00")[:3]
        if own_files[file]:
            inside_ours = True
        elif not (inside_ours and file == _BUILT_IN and function in _OUR_STEPS):
            inside_ours = False
            frames.append(Frame(function, file, int(line)))
    return frames


def frames_of(codes: Iterable[CodeType]) -> list[Hashable]:  # pragma: no cover - in the hook
    """The frames of the program's own code among these."""
    return [
        Frame(code.co_name, code.co_filename, code.co_firstlineno)
        for code in codes
        if not own_files[code.co_filename]
    ]


def described(key: Hashable) -> Frame:
    """The frame of a key in these paths: the key itself."""
    assert isinstance(key, Frame)
    return key
