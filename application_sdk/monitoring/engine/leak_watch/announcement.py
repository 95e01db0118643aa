"""Tells people and machines about a leak: a structured log event, and a counter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from application_sdk.monitoring.analysis.leaks.report import LeakSite
from application_sdk.monitoring.analysis.leaks.trend import LeakVerdict
from application_sdk.monitoring.containment import contained, logger
from application_sdk.monitoring.engine.leak_watch.inspection import Finding
from application_sdk.monitoring.exporters.metrics import metrics
from application_sdk.monitoring.redaction import redacted_place
from application_sdk.monitoring.settings import get_settings

_MIB = 2**20
_HOUR = 3600.0
_MOST_SITES = 3


def announce_verdict(
    verdict: LeakVerdict,
    growing: str,
    finding: Finding | None,
    likeliest: str | None,
    files: list[Path],
    reason: str | None = None,
) -> None:
    """Log one event, and count it.

    Args:
        verdict: What changed.
        growing: What kind of memory grows.
        finding: What the inspection found; None without one.
        likeliest: The function that growth goes with, by its calls.
        files: The files of the flamegraph.
        reason: Why there was no inspection.
    """
    name = None if finding is None or finding.plan is None else finding.plan.name
    with contained("logging a leak verdict"):
        function, _ = _shown(name or likeliest or "", "", finding)
        sites = [] if finding is None else [_site(site, finding) for site in finding.sites]
        extra: dict[str, Any] = {
            "leak_verdict": verdict.verdict,
            "leak_bytes_per_hour": round(verdict.bytes_per_hour),
            "leak_seconds_to_limit": verdict.seconds_to_limit,
            "leak_function": function or None,
            "leak_sites": sites[:_MOST_SITES],
            "leak_profile": str(files[0]) if files else None,
        }
        if verdict.verdict == "cleared":
            logger().info(
                "Memory leak cleared: the growth of %.1f MiB an hour has stopped",
                verdict.bytes_per_hour / _MIB,
                extra=extra,
            )
        else:
            logger().warning(
                "Memory leak %s: the process grows by %.1f MiB an hour (%s)%s%s%s",
                verdict.verdict,
                verdict.bytes_per_hour / _MIB,
                growing,
                _time_left(verdict),
                _where(sites, function, reason),
                f"; flamegraph: {files[0]}" if files else "",
                extra=extra,
            )
    with contained("counting a leak verdict"):
        if get_settings().metrics:
            metrics.event("leak", verdict.verdict, _shown(name or likeliest or "", "", finding)[0])


def _time_left(verdict: LeakVerdict) -> str:
    if verdict.seconds_to_limit is None:
        return ""
    return f" and reaches its limit in {verdict.seconds_to_limit / _HOUR:.0f} hours"


def _where(sites: list[str], function: str, reason: str | None) -> str:
    parts = []
    if function:
        parts.append(f"it grows with calls of {function}")
    if sites:
        parts.append(f"most of it is kept at {sites[0]}")
    elif reason is not None:
        parts.append(f"no line is named because {reason}")
    return "".join(f"; {part}" for part in parts)


def _site(site: LeakSite, finding: Finding) -> str:
    function, file = _shown(site.function, site.file, finding)
    return f"{function} ({file}:{site.line})"


def _shown(function: str, file: str, finding: Finding | None) -> tuple[str, str]:
    """A function and its file as they may leave the machine: logs and metrics do."""
    settings = get_settings()
    plan = None if finding is None else finding.plan
    directory = settings.output_dir if plan is None else plan.resolved().output_dir
    if not function:
        return function, file
    return redacted_place(function, file, settings.redact, directory)
