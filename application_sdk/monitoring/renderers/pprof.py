"""A profile in pprof's format, for ``go tool pprof``, Pyroscope, Parca and their like.

One file holds both halves: every sample has one value for each sample type, 0 in those
that its call tree does not measure.

=============================  ==================  ==================================
in the profile                 sample type, unit   meaning
=============================  ==================  ==================================
``wall_seconds``               wall, nanoseconds   elapsed time
``cpu_seconds``                cpu, nanoseconds    time on a CPU
``await_seconds``              await, nanoseconds  time that a coroutine was suspended
``peak_bytes``                 alloc_space, bytes  allocated and alive at the peak
``peak_allocations``           alloc_objects,      how many allocations that was
                               count
``retained_bytes``             inuse_space, bytes  still alive when the call ended
``retained_allocations``       inuse_objects,      how many allocations that was
                               count
=============================  ==================  ==================================

The ``alloc`` names are the ones that the tools know; Go counts in them what was ever
allocated, we what was alive at the peak, and the file says so in a comment.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC

from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.views import View, views
from application_sdk.monitoring.renderers.protobuf import (
    block,
    int64,
    number,
    packed,
    text,
    varint,
)

EXTENSION = ".pprof.pb.gz"

_NANOSECONDS = 1_000_000_000
_TYPES = {
    "wall_seconds": "wall",
    "cpu_seconds": "cpu",
    "await_seconds": "await",
    "peak_bytes": "alloc_space",
    "peak_allocations": "alloc_objects",
    "retained_bytes": "inuse_space",
    "retained_allocations": "inuse_objects",
}
LABELS = {"span_id": "profile_id"}
"""Names of labels that differ from ours: by this one Pyroscope finds the profile of a span."""
_UNITS = {"seconds": "nanoseconds", "bytes": "bytes", "count": "count"}
_PEAK_COMMENT = "alloc_space and alloc_objects: allocated by the call and alive at its peak"
_RETAINED_COMMENT = "inuse_space and inuse_objects: allocated by the call and alive at its end"


def render(profile: Profile) -> bytes:
    """The profile as gzip-compressed protocol buffers; equal profiles give equal bytes."""
    return render_together([profile])


def render_together(profiles: Sequence[Profile]) -> bytes:
    """Several profiles in one file, each with its own labels on its samples.

    Args:
        profiles: At least one; all with the same views, as profiles of one function have.
    """
    # The time in the gzip header is left out: it would make equal profiles differ.
    return gzip.compress(_Writer(profiles).message(), compresslevel=6, mtime=0)


class _Writer:
    """Collects the tables of one pprof message; the field numbers are profile.proto's."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        self._profiles = profiles
        self._profile = profiles[0]
        self._views = views(self._profile)
        # Index 0 must be the empty string: it stands for "nothing".
        self._strings: dict[str, int] = {"": 0}
        self._locations: dict[Frame, int] = {}
        self._body: list[bytes] = []

    def message(self) -> bytes:
        for view in self._views:
            self._body.append(block(1, self._value_type(_TYPES.get(view.key, view.key), view)))
        for each in self._profiles:
            labels = self._labels(each)
            for tree_views in _views_by_tree(each):
                self._samples(tree_views, labels)
        self._mapping()
        for frame, location in self._locations.items():
            self._location(frame, location)
        began, duration = self._span()
        self._body.append(number(9, int64(began)))
        self._body.append(number(10, int64(duration)))
        self._period()
        comments = [self._string(comment) for comment in self._comments()]
        self._body.append(packed(13, comments))
        if self._views:
            first = self._views[0].key
            self._body.append(number(14, self._string(_TYPES.get(first, first))))
        strings = b"".join(text(6, string) for string in self._strings)
        return b"".join(self._body) + strings

    def _value_type(self, name: str, view: View) -> bytes:
        return number(1, self._string(name)) + number(2, self._string(_UNITS[view.unit]))

    def _span(self) -> tuple[int, int]:
        """When the first call began and how long it was until the last one's end."""
        began, ended = [], []
        for each in self._profiles:
            started = each.started_at
            if started.tzinfo is None:
                started = started.replace(tzinfo=UTC)
            began.append(round(started.timestamp() * 1e6) * 1000)
            ended.append(began[-1] + round(each.duration_seconds * _NANOSECONDS))
        return min(began), max(ended) - min(began)

    def _samples(self, tree_views: list[tuple[int, View]], labels: bytes) -> None:
        tree = tree_views[0][1].tree
        columns = [
            (place, _NANOSECONDS if view.unit == "seconds" else 1, tree.self_values(view.metric))
            for place, view in tree_views
        ]
        # Per depth the encoded path, innermost location first: a child's is its own
        # location before its parent's path, so no path is encoded twice.
        paths = [b""]
        for node in tree.walk():
            del paths[node.depth + 1 :]
            location = self._locations.setdefault(node.frame, len(self._locations) + 1)
            paths.append(varint(location) + paths[-1])
            values = [0] * len(self._views)
            for place, scale, column in columns:
                values[place] = int64(round(column[node.node] * scale))
            if any(values):
                self._body.append(block(2, block(1, paths[-1]) + packed(2, values) + labels))

    def _labels(self, profile: Profile) -> bytes:
        """What the call belonged to: on every sample, because pprof has no other place for it."""
        labels = []
        for key, value in profile.context.model_dump(exclude_none=True).items():
            label = number(1, self._string(LABELS.get(key, key)))
            if isinstance(value, int):
                label += number(3, int64(value))
            else:
                label += number(2, self._string(str(value)))
            labels.append(block(3, label))
        return b"".join(labels)

    def _mapping(self) -> None:
        # One mapping stands for the program. It says that functions, files and lines are
        # known, or the tools would look for a binary to find them in. A build id is left
        # out: Python code has none.
        self._body.append(
            block(
                3,
                number(1, 1)
                + number(5, self._string(self._profile.name))
                + number(7, 1)
                + number(8, 1)
                + number(9, 1),
            )
        )

    def _location(self, frame: Frame, location: int) -> None:
        # Functions and locations are the same thing here and share their numbers.
        line = number(1, location) + number(2, int64(frame.line))
        self._body.append(block(4, number(1, location) + number(2, 1) + block(4, line)))
        name = self._string(frame.function)
        function = (
            number(1, location)
            + number(2, name)
            + number(3, name)
            + number(4, self._string(frame.file))
            + number(5, int64(frame.line))
        )
        self._body.append(block(5, function))

    def _period(self) -> None:
        cpu = self._profile.cpu
        if cpu is None:
            return
        wall = number(1, self._string("wall")) + number(2, self._string("nanoseconds"))
        self._body.append(block(11, wall))
        self._body.append(number(12, int64(round(cpu.interval_seconds * _NANOSECONDS))))

    def _comments(self) -> list[str]:
        keys = {view.key for view in self._views}
        comments = [f"profile {each.profile_id} of {each.name}" for each in self._profiles]
        if "peak_bytes" in keys:
            comments.append(_PEAK_COMMENT)
        if "retained_bytes" in keys:
            comments.append(_RETAINED_COMMENT)
        notes = dict.fromkeys(note for each in self._profiles for note in each.notes)
        return [*comments, *notes]

    def _string(self, value: str) -> int:
        return self._strings.setdefault(value, len(self._strings))


def _views_by_tree(profile: Profile) -> list[list[tuple[int, View]]]:
    """The views in groups of one call tree, each with its place among the sample types."""
    groups: dict[int, list[tuple[int, View]]] = {}
    for place, view in enumerate(views(profile)):
        groups.setdefault(id(view.tree), []).append((place, view))
    return list(groups.values())
