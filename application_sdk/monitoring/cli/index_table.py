"""The index as a plain page: one table, no script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from html import escape
from urllib.parse import quote

from application_sdk.monitoring.cli.index_entries import IndexEntry
from application_sdk.monitoring.renderers.units import human_bytes, human_seconds, one_line

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>Profiles</title>
<style>
:root{color-scheme:light dark}
body{font:14px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1180px;padding:24px}
table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid #8884;padding:3px 12px 3px 0;text-align:left;vertical-align:top}
td.number,th.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td{overflow-wrap:anywhere}
</style>
</head>
<body>
<h1>Profiles</h1>
"""
_COLUMNS = ("Started (UTC)", "Name", "Outcome", "Duration", "On CPU", "Peak", "Retained", "Worker")
_NUMBERS = frozenset({"Duration", "On CPU", "Peak", "Retained"})


def render_index(entries: list[IndexEntry], unreadable: list[str]) -> bytes:
    """The page as UTF-8 HTML; what was not measured is an empty cell.

    Args:
        entries: The profiles in the order in which they are shown.
        unreadable: Files that are no profile; they are counted below the table.
    """
    heads = "".join(f'<th scope="col"{_kind(name)}>{name}</th>' for name in _COLUMNS)
    rows = "".join(map(_row, entries))
    table = f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    rest = f"<p>{len(unreadable):,} files could not be read.</p>\n" if unreadable else ""
    return f"{_HEAD}{table}{rest}</body>\n</html>\n".encode("utf-8", "replace")


def _row(entry: IndexEntry) -> str:
    target = quote(entry.page or entry.path, errors="surrogateescape")
    name = f'<a href="{target}"><bdi>{escape(one_line(entry.name))}</bdi></a>'
    outcome = entry.outcome
    if entry.exception_type:
        outcome = f"{outcome} {entry.exception_type}"
    cells = (
        f"{entry.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        name,
        escape(one_line(outcome)),
        human_seconds(entry.duration_seconds),
        _human(entry.cpu_seconds, human_seconds),
        _human(entry.peak_bytes, human_bytes),
        _human(entry.retained_bytes, human_bytes),
        escape(one_line(entry.hostname)),
    )
    columns = zip(_COLUMNS, cells, strict=True)
    return "<tr>" + "".join(f"<td{_kind(name)}>{cell}</td>" for name, cell in columns) + "</tr>\n"


def _human(value: float | None, human: Callable[[float], str]) -> str:
    return "" if value is None else human(value)


def _kind(column: str) -> str:
    return ' class="number"' if column in _NUMBERS else ""
