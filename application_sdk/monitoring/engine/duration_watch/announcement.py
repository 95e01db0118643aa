"""Tells people and machines about a slow-down: a structured log event, and a counter."""

from __future__ import annotations

from pathlib import Path

from application_sdk.monitoring.analysis.regressions.duration_shift import DurationShift
from application_sdk.monitoring.containment import contained, logger
from application_sdk.monitoring.renderers.units import human_seconds
from application_sdk.monitoring.settings import current_settings

_KIND = "regression"


def announce_shift(
    name: str, shift: DurationShift, page: Path | None, files: list[Path], reason: str | None
) -> None:
    """Log one event, and count it.

    Args:
        name: The function.
        shift: What has changed.
        page: The page that shows what differs.
        files: The files of the slow call's profile.
        reason: Why there is no page.
    """
    profile = next((file for file in files if file.suffix == ".html"), None)
    shown = profile or (files[0] if files else None)
    with contained("logging a slow-down"):
        extra = {
            "regression_verdict": shift.verdict,
            "regression_function": name,
            "regression_ratio": round(shift.ratio, 3),
            "regression_quantile": shift.quantile,
            "regression_before_seconds": shift.before_seconds,
            "regression_after_seconds": shift.after_seconds,
            "regression_against": shift.against,
            "regression_diff": None if page is None else str(page),
            "regression_profile": None if shown is None else str(shown),
        }
        levels = (
            shift.ratio,
            human_seconds(shift.before_seconds),
            human_seconds(shift.after_seconds),
            100 * shift.quantile,
        )
        if shift.verdict == "recovered":
            logger().info(
                "Slow-down over: %s takes %.2f times as long as while it was slow "
                "(%s -> %s at the %.0fth percentile)",
                name,
                *levels,
                extra=extra,
            )
        else:
            logger().warning(
                "Performance regression: %s takes %.2f times as long as before "
                "(%s -> %s at the %.0fth percentile, against its %s)%s",
                name,
                *levels,
                "own past" if shift.against == "past" else shift.against,
                _evidence(page, shown, reason),
                extra=extra,
            )
    if current_settings().metrics:
        with contained("counting a slow-down"):
            from application_sdk.monitoring.exporters.metrics import metrics

            metrics.event(_KIND, shift.verdict, name)


def _evidence(page: Path | None, shown: Path | None, reason: str | None) -> str:
    parts = []
    if page is not None:
        parts.append(f"what differs: {page}")
    elif shown is not None:
        parts.append(f"profile: {shown}")
    if reason is not None:
        parts.append(f"nothing is compared because {reason}")
    return "".join(f"; {part}" for part in parts)
