"""The page of a history of runs: a curve for each metric, with the changes of its level marked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from application_sdk.monitoring.renderers.html.text import escape, format_bytes, format_seconds

_WIDTH, _HEIGHT = 900, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 14, 22, 26
_REVISION = 12

# The page has no script, so it needs no more than this, and shows the same everywhere.
_STYLE = (
    ":root{color-scheme:light dark;--ink:#1d1a16;--soft:#6b645b;--back:#fbfaf8;--line:#e2ddd5;"
    "--mark:#2a7d6b;--worse:#b3400a;--better:#2668be}"
    "@media(prefers-color-scheme:dark){:root{--ink:#eee9e2;--soft:#a39b90;--back:#1b1a18;"
    "--line:#3a3733;--mark:#6cc4b0;--worse:#f0a35e;--better:#6eaaf5}}"
    "body{margin:0 auto;max-width:960px;padding:16px 20px 32px;background:var(--back);"
    "color:var(--ink);font:14px/1.45 system-ui,Segoe UI,Roboto,Helvetica,Arial,sans-serif}"
    "h1{font-size:18px;margin:0;overflow-wrap:anywhere}h2{font-size:15px;margin:28px 0 4px;"
    "overflow-wrap:anywhere}h3{font-size:14px;margin:18px 0 2px}p{margin:2px 0;color:var(--soft);"
    "overflow-wrap:anywhere}svg{display:block;width:100%;height:auto;font-size:12px;"
    "fill:var(--soft)}.grid{stroke:var(--line)}.run{fill:none;stroke:var(--mark);"
    "stroke-opacity:.45}.dot{fill:var(--mark)}.level{stroke:var(--ink);stroke-width:2}"
    ".worse{fill:var(--worse);color:var(--worse)}.better{fill:var(--better);color:var(--better)}"
    "line.worse{stroke:var(--worse)}line.better{stroke:var(--better)}"
    "line.worse,line.better{stroke-dasharray:4 3}text.worse,text.better,td:first-child"
    "{font-weight:600}table{border-collapse:collapse;margin-top:6px}th,td{text-align:left;"
    "font-weight:400;padding:3px 18px 3px 0;border-bottom:1px solid var(--line);"
    "overflow-wrap:anywhere;font-variant-numeric:tabular-nums}th{color:var(--soft)}"
    "@media print{:root{--ink:#000;--soft:#444;--back:#fff}}"
)


@dataclass(frozen=True)
class TrendRun:
    """One run of a series."""

    started_at: datetime
    value: float
    revision: str | None


@dataclass(frozen=True)
class TrendChange:
    """A change of the level: with the run of this number, from one median to another."""

    index: int
    before: float
    after: float


@dataclass(frozen=True)
class TrendSeries:
    """One metric's runs, oldest first, and the changes of its level.

    Attributes:
        unit: ``s`` or ``B``.
    """

    label: str
    unit: str
    runs: Sequence[TrendRun]
    changes: Sequence[TrendChange]


@dataclass(frozen=True)
class TrendHistory:
    """The history of a target on one kind of machine."""

    title: str
    series: Sequence[TrendSeries]


def render_trend(target: str, histories: Sequence[TrendHistory]) -> bytes:
    """The page of all histories of a target.

    Args:
        target: What was run.
        histories: One for each kind of machine.

    Returns:
        One UTF-8 HTML document that needs no script, no other file and no network, equal to the
        byte for equal histories.
    """
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        f"style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<title>{escape(target)}: trend</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1 dir="auto">{escape(target)}</h1>\n'
    )
    parts = [head]
    for history in histories:
        parts.append(f'<h2 dir="auto">{escape(history.title)}</h2>\n')
        parts += [_section(series) for series in history.series if series.runs]
        if not any(series.runs for series in history.series):
            parts.append("<p>No run has measured anything.</p>\n")
    parts.append("</body>\n</html>\n")
    return "".join(parts).encode("utf-8")


def _section(series: TrendSeries) -> str:
    form = format_bytes if series.unit == "B" else format_seconds
    changes = [_row(series, change, form) for change in reversed(series.changes)]
    count = len(series.runs)
    runs = f"{count} run{'' if count == 1 else 's'}"
    table = "<p>No change of the level.</p>\n"
    if changes:
        table = (
            "<table>\n<thead><tr><th>Change</th><th>Level</th><th>First run</th><th>Revision</th>"
            f"</tr></thead>\n<tbody>\n{''.join(changes)}</tbody>\n</table>\n"
        )
    return (
        f"<h3>{escape(series.label)}</h3>\n<p>{runs}, newest {escape(form(series.runs[-1].value))}"
        f"</p>\n{_picture(series, form)}{table}"
    )


def _row(series: TrendSeries, change: TrendChange, form: Callable[[float], str]) -> str:
    run = series.runs[change.index]
    return (
        f'<tr><td class="{_kind(change)}">{escape(_by(change))}</td>'
        f"<td>{escape(form(change.before))} → {escape(form(change.after))}</td>"
        f"<td>{_when(run.started_at)}</td>"
        f"<td><bdi>{escape((run.revision or '')[:_REVISION])}</bdi></td></tr>\n"
    )


def _picture(series: TrendSeries, form: Callable[[float], str]) -> str:
    values = [run.value for run in series.runs]
    top = max(values) * 1.05 or 1.0
    step = (_WIDTH - _LEFT - _RIGHT) / max(1, len(values) - 1)

    def x(index: float) -> float:
        return _LEFT + index * step

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)

    label = f"{series.label} of {len(values)} runs, {len(series.changes)} changes of the level"
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">\n']
    for part in range(5):
        value = top * part / 4
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}"/><text x="{_LEFT - 8}" y="{y(value) + 4:.1f}" '
            f'text-anchor="end">{escape(form(value))}</text>\n'
        )
    ends = ((0, "start"), (len(values) - 1, "end")) if len(values) > 1 else ((0, "start"),)
    for index, anchor in ends:
        parts.append(
            f'<text x="{x(index):.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">'
            f"{series.runs[index].started_at.astimezone(UTC):%Y-%m-%d}</text>\n"
        )
    points = " ".join(f"{x(index):.1f},{y(value):.1f}" for index, value in enumerate(values))
    parts.append(f'<polyline class="run" points="{points}"/>\n')
    parts += [_mark(change, x(change.index - 0.5)) for change in series.changes]
    parts += [
        f'<line class="level" x1="{x(start):.1f}" x2="{x(end - 1):.1f}" '
        f'y1="{y(level):.1f}" y2="{y(level):.1f}"/>\n'
        for start, end, level in _levels(series)
    ]
    for index, run in enumerate(series.runs):
        revision = f" {run.revision[:_REVISION]}" if run.revision else ""
        about = f"{_when(run.started_at)}{revision}: {form(run.value)}"
        parts.append(
            f'<circle class="dot" cx="{x(index):.1f}" cy="{y(run.value):.1f}" r="3">'
            f"<title>{escape(about)}</title></circle>\n"
        )
    parts.append("</svg>\n")
    return "".join(parts)


def _mark(change: TrendChange, at: float) -> str:
    # Near the right edge the words stand on the other side.
    near = at > _WIDTH - 90
    anchor, shift = ("end", -5) if near else ("start", 5)
    return (
        f'<line class="{_kind(change)}" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP - 8}" '
        f'y2="{_HEIGHT - _BOTTOM}"/><text class="{_kind(change)}" x="{at + shift:.1f}" '
        f'y="{_TOP - 6}" text-anchor="{anchor}">{escape(_by(change))}</text>\n'
    )


def _levels(series: TrendSeries) -> list[tuple[int, int, float]]:
    """Where each level begins and ends, and its value; none where nothing changes."""
    if not series.changes:
        return []
    bounds = [0, *(change.index for change in series.changes), len(series.runs)]
    values = [series.changes[0].before, *(change.after for change in series.changes)]
    return list(zip(bounds, bounds[1:], values, strict=False))


def _kind(change: TrendChange) -> str:
    return "worse" if change.after > change.before else "better"


def _by(change: TrendChange) -> str:
    if not change.before:
        return "new"
    return f"{100 * (change.after / change.before - 1):+.1f} %"


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
