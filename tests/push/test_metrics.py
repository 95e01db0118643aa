from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from application_sdk.monitoring.exporters import metrics as module
from application_sdk.monitoring.exporters.outbox import Outbox
from application_sdk.monitoring.model.profile import Profile, SamplingInfo
from tests.interchange.builders import both_halves

ROOT = Path(__file__).parents[2]


class Recorded:
    """Metrics in memory, read as name -> attributes -> value."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._reader = InMemoryMetricReader()
        provider = MeterProvider([self._reader])
        monkeypatch.setattr("opentelemetry.metrics.get_meter", provider.get_meter)
        self.metrics = module.Metrics()

    def record(self, profile: Profile, dropped: int = 0, **boxes: Outbox) -> None:
        self.metrics.record(profile, dropped, boxes)

    def values(self) -> dict[str, dict[tuple[tuple[str, str], ...], Any]]:
        data: Any = self._reader.get_metrics_data()
        return {
            metric.name: {
                tuple(sorted(point.attributes.items())): getattr(point, "value", None)
                or getattr(point, "sum", None)
                for point in metric.data.data_points
            }
            for metric in data.resource_metrics[0].scope_metrics[0].metrics
        }

    def bounds(self) -> dict[str, tuple[float, ...]]:
        """The boundaries of each histogram."""
        data: Any = self._reader.get_metrics_data()
        return {
            metric.name: metric.data.data_points[0].explicit_bounds
            for metric in data.resource_metrics[0].scope_metrics[0].metrics
            if hasattr(metric.data.data_points[0], "explicit_bounds")
        }


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    return Recorded(monkeypatch)


def test_a_profile_counts_its_calls_duration_and_memory(recorded: Recorded) -> None:
    recorded.record(both_halves(sampling=SamplingInfo(mode="adaptive", calls_since_previous=412)))
    recorded.record(both_halves(sampling=SamplingInfo(mode="adaptive", calls_since_previous=8)))
    values = recorded.values()
    function = (("function", "my_app.orders.load"),)
    assert values["monitoring.calls"] == {function: 420}
    assert values["monitoring.profiles"] == {(*function, ("outcome", "returned")): 2}
    assert values["monitoring.overhead"][function] == pytest.approx(0.024)
    assert values["monitoring.call.duration"][function] == pytest.approx(25.8)
    assert values["monitoring.call.rss_peak"] == {function: 800 << 20}
    assert values["monitoring.call.retained"] == {function: 2 * (2**40 + 1)}


def test_histograms_tell_milliseconds_from_hours_and_kilobytes_from_gigabytes(
    recorded: Recorded,
) -> None:
    recorded.record(both_halves())
    bounds = recorded.bounds()
    assert (bounds["monitoring.call.duration"][0], bounds["monitoring.call.duration"][-1]) == (
        0.001,
        3600,
    )
    assert bounds["monitoring.call.rss_peak"][0] == 1024
    assert bounds["monitoring.call.rss_peak"][-1] > 64e9


def test_a_factory_that_takes_no_boundaries_still_gives_histograms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the SDK's."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader]).get_meter("sdk")

    def create_histogram(name: str, *, unit: str = "", description: str = "") -> Any:
        return meter.create_histogram(name, unit=unit, description=description)

    factory = ModuleType("application_sdk.observability.metrics")
    factory.create_counter = meter.create_counter  # type: ignore[attr-defined]
    factory.create_histogram = create_histogram  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, factory.__name__, factory)
    module.Metrics().record(both_halves(), 0, {})
    data: Any = reader.get_metrics_data()
    names = {metric.name for metric in data.resource_metrics[0].scope_metrics[0].metrics}
    assert {"monitoring.call.duration", "monitoring.calls"} <= names


def test_what_was_not_measured_is_not_recorded(recorded: Recorded) -> None:
    recorded.record(both_halves(memory=None))
    assert "monitoring.call.rss_peak" not in recorded.values()


def test_reasons_are_few_and_hold_no_path_or_message(recorded: Recorded) -> None:
    notes = (
        "memray was not used because another tracker runs",
        "pyinstrument was not used because it failed to start: /tmp/secret",
        "the CPU call tree reached max_tree_nodes (25000); what did not fit is folded",
        "something of no interest",
    )
    recorded.record(both_halves(notes=notes))
    assert {dict(key)["reason"] for key in recorded.values()["monitoring.degraded"]} == {
        "unavailable",
        "failed_to_start",
        "max_tree_nodes",
    }


def test_dropped_profiles_are_counted_once_for_each_queue(recorded: Recorded) -> None:
    box = Outbox("pyroscope")
    box.dropped = 2
    recorded.record(both_halves(), 3, pyroscope=box)
    recorded.record(both_halves(), 4, pyroscope=box)
    assert recorded.values()["monitoring.dropped"] == {
        (("queue", "delivery"),): 4,
        (("queue", "pyroscope"),): 2,
    }


def test_failed_tries_and_refusals_are_counted_for_each_queue(recorded: Recorded) -> None:
    box = Outbox("otlp")
    box.failed_tries, box.rejected = 5, 1
    recorded.record(both_halves(), otlp=box)
    box.failed_tries = 7
    recorded.record(both_halves(), otlp=box)
    assert recorded.values()["monitoring.send.failures"] == {
        (("kind", "unreachable"), ("queue", "otlp")): 7,
        (("kind", "rejected"), ("queue", "otlp")): 1,
    }


def test_the_current_spend_is_a_counter_of_seconds(recorded: Recorded) -> None:
    recorded.metrics.record(both_halves(), 0, {}, 1.5)
    recorded.metrics.record(both_halves(), 0, {}, 1.75)
    assert recorded.values()["monitoring.cost"] == {(): 1.75}


def test_the_number_of_function_labels_is_bounded(recorded: Recorded) -> None:
    for number in range(300):
        recorded.record(both_halves(name=f"f{number}"))
    functions = recorded.values()["monitoring.calls"]
    assert len(functions) == 201
    assert functions[(("function", "(other)"),)] == 100 * 412


def test_leaks_and_regressions_are_events(recorded: Recorded) -> None:
    recorded.metrics.event("leak", "confirmed")
    assert recorded.values()["monitoring.events"] == {
        (("kind", "leak"), ("verdict", "confirmed")): 1
    }


def test_a_program_without_opentelemetry_does_not_get_it() -> None:
    program = (
        "import sys; from application_sdk.monitoring import flamegraph, flush, configure; "
        "import tempfile; configure(output_dir=tempfile.mkdtemp()); "
        "flamegraph(sample_rate=1.0)(len)([]); flush(); "
        "print([m for m in sys.modules if m.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"
