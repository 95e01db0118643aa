"""A profile on a terminal: the text summary's facts, with bars, curves and colours."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from application_sdk.monitoring.analysis.leaks.retained import LEAKS_NOTE
from application_sdk.monitoring.cli.report_tables import functions_by_own, functions_by_total
from application_sdk.monitoring.cli.terminal import Sheet
from application_sdk.monitoring.model.profile import (
    CallContext,
    CpuProfile,
    MemoryProfile,
    Profile,
    SamplingInfo,
)
from application_sdk.monitoring.renderers.summary import outcome
from application_sdk.monitoring.renderers.units import (
    human_bytes,
    human_count,
    human_seconds,
    share,
)

if TYPE_CHECKING:
    from rich.text import Text

_ENDINGS = {"returned": "green", "closed": "green", "raised": "red", "cancelled": "yellow"}
_MODES = {
    "fixed": "at a rate of {rate:g}",
    "trace": "because its span is sampled",
    "adaptive": "within the overhead budget",
}
_CONTEXT = (
    ("workflow", ("workflow_type", "workflow_id", "workflow_run_id")),
    ("activity", ("activity_type", "activity_id", "attempt", "task_queue")),
    ("belongs to", ("tenant_id", "correlation_id", "trace_id", "span_id")),
)
_BUDGETED = 0.05
_MUCH = 0.25


def show_profile(profile: Profile, sheet: Sheet) -> None:
    """Show all that the text summary says, section by section."""
    leaks = LEAKS_NOTE in profile.notes
    _head(profile, sheet)
    notes = [note for note in profile.notes if note != LEAKS_NOTE]
    if notes:
        sheet.heading("Notes")
        for note in notes:
            sheet.item(note, style="yellow")
    if profile.cpu is not None:
        _time(profile.cpu, sheet)
    if profile.memory is not None:
        if leaks:
            _leaks(profile.memory, sheet)
        else:
            _memory(profile.memory, sheet)
    _cost(profile, sheet)


def _head(profile: Profile, sheet: Sheet) -> None:
    from rich.text import Text

    started = profile.started_at
    if started.tzinfo is not None:
        started = started.astimezone(UTC)
    ending = Text(outcome(profile), style=f"bold {_ENDINGS[profile.outcome]}")
    ending.append(f" after {human_seconds(profile.duration_seconds)}", style="bold default")
    sheet.title(profile.name, ending)
    process = profile.process
    sheet.fact("started", f"{started:%Y-%m-%d %H:%M:%S} UTC")
    sheet.fact(
        "worker",
        f"{process.hostname}, process {process.pid}, {process.implementation} {process.python}",
    )
    for label, value in _belongs(profile.context):
        sheet.fact(label, value)
    sheet.fact("sampled", _sampled(profile.sampling))
    backends = [
        f"{kind} by {half.backend}"
        for kind, half in (("time", profile.cpu), ("memory", profile.memory))
        if half is not None
    ]
    sheet.fact("measured", ", ".join(backends) or "nothing")
    sheet.fact("profile", profile.profile_id)


def _belongs(context: CallContext) -> list[tuple[str, str]]:
    known = context.model_dump(exclude_none=True)
    lines = []
    for label, keys in _CONTEXT:
        parts = [
            str(known[key]) if key.endswith("_type") else f"{_spoken(key, label)} {known[key]}"
            for key in keys
            if key in known
        ]
        if parts:
            lines.append((label, ", ".join(parts)))
    return lines


def _spoken(key: str, label: str) -> str:
    return key.removeprefix(f"{label}_").replace("_", " ")


def _sampled(sampling: SamplingInfo) -> str:
    stands_for = sampling.calls_since_previous
    if stands_for is not None and stands_for > 1:
        calls = f"1 of {human_count(stands_for)} calls"
    else:
        calls = "this call"
    rate = 0.0 if sampling.rate is None else sampling.rate
    return f"{calls}, {_MODES[sampling.mode].format(rate=rate)}"


def _time(cpu: CpuProfile, sheet: Sheet) -> None:
    samples = f"{human_count(cpu.sample_count)} samples, one every"
    sheet.heading("Time", f"{cpu.backend}, {samples} {human_seconds(cpu.interval_seconds)}")
    whole = cpu.wall_seconds
    for label, value, style in (
        ("wall", whole, "blue"),
        ("on CPU", cpu.cpu_seconds, "red"),
        ("awaiting", cpu.await_seconds, "cyan"),
    ):
        sheet.fact(label, _measured(value, whole, style, sheet))
    others = cpu.tree.metrics[1:]
    functions_by_own("Hottest functions by own time", cpu.tree, others, "red", sheet)
    functions_by_total("Hottest functions in total", cpu.tree, others, "blue", sheet)


def _measured(value: float | None, whole: float, style: str, sheet: Sheet) -> Text:
    from rich.text import Text

    if value is None:
        return Text("not measured", style="dim")
    text = Text(f"{human_seconds(value):>10}")
    text.append(f"  {share(value, whole):>7}  ", style="dim")
    room = sheet.width - 35 if sheet.roomy else 0
    return text + sheet.bar(value, whole, min(40, room), style)


def _memory(memory: MemoryProfile, sheet: Sheet) -> None:
    scope = "this call's own allocations" if memory.scope == "call" else "the whole process"
    sheet.heading("Memory", f"{memory.backend}, {scope}")
    _resident(memory, sheet)
    for label, value in (("peak", memory.peak_bytes), ("retained", memory.retained_bytes)):
        sheet.fact(label, _amount(value))
    if memory.allocation_count is not None:
        sheet.fact("made", f"{human_count(memory.allocation_count)} allocations")
    for title, tree, style in (
        ("Holding most at the peak", memory.peak_tree, "magenta"),
        ("Holding most of what was retained", memory.retained_tree, "yellow"),
    ):
        if tree is not None:
            functions_by_own(title, tree, tree.metrics[1:], style, sheet)


def _amount(value: int | None) -> Text:
    from rich.text import Text

    if value is None:
        return Text("not measured", style="dim")
    return Text(human_bytes(value), style="bold")


def _resident(memory: MemoryProfile, sheet: Sheet) -> None:
    from rich.text import Text

    before, peak, after = memory.rss_before_bytes, memory.rss_peak_bytes, memory.rss_after_bytes
    known = [
        f"{label} {human_bytes(value)}"
        for label, value in (("before", before), ("peak", peak), ("after", after))
        if value is not None
    ]
    text = Text(", ".join(known)) if known else Text("not measured", style="dim")
    if before is not None and after is not None:
        grown = after - before
        text.append(f" ({'+' if grown >= 0 else ''}{human_bytes(grown)})", style="dim")
    sheet.fact("RSS", text)
    if len(memory.timeline) > 1:
        cells = min(60, sheet.width - 30 if sheet.roomy else sheet.width - 11)
        curve = sheet.curve(memory.timeline, cells, "magenta")
        if sheet.roomy:
            length = memory.timeline[-1][0] - memory.timeline[0][0]
            curve.append(f" over {human_seconds(length)}", style="dim")
        sheet.fact("", curve)


def _leaks(memory: MemoryProfile, sheet: Sheet) -> None:
    sheet.heading("Leaks", "only what kept growing from call to call")
    sheet.fact("grew by", _amount(memory.retained_bytes))
    if memory.retained_tree is not None:
        others = memory.retained_tree.metrics[1:]
        functions_by_own("Where it is allocated", memory.retained_tree, others, "yellow", sheet)


def _cost(profile: Profile, sheet: Sheet) -> None:
    from rich.text import Text

    sheet.heading("Cost of monitoring")
    part = profile.overhead / profile.duration_seconds if profile.duration_seconds else 0.0
    style = "green" if part <= _BUDGETED else "yellow" if part <= _MUCH else "red"
    text = Text(human_seconds(profile.overhead), style=style)
    percent = share(profile.overhead, profile.duration_seconds)
    if percent:
        text.append(f", {percent} of the call", style="dim")
    sheet.fact("this call", text)
