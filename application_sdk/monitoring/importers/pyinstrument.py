"""Reads pyinstrument's sessions (``pyinstrument -r session``, ``Session.save``)."""

from __future__ import annotations

from typing import Any

from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.importers.assembly import Draft, Wishes, at
from application_sdk.monitoring.model.call_tree import Frame

_SYNTHETIC_FILES = frozenset({"<thread>", "<await>", "<self>"})
_AWAIT = "<await>"


def read(data: dict[str, Any], stem: str, wishes: Wishes) -> Draft:
    """A draft of a session's parsed JSON.

    Raises:
        UnreadableProfileError: If it is no whole session.
    """
    try:
        return _read(data, stem, wishes)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableProfileError(f"this pyinstrument session is damaged: {error!r}") from error


def _read(data: dict[str, Any], stem: str, wishes: Wishes) -> Draft:
    draft = Draft("pyinstrument", wishes.name or stem, at(float(data["start_time"])))
    draft.duration_seconds = float(data["duration"])
    draft.sample_count = int(data["sample_count"])
    draft.cpu_seconds = float(data["cpu_time"])
    draft.interval_seconds = float(data.get("min_interval") or 0) or None
    draft.has("wall_seconds")
    records = data["frame_records"]
    awaits = any(f"\x00{_AWAIT}\x00" in identifier for stack, _ in records for identifier in stack)
    if awaits:
        draft.has("await_seconds")
    for identifiers, seconds in records:
        stack = [_frame(identifier) for identifier in identifiers]
        awaiting = bool(stack) and stack[-1].file == _AWAIT
        path = [frame for frame in stack if frame.file not in _SYNTHETIC_FILES]
        path = path or [Frame("<no stack>", "", 0)]
        draft.add("wall_seconds", path, float(seconds))
        if awaiting:
            draft.add("await_seconds", path, float(seconds))
    return draft


def _frame(identifier: str) -> Frame:
    # "function NUL file NUL first line", then attributes each behind a \x01.
    function, file, line = identifier.split("\x01", 1)[0].split("\x00")
    return Frame(function, "" if file == "<built-in>" else file, int(line))
