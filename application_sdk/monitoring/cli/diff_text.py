"""The difference of two profiles as text for a terminal."""

from __future__ import annotations

from datetime import UTC

from application_sdk.monitoring.analysis.difference import (
    Difference,
    FunctionDifference,
    ViewDifference,
)
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.units import (
    human_bytes,
    human_count,
    human_seconds,
    one_line,
    share,
)

ROWS = 10

_HUMAN = {"seconds": human_seconds, "bytes": human_bytes, "count": human_count}


def diff_text(base: Profile, candidate: Profile, found: Difference) -> str:
    """Both profiles, and for each metric the functions whose own value changed most."""
    sections = [_side("base", base) + _side("candidate", candidate)]
    sections += [_view(view) for view in found.views]
    for label, keys in (
        ("base", found.only_in_base),
        ("candidate", found.only_in_candidate),
    ):
        if keys:
            sections.append(f"Only in the {label}: {', '.join(keys)}\n")
    return "\n".join(sections)


def _side(label: str, profile: Profile) -> str:
    started = profile.started_at
    if started.tzinfo is not None:
        started = started.astimezone(UTC)
    return (
        f"{label:<10}{one_line(profile.name)}, {started:%Y-%m-%d %H:%M:%S} UTC, "
        f"{human_seconds(profile.duration_seconds)}, {profile.outcome}\n"
    )


def _view(view: ViewDifference) -> str:
    human = _HUMAN[view.unit]
    title = view.title[:1].upper() + view.title[1:]
    head = (
        f"{title}: {human(view.base)} -> {human(view.candidate)}"
        f"{_in_percent(view.base, view.candidate)}\n"
    )
    changed = [item for item in view.functions if item.change]
    if not changed:
        return head + "  no function's own value changed\n"
    rows = [["base", "", "candidate", "", "change"]]
    rows += [
        [
            human(item.base_self),
            share(item.base_self, view.base),
            human(item.candidate_self),
            share(item.candidate_self, view.candidate),
            _signed(human(item.change)),
        ]
        for item in changed[:ROWS]
    ]
    names = ["", *(_name(item) for item in changed[:ROWS])]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = []
    for row, name in zip(rows, names, strict=True):
        cells = "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        lines.append(f"  {cells}  {name}".rstrip() + "\n")
    if len(changed) > ROWS:
        lines.append(f"  and {human_count(len(changed) - ROWS)} more (--json has all)\n")
    return head + "".join(lines)


def _name(item: FunctionDifference) -> str:
    place = f"  {item.file}:{item.line}" if item.file else ""
    seen = ""
    if not item.base_total:
        seen = "  (new)"
    elif not item.candidate_total:
        seen = "  (gone)"
    return one_line(f"{item.function}{place}") + seen


def _in_percent(base: float, candidate: float) -> str:
    return f" ({_signed(f'{100 * (candidate - base) / base:.1f} %')})" if base else ""


def _signed(text: str) -> str:
    return text if text.startswith("-") else f"+{text}"
