"""A profile as text: what somebody needs who has a terminal and little time."""

from __future__ import annotations

from datetime import UTC

from application_sdk.monitoring.model.profile import CpuProfile, MemoryProfile, Profile
from application_sdk.monitoring.renderers.tables import Column, function_table
from application_sdk.monitoring.renderers.units import (
    human_bytes,
    human_count,
    human_seconds,
    one_line,
    share,
)

EXTENSION = ".txt"


def render(profile: Profile) -> bytes:
    """The summary as UTF-8 text."""
    return render_summary(profile).encode("utf-8", "replace")


def render_summary(profile: Profile) -> str:
    """The summary as text: the call, its hottest functions, its memory, notes and cost."""
    sections = [_head(profile)]
    if profile.cpu is not None:
        sections.append(_cpu(profile.cpu))
    if profile.memory is not None:
        sections.append(_memory(profile.memory))
    if profile.notes:
        sections.append("Notes\n" + "".join(f"  - {one_line(note)}\n" for note in profile.notes))
    sections.append(_cost(profile))
    return "\n".join(sections)


def outcome(profile: Profile) -> str:
    """How the call ended, in words."""
    if profile.exception_type:
        return f"{profile.outcome} {one_line(profile.exception_type)}"
    return profile.outcome


def _head(profile: Profile) -> str:
    started = profile.started_at
    if started.tzinfo is not None:
        started = started.astimezone(UTC)
    process = profile.process
    where = f"{process.pid} on {one_line(process.hostname)}"
    lines = [
        one_line(profile.name),
        f"  outcome   {outcome(profile)}",
        f"  started   {started:%Y-%m-%d %H:%M:%S} UTC",
        f"  duration  {human_seconds(profile.duration_seconds)}",
        f"  process   {where}, {process.implementation} {process.python}",
    ]
    context = profile.context.model_dump(exclude_none=True)
    for index, (key, value) in enumerate(context.items()):
        label = "context" if index == 0 else ""
        lines.append(f"  {label:<9} {key} {one_line(str(value))}")
    stands_for = profile.sampling.calls_since_previous
    if stands_for is not None and stands_for > 1:
        lines.append(f"  sampled   1 of {human_count(stands_for)} calls")
    lines.append(f"  profile   {profile.profile_id}")
    return "\n".join(lines) + "\n"


def _cpu(cpu: CpuProfile) -> str:
    wall = cpu.wall_seconds
    parts = [f"wall {human_seconds(wall)}"]
    for label, value in (("on CPU", cpu.cpu_seconds), ("awaiting", cpu.await_seconds)):
        if value is None:
            parts.append(f"{label} not measured")
        else:
            parts.append(f"{label} {human_seconds(value)}{_in_brackets(share(value, wall))}")
    samples = f"{human_count(cpu.sample_count)} samples"
    lines = [
        f"Time ({cpu.backend}, {samples}, one every {human_seconds(cpu.interval_seconds)})",
        "  " + ", ".join(parts),
    ]
    titles = {"wall_seconds": "", "cpu_seconds": " cpu", "await_seconds": " await"}
    columns = [
        Column(titles.get(metric, f" {metric}"), metric, human_seconds)
        for metric in cpu.tree.metrics
    ]
    return "\n".join(lines) + "\n\n" + function_table("Hottest functions", cpu.tree, columns)


def _memory(memory: MemoryProfile) -> str:
    scope = "this call's own allocations" if memory.scope == "call" else "the whole process"
    lines = [f"Memory ({memory.backend}, {scope})", f"  RSS       {_rss(memory)}"]
    for label, value in (("peak", memory.peak_bytes), ("retained", memory.retained_bytes)):
        lines.append(f"  {label:<9} {'not measured' if value is None else human_bytes(value)}")
    if memory.allocation_count is not None:
        lines.append(f"  made      {human_count(memory.allocation_count)} allocations")
    text = "\n".join(lines) + "\n"
    for title, tree in (
        ("Holding most at the peak", memory.peak_tree),
        ("Holding most of what was retained", memory.retained_tree),
    ):
        if tree is not None:
            columns = [
                Column(
                    "" if place == 0 else f" {metric}",
                    metric,
                    human_bytes if metric == "bytes" else human_count,
                )
                for place, metric in enumerate(tree.metrics)
            ]
            text += "\n" + function_table(title, tree, columns)
    return text


def _rss(memory: MemoryProfile) -> str:
    before, after, peak = (
        memory.rss_before_bytes,
        memory.rss_after_bytes,
        memory.rss_peak_bytes,
    )
    if before is None and after is None and peak is None:
        return "not measured"
    parts = [
        f"{label} {'not measured' if value is None else human_bytes(value)}"
        for label, value in (("before", before), ("peak", peak), ("after", after))
    ]
    if before is not None and after is not None:
        sign = "+" if after >= before else ""
        parts[-1] += f" ({sign}{human_bytes(after - before)})"
    return ", ".join(parts)


def _cost(profile: Profile) -> str:
    cost = human_seconds(profile.overhead)
    part = share(profile.overhead, profile.duration_seconds)
    return f"Monitoring cost this call {cost}{_in_brackets(part, ' of its duration')}.\n"


def _in_brackets(text: str, suffix: str = "") -> str:
    return f" ({text}{suffix})" if text else ""
