"""Turns the stacks that memray reports into those that a profile shows, and adds up equal ones."""

from __future__ import annotations

from collections.abc import Iterable

from application_sdk.monitoring.backends.source_lines import first_line
from application_sdk.monitoring.backends.stacks import own_files

Location = tuple[str, str, int]
"""Function, file and line."""

Charged = tuple[tuple[Location, ...], int, int]
"""A stack, outermost frame first, with its bytes and allocations."""

PART = "<part>"
"""Stands first in the stacks of what a call started in other tasks and threads."""


def settled(stacks: Iterable[Charged]) -> list[Charged]:
    """Each stack without the monitoring's own frames, with the lines where functions start.

    Compiling a source to find them holds the interpreter's lock, as reading a capture does,
    so both happen in the same process.
    """
    sums: dict[tuple[Location, ...], list[int]] = {}
    for stack, size, count in stacks:
        shown = tuple(
            (function, file, line if file == PART else first_line(function, file, line))
            for function, file, line in stack
            if file == PART or not own_files[file]
        )
        held = sums.setdefault(shown, [0, 0])
        held[0] += size
        held[1] += count
    return [(stack, size, count) for stack, (size, count) in sums.items()]
