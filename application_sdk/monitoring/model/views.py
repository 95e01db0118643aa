"""The things that a profile can be asked for: one call tree and one metric each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import Profile

Unit = Literal["seconds", "bytes", "count"]

TITLES = {
    "wall_seconds": "wall time",
    "cpu_seconds": "CPU time",
    "await_seconds": "awaiting",
    "peak_bytes": "memory at the peak",
    "peak_allocations": "allocations at the peak",
    "retained_bytes": "memory retained",
    "retained_allocations": "allocations retained",
}
"""What each key is called for people."""


class View(NamedTuple):
    """One metric of one of a profile's call trees.

    Attributes:
        key: What to ask for it by: the metric's name in a CPU profile (``wall_seconds``,
            ``cpu_seconds``, ``await_seconds``), the moment and the metric in a memory
            profile (``peak_bytes``, ``peak_allocations``, ``retained_bytes``,
            ``retained_allocations``). Unique in a profile.
        title: The same for people.
        unit: What the values are counted in.
        tree: The call tree.
        metric: The metric's name in that tree.
    """

    key: str
    title: str
    unit: Unit
    tree: CallTree
    metric: str

    @property
    def total(self) -> float:
        """The whole tree's value, in ``unit``."""
        return self.tree.total(self.metric)


def views(profile: Profile) -> tuple[View, ...]:
    """All views of a profile: time first, then the peak, then what was retained."""
    return tuple(_views(profile))


def find_view(profile: Profile, key: str | None = None) -> View:
    """The view with a key, the profile's first one when no key is given.

    Raises:
        InvalidArgumentError: If the profile has no such view, or none at all.
    """
    known = views(profile)
    for view in known:
        if key is None or view.key == key:
            return view
    if not known:
        raise InvalidArgumentError(
            f"profile {profile.profile_id} holds no call tree"
            + (f": {'; '.join(profile.notes)}" if profile.notes else "")
        )
    keys = ", ".join(view.key for view in known)
    raise InvalidArgumentError(f"metric={key!r} is not in this profile; it has {keys}")


def _views(profile: Profile) -> Iterator[View]:
    if profile.cpu is not None:
        yield from _of_tree(profile.cpu.tree, "")
    if profile.memory is not None:
        for moment, tree in (
            ("peak_", profile.memory.peak_tree),
            ("retained_", profile.memory.retained_tree),
        ):
            if tree is not None:
                yield from _of_tree(tree, moment)


def _of_tree(tree: CallTree, prefix: str) -> Iterator[View]:
    for metric in tree.metrics:
        key = prefix + metric
        yield View(key, TITLES.get(key, key.replace("_", " ")), _unit(metric), tree, metric)


def _unit(metric: str) -> Unit:
    if metric.endswith("seconds"):
        return "seconds"
    return "bytes" if metric.endswith("bytes") else "count"
