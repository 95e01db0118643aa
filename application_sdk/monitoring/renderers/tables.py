"""The functions of a call tree as a table of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from application_sdk.monitoring.model.call_tree import CallTree, FunctionStat
from application_sdk.monitoring.renderers.units import one_line, share

ROWS = 10


class Column(NamedTuple):
    """One metric as it is shown.

    Attributes:
        title: Stands after ``self`` and ``total`` in the head of the table.
        metric: The metric's name in the tree.
        human: Makes a value readable.
    """

    title: str
    metric: str
    human: Callable[[float], str]


def hottest(tree: CallTree, metric: str | None = None, rows: int = ROWS) -> list[FunctionStat]:
    """The functions whose own bodies cost most; when none has a value, none."""
    return tree.hottest(rows, metric)


def place(stat: FunctionStat) -> str:
    """Where a function is, as an editor takes it: ``file:line``."""
    if not stat.file:
        return ""
    return one_line(f"{stat.file}:{stat.line}" if stat.line else stat.file)


def function_table(title: str, tree: CallTree, columns: list[Column]) -> str:
    """The hottest functions by the first column's metric.

    That column shows self and total value, each with its share of the whole; the further
    ones show the total and its share.
    """
    chosen = hottest(tree, columns[0].metric)
    if not chosen:
        return f"{title}: nothing was seen.\n"
    head = ["self", "", "total", ""]
    for column in columns[1:]:
        head += [column.title.strip(), ""]
    rows = [head]
    by_metric = {
        column.metric: {
            (stat.function, stat.file, stat.line): stat for stat in tree.functions(column.metric)
        }
        for column in columns
    }
    for stat in chosen:
        key = (stat.function, stat.file, stat.line)
        row: list[str] = []
        for number, column in enumerate(columns):
            whole = tree.total(column.metric)
            values = by_metric[column.metric][key]
            if number == 0:
                row += [column.human(values.self_value), share(values.self_value, whole)]
            row += [column.human(values.total_value), share(values.total_value, whole)]
        rows.append(row)
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    names = [""] + [f"{one_line(stat.function)}  {place(stat)}".rstrip() for stat in chosen]
    lines = [title]
    for row, name in zip(rows, names, strict=True):
        cells = "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        lines.append(f"  {cells}  {name}".rstrip())
    return "\n".join(lines) + "\n"
