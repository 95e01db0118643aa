"""What a decorated callable was asked for, and what that means for a call now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.engine.duration_watch.watch import DurationWatch
from application_sdk.monitoring.engine.gate import Gate, polled_for
from application_sdk.monitoring.sample_rate import SampleRate
from application_sdk.monitoring.settings import MonitoringSettings, current_settings

ATTRIBUTE = "__application_sdk_monitoring__"
"""Where a wrapper keeps its plan and a weak reference to itself."""


@dataclass(frozen=True)
class Options:
    """The decorator's arguments; None where one was left out."""

    cpu: bool = False
    memory: bool = False
    name: str | None = None
    output_dir: Path | None = None
    sample_rate: SampleRate | None = None
    formats: tuple[str, ...] | None = None
    interval: float | None = None
    cpu_backend: str | None = None
    memory_backend: str | None = None
    native: bool | None = None

    def over(self, inner: Options) -> Options:
        """These options and those of a decorator further in; what is given here wins."""
        merged = {
            field.name: getattr(inner, field.name)
            if getattr(self, field.name) is None
            else getattr(self, field.name)
            for field in fields(self)
        }
        merged["cpu"] = self.cpu or inner.cpu
        merged["memory"] = self.memory or inner.memory
        return Options(**merged)


@dataclass(frozen=True)
class Resolved:
    """What holds for one call, after precedence."""

    enabled: bool
    sample_rate: SampleRate | None
    output_dir: Path
    formats: tuple[str, ...]
    interval: float
    cpu_backend: str
    memory_backend: str
    max_duration_seconds: float
    native: bool
    process: MonitoringSettings


def resolve(names: tuple[str, ...], options: Options, settings: MonitoringSettings) -> Resolved:
    """Precedence, strongest first: off; overrides; the decorator's arguments; settings."""
    override = settings.override_for(*names)

    def pick(field: str) -> Any:
        for source in (override, options):
            value = getattr(source, field, None)
            if value is not None:
                return value
        return getattr(settings, field)

    return Resolved(
        enabled=settings.enabled and override.enabled is not False,
        sample_rate=pick("sample_rate"),
        output_dir=Path(pick("output_dir")),
        formats=tuple(pick("formats")),
        interval=pick("interval"),
        cpu_backend=pick("cpu_backend"),
        memory_backend=pick("memory_backend"),
        max_duration_seconds=pick("max_duration_seconds"),
        native=bool(options.native),
        process=settings,
    )


class Plan:
    """One decorated callable: its target, options and sampling decision.

    Args:
        target: What is called.
        kind: Its kind.
        name: What its profiles are called.
        options: What it was decorated with.
        shown: What a profile's tree starts with, where that is not the target.
        qualified: The target's qualified name, where ``name`` is another; overrides match either.
    """

    def __init__(
        self,
        target: Callable[..., Any],
        kind: Kind,
        name: str,
        options: Options,
        shown: Callable[..., Any] | None = None,
        qualified: str | None = None,
    ) -> None:
        self.target = target
        self.shown = target if shown is None else shown
        self.kind = kind
        self.name = name
        self.names = (name,) if qualified is None or qualified == name else (name, qualified)
        self.options = options
        self.gate: Gate | None = None
        self.durations = DurationWatch(name)
        self._resolved: Resolved | None = None

    def resolved(self) -> Resolved:
        """What holds for a call now."""
        settings = current_settings()
        known = self._resolved
        if known is None or known.process is not settings:
            known = self._resolved = resolve(self.names, self.options, settings)
        return known

    def settings_changed(self) -> None:
        """Sample by the rate that holds now."""
        if self.gate is not None:
            rate = self.resolved().sample_rate
            if rate != self.gate.rate or (rate is not None and polled_for() != self.gate.watched):
                self.gate.set_rate(rate)


def is_own(target: Any) -> bool:
    """Whether a wrapper is ours, and not one that merely copied our attribute."""
    entry = vars(target).get(ATTRIBUTE) if hasattr(target, "__dict__") else None
    return entry is not None and entry[1]() is target


def plan_of(target: Any) -> Plan | None:
    """The plan of our wrapper on the target, or of one below other decorators."""
    seen: set[int] = set()
    while target is not None and id(target) not in seen:
        seen.add(id(target))
        if is_own(target):
            plan: Plan = vars(target)[ATTRIBUTE][0]
            return plan
        target = getattr(target, "__wrapped__", None)
    return None
