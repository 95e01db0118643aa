"""Which trees and metrics of a profile a page shows, in which order and under which names."""

from __future__ import annotations

from collections.abc import Sequence

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.html.payload import UNITS, Metric, Tree

LABELS = {
    "cpu.wall_seconds": "Wall time",
    "cpu.cpu_seconds": "CPU time (burnt)",
    "cpu.await_seconds": "Awaiting",
    "peak.bytes": "Peak memory",
    "peak.allocations": "Allocations alive at peak",
    "retained.bytes": "Retained memory",
    "retained.allocations": "Allocations retained",
}

# More points than this cannot be told apart on any screen.
_MOST_POINTS = 2000


def call_trees(profile: Profile) -> list[tuple[str, CallTree]]:
    """The non-empty call trees of a profile by kind: ``cpu``, ``peak``, ``retained``."""
    cpu = profile.cpu.tree if profile.cpu else None
    peak = profile.memory.peak_tree if profile.memory else None
    retained = profile.memory.retained_tree if profile.memory else None
    known = (("cpu", cpu), ("peak", peak), ("retained", retained))
    return [(kind, tree) for kind, tree in known if tree is not None and len(tree)]


def page_trees(profile: Profile) -> list[Tree]:
    """The trees of a profile with their metrics, ready to encode."""
    return [
        Tree(kind, tree, tuple(_metric(kind, key, (tree.values[key],)) for key in tree.metrics))
        for kind, tree in call_trees(profile)
    ]


def _metric(kind: str, key: str, sides: tuple[Sequence[float], ...]) -> Metric:
    name = f"{kind}.{key}"
    return Metric(name, LABELS.get(name, key.replace("_", " ")), UNITS.get(key, ""), sides)


def timeline(profile: Profile) -> list[list[float]]:
    """Resident memory over time as a column of milliseconds and one of bytes.

    A long series keeps the lowest and highest reading of each stretch, so no peak is lost.
    """
    points = profile.memory.timeline if profile.memory else ()
    if len(points) > _MOST_POINTS:
        stretch = -(-len(points) * 2 // _MOST_POINTS)
        kept: list[tuple[float, int]] = []
        for start in range(0, len(points), stretch):
            part = points[start : start + stretch]
            extremes = {min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1])}
            kept.extend(sorted(extremes))
        points = tuple(kept)
    return [[round(at * 1000, 3) for at, _ in points], [value for _, value in points]]
