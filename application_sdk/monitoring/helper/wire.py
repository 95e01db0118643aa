"""Call trees as lines of JSON, so short that neither side takes long over one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from application_sdk.monitoring.model.call_tree import CallTree

_NODES_A_LINE = 2_000
_FRAMES_A_LINE = 1_000

Line = dict[str, Any]


def tree_lines(name: str, tree: CallTree) -> Iterator[Line]:
    """A tree in pieces, each with the tree's name."""
    yield {"tree": name, "metrics": tree.metrics}
    for start in range(0, len(tree.files), _FRAMES_A_LINE):
        yield {"tree": name, "files": tree.files[start : start + _FRAMES_A_LINE]}
    for start in range(0, len(tree.frames), _FRAMES_A_LINE):
        yield {"tree": name, "frames": tree.frames[start : start + _FRAMES_A_LINE]}
    for start in range(0, len(tree), _NODES_A_LINE):
        part = slice(start, start + _NODES_A_LINE)
        yield {
            "tree": name,
            "parents": tree.parents[part],
            "frame_ids": tree.frame_ids[part],
            "values": [tree.values[metric][part] for metric in tree.metrics],
        }


class TreeReader:
    """Puts trees together again, whose lines may come mixed."""

    def __init__(self) -> None:
        self._parts: dict[str, Line] = {}

    def take(self, line: Line) -> None:
        """Take one line of ``tree_lines``."""
        name = line["tree"]
        if "metrics" in line:
            self._parts[name] = {
                "metrics": line["metrics"],
                "files": [],
                "frames": [],
                "parents": [],
                "frame_ids": [],
                "values": [[] for _ in line["metrics"]],
            }
            return
        parts = self._parts[name]
        for key in ("files", "frames", "parents", "frame_ids"):
            parts[key].extend(line.get(key, ()))
        for column, values in zip(parts["values"], line.get("values", ()), strict=False):
            column.extend(values)

    def tree(self, name: str) -> CallTree | None:
        """The tree of a name, once all its lines are there; None where there were none."""
        parts = self._parts.pop(name, None)
        if parts is None:
            return None
        values = dict(zip(parts["metrics"], parts.pop("values"), strict=True))
        return CallTree(**parts, values=values)
