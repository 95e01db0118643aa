"""Profiles as OTLP, in the experimental version of the protocol that ``otel`` pins."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

from application_sdk.monitoring.exporters.http import post
from application_sdk.monitoring.exporters.labels import labels
from application_sdk.monitoring.exporters.outbox import PartlyRejectedError, RejectedError
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import ProcessInfo, Profile
from application_sdk.monitoring.model.views import View, views

K = TypeVar("K", bound=Hashable)

PATH = "/v1development/profiles"
_NANOSECONDS = 1_000_000_000
_UNITS = {"seconds": "ns", "bytes": "By", "count": "1"}


def kind(_: Profile) -> Hashable:
    """What profiles that go in one request have in common: nothing."""
    return None


def push(profiles: Sequence[Profile], base_url: str, service: str, token: str | None) -> None:
    """Push once.

    Raises:
        RejectedError: If the server refuses these profiles, or what it takes is not installed.
        PartlyRejectedError: If it has taken some of them only.
        OSError: If another try may succeed.
    """
    headers = {"Content-Type": "application/x-protobuf"}
    try:
        body = encode(profiles, service)
    except ImportError as error:
        raise RejectedError(
            "otlp_url needs an extra: pip install 'atlan-application-sdk-monitoring[otel]'"
        ) from error
    _check(post(f"{base_url}{PATH}", body, headers, token))


def encode(profiles: Sequence[Profile], service: str) -> bytes:
    """The profiles as an ``ExportProfilesServiceRequest``; one OTLP profile for each view.

    Raises:
        ImportError: If the extra ``otel`` is not installed.
    """
    return bytes(_Encoder(service).request(profiles).SerializeToString(deterministic=True))


def _check(answer: bytes) -> None:
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.profiles.v1development import profiles_service_pb2

    try:
        response = profiles_service_pb2.ExportProfilesServiceResponse.FromString(answer)
    except DecodeError:
        return  # it has said that all is well, in whatever words
    refused = response.partial_success.rejected_profiles
    if refused > 0:
        said = response.partial_success.error_message
        raise PartlyRejectedError(f"{refused} OTLP profiles: {said}")


class _Table(Generic[K]):
    """Entries by their number; number 0 stands for nothing."""

    def __init__(self, nothing: K) -> None:
        self.entries: dict[K, int] = {nothing: 0}

    def number(self, entry: K) -> int:
        return self.entries.setdefault(entry, len(self.entries))


class _Encoder:
    def __init__(self, service: str) -> None:
        from opentelemetry.proto.collector.profiles.v1development import profiles_service_pb2
        from opentelemetry.proto.profiles.v1development import profiles_pb2

        self._proto: Any = profiles_pb2
        self._request: Any = profiles_service_pb2.ExportProfilesServiceRequest()
        self._service = service
        self._strings = _Table("")
        self._frames = _Table(Frame("", "", 0))
        self._attributes: dict[tuple[str, str], int] = {}
        self._stacks: _Table[tuple[int, ...]] = _Table(())

    def request(self, profiles: Sequence[Profile]) -> Any:
        dictionary = self._request.dictionary
        dictionary.mapping_table.add()
        dictionary.attribute_table.add()
        dictionary.link_table.add()
        scopes: dict[tuple[str, ...], Any] = {}
        for profile in profiles:
            process = profile.process
            # Profiles of a process that was killed come from another one than the rest.
            origin = process.hostname, process.implementation, process.python
            scope = scopes.get(origin)
            if scope is None:
                scope = scopes[origin] = self._scope(process)
            attributes = [
                self._attribute(f"application_sdk.monitoring.{key}", value)
                for key, value in labels(profile).items()
            ]
            link = self._link(profile)
            for view in views(profile):
                target = scope.profiles.add(attribute_indices=attributes)
                self._view(target, profile, view, link)
        self._dictionary()
        return self._request

    def _scope(self, process: ProcessInfo) -> Any:
        resource = self._request.resource_profiles.add()
        for key, value in {
            "service.name": self._service,
            "host.name": process.hostname,
            "process.runtime.name": process.implementation,
            "process.runtime.version": process.python,
        }.items():
            attribute = resource.resource.attributes.add(key=key)
            attribute.value.string_value = value
        scope = resource.scope_profiles.add()
        scope.scope.name = "application_sdk.monitoring"
        scope.scope.version = process.monitoring_version
        return scope

    def _view(self, target: Any, profile: Profile, view: View, link: int) -> None:
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
        for node in view.tree.walk():
            path[node.depth :] = [self._frames.number(node.frame)]
            value = round(own[node.node] * scale)
            if value:
                stack = self._stacks.number(tuple(reversed(path)))
                target.samples.add(stack_index=stack, values=[value], link_index=link)

    def _link(self, profile: Profile) -> int:
        context = profile.context
        if not (context.trace_id and context.span_id):
            return 0
        table = self._request.dictionary.link_table
        table.add(trace_id=bytes.fromhex(context.trace_id), span_id=bytes.fromhex(context.span_id))
        return len(table) - 1

    def _attribute(self, key: str, value: str) -> int:
        known = self._attributes.get((key, value))
        if known is None:
            table = self._request.dictionary.attribute_table
            entry = table.add(key_strindex=self._strings.number(key))
            entry.value.string_value = value
            known = self._attributes[key, value] = len(table) - 1
        return known

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
