"""A leak report as text for people: one line that says it, then the places."""

from __future__ import annotations

from application_sdk.monitoring.analysis.leaks.report import LeakReport, LeakSite

MOST_SITES = 8
_MOST_FRAMES = 6


def report_text(report: LeakReport) -> str:
    """The verdict, its reason, and where the memory is allocated."""
    lines = [f"{report.verdict.upper()}: {report.target}", report.explanation]
    if report.confidence_interval is not None and report.verdict == "leak":
        low, high = report.confidence_interval
        lines.append(
            f"{report.calls} calls in {report.seconds:.1f} s; 98 % interval "
            f"{low:.0f} to {high:.0f} bytes a call."
        )
    if report.sites:
        lines += ["", "Where it is allocated, largest first:"]
        for site in report.sites[:MOST_SITES]:
            lines += _site_lines(site)
        left = len(report.sites) - MOST_SITES
        if left > 0:
            lines.append(f"  ... and {left} more")
    lines += [f"Note: {note}" for note in report.notes]
    return "\n".join(lines)


def _site_lines(site: LeakSite) -> list[str]:
    count = (
        "native memory"
        if site.allocations_per_call is None
        else f"{site.allocations_per_call:.2g} allocations"
    )
    head = (
        f"  {site.bytes_per_call:10,.0f} bytes a call, {count}: {site.function} "
        f"({site.file}:{site.line})"
    )
    inner = site.stack[-_MOST_FRAMES:]
    return [head, *(f"{'':14}{frame}" for frame in inner)]
