from __future__ import annotations

import json
import re
from pathlib import Path

from application_sdk.monitoring.exporters.metrics import COUNTERS, HISTOGRAMS

GRAFANA = Path(__file__).parents[2] / "docs" / "grafana"
_UNITS = {"s": "_seconds", "By": "_bytes", "1": ""}


def exported() -> set[str]:
    """The names that OpenTelemetry's Prometheus exporter gives our metrics."""
    names = {
        f"{name.replace('.', '_')}{_UNITS[unit]}_total" for name, (unit, _) in COUNTERS.items()
    }
    for name, (unit, _) in HISTOGRAMS.items():
        stem = f"{name.replace('.', '_')}{_UNITS[unit]}"
        names |= {f"{stem}_{end}" for end in ("bucket", "sum", "count")}
    return names


def used(text: str) -> set[str]:
    return set(re.findall(r"monitoring_[a-z_]+", text))


def test_dashboard_and_alerts_use_only_metrics_that_there_are() -> None:
    dashboard = json.loads((GRAFANA / "dashboard.json").read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert used(" ".join(expressions)) <= exported()
    assert used((GRAFANA / "alerts.yaml").read_text()) <= exported()


def test_every_metric_is_documented_with_its_unit() -> None:
    text = (GRAFANA.parent / "metrics.md").read_text()
    for name, (unit, _) in {**COUNTERS, **HISTOGRAMS}.items():
        assert re.search(rf"`{re.escape(name)}` \| \w+ \| {unit} ", text), name
