from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import REGISTRY, generate_latest

from application_sdk.monitoring.exporters.metrics import COUNTERS, HISTOGRAMS, Metrics
from application_sdk.monitoring.exporters.outbox import Outbox
from tests.interchange.builders import both_halves
from tests.interchange.tools import tool

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


def checked(program: Path, *arguments: str | Path) -> str:
    done = subprocess.run([program, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_alert_rules_and_every_query_of_the_dashboard(tmp_path: Path) -> None:
    promtool = tool("promtool")
    assert "SUCCESS" in checked(promtool, "check", "rules", GRAFANA / "alerts.yaml")
    dashboard = json.loads((GRAFANA / "dashboard.json").read_text())
    queries = [
        target["expr"].replace("$__rate_interval", "5m").replace("$function", ".*")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]
    # A query is a recording rule without a name.
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    path = tmp_path / "queries.yaml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(queries)} rules found" in checked(promtool, "check", "rules", path)


@pytest.mark.parametrize(
    ("series", "values", "alert", "labels"),
    [
        (
            'monitoring_events_total{kind="leak",verdict="confirmed",instance="w"}',
            "_x30 1x30",
            "LeakConfirmed",
            {"kind": "leak", "verdict": "confirmed", "instance": "w"},
        ),
        (
            'monitoring_cost_seconds_total{instance="w"}',
            "0+12x60",
            "MonitoringTooExpensive",
            {"instance": "w"},
        ),
        (
            'monitoring_dropped_total{queue="otlp"}',
            "0x30 1+1x30",
            "ProfilesDropped",
            {"queue": "otlp"},
        ),
        (
            'monitoring_send_failures_total{queue="otlp",kind="unreachable"}',
            "0+1x60",
            "ProfilesNotDelivered",
            {"queue": "otlp", "kind": "unreachable"},
        ),
    ],
)
def test_an_alert_fires_when_it_should_and_not_before(
    tmp_path: Path, series: str, values: str, alert: str, labels: dict[str, str]
) -> None:
    promtool = tool("promtool")
    severity = "info" if alert == "ProfilesDropped" else "warning"
    after = {"eval_time": "40m", "alertname": alert}
    before = {"eval_time": "0m", "alertname": alert, "exp_alerts": []}
    rules = yaml.safe_load((GRAFANA / "alerts.yaml").read_text())
    for rule in rules["groups"][0]["rules"]:
        rule.pop("annotations")  # promtool compares them; here the firing is what counts
    (tmp_path / "alerts.yaml").write_text(json.dumps(rules))
    expected = [{"exp_labels": {**labels, "severity": severity}}]
    content = {
        "rule_files": [str(tmp_path / "alerts.yaml")],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": series, "values": values}],
                "alert_rule_test": [before, {**after, "exp_alerts": expected}],
            }
        ],
    }
    path = tmp_path / "test.yaml"
    path.write_text(json.dumps(content))
    checked(promtool, "test", "rules", path)


def test_opentelemetrys_prometheus_exporter_gives_the_names_that_are_queried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = PrometheusMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr("opentelemetry.metrics.get_meter", provider.get_meter)
    metrics = Metrics()
    notes = ("memray was not used because another tracker runs",)
    metrics.record(both_halves(notes=notes), 1, {"otlp": Outbox("otlp")}, 1.0)
    metrics.event("leak", "confirmed", "my_app.load")
    text = generate_latest(REGISTRY).decode()
    provider.shutdown()
    assert exported() == {name for name in used(text) if name in exported()}


def test_every_metric_is_documented_with_its_unit() -> None:
    text = (GRAFANA.parent / "metrics.md").read_text()
    for name, (unit, _) in {**COUNTERS, **HISTOGRAMS}.items():
        assert re.search(rf"`{re.escape(name)}` \| \w+ \| {unit} ", text), name
