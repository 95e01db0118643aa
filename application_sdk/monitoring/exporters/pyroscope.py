"""Pushes profiles to the ingest endpoint of Pyroscope and servers like it."""

from __future__ import annotations

import json
import re
import secrets
import urllib.parse

from application_sdk.monitoring.exporters.http import post
from application_sdk.monitoring.exporters.labels import bounded, labels
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.registry import renderers

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


def push(profile: Profile, base_url: str, service: str, token: str | None) -> None:
    """Push once.

    Raises:
        RejectedError: If the server refuses this profile.
        OSError: If another try may succeed.
    """
    name = ",".join(f"{key}={_UNSAFE.sub('_', value)}" for key, value in labels(profile).items())
    started = profile.started_at.timestamp()
    query = urllib.parse.urlencode(
        {
            "name": f"{_UNSAFE.sub('_', service)}{{{name}}}",
            "from": int(started),
            "until": int(started + profile.duration_seconds) + 1,
            "format": "pprof",
            "spyName": "application-sdk-monitoring",
        }
    )
    boundary = secrets.token_hex(16)
    body = _form(
        boundary,
        {
            "profile": renderers.get("pprof")(bounded(profile)),
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
