"""A still picture of the largest frames, for where no script may run.

It uses presentation attributes only: it shows where styles are forbidden too.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.renderers.html.origin import OWN, origin_of
from application_sdk.monitoring.renderers.html.text import escape, format_value

_WIDTH = 1180
_ROW = 18
_MOST_FRAMES = 160
_MOST_ROWS = 40
_NARROWEST = 3.0
_LETTER = 6.2
_NAME_LENGTH = 120

_OWN_FILL = {"s": "#f3b26b", "B": "#7cc4b4", "": "#7cc4b4"}
_LIBRARY_FILL = {"s": "#eadfd2", "B": "#d8e4e1", "": "#d8e4e1"}


class _Box(NamedTuple):
    node: int
    row: int
    x: float
    width: float


def static_svg(tree: CallTree, metric: str, unit: str, label: str) -> str:
    """An icicle of a tree's widest frames as an ``<svg>`` element; nothing if it is empty."""
    totals = tree.totals(metric)
    whole = sum(total for total, parent in zip(totals, tree.parents, strict=True) if parent == -1)
    if not whole > 0:
        return ""
    boxes = _boxes(tree, totals, whole)
    if not boxes:
        # Hundreds of functions side by side, each too narrow to draw.
        return ""
    height = (max(box.row for box in boxes) + 1) * _ROW
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="100%" role="img" '
            f'font-family="sans-serif" font-size="11"><title>{escape(label)}: the widest frames</title>'
        )
    ]
    for box in boxes:
        parts.append(_draw(tree, box, totals[box.node], whole, unit))
    parts.append("</svg>")
    return "".join(parts)


def _boxes(tree: CallTree, totals: list[float], whole: float) -> list[_Box]:
    scale = _WIDTH / whole
    # nlargest keeps the earlier of equals, so a parent is never left out before its child.
    chosen = heapq.nlargest(_MOST_FRAMES, range(len(totals)), key=totals.__getitem__)
    chosen.sort(key=lambda node: -totals[node])
    free: dict[int, float] = {-1: 0.0}
    rows: dict[int, int] = {-1: -1}
    boxes: list[_Box] = []
    # Parents are at least as wide as their children; equal ones stand in preorder by now.
    for node in chosen:
        parent = tree.parents[node]
        width = totals[node] * scale
        if width < _NARROWEST or parent not in rows or rows[parent] + 1 >= _MOST_ROWS:
            continue
        x = free[parent]
        free[parent] = x + width
        free[node], rows[node] = x, rows[parent] + 1
        boxes.append(_Box(node, rows[node], x, width))
    return boxes


def _draw(tree: CallTree, box: _Box, total: float, whole: float, unit: str) -> str:
    frame = tree.frame(box.node)
    fills = _OWN_FILL if origin_of(frame.file) == OWN else _LIBRARY_FILL
    name = (
        frame.function
        if len(frame.function) <= _NAME_LENGTH
        else frame.function[:_NAME_LENGTH] + "…"
    )
    title = f"{name} {format_value(total, unit)} ({total / whole:.1%})"
    x, y, width = round(box.x, 1), box.row * _ROW, max(0.5, round(box.width - 0.7, 1))
    text = ""
    letters = int((width - 8) / _LETTER)
    if letters >= 3:
        short = name if len(name) <= letters else name[: letters - 1] + "…"
        text = f'<text x="{x + 4:g}" y="{y + 13}" fill="#1d1a16">{escape(short)}</text>'
    return (
        f'<g><title>{escape(title)}</title><rect x="{x:g}" y="{y}" width="{width:g}" height="{_ROW - 1}" '
        f'rx="2" fill="{fills[unit]}"/>{text}</g>'
    )
