"""What the head of a page says about a call, in words."""

from __future__ import annotations

from datetime import UTC
from typing import NamedTuple

from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.html.text import format_bytes, format_seconds


class Facts(NamedTuple):
    """The head of a page.

    Attributes:
        outcome: How the call ended, as a word.
        figures: Label and value of the numbers to show large.
        details: Label and value of everything else that is known.
        notes: Degradations, in sentences.
        brief: When, where and how it was measured, in one line.
    """

    outcome: str
    figures: tuple[tuple[str, str], ...]
    details: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    brief: str


def facts_of(profile: Profile) -> Facts:
    """Say what is known about a call; what was not measured is left out, never guessed."""
    outcome: str = profile.outcome
    if profile.exception_type:
        outcome = f"{outcome} {profile.exception_type}"
    details = tuple(_details(profile))
    return Facts(
        outcome, tuple(_figures(profile)), details, profile.notes, _brief(profile, dict(details))
    )


def _brief(profile: Profile, known: dict[str, str]) -> str:
    parts = [known["Started"], known["Worker"]]
    parts += [f"{label.lower()} {known[label]}" for label in _IDS if label in known]
    if profile.cpu is not None:
        parts.append(f"CPU by {profile.cpu.backend}")
    if profile.memory is not None:
        parts.append(f"memory by {profile.memory.backend}")
    parts.append(f"sampling {known['Sampling']}")
    parts.append(f"cost of monitoring {known['Cost of monitoring']}")
    return ", ".join(parts)


def _figures(profile: Profile) -> list[tuple[str, str]]:
    found = [("Duration", format_seconds(profile.duration_seconds))]
    cpu, memory = profile.cpu, profile.memory
    if cpu is not None:
        found += _present(
            ("CPU burnt", cpu.cpu_seconds, format_seconds),
            ("Awaiting", cpu.await_seconds, format_seconds),
        )
    if memory is not None:
        found += _present(
            ("Peak memory", memory.peak_bytes, format_bytes),
            ("Retained", memory.retained_bytes, format_bytes),
            ("Allocations", memory.allocation_count, lambda count: f"{count:,.0f}"),
            ("Peak RSS", memory.rss_peak_bytes, format_bytes),
        )
    return found


def _present(*candidates: tuple[str, float | None, object]) -> list[tuple[str, str]]:
    return [(label, form(value)) for label, value, form in candidates if value is not None]  # type: ignore[operator]


def _details(profile: Profile) -> list[tuple[str, str]]:
    process, context = profile.process, profile.context
    started = profile.started_at
    if started.tzinfo is not None:
        started = started.astimezone(UTC)
    found: list[tuple[str, str]] = [
        ("Started", f"{started:%Y-%m-%d %H:%M:%S}.{started.microsecond // 1000:03d} UTC"),
        ("Worker", f"{process.hostname}, pid {process.pid}"),
    ]
    for name, value in context:
        if value is not None:
            found.append((_LABELS.get(name, name.replace("_", " ").capitalize()), str(value)))
    found.append(("Sampling", _sampling(profile)))
    if profile.cpu is not None:
        cpu = profile.cpu
        found.append(
            (
                "CPU backend",
                f"{cpu.backend}, {cpu.sample_count:,} samples, every {format_seconds(cpu.interval_seconds)}",
            )
        )
    if profile.memory is not None:
        memory = profile.memory
        scope = "this call only" if memory.scope == "call" else "the whole process"
        found.append(("Memory backend", f"{memory.backend}, {scope}"))
        before, after = memory.rss_before_bytes, memory.rss_after_bytes
        if before is not None and after is not None:
            found.append(("RSS before and after", f"{format_bytes(before)}, {format_bytes(after)}"))
    found.append(("Cost of monitoring", format_seconds(profile.overhead)))
    machine = [process.cpu_model, f"{process.cpu_count} CPUs" if process.cpu_count else None]
    if process.total_memory_bytes:
        machine.append(format_bytes(process.total_memory_bytes))
    if any(machine):
        found.append(("Machine", ", ".join(part for part in machine if part)))
    found.append(("Python", f"{process.implementation} {process.python}"))
    found.append(("Monitoring", process.monitoring_version))
    found.append(("Profile", profile.profile_id))
    return found


def _sampling(profile: Profile) -> str:
    sampling = profile.sampling
    how = sampling.mode if sampling.rate is None else f"fixed rate {sampling.rate:g}"
    stands_for = sampling.calls_since_previous
    if stands_for is None:
        return how
    return f"{how}, stands for {stands_for:,} call{'' if stands_for == 1 else 's'}"


_IDS = ("Workflow", "Workflow run", "Activity")
_LABELS = {
    "workflow_id": "Workflow",
    "workflow_run_id": "Workflow run",
    "activity_id": "Activity",
    "tenant_id": "Tenant",
    "correlation_id": "Correlation",
    "trace_id": "Trace",
    "span_id": "Span",
}
