"""What monitoring costs a worker, as text."""

from __future__ import annotations

from datetime import UTC, datetime

from application_sdk.monitoring.model.spend import COST_KINDS, CostKind, Period, Spend
from application_sdk.monitoring.renderers.units import (
    human_count,
    human_seconds,
    one_line,
    share,
)

_KINDS: dict[CostKind, str] = {
    "calls": "starting, stopping",
    "capturing": "sampling, tracking",
    "writing": "reading, rendering, writing",
    "sending": "sending",
    "watching": "watching for changes",
}
_QUEUES = {"delivery": "to be written"}
_STALE_SECONDS = 60.0


def spend_text(spend: Spend, running: bool | None, now: datetime) -> str:
    """The figures of one process.

    Args:
        spend: What it has published.
        running: Whether it runs; None when not known.
        now: The time.
    """
    state = {True: "running", False: "ended", None: "may have ended"}[running]
    began = spend.began_at.astimezone(UTC)
    age = max(0.0, (now - spend.as_of).total_seconds())
    lately, in_all = spend.lately, spend.in_all
    process = f"{one_line(spend.hostname)}, process {spend.pid}"
    lines = [
        f"{process}: {state}, since {began:%Y-%m-%d %H:%M:%S} UTC",
        _fact("budget", _budget(spend)),
        _fact("cost", _cost(spend)),
    ]
    lines += [
        f"    {_KINDS[kind]:<28} {share(cost, lately.seconds):>7}  {human_seconds(cost)}"
        for kind in COST_KINDS
        if (cost := lately.costs.get(kind, 0.0)) > 0
    ]
    lines += [
        _fact("profiled", f"{human_count(lately.profiled_calls)} calls"),
        _fact("dropped", _dropped(spend)),
        _fact(
            "in all",
            f"{_share(in_all)} of {human_seconds(in_all.seconds)}, "
            f"{human_count(in_all.profiled_calls)} of {human_count(in_all.calls)} calls profiled",
        ),
    ]
    for place, function in enumerate((lately if lately.functions else in_all).functions):
        lines.append(
            _fact(
                "costliest" if place == 0 else "",
                f"{human_seconds(function.cost_seconds):>8}  {one_line(function.name)}  "
                f"({human_count(function.profiled_calls)} profiled)",
            )
        )
    lines.append(_fact("as of", _age(age, running)))
    return "\n".join(lines) + "\n"


def nothing_text(directory: str) -> str:
    """What is said where no process has published anything."""
    return (
        f"No worker has told what monitoring costs it below {one_line(directory)}.\n"
        "A worker does so with its profiles, from five seconds after its first one on; the "
        "directory is its output_dir.\n"
        "A shorter program never does: its profiles say what each call cost.\n"
    )


def _fact(label: str, value: str) -> str:
    return f"  {label:<10} {value}"


def _budget(spend: Spend) -> str:
    text = f"{share(spend.overhead_budget, 1.0)} of time, for functions without a sample_rate"
    if spend.sample_rate is not None:
        text += f"; the process has one: {one_line(str(spend.sample_rate))}"
    return text


def _cost(spend: Spend) -> str:
    lately = spend.lately
    text = (
        f"{_share(lately)} of the last {human_seconds(lately.seconds)} "
        f"({human_seconds(lately.cost_seconds)})"
    )
    if lately.share > spend.overhead_budget:
        text += ", which is over the budget"
    return text


def _share(period: Period) -> str:
    return share(period.cost_seconds, period.seconds) or "0.0 %"


def _dropped(spend: Spend) -> str:
    parts = [
        f"{human_count(count)} waiting {_QUEUES.get(queue, f'to be sent ({queue})')}"
        for queue, count in spend.dropped.items()
        if count
    ]
    return ", ".join(parts) or "none"


def _age(age: float, running: bool | None) -> str:
    text = f"{human_seconds(round(age))} ago"
    if running and age >= _STALE_SECONDS:
        text += ": no profile was finished since"
    return text
