"""The data of a page: a header in JSON and columns of bytes, compressed together.

Layout of the uncompressed payload, version 2: four bytes with the length of the header
(little endian), the header, then the columns in the order in which the header lists them.
Equal input gives equal bytes. ``docs/viewer-payload.md`` describes every field.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import add, sub
from typing import Any, NamedTuple

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.renderers.html import columns
from application_sdk.monitoring.renderers.html.origin import origin_of
from application_sdk.monitoring.renderers.html.shares import FunctionSums

VERSION = 2

# Less than this is compressed in no time worth sparing.
_BOTH_WAYS_BYTES = 1 << 20

UNITS = {
    "wall_seconds": "s",
    "cpu_seconds": "s",
    "await_seconds": "s",
    "bytes": "B",
    "allocations": "",
}
_FINEST = {"s": 1e-9, "B": 1.0, "": 1.0}


class Metric(NamedTuple):
    """One metric of a tree, with one column of self values, or two in a diff.

    Attributes:
        key: What ``#hash`` and tests call it, such as ``cpu.wall_seconds``.
        label: What the reader sees.
        unit: ``s``, ``B`` or empty for a count.
        sides: The column, or the baseline's and the candidate's.
    """

    key: str
    label: str
    unit: str
    sides: tuple[Sequence[float], ...]


class Tree(NamedTuple):
    """The structure of a call tree and the metrics to show on it."""

    kind: str
    tree: CallTree
    metrics: tuple[Metric, ...]


def encode_payload(trees: Sequence[Tree], header: dict[str, Any]) -> str:
    """Pack trees and what else a page tells into text for a ``<script>`` element.

    Args:
        trees: The call trees, the one to open first in front.
        header: Further fields of the JSON header.

    Returns:
        Base64 text: nothing in it can end the element that holds it.
    """
    frames = _FrameTable(trees)
    body: list[bytes] = []
    described = [
        _encode_tree(tree, frames.order(number), body) for number, tree in enumerate(trees)
    ]
    head = json.dumps(
        {"version": VERSION, **header, **frames.fields(), "trees": described},
        separators=(",", ":"),
        allow_nan=False,
    ).encode("ascii")
    raw = b"".join([len(head).to_bytes(4, "little"), head, *body])
    return base64.b64encode(_gzip(raw)).decode("ascii")


def _gzip(raw: bytes) -> bytes:
    """Compress without a time stamp, in the way that takes less room.

    Columns of many numbers do better without a search for short repetitions, which are chance there.
    """
    ways = [zlib.Z_FILTERED]
    if len(raw) < _BOTH_WAYS_BYTES:
        ways.append(zlib.Z_DEFAULT_STRATEGY)
    packers = [zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 9, way) for way in ways]
    return min((packer.compress(raw) + packer.flush() for packer in packers), key=len)


class _FrameTable:
    """The distinct frames of all trees of a page, most frequent first.

    Frequent frames get small numbers, which then fit the first plane of their column.
    """

    def __init__(self, trees: Sequence[Tree]) -> None:
        counts: Counter[tuple[str, str, int]] = Counter()
        self._keys: list[list[tuple[str, str, int]]] = []
        for tree in trees:
            files = tree.tree.files
            keys = [(function, files[file], line) for function, file, line in tree.tree.frames]
            self._keys.append(keys)
            for index, count in Counter(tree.tree.frame_ids).items():
                counts[keys[index]] += count
        self._frames = sorted(counts, key=lambda key: (-counts[key], key))
        self._numbers = {key: number for number, key in enumerate(self._frames)}

    def order(self, tree: int) -> list[int]:
        """For each frame of one tree its number in the page (unused frames: 0)."""
        return [self._numbers.get(key, 0) for key in self._keys[tree]]

    def fields(self) -> dict[str, Any]:
        files: dict[str, int] = {}
        places = [files.setdefault(file, len(files)) for _, file, _ in self._frames]
        return {
            "functions": [function for function, _, _ in self._frames],
            "places": places,
            "lines": [line for _, _, line in self._frames],
            "files": list(files),
            "origins": [origin_of(file) for file in files],
        }


def _encode_tree(tree: Tree, order: list[int], body: list[bytes]) -> dict[str, Any]:
    count = len(tree.tree)
    width = sum(len(metric.sides) for metric in tree.metrics)

    def put(values: Sequence[int]) -> tuple[int, int]:
        column = columns.encode(values)
        body.append(column.data)
        return column.overflow, column.planes

    frames = list(map(order.__getitem__, tree.tree.frame_ids))
    structure = [put(_pops(tree.tree.parents)), put(frames)]
    metrics: list[dict[str, Any]] = []
    # Functions add up what many nodes are off by, and would show another share than they have.
    sums = FunctionSums(tree.tree.parents, frames)
    for metric in tree.metrics:
        finest = _FINEST[metric.unit]
        quantum = max(columns.choose_quantum(side, finest, width) for side in metric.sides)
        first, *others = [columns.steps(side, quantum) for side in metric.sides]
        sides: list[tuple[int, ...]] = [put(first)]
        for other in others:
            # Much of a program costs what it did before, and zeros take no room.
            changes = columns.differences(first, other)
            sides.append(put(other) if changes is None else (*put(changes), 1))
        both = zip(metric.sides, (first, *others), strict=True)
        fixes = [sums.corrections(exact, side) for exact, side in both]
        metrics.append(
            {
                "key": metric.key,
                "label": metric.label,
                "unit": metric.unit,
                # Whole divisions keep decimal steps exact: 1e-9 has no exact double.
                "per": round(1 / finest),
                "step": round(quantum / finest),
                "sides": sides,
                **({"fixes": fixes} if any(fixes) else {}),
            }
        )
    return {"kind": tree.kind, "nodes": count, "structure": structure, "metrics": metrics}


def _pops(parents: Sequence[int]) -> list[int]:
    """How many frames end before each node: the whole shape of a tree in preorder."""
    depths = _depths(parents)
    before: Iterable[int] = [-1, *depths[:-1]]
    return list(map(add, map(sub, before, depths), repeat(1)))


def _depths(parents: Sequence[int]) -> list[int]:
    depths: list[int] = []
    append = depths.append
    for parent in parents:
        append(0 if parent < 0 else depths[parent] + 1)
    return depths
