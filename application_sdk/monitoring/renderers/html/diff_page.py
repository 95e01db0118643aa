"""The page that shows what differs between two profiles."""

from __future__ import annotations

from collections.abc import Callable

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.html.facts import facts_of
from application_sdk.monitoring.renderers.html.page import definitions, document
from application_sdk.monitoring.renderers.html.payload import UNITS, Metric, Tree, encode_payload
from application_sdk.monitoring.renderers.html.text import escape, format_bytes, format_seconds
from application_sdk.monitoring.renderers.html.trees import LABELS, call_trees
from application_sdk.monitoring.renderers.html.union import Union, unite

_KINDS = ("cpu", "peak", "retained")
_MOST_ROWS = 25
_LEGEND = (
    '<p class="legend script-only"><span><i class="more"></i>costs more than before</span> '
    '<span><i class="less"></i>costs less</span> <span>+ added</span> <span>&minus; removed</span></p>\n'
)


def render_diff(baseline: Profile, candidate: Profile) -> bytes:
    """The page of two profiles: widths, colours and a table of what changed between them.

    Args:
        baseline: What to compare with.
        candidate: What may differ.

    Returns:
        One UTF-8 HTML document that needs no other file and no network, equal to the byte
        for equal profiles.
    """
    names = dict.fromkeys((baseline.name, candidate.name))
    title = f"{' → '.join(names)}: what changed"
    before, after = dict(call_trees(baseline)), dict(call_trees(candidate))
    trees: list[Tree] = []
    still: list[str] = []
    for kind in _KINDS:
        both = unite(before.get(kind), after.get(kind))
        if both is None:
            continue
        trees.append(_tree(kind, both))
        metric = trees[-1].metrics[0]
        still.append(f"<h2>{escape(metric.label)}</h2>\n{_table(both, metric)}")
    if not trees:
        still.append("<p>Neither profile holds a call tree.</p>\n")
    header = {"page": "diff", "title": title, "timeline": [[], []]}
    head = _head(title, baseline, candidate)
    return document(title, head, "".join(still), encode_payload(trees, header))


def _tree(kind: str, both: Union) -> Tree:
    metrics = []
    for key in both.tree.metrics:
        name = f"{kind}.{key}"
        sides = (both.baseline[key], both.candidate[key])
        metrics.append(Metric(name, LABELS.get(name, key), UNITS.get(key, ""), sides))
    return Tree(kind, both.tree, tuple(metrics))


def _head(title: str, baseline: Profile, candidate: Profile) -> str:
    figures = [
        (label, f"{form(before)} → {form(after)}")
        for label, before, after, form in _figures(baseline, candidate)
        if before is not None and after is not None
    ]
    parts = [f'<h1 dir="auto">{escape(title)}</h1>\n', definitions("figures", figures), _LEGEND]
    for side, profile in (("Baseline", baseline), ("Candidate", candidate)):
        facts = facts_of(profile)
        notes = "".join(
            f'<li dir="auto">{escape(f"{side}: {note}")}</li>\n' for note in facts.notes
        )
        if notes:
            parts.append(f'<ul class="notes" aria-label="Notes">\n{notes}</ul>\n')
        details = (("Name", profile.name), ("Outcome", facts.outcome), *facts.details)
        parts.append(
            f"<details>\n<summary>{side}</summary>\n{definitions('details', details)}</details>\n"
        )
    return "".join(parts)


_Figure = tuple[str, float | None, float | None, Callable[[float], str]]


def _figures(baseline: Profile, candidate: Profile) -> list[_Figure]:
    found: list[_Figure] = [
        ("Duration", baseline.duration_seconds, candidate.duration_seconds, format_seconds)
    ]
    if baseline.cpu and candidate.cpu:
        before, after = baseline.cpu.cpu_seconds, candidate.cpu.cpu_seconds
        found.append(("CPU burnt", before, after, format_seconds))
    if baseline.memory and candidate.memory:
        one, two = baseline.memory, candidate.memory
        found.append(("Peak memory", one.peak_bytes, two.peak_bytes, format_bytes))
        found.append(("Retained", one.retained_bytes, two.retained_bytes, format_bytes))
    return found


def _table(both: Union, metric: Metric) -> str:
    """The functions whose self value changed most, for where no script runs."""
    tree: CallTree = both.tree
    before, after = [0.0] * len(tree.frames), [0.0] * len(tree.frames)
    for frame, one, two in zip(tree.frame_ids, *metric.sides, strict=True):
        before[frame] += one
        after[frame] += two
    changed = sorted(
        range(len(before)), key=lambda frame: (-abs(after[frame] - before[frame]), frame)
    )
    form = format_seconds if metric.unit == "s" else format_bytes
    rows = []
    for frame in changed[:_MOST_ROWS]:
        change = after[frame] - before[frame]
        if not change:
            break
        function, file, line = tree.frames[frame]
        place = f"{tree.files[file]}:{line}" if tree.files[file] else ""
        rows.append(
            f"<tr><td>{'+' if change > 0 else ''}{escape(form(change))}</td>"
            f"<td>{escape(form(before[frame]))} → {escape(form(after[frame]))}</td>"
            f"<td><bdi>{escape(function[:300])}</bdi></td><td><bdi>{escape(place[:300])}</bdi></td></tr>\n"
        )
    if not rows:
        return "<p>Nothing changed.</p>\n"
    return (
        "<table>\n<thead><tr><th>Change in self</th><th>Baseline → candidate</th>"
        f"<th>Function</th><th>Place</th></tr></thead>\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n"
    )
