"""Reads collapsed stacks, ours and those of others: ``outer;inner 123`` a line."""

from __future__ import annotations

import re

from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.importers.assembly import CPU_KEYS, Draft, Wishes, at
from application_sdk.monitoring.model.call_tree import Frame

_MICROSECONDS = 1_000_000
# A path can hold a bracket ("Program Files (x86)"), a Python name cannot: so the first one.
_PLACE = re.compile(r"(.*?) \((.*):(-?\d+)\)\Z")
_ESCAPED = re.compile(r"%(3B|0A|0D|25)")


def read(content: bytes, stem: str, modified: float, wishes: Wishes) -> Draft:
    """A draft of the file.

    The format does not say what its numbers are: the wished metric decides, and wall time
    in microseconds stands in. With a wished interval they count samples.

    Raises:
        UnreadableProfileError: If a line is no stack with a number.
    """
    key = wishes.metric or CPU_KEYS[0]
    scale = _scale(key, wishes.interval_seconds)
    draft = Draft("collapsed stacks", wishes.name or stem, at(modified))
    draft.interval_seconds = wishes.interval_seconds
    draft.has(key)
    draft.notes.append("the file does not say when it was made: its own date stands for it")
    text = content.decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        stack, _, value = line.rstrip("\r").rpartition(" ")
        try:
            amount = float(value)
        except ValueError:
            amount = -1
        if not stack or not 0 <= amount < float("inf"):
            raise UnreadableProfileError(
                f"line {number} is no collapsed stack: it must end in a number"
            )
        draft.add(key, [_frame(label) for label in stack.split(";")], amount * scale)
        if wishes.interval_seconds is not None:
            draft.sample_count += int(amount)
    return draft


def _scale(key: str, interval: float | None) -> float:
    if key not in CPU_KEYS:
        return 1
    return 1 / _MICROSECONDS if interval is None else interval


def _frame(label: str) -> Frame:
    found = _PLACE.match(label)
    if found is None:
        return Frame(_unescaped(label), "", 0)
    return Frame(_unescaped(found[1]), _unescaped(found[2]), int(found[3]))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
