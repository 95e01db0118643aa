"""Hands a finished profile to every destination beyond the local files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from application_sdk.monitoring.containment import contained
from application_sdk.monitoring.exporters.labels import service_name
from application_sdk.monitoring.exporters.outbox import Outbox, Shipment, finish_all
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.settings import MonitoringSettings

outboxes = {name: Outbox(name) for name in ("pyroscope", "otlp", "upload")}
"""The process's only ones, by what they send to."""


class Costs(Protocol):
    """Adds up what monitoring costs."""

    spent_seconds: float

    def spend(self, seconds: float) -> None:
        """Take note of a cost that has arisen."""


def deliver_outward(
    profile: Profile,
    files: Sequence[Path],
    settings: MonitoringSettings,
    dropped: int = 0,
    costs: Costs | None = None,
) -> None:
    """Record the profile's metrics and queue it for pushing and upload, as the settings say.

    Args:
        profile: The profile, already redacted.
        files: Its local files.
        settings: The process's settings.
        dropped: Profiles that were dropped so far because too many were waiting.
        costs: Told what sending costs, and asked what everything has cost so far.
    """
    if costs is not None:
        for box in outboxes.values():
            box.charge = costs.spend
    if settings.metrics:
        with contained("recording metrics"):
            from application_sdk.monitoring.exporters.metrics import metrics

            spent = None if costs is None else costs.spent_seconds
            metrics.record(profile, dropped, outboxes, spent)
    if settings.pyroscope_url:
        with contained("queueing a profile for pyroscope_url"):
            from application_sdk.monitoring.exporters import pyroscope

            _queue("pyroscope", pyroscope, profile, settings.pyroscope_url, settings)
    if settings.otlp_url:
        with contained("queueing a profile for otlp_url"):
            from application_sdk.monitoring.exporters import otlp

            _queue("otlp", otlp, profile, settings.otlp_url, settings)
    if settings.upload_url:
        with contained("queueing a profile for upload_url"):
            from application_sdk.monitoring.exporters.object_store import queue

            queue(profile, files, settings, outboxes["upload"])


def send_the_rest() -> None:
    """At the end of the process: wait a little for what is still queued."""
    finish_all(outboxes.values())


def _queue(
    name: str, exporter: Any, profile: Profile, url: str, settings: MonitoringSettings
) -> None:
    from application_sdk.monitoring.exporters.http import checked_token, checked_url

    base = checked_url(f"{name}_url", url)
    token = settings.push_token
    sender = _Sender(
        exporter.push,
        base,
        service_name(settings.application_name),
        checked_token(None if token is None else token.get_secret_value()),
    )
    outboxes[name].put(Shipment(sender, profile, exporter.kind(profile)))


@dataclass(frozen=True)
class _Sender:
    """Sends profiles to one place; equal ones send to the same place in the same way."""

    push: Callable[[Sequence[Profile], str, str, str | None], None]
    url: str
    service: str
    token: str | None = field(repr=False)

    def __call__(self, profiles: Sequence[Profile]) -> None:
        self.push(profiles, self.url, self.service, self.token)
