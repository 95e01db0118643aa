"""A leak report as machines and pull requests take it: Markdown and JUnit."""

from __future__ import annotations

from xml.etree import ElementTree as ET

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
    failed = report.verdict != "clean"
    seconds = f"{report.seconds:.3f}"
    suites = ET.Element("testsuites")
    suite = ET.SubElement(
        suites,
        "testsuite",
        name="leaks",
        tests="1",
        failures=str(int(failed)),
        errors="0",
        skipped="0",
        time=seconds,
    )
    case = ET.SubElement(suite, "testcase", classname="leaks", name=report.target, time=seconds)
    if failed:
        failure = ET.SubElement(case, "failure", type=report.verdict, message=report.explanation)
        failure.text = report_text(report)
    text: bytes = ET.tostring(suites, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
