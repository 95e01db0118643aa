"""A leak report as machines and pull requests take it: Markdown and JUnit."""

from __future__ import annotations

from application_sdk.monitoring.analysis.junit import Failure, junit
from application_sdk.monitoring.analysis.leaks.report import LeakReport
from application_sdk.monitoring.analysis.leaks.text import MOST_SITES, report_text

_TITLES = {"leak": "Memory leak", "clean": "No memory leak", "inconclusive": "No verdict on leaks"}


def report_markdown(report: LeakReport) -> str:
    """The report as Markdown, for a comment on a pull request."""
    lines = [f"### {_TITLES[report.verdict]}: `{report.target}`", "", report.explanation]
    if report.sites:
        lines += ["", "| bytes a call | allocations a call | where |", "|---:|---:|---|"]
        for site in report.sites[:MOST_SITES]:
            count = site.allocations_per_call
            lines.append(
                f"| {site.bytes_per_call:,.0f} | {'native' if count is None else f'{count:.2g}'} | "
                f"`{site.function}` ({_cell(site.file)}:{site.line}) |"
            )
        # Indented, and not fenced: no name of a file or function can end such a block.
        lines += ["", "The path to the largest:", ""]
        lines += [f"    {frame}" for frame in report.sites[0].stack]
    for note in report.notes:
        lines += ["", f"*{note}*"]
    lines += ["", f"<sub>{report.calls} calls in {report.seconds:.1f} s</sub>", ""]
    return "\n".join(lines)


def report_junit(report: LeakReport) -> bytes:
    """The report as a JUnit file of one test case."""
    failure = None
    if report.verdict != "clean":
        failure = Failure(report.verdict, report.explanation, report_text(report))
    return junit("leaks", report.target, report.seconds, failure)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
