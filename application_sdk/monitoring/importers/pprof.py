"""Reads pprof's format, ours and that of Go's, Pyroscope's and other tools."""

from __future__ import annotations

import re
from typing import Any

from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.importers.assembly import CPU_KEYS, Draft, Wishes, at
from application_sdk.monitoring.importers.protobuf import fields, integers, signed
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import CallContext

_KEYS = {
    "wall": "wall_seconds",
    "cpu": "cpu_seconds",
    "await": "await_seconds",
    "alloc_space": "peak_bytes",
    "alloc_objects": "peak_allocations",
    "inuse_space": "retained_bytes",
    "inuse_objects": "retained_allocations",
}
_PER_SECOND = {"nanoseconds": 10**9, "microseconds": 10**6, "milliseconds": 10**3, "seconds": 1}
_OUR_COMMENT = re.compile(r"profile \S+ of (.*)", re.DOTALL)
_PEAK_COMMENT = "alive at its peak"


def read(message: bytes, stem: str, modified: float, wishes: Wishes) -> Draft:
    """A draft of the decompressed message.

    Raises:
        UnreadableProfileError: If it is no whole pprof profile.
    """
    try:
        return _Reader(message).draft(stem, modified, wishes)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableProfileError(f"this pprof file is damaged: {error!r}") from error


class _Reader:
    """The tables of one message; the field numbers are profile.proto's."""

    def __init__(self, message: bytes) -> None:
        self._blocks: dict[int, list[Any]] = {}
        for number, value in fields(message):
            self._blocks.setdefault(number, []).append(value)
        self._strings = [
            entry.decode("utf-8", "surrogateescape") for entry in self._blocks.get(6, [])
        ]
        if not self._blocks.get(1) or not self._strings or self._strings[0]:
            raise ValueError("no sample type or no table of strings")

    def draft(self, stem: str, modified: float, wishes: Wishes) -> Draft:
        comments = [
            self._strings[index] for value in self._blocks.get(13, []) for index in integers(value)
        ]
        ours = _OUR_COMMENT.fullmatch(comments[0]) if comments else None
        nanoseconds = self._number(9)
        draft = Draft(
            "pprof",
            wishes.name or (ours[1] if ours else stem),
            at(nanoseconds / 1e9 if nanoseconds else modified),
        )
        if not nanoseconds:
            draft.notes.append("the file does not say when it was made: its own date stands for it")
        if self._number(10):
            draft.duration_seconds = self._number(10) / 1e9
        if self._number(12) and self._is_time(self._blocks.get(11, [])):
            draft.interval_seconds = self._number(12) / 1e9
        columns = self._columns(draft)
        if "peak_bytes" in columns.values() and not any(_PEAK_COMMENT in text for text in comments):
            draft.notes.append("alloc_space is what was ever allocated; it is shown as the peak")
        draft.notes += [text for text in comments[1:] if _PEAK_COMMENT not in text][:100]
        self._samples(draft, columns)
        return draft

    def _columns(self, draft: Draft) -> dict[int, str]:
        """Which value of a sample belongs to which view."""
        columns: dict[int, str] = {}
        self._divisors: dict[int, int] = {}
        for place, block in enumerate(self._blocks[1]):
            kind = dict(fields(block))
            name = self._strings[_int(kind.get(1, 0))]
            unit = self._strings[_int(kind.get(2, 0))]
            key = _KEYS.get(name)
            if key is None or key in columns.values() or (key in CPU_KEYS) != (unit in _PER_SECOND):
                draft.notes.append(f"{name} ({unit}) was left out: a profile has no place for it")
                continue
            columns[place] = key
            self._divisors[place] = _PER_SECOND.get(unit, 1)
            draft.has(key)
        return columns

    def _samples(self, draft: Draft, columns: dict[int, str]) -> None:
        frames = self._frames()
        context: dict[str, str | int | None] = {}
        for number, block in enumerate(self._blocks.get(2, [])):
            locations: list[int] = []
            values: list[int] = []
            labels: dict[str, str | int] = {}
            for field, value in fields(block):
                if field == 1:
                    locations += integers(value)
                elif field == 2:
                    values += integers(value)
                elif field == 3 and isinstance(value, bytes):
                    labels.update(self._label(value))
            if number == 0:
                context.update(labels)
            for key in [key for key in context if labels.get(key) != context[key]]:
                del context[key]  # what not all samples share is not the call's
            stack = [frame for location in reversed(locations) for frame in frames[location]]
            for place, key in columns.items():
                if values[place]:
                    draft.add(key, stack, values[place] / self._divisors[place])
        known = {key: value for key, value in context.items() if key in CallContext.model_fields}
        draft.context = CallContext.model_validate(known)

    def _frames(self) -> dict[int, list[Frame]]:
        """Per location its frames, outermost first: inlined calls share one."""
        functions: dict[int, Frame] = {}
        for block in self._blocks.get(5, []):
            function = dict(fields(block))
            functions[_int(function[1])] = Frame(
                self._strings[_int(function.get(2, 0))] or "?",
                self._strings[_int(function.get(4, 0))],
                signed(_int(function.get(5, 0))),
            )
        frames: dict[int, list[Frame]] = {}
        for block in self._blocks.get(4, []):
            identity = address = 0
            lines: list[Frame] = []
            for field, value in fields(block):
                if field == 1:
                    identity = _int(value)
                elif field == 3:
                    address = _int(value)
                elif field == 4 and isinstance(value, bytes):
                    lines.append(functions[_int(dict(fields(value)).get(1, 0))])
            frames[identity] = lines[::-1] or [Frame(f"0x{address:x}", "", 0)]
        return frames

    def _label(self, block: bytes) -> dict[str, str | int]:
        label = dict(fields(block))
        key = self._strings[_int(label.get(1, 0))]
        if 2 in label:
            return {key: self._strings[_int(label[2])]}
        return {key: signed(_int(label.get(3, 0)))}

    def _number(self, field: int) -> int:
        return signed(_int(self._blocks.get(field, [0])[-1]))

    def _is_time(self, period_type: list[Any]) -> bool:
        if not period_type:
            return False
        unit = _int(dict(fields(period_type[-1])).get(2, 0))
        return bool(self._strings[unit] == "nanoseconds")


def _int(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes where a number must be")  # noqa: TRY004 - damage, no misuse
    return value
