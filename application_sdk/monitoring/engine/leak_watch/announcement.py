"""Tells people and machines about a leak: a structured log event, and a counter."""

from __future__ import annotations

import importlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from application_sdk.monitoring.analysis.leaks.trend import LeakVerdict
from application_sdk.monitoring.containment import contained, logger
from application_sdk.monitoring.engine.leak_watch.inspection import Finding

COUNTER = "monitoring_leak_verdicts"

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
    with contained("logging a leak verdict"):
        name = None
        if finding is not None and finding.plan is not None:
            name = finding.plan.name
        function = name or likeliest
        extra: dict[str, Any] = {
            "leak_verdict": verdict.verdict,
            "leak_bytes_per_hour": round(verdict.bytes_per_hour),
            "leak_seconds_to_limit": verdict.seconds_to_limit,
            "leak_function": function,
            "leak_sites": []
            if finding is None
            else [f"{s.function} ({s.file}:{s.line})" for s in finding.sites[:_MOST_SITES]],
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
                _where(finding, function, reason),
                f"; flamegraph: {files[0]}" if files else "",
                extra=extra,
            )
    with contained("counting a leak verdict"):
        counter = _counter()
        if counter is not None:
            counter.add(1, {"verdict": verdict.verdict})


def _time_left(verdict: LeakVerdict) -> str:
    if verdict.seconds_to_limit is None:
        return ""
    return f" and reaches its limit in {verdict.seconds_to_limit / _HOUR:.0f} hours"


def _where(finding: Finding | None, function: str | None, reason: str | None) -> str:
    parts = []
    if function is not None:
        parts.append(f"it grows with calls of {function}")
    if finding is not None:
        site = finding.sites[0]
        parts.append(f"most of it is kept at {site.function} ({site.file}:{site.line})")
    elif reason is not None:
        parts.append(f"no line is named because {reason}")
    return "".join(f"; {part}" for part in parts)


@lru_cache(maxsize=1)
def _counter() -> Any:
    """The SDK's counter, else OpenTelemetry's, else None."""
    text = "Changes of what is thought of the process's memory, by verdict"
    try:
        sdk = importlib.import_module("application_sdk.observability.metrics")
        return sdk.create_counter(COUNTER, description=text)
    except (ImportError, AttributeError, TypeError):
        pass  # without the SDK, or with one that makes its counters in another way
    try:
        metrics = importlib.import_module("opentelemetry.metrics")
    except ImportError:
        return None
    return metrics.get_meter("application_sdk.monitoring").create_counter(COUNTER, description=text)
