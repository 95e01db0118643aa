"""The functions of a call tree on a terminal, each with a bar."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from application_sdk.monitoring.model.call_tree import CallTree, FunctionStat
from application_sdk.monitoring.renderers.units import (
    human_bytes,
    human_count,
    human_seconds,
    share,
)

if TYPE_CHECKING:
    from application_sdk.monitoring.cli.terminal import Sheet

ROWS = 10

_WIDE = 100
_TITLES = {
    "cpu_seconds": "on CPU",
    "await_seconds": "awaiting",
    "allocations": "count",
}
_STANDARD_LIBRARY = re.compile(r"/lib/(python3\.\d+t?/)")
_CELLS = 10
_SHARE_CELLS = 7


def functions_by_own(
    title: str, tree: CallTree, others: Sequence[str], style: str, sheet: Sheet
) -> None:
    """The functions whose own bodies cost most, by the tree's first metric."""
    stats = tree.hottest(ROWS)
    _table(title, tree, stats, "self", others, style, sheet)


def functions_by_total(
    title: str, tree: CallTree, others: Sequence[str], style: str, sheet: Sheet
) -> None:
    """The functions that cost most together with all that they called."""
    stats = [stat for stat in tree.functions()[:ROWS] if stat.total_value > 0]
    _table(title, tree, stats, "total", others, style, sheet)


def shown_file(path: str) -> str:
    """A file as people know it: a library by its own path, the program's from here on."""
    for mark in ("/site-packages/", "/dist-packages/"):
        _, found, rest = path.rpartition(mark)
        if found:
            return rest
    standard = _STANDARD_LIBRARY.search(path)
    return path[standard.start(1) :] if standard else path.removeprefix(_here())


def _here() -> str:
    try:
        return os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - compared as text
    except OSError:  # it was deleted
        return ""


def _table(
    title: str,
    tree: CallTree,
    stats: list[FunctionStat],
    by: str,
    others: Sequence[str],
    style: str,
    sheet: Sheet,
) -> None:
    from rich.text import Text

    sheet.heading(title)
    if not stats:
        sheet.line(Text("nothing was seen", style="dim"))
        return
    human = _human(tree.metrics[0])
    whole = tree.total()
    wide = sheet.width >= _WIDE
    bar_cells = 16 if wide else 8 if sheet.roomy else 0
    second = "total" if by == "self" else "self"
    columns = _others(tree, stats, others) if wide else []
    head = Text(style="dim")
    head.append(f"{by:>{_CELLS}}")
    head.append(" " * (1 + _SHARE_CELLS + (bar_cells + 2 if bar_cells else 0)))
    if sheet.roomy:
        head.append(f"{second:>{_CELLS + 1}}")
    for name, _ in columns:
        head.append(f"{_TITLES.get(name, name):>{_CELLS + 1}}")
    sheet.line(head)
    for place, stat in enumerate(stats):
        value = stat.self_value if by == "self" else stat.total_value
        beside = stat.total_value if by == "self" else stat.self_value
        line = Text(f"{human(value):>{_CELLS}} {share(value, whole):>{_SHARE_CELLS}}  ")
        if bar_cells:
            line = line + sheet.bar(value, whole, bar_cells, style)
        if sheet.roomy:
            line.append(f" {human(beside):>{_CELLS}}", style="dim")
        for _, texts in columns:
            line.append(f" {texts[place]:>{_CELLS}}", style="dim")
        if sheet.roomy:
            line.append("  ")
        room = sheet.width - line.cell_len
        sheet.line(line + sheet.place(stat.function, _where(stat), room))


def _where(stat: FunctionStat) -> str:
    if not stat.file:
        return ""
    file = shown_file(stat.file)
    return f"{file}:{stat.line}" if stat.line else file


def _others(
    tree: CallTree, stats: list[FunctionStat], metrics: Sequence[str]
) -> list[tuple[str, list[str]]]:
    """Per further metric what the functions have of it in all."""
    columns = []
    for metric in metrics:
        human = _human(metric)
        known = {
            (stat.function, stat.file, stat.line): stat.total_value
            for stat in tree.functions(metric)
        }
        columns.append(
            (metric, [human(known[stat.function, stat.file, stat.line]) for stat in stats])
        )
    return columns


def _human(metric: str) -> Callable[[float], str]:
    if metric.endswith("seconds"):
        return human_seconds
    return human_bytes if metric == "bytes" else human_count
