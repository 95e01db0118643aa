"""Every setting, in one table, and how a call's own settings follow from it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from application_sdk.monitoring.containment import warn_once
from application_sdk.monitoring.delivery_settings import split_names
from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.names import CPU_BACKENDS, FORMATS, MEMORY_BACKENDS
from application_sdk.monitoring.sample_rate import Rate
from application_sdk.monitoring.sandbox import in_sandbox
from application_sdk.monitoring.watch_settings import WatchSettings

PREFIX = "ATLAN_MONITORING_"

Format = Annotated[str, AfterValidator(FORMATS.check)]
CpuBackendName = Annotated[str, AfterValidator(CPU_BACKENDS.check)]
MemoryBackendName = Annotated[str, AfterValidator(MEMORY_BACKENDS.check)]


def _parse_json(value: object) -> object:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"not JSON: {error}") from error
    return value


Interval = Annotated[float, Field(ge=0.001, le=10)]
Formats = Annotated[tuple[Format, ...], BeforeValidator(split_names), Field(min_length=1)]


class Override(BaseModel):
    """Settings for the functions whose qualified name matches a pattern."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool | None = None
    sample_rate: Rate | None = None
    output_dir: Path | None = None
    formats: Formats | None = None
    interval: Interval | None = None
    cpu_backend: CpuBackendName | None = None
    memory_backend: MemoryBackendName | None = None
    max_duration_seconds: Annotated[float, Field(gt=0)] | None = None
    expires_at: AwareDatetime | None = None

    @property
    def expired(self) -> bool:
        """Whether its time is over; then it says nothing."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


class MonitoringSettings(WatchSettings, BaseSettings):
    """The process's settings, from ``ATLAN_MONITORING_*`` variables and ``configure``.

    An instance never changes; ``configure`` makes a new one.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
    )

    enabled: bool = Field(True, description="Master switch.")
    sample_rate: Rate | None = Field(
        None,
        description="Fraction of calls profiled, or `trace`: those in a sampled span; "
        "unset: as many as `overhead_budget` allows.",
    )
    output_dir: Path = Field(Path("profiles"), description="Directory for profiles.")
    formats: Annotated[Formats, NoDecode] = Field(
        ("html", "json", "summary"), description="What is written for each profile."
    )
    interval: Interval = Field(0.01, description="Seconds between two CPU samples.")
    cpu_backend: CpuBackendName = Field("auto", description="What samples the CPU.")
    memory_backend: MemoryBackendName = Field("auto", description="What watches memory.")
    overhead_budget: Annotated[float, Field(gt=0, le=1)] = Field(
        0.05, description="Share of time that adaptive profiling may cost."
    )
    max_duration_seconds: Annotated[float, Field(gt=0)] = Field(
        600.0, description="A capture ends after this time, even if the call goes on."
    )
    max_capture_bytes: Annotated[int, Field(ge=1_000_000)] = Field(
        268_435_456, description="A memory capture on disk ends at this size."
    )
    max_tree_nodes: Annotated[int, Field(ge=10, le=1_000_000)] = Field(
        25_000, description="Nodes of one captured call tree; the rest is `(truncated)`."
    )
    max_stored_profiles: Annotated[int, Field(ge=1)] = Field(
        1_000, description="Profiles kept under `output_dir`; the oldest go first."
    )
    max_stored_bytes: Annotated[int, Field(ge=1)] = Field(
        536_870_912, description="Bytes of profiles kept under `output_dir`."
    )
    overrides: Annotated[dict[str, Override], NoDecode, BeforeValidator(_parse_json)] = Field(
        default_factory=dict,
        description="JSON: pattern of a qualified name -> settings for what matches.",
    )
    config_file: Path | None = Field(
        None,
        description="JSON file of settings, looked at every 10 s while calls come (a ConfigMap).",
    )

    @property
    def may_change_by_itself(self) -> bool:
        """Whether calls have to look now and then whether it still holds."""
        return self.config_file is not None or any(
            override.expires_at is not None for override in self.overrides.values()
        )

    def override_for(self, *names: str) -> Override:
        """What ``overrides`` says about a callable of these names; a later pattern wins."""
        found: dict[str, Any] = {}
        for pattern, override in self.overrides.items():
            matches = any(fnmatchcase(name, pattern) for name in names)
            if matches and not override.expired:
                found.update(override.model_dump(exclude_none=True, exclude={"expires_at"}))
        return Override.model_validate(found)


_lock = threading.RLock()
_configured: dict[str, Any] = {}
_from_file: dict[str, Any] = {}
_environment: dict[str, str] | None = None
_current: MonitoringSettings | None = None
_listeners: list[Callable[[], None]] = []


def get_settings() -> MonitoringSettings:
    """The settings now in force: the environment's, under what ``configure`` was given.

    A bad value in the environment is warned about once, and the default stands.
    """
    global _current, _environment
    environment = {
        name: value for name, value in os.environ.items() if name.upper().startswith(PREFIX)
    }
    with _lock:
        if _current is None or environment != _environment:
            _environment = environment
            _current = _combined(_configured)
        return _current


def current_settings() -> MonitoringSettings:
    """The settings as last read, without a look at the environment: cheap on hot paths."""
    return _current or get_settings()


def configure(**settings: Any) -> MonitoringSettings:
    """Change the process's settings, from now on and for functions decorated before.

    Args:
        **settings: Names and values from ``MonitoringSettings``. Several calls add up.

    Returns:
        The settings now in force.

    Raises:
        InvalidArgumentError: If a name is unknown or a value not allowed; then nothing
            has changed.
    """
    global _current
    if in_sandbox():
        # A workflow's module is imported anew for each run; once, outside, has been enough.
        return current_settings()
    known = MonitoringSettings.model_fields
    for name in settings:
        if name not in known:
            raise InvalidArgumentError(
                f"configure() has no setting {name!r}; there are {', '.join(known)}"
            )
    with _lock:
        merged = {**_configured, **settings}
        get_settings()
        try:
            changed = _combined(merged, strict=frozenset(settings))
        except ValidationError as error:
            raise InvalidArgumentError(f"configure(): {_explain(error)}") from error
        _configured.clear()
        _configured.update(merged)
        _current = changed
    for listener in _listeners:
        listener()
    return changed


def apply_file(values: Mapping[str, Any]) -> MonitoringSettings:
    """Let what the configuration file says hold, above the environment and ``configure``.

    Raises:
        ValidationError: If a value is not allowed; then nothing has changed.
    """
    global _current
    with _lock:
        changed = _combined(_configured, file=values, strict=frozenset(values))
        _from_file.clear()
        _from_file.update(values)
        _current = changed
    for listener in _listeners:
        listener()
    return changed


def reset_settings() -> None:
    """Forget what ``configure`` and the configuration file said. For tests."""
    global _current
    with _lock:
        _configured.clear()
        _from_file.clear()
        _current = None
    for listener in _listeners:
        listener()


def on_change(listener: Callable[[], None]) -> None:
    """Call the listener, in the caller's thread, whenever ``configure`` has changed something."""
    _listeners.append(listener)


def _combined(
    configured: Mapping[str, Any],
    file: Mapping[str, Any] | None = None,
    strict: frozenset[str] = frozenset(),
) -> MonitoringSettings:
    """The file's settings over those of ``configure``; a file's overrides add to the others'."""
    file = _from_file if file is None else file
    below = _load(configured, strict)
    if not file:
        return below
    values = {**configured, **file}
    if "overrides" in file:
        values["overrides"] = {**below.overrides, **file["overrides"]}
    if not below.enabled:
        values["enabled"] = False
    return _load(values, strict)


def _load(given: Mapping[str, Any], strict: frozenset[str] = frozenset()) -> MonitoringSettings:
    """Settings from the environment and ``given``, without the environment's bad values.

    Raises:
        ValidationError: If a value of ``strict`` is bad.
    """
    try:
        return MonitoringSettings(**given)
    except ValidationError as error:
        if strict & {str(item["loc"][0]) for item in error.errors()}:
            raise
        replaced: dict[str, Any] = {}
        for item in error.errors():
            name = str(item["loc"][0])
            field = MonitoringSettings.model_fields.get(name)
            if field is None:
                continue
            default = field.get_default(call_default_factory=True)
            replaced[name] = default
            variable = PREFIX + name.upper()
            value = next((v for k, v in os.environ.items() if k.upper() == variable), None)
            warn_once(
                f"environment {variable}={value}",
                "%s=%r is not allowed (%s), so the default %r stands",
                variable,
                value,
                item["msg"],
                default,
            )
        if not replaced:
            raise
        return MonitoringSettings(**{**given, **replaced})


def _explain(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, item['loc']))}={item['input']!r} is not allowed: {item['msg']}"
        for item in error.errors()
    )
