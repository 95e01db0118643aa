"""Reads speedscope files, ours and those of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.importers.assembly import Draft, Wishes, at
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.views import TITLES

_SECONDS = {"nanoseconds": 1e-9, "microseconds": 1e-6, "milliseconds": 1e-3, "seconds": 1.0}
_KEYS = {title: key for key, title in TITLES.items()}
_OURS = "atlan-application-sdk-monitoring"

_Weighted = tuple[Sequence[int], float]


def read(data: dict[str, Any], stem: str, modified: float, wishes: Wishes) -> Draft:
    """A draft of the file's parsed JSON.

    Raises:
        UnreadableProfileError: If it is no whole speedscope file.
    """
    try:
        return _read(data, stem, modified, wishes)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableProfileError(f"this speedscope file is damaged: {error!r}") from error


def _read(data: dict[str, Any], stem: str, modified: float, wishes: Wishes) -> Draft:
    frames = [
        Frame(str(frame["name"]), str(frame.get("file") or ""), int(frame.get("line") or 0))
        for frame in data["shared"]["frames"]
    ]
    name = str(data.get("name") or stem)
    draft = Draft("speedscope", wishes.name or name, at(modified))
    draft.interval_seconds = wishes.interval_seconds
    draft.notes.append("the file does not say when it was made: its own date stands for it")
    ours = str(data.get("exporter", "")).startswith(_OURS)
    parts = data["profiles"]
    for part in parts:
        key = _KEYS.get(str(part["name"]).removeprefix(f"{name} - ")) if ours else None
        key = key or _key(part, draft, wishes)
        if key is None:
            continue
        draft.has(key)
        # Profiles of several threads stand below a frame for each.
        root = [Frame(str(part["name"]), "", 0)] if len(parts) > 1 and not ours else []
        scale = _scale(str(part["unit"]), wishes)
        for stack, weight in _weighted(part):
            if weight or ours:
                amount = weight / 1e9 if part["unit"] == "nanoseconds" else weight * scale
                draft.add(key, [*root, *(frames[index] for index in stack)], amount)
    return draft


def _key(part: dict[str, Any], draft: Draft, wishes: Wishes) -> str | None:
    if wishes.metric is not None:
        return wishes.metric
    unit = str(part["unit"])
    if unit in _SECONDS or (unit == "none" and wishes.interval_seconds is not None):
        return "wall_seconds"
    if unit == "bytes":
        draft.notes.append("what its bytes are is not said: they are shown as the peak")
        return "peak_bytes"
    draft.notes.append(
        f"{part['name']} was left out: its numbers have no unit; --interval says that they "
        "are samples, --metric what else they are"
    )
    return None


def _scale(unit: str, wishes: Wishes) -> float:
    if unit == "none":
        return wishes.interval_seconds or 1.0
    return _SECONDS.get(unit, 1.0)


def _weighted(part: dict[str, Any]) -> Iterator[_Weighted]:
    if part["type"] == "sampled":
        samples, weights = part["samples"], part["weights"]
        if len(samples) != len(weights):
            raise ValueError("samples and weights differ in length")
        yield from zip(samples, map(float, weights), strict=True)
    elif part["type"] == "evented":
        yield from _of_events(part)
    else:
        raise ValueError(f"unknown type of profile {part['type']!r}")


def _of_events(part: dict[str, Any]) -> Iterator[_Weighted]:
    """Each stack with the time until the next event, its own value.

    A frame that opens yields even without time, or our own empty nodes would be lost.
    """
    path: list[int] = []
    now = part["startValue"]
    for event in part["events"]:
        elapsed, now = event["at"] - now, event["at"]
        if elapsed < 0:
            raise ValueError("events go back in time")
        if path:
            yield tuple(path), elapsed
        if event["type"] == "O":
            path.append(int(event["frame"]))
        elif path and path[-1] == event["frame"]:
            path.pop()
        else:
            raise ValueError("a frame closes that is not the innermost one")
    if path:
        raise ValueError("a frame is never closed")
