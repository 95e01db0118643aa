"""Pushes profiles to the ingest endpoint of Pyroscope and servers like it."""

from __future__ import annotations

import json
import re
import secrets
import urllib.parse
from collections.abc import Hashable, Sequence

from application_sdk.monitoring.exporters.http import post
from application_sdk.monitoring.exporters.labels import bounded, labels
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.views import views
from application_sdk.monitoring.registry import batch_renderers

_UNSAFE = re.compile(r"[^A-Za-z0-9_.:/<>-]")
_TYPES = {
    "wall": "nanoseconds",
    "cpu": "nanoseconds",
    "await": "nanoseconds",
    "alloc_space": "bytes",
    "alloc_objects": "count",
    "inuse_space": "bytes",
    "inuse_objects": "count",
}


def kind(profile: Profile) -> Hashable:
    """What profiles that go in one request have in common: the series and what they measure."""
    interval = None if profile.cpu is None else profile.cpu.interval_seconds
    return tuple(labels(profile).items()), tuple(view.key for view in views(profile)), interval


def push(profiles: Sequence[Profile], base_url: str, service: str, token: str | None) -> None:
    """Push once.

    Args:
        profiles: All of one kind.
        base_url: The server.
        service: The application's name.
        token: A bearer token.

    Raises:
        RejectedError: If the server refuses this profile.
        OSError: If another try may succeed.
    """
    series = labels(profiles[0]).items()
    name = ",".join(f"{key}={_UNSAFE.sub('_', value)}" for key, value in series)
    began = [profile.started_at.timestamp() for profile in profiles]
    ended = [
        start + profile.duration_seconds for start, profile in zip(began, profiles, strict=True)
    ]
    query = urllib.parse.urlencode(
        {
            "name": f"{_UNSAFE.sub('_', service)}{{{name}}}",
            "from": int(min(began)),
            "until": int(max(ended)) + 1,
            "format": "pprof",
            "spyName": "application-sdk-monitoring",
        }
    )
    boundary = secrets.token_hex(16)
    body = _form(
        boundary,
        {
            "profile": batch_renderers.get("pprof")([bounded(profile) for profile in profiles]),
            "sample_type_config": json.dumps(
                {
                    kind: {"units": unit, "display-name": kind, "aggregation": "sum"}
                    for kind, unit in _TYPES.items()
                }
            ).encode(),
        },
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    post(f"{base_url}/ingest?{query}", body, headers, token)


def _form(boundary: str, files: dict[str, bytes]) -> bytes:
    parts = [
        (
            f"--{boundary}\r\nContent-Disposition: form-data; "
            f'name="{name}"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        + content
        + b"\r\n"
        for name, content in files.items()
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode()
