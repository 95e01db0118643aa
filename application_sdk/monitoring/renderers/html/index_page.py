"""The page that lists the profiles of a directory, with a search and a curve for each name."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote

from application_sdk.monitoring.renderers.html.page import opening
from application_sdk.monitoring.renderers.html.text import escape, format_bytes, format_seconds

_WIDTH, _HEIGHT = 220, 36
_MOST_POINTS = 120


class IndexEntry(Protocol):
    """What the index needs of a profile; a figure is None where it was not measured."""

    @property
    def name(self) -> str:
        """The profile's name; entries of one name stand together."""
        ...

    @property
    def started_at(self) -> datetime:
        """When the call began."""
        ...

    @property
    def duration_seconds(self) -> float:
        """How long it took."""
        ...

    @property
    def outcome(self) -> str:
        """How it ended."""
        ...

    @property
    def exception_type(self) -> str | None:
        """What it raised."""
        ...

    @property
    def hostname(self) -> str:
        """Where it ran."""
        ...

    @property
    def cpu_seconds(self) -> float | None:
        """What it burnt."""
        ...

    @property
    def peak_bytes(self) -> int | None:
        """Its own live bytes at the peak."""
        ...

    @property
    def retained_bytes(self) -> int | None:
        """What it left behind."""
        ...

    @property
    def path(self) -> str:
        """The JSON file, relative to the page."""
        ...

    @property
    def page(self) -> str | None:
        """The profile's page, relative to this one."""
        ...


def render_index(entries: Sequence[IndexEntry], unreadable: Sequence[str] = ()) -> bytes:
    """The index page; everything on it but the search works without a script.

    Args:
        entries: The profiles.
        unreadable: Files that are no profile: named at the end of the page.

    Returns:
        One UTF-8 HTML document.
    """
    groups: dict[str, list[IndexEntry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.started_at, reverse=True):
        groups.setdefault(entry.name, []).append(entry)
    parts = [
        opening("Profiles", "index"),
        '<main class="index">\n<h1>Profiles</h1>\n',
        '<div class="bar script-only">',
        '<label>Search <input type="search" id="search" placeholder="Name, worker, outcome"></label>',
        '<output class="result"></output><button type="button" id="theme" aria-label="Theme">◐</button></div>\n',
    ]
    parts += [_group(name, group) for name, group in groups.items()]
    if not groups:
        parts.append("<p>There are no profiles here.</p>\n")
    if unreadable:
        items = "".join(f"<li><bdi>{escape(path)}</bdi></li>\n" for path in unreadable)
        parts.append(f"<h2>No readable profile</h2>\n<ul>\n{items}</ul>\n")
    parts.append("</main>\n</body>\n</html>\n")
    return "".join(parts).encode("utf-8", "replace")


def _group(name: str, entries: list[IndexEntry]) -> str:
    curves = [_curve("Duration", [entry.duration_seconds for entry in entries], "s")]
    if any(entry.peak_bytes is not None for entry in entries):
        curves.append(_curve("Peak", [entry.peak_bytes for entry in entries], "B"))
    heads = "".join(
        f'<th scope="col">{head}</th>'
        for head in (
            "Started (UTC)",
            "Outcome",
            "Duration",
            "CPU",
            "Peak",
            "Retained",
            "Worker",
            "",
        )
    )
    return (
        f'<section data-group="">\n<h2 dir="auto">{escape(name)}</h2>\n<div class="curves">{"".join(curves)}</div>\n'
        f"<table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{''.join(map(_row, entries))}</tbody>\n</table>\n</section>\n"
    )


def _row(entry: IndexEntry) -> str:
    outcome = entry.outcome + (f" {entry.exception_type}" if entry.exception_type else "")
    bad = "" if entry.outcome in ("returned", "closed") else ' class="bad"'
    started = f"{entry.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    links = [("page", entry.page), ("JSON", entry.path)]
    linked = ", ".join(
        f'<a href="{escape(quote(target, errors="surrogateescape"))}">{what}</a>'
        for what, target in links
        if target
    )
    cells = (
        started,
        f"<bdi{bad}>{escape(outcome)}</bdi>",
        format_seconds(entry.duration_seconds),
        "" if entry.cpu_seconds is None else format_seconds(entry.cpu_seconds),
        "" if entry.peak_bytes is None else format_bytes(entry.peak_bytes),
        "" if entry.retained_bytes is None else format_bytes(entry.retained_bytes),
        f"<bdi>{escape(entry.hostname)}</bdi>",
        linked,
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _curve(label: str, newest_first: Sequence[float | None], unit: str) -> str:
    """A small curve from the oldest to the newest value; an SVG needs no script."""
    values = [value for value in reversed(newest_first) if value is not None][-_MOST_POINTS:]
    if len(values) < 2:
        return ""
    most = max(values) or 1.0
    step = (_WIDTH - 4) / (len(values) - 1)
    points = " ".join(
        f"{2 + number * step:.1f},{_HEIGHT - 2 - value / most * (_HEIGHT - 4):.1f}"
        for number, value in enumerate(values)
    )
    form = format_seconds if unit == "s" else format_bytes
    said = f"{label}: {form(values[0])} first, {form(values[-1])} last, {form(max(values))} most"
    return (
        f'<p>{escape(label)} <svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f'<title>{escape(said)}</title><polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round"/></svg>'
        f" <strong>{escape(form(values[-1]))}</strong></p>\n"
    )
