"""Hands a finished profile to every destination beyond the local files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from application_sdk.monitoring.containment import contained
from application_sdk.monitoring.exporters.labels import service_name
from application_sdk.monitoring.exporters.outbox import Outbox
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.settings import MonitoringSettings

Push = Callable[[Profile, str, str, str | None], None]

outboxes = {name: Outbox(name) for name in ("pyroscope", "otlp", "upload")}
"""The process's only ones, by what they send to."""


def deliver_outward(
    profile: Profile, files: Sequence[Path], settings: MonitoringSettings, dropped: int = 0
) -> None:
    """Record the profile's metrics and queue it for pushing and upload, as the settings say.

    Args:
        profile: The profile, already redacted.
        files: Its local files.
        settings: The process's settings.
        dropped: Profiles that were dropped so far because too many were waiting.
    """
    if settings.metrics:
        with contained("recording metrics"):
            from application_sdk.monitoring.exporters.metrics import metrics

            metrics.record(profile, dropped, outboxes)
    if settings.pyroscope_url:
        with contained("queueing a profile for pyroscope_url"):
            from application_sdk.monitoring.exporters import pyroscope

            _queue("pyroscope", pyroscope.push, profile, settings.pyroscope_url, settings)
    if settings.otlp_url:
        with contained("queueing a profile for otlp_url"):
            from application_sdk.monitoring.exporters import otlp

            _queue("otlp", otlp.push, profile, settings.otlp_url, settings)
    if settings.upload_url:
        with contained("queueing a profile for upload_url"):
            from application_sdk.monitoring.exporters.object_store import queue

            queue(profile, files, settings, outboxes["upload"])


def _queue(name: str, push: Push, profile: Profile, url: str, settings: MonitoringSettings) -> None:
    from application_sdk.monitoring.exporters.http import checked_url

    base = checked_url(f"{name}_url", url)
    token = None if settings.push_token is None else settings.push_token.get_secret_value()
    service = service_name(settings.application_name)
    outboxes[name].put(partial(push, profile, base, service, token))
