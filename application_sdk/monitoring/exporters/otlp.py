"""Profiles as OTLP, in the experimental version of the protocol that ``otel`` pins."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from application_sdk.monitoring.exporters.http import post
from application_sdk.monitoring.exporters.labels import labels
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.views import View, views

K = TypeVar("K", bound=Hashable)

PATH = "/v1development/profiles"
_NANOSECONDS = 1_000_000_000
_UNITS = {"seconds": "ns", "bytes": "By", "count": "1"}


def push(profile: Profile, base_url: str, service: str, token: str | None) -> None:
    """Push once.

    Raises:
        RejectedError: If the server refuses this profile.
        OSError: If another try may succeed.
        ImportError: If the extra ``otel`` is not installed.
    """
    headers = {"Content-Type": "application/x-protobuf"}
    post(f"{base_url}{PATH}", encode(profile, service), headers, token)


def encode(profile: Profile, service: str) -> bytes:
    """The profile as an ``ExportProfilesServiceRequest``; one OTLP profile for each view.

    Raises:
        ImportError: If the extra ``otel`` is not installed.
    """
    return bytes(_Encoder(profile, service).request().SerializeToString(deterministic=True))


class _Table(Generic[K]):
    """Entries by their number; number 0 stands for nothing."""

    def __init__(self, nothing: K) -> None:
        self.entries: dict[K, int] = {nothing: 0}

    def number(self, entry: K) -> int:
        return self.entries.setdefault(entry, len(self.entries))


class _Encoder:
    def __init__(self, profile: Profile, service: str) -> None:
        from opentelemetry.proto.collector.profiles.v1development import profiles_service_pb2
        from opentelemetry.proto.profiles.v1development import profiles_pb2

        self._proto: Any = profiles_pb2
        self._request: Any = profiles_service_pb2.ExportProfilesServiceRequest()
        self._profile = profile
        self._service = service
        self._strings = _Table("")
        self._frames = _Table(Frame("", "", 0))
        self._stacks: _Table[tuple[int, ...]] = _Table(())

    def request(self) -> Any:
        profile = self._profile
        resource = self._request.resource_profiles.add()
        for key, value in {
            "service.name": self._service,
            "host.name": profile.process.hostname,
            "process.runtime.name": profile.process.implementation,
            "process.runtime.version": profile.process.python,
        }.items():
            attribute = resource.resource.attributes.add(key=key)
            attribute.value.string_value = value
        scope = resource.scope_profiles.add()
        scope.scope.name = "application_sdk.monitoring"
        scope.scope.version = profile.process.monitoring_version
        dictionary = self._request.dictionary
        dictionary.mapping_table.add()
        dictionary.attribute_table.add()
        self._links()
        attributes = [
            self._attribute(f"application_sdk.monitoring.{key}", value)
            for key, value in labels(profile).items()
        ]
        for view in views(profile):
            self._view(scope.profiles.add(attribute_indices=attributes), view)
        self._dictionary()
        return self._request

    def _view(self, target: Any, view: View) -> None:
        profile = self._profile
        target.sample_type.type_strindex = self._strings.number(view.key)
        target.sample_type.unit_strindex = self._strings.number(_UNITS[view.unit])
        target.time_unix_nano = max(0, round(profile.started_at.timestamp() * 1e6)) * 1000
        target.duration_nano = max(0, round(profile.duration_seconds * _NANOSECONDS))
        identity = f"{profile.profile_id}{view.key}".encode()
        target.profile_id = _sixteen_bytes(identity)
        if profile.cpu is not None and view.unit == "seconds":
            target.period_type.type_strindex = self._strings.number("wall_seconds")
            target.period_type.unit_strindex = self._strings.number("ns")
            target.period = round(profile.cpu.interval_seconds * _NANOSECONDS)
        scale = _NANOSECONDS if view.unit == "seconds" else 1
        path: list[int] = []
        own = view.tree.self_values(view.metric)
        link = 1 if len(self._request.dictionary.link_table) > 1 else 0
        for node in view.tree.walk():
            path[node.depth :] = [self._frames.number(node.frame)]
            value = round(own[node.node] * scale)
            if value:
                stack = self._stacks.number(tuple(reversed(path)))
                target.samples.add(stack_index=stack, values=[value], link_index=link)

    def _links(self) -> None:
        table = self._request.dictionary.link_table
        table.add()
        context = self._profile.context
        if context.trace_id and context.span_id:
            table.add(
                trace_id=bytes.fromhex(context.trace_id), span_id=bytes.fromhex(context.span_id)
            )

    def _attribute(self, key: str, value: str) -> int:
        table = self._request.dictionary.attribute_table
        entry = table.add(key_strindex=self._strings.number(key))
        entry.value.string_value = value
        return len(table) - 1

    def _dictionary(self) -> None:
        dictionary = self._request.dictionary
        for frame, number in self._frames.entries.items():
            dictionary.function_table.add(
                name_strindex=self._strings.number(frame.function),
                filename_strindex=self._strings.number(frame.file),
                start_line=max(0, frame.line),
            )
            location = dictionary.location_table.add()
            if number:
                location.lines.add(function_index=number, line=max(0, frame.line))
        for stack in self._stacks.entries:
            dictionary.stack_table.add(location_indices=stack)
        dictionary.string_table.extend(
            text.encode("utf-8", "replace").decode() for text in self._strings.entries
        )


def _sixteen_bytes(identity: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(identity).digest()[:16]
