"""A leak report on a terminal: the verdict, its reason, and a bar for each place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application_sdk.monitoring.analysis.leaks.report import LeakReport
from application_sdk.monitoring.analysis.leaks.text import MOST_SITES
from application_sdk.monitoring.cli.report_tables import shown_file
from application_sdk.monitoring.renderers.units import human_bytes, human_count, human_seconds

if TYPE_CHECKING:
    from application_sdk.monitoring.cli.terminal import Sheet

_VERDICTS = {"leak": "red", "clean": "green", "inconclusive": "yellow"}
_FRAMES = 4


def show_leak_report(report: LeakReport, sheet: Sheet) -> None:
    """Show what the report's text says."""
    from rich.text import Text

    sheet.title(report.target, Text(report.verdict, style=f"bold {_VERDICTS[report.verdict]}"))
    sheet.item(report.explanation, mark=">")
    if report.bytes_per_call is not None:
        growth = Text(f"{human_bytes(report.bytes_per_call)} a call", style="bold")
        if report.confidence_interval is not None:
            low, high = map(human_bytes, report.confidence_interval)
            growth.append(f" (98 % interval {low} to {high})", style="not bold dim")
        sheet.fact("grows by", growth)
    sheet.fact("made", f"{human_count(report.calls)} calls in {human_seconds(report.seconds)}")
    if report.sites:
        _sites(report, sheet)
    if report.notes:
        sheet.heading("Notes")
        for note in report.notes:
            sheet.item(note, style="yellow")


def _sites(report: LeakReport, sheet: Sheet) -> None:
    from rich.text import Text

    sheet.heading("Where it is allocated, a call")
    whole = sum(site.bytes_per_call for site in report.sites)
    for site in report.sites[:MOST_SITES]:
        line = Text(f"{human_bytes(site.bytes_per_call):>10}  ")
        if sheet.roomy:
            line = line + sheet.bar(site.bytes_per_call, whole, 12, "yellow")
            line.append("  ")
        where = f"{shown_file(site.file)}:{site.line}"
        sheet.line(line + sheet.place(site.function, where, sheet.width - line.cell_len))
        for frame in site.stack[-_FRAMES:]:
            place, _, function = frame.rpartition(" ")
            inner = Text(" " * 12)
            inner.append_text(sheet.place(function, shown_file(place), sheet.width - 12))
            inner.stylize("not bold dim")
            sheet.line(inner)
    left = len(report.sites) - MOST_SITES
    if left > 0:
        sheet.line(Text(f"and {left} more", style="dim"))
