"""Where a function starts: memray reports the line that runs, profiles name the first one."""

from __future__ import annotations

import functools
import linecache
from types import CodeType

_MOST_SOURCE_CHARACTERS = 3_000_000


def first_line(function: str, file: str, line: int) -> int:
    """The first line of the function around a line; the line itself where it is not known."""
    best = 0
    for start, end in _functions(file).get(function, ()):
        if start <= line <= end and start > best:
            best = start
    return best or line


@functools.lru_cache(maxsize=256)
def _functions(file: str) -> dict[str, list[tuple[int, int]]]:
    source = "".join(linecache.getlines(file))
    if not source or len(source) > _MOST_SOURCE_CHARACTERS:
        return {}
    try:
        module = compile(source, file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return {}  # not what ran, or no Python: the running line stands in
    found: dict[str, list[tuple[int, int]]] = {}
    pending = [module]
    while pending:
        code = pending.pop()
        lines = [line for _, _, line in code.co_lines() if line]
        if lines:
            found.setdefault(code.co_name, []).append((code.co_firstlineno, max(lines)))
        pending.extend(const for const in code.co_consts if isinstance(const, CodeType))
    return found
