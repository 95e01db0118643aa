"""Histories of runs as text for a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from application_sdk.monitoring.analysis.regressions.history import History, Series, series_of
from application_sdk.monitoring.renderers.units import human_bytes, human_seconds, one_line

_ROWS = 20
LABELS = {"cpu_seconds": "CPU time", "wall_seconds": "Wall time", "peak_bytes": "Peak memory"}


def list_text(histories: Sequence[History]) -> str:
    """One line for each history."""
    return "\n".join(
        f"{history.fingerprint}  {len(history.runs):>4} runs, newest "
        f"{history.runs[-1].started_at:%Y-%m-%d}  {one_line(history.target)}  "
        f"({machine_text(history)})"
        for history in histories
        if history.runs
    )


def list_json(histories: Sequence[History]) -> list[dict[str, Any]]:
    """The same for a machine."""
    return [
        {
            **history.model_dump(mode="json", exclude={"runs"}),
            "runs": len(history.runs),
        }
        for history in histories
    ]


def show_text(history: History, references: Path | None) -> str:
    """The newest runs of each metric, with a line wherever the level changes."""
    sections = [f"{one_line(history.target)} on {history.fingerprint} ({machine_text(history)})\n"]
    sections += [_section(series) for series in series_of(history)]
    if references is not None:
        sections.append(f"To compare with it: sdk-monitoring compare {references} CANDIDATE\n")
    return "\n".join(sections)


def show_json(history: History) -> dict[str, Any]:
    """The history, and the changes of each metric by the run that they begin with."""
    return {
        **history.model_dump(mode="json"),
        "changes": {
            series.metric: [
                {
                    "profile_id": series.runs[change.index].profile_id,
                    "revision": series.runs[change.index].revision,
                    "before": change.before,
                    "after": change.after,
                }
                for change in series.changes
            ]
            for series in series_of(history)
        },
    }


def _section(series: Series) -> str:
    changes = {change.index: change for change in series.changes}
    human = human_bytes if series.metric == "peak_bytes" else human_seconds
    count = len(series.values)
    lines = [f"{LABELS[series.metric]}, {count} runs, median {human(median(series.values))}"]
    # Older runs are left out, but no change is.
    for index, (run, value) in enumerate(zip(series.runs, series.values, strict=True)):
        change = changes.get(index)
        if change is not None:
            by = f" ({change.after / change.before - 1:+.1%})" if change.before else ""
            lines.append(f"  -- {human(change.before)} -> {human(change.after)}{by}")
        if change is not None or index >= count - _ROWS:
            revision = (run.revision or "")[:12]
            line = f"  {run.started_at:%Y-%m-%d %H:%M}  {human(value):>12}  {revision}"
            lines.append(line.rstrip())
    if not changes:
        lines.append("  no change of the level")
    return "\n".join(lines) + "\n"


def machine_text(history: History) -> str:
    """The kind of machine, for people."""
    machine = history.machine
    cpu = machine.cpu_model or "unknown CPU"
    cores = "" if machine.cpu_count is None else f" x {machine.cpu_count}"
    return one_line(f"{cpu}{cores}, {machine.implementation} {machine.python}")
