"""Histories of runs as a page to look at."""

from __future__ import annotations

from collections.abc import Sequence

from application_sdk.monitoring.analysis.regressions.history import History, Series, series_of
from application_sdk.monitoring.cli.baseline_text import LABELS, machine_text
from application_sdk.monitoring.renderers.html.trend_page import (
    TrendChange,
    TrendHistory,
    TrendRun,
    TrendSeries,
    render_trend,
)


def show_page(target: str, histories: Sequence[History]) -> bytes:
    """The trend page of a target's histories, one for each kind of machine."""
    return render_trend(
        target,
        [
            TrendHistory(
                f"{history.fingerprint} ({machine_text(history)})",
                [_series(series) for series in series_of(history)],
            )
            for history in histories
        ],
    )


def _series(series: Series) -> TrendSeries:
    return TrendSeries(
        LABELS[series.metric],
        "B" if series.metric.endswith("_bytes") else "s",
        [
            TrendRun(run.started_at, value, run.revision)
            for run, value in zip(series.runs, series.values, strict=True)
        ],
        [TrendChange(change.index, change.before, change.after) for change in series.changes],
    )
