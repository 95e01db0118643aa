"""A profile as a speedscope file: one speedscope profile for each metric of each call tree.

All of them share one table of frames; speedscope's own menu switches between them.
Time is in nanoseconds and events are whole numbers, so that nothing is lost to rounding
and the file grows with the number of nodes, not with their depth.
"""

from __future__ import annotations

import json

from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.views import View, views

EXTENSION = ".speedscope.json"

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_NANOSECONDS = 1_000_000_000
_UNITS = {"seconds": "nanoseconds", "bytes": "bytes", "count": "none"}


def render(profile: Profile) -> bytes:
    """The profile as a file for https://www.speedscope.app, to be opened without upload there."""
    frames: dict[Frame, int] = {}
    document = {
        "$schema": _SCHEMA,
        "exporter": f"atlan-application-sdk-monitoring@{profile.process.monitoring_version}",
        "name": profile.name,
        "activeProfileIndex": 0,
        "profiles": [_evented(profile.name, view, frames) for view in views(profile)],
        "shared": {"frames": [_frame(frame) for frame in frames]},
    }
    # ASCII: a path that is not valid UTF-8 survives as an escaped surrogate.
    return json.dumps(document, separators=(",", ":")).encode()


def _evented(name: str, view: View, frames: dict[Frame, int]) -> dict[str, object]:
    scale = _NANOSECONDS if view.unit == "seconds" else 1
    events = _Events(_shared_ids(view.tree, frames))
    for node, own in zip(view.tree.walk(), view.tree.self_values(view.metric), strict=True):
        events.close_to(node.depth)
        events.open(view.tree.frame_ids[node.node], own * scale)
    events.close_to(0)
    return {
        "type": "evented",
        "name": f"{name} - {view.title}",
        "unit": _UNITS[view.unit],
        "startValue": 0,
        "endValue": events.now,
        "events": events.events,
    }


def _shared_ids(tree: CallTree, frames: dict[Frame, int]) -> list[int]:
    return [
        frames.setdefault(Frame(function, tree.files[file], line), len(frames))
        for function, file, line in tree.frames
    ]


def _frame(frame: Frame) -> dict[str, object]:
    described: dict[str, object] = {"name": frame.function}
    if frame.file:
        described["file"] = frame.file
    if frame.line:
        described["line"] = frame.line
    return described


class _Events:
    """Lays nodes out one after another on a time line of whole units."""

    def __init__(self, shared_ids: list[int]) -> None:
        self.events: list[dict[str, object]] = []
        self.now = 0
        self._shared_ids = shared_ids
        self._open: list[int] = []

    def open(self, frame_id: int, own: float) -> None:
        frame = self._shared_ids[frame_id]
        self.events.append({"type": "O", "frame": frame, "at": self.now})
        self._open.append(frame)
        self.now += round(own)

    def close_to(self, depth: int) -> None:
        while len(self._open) > depth:
            self.events.append({"type": "C", "frame": self._open.pop(), "at": self.now})
