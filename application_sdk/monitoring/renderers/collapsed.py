"""Collapsed stacks: one line a call path, the input of ``flamegraph.pl`` and many others.

A line reads ``outer (file:line);inner (file:line) 1234``. The number is the last frame's
**self** value: microseconds for time, bytes for memory, a plain count for allocations.
The format has room for one metric, so a profile with several needs one to be chosen.
"""

from __future__ import annotations

import re

from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.views import find_view

EXTENSION = ".collapsed.txt"

_MICROSECONDS = 1_000_000
_LOCATED = re.compile(r" \([^\n]*:-?\d+\)\Z")
# A semicolon parts frames and a line break parts stacks, and the format has no way to
# quote them. They become what a URL makes of them; a percent sign only where it would
# be taken for one of these.
_RESERVED = re.compile(r"[;\n\r]|%(?=3B|0A|0D|25)")


def render(profile: Profile, metric: str | None = None) -> bytes:
    """The profile's call paths with their self values as whole numbers.

    The lines add up to the tree's total: what rounding takes from one line it gives to the
    next, so that no line is off by a whole microsecond and neither is the sum.

    Args:
        profile: The profile.
        metric: Key of the view to write (``wall_seconds``, ``cpu_seconds``,
            ``await_seconds``, ``peak_bytes``, ``peak_allocations``, ``retained_bytes``,
            ``retained_allocations``). Left out, the profile's first: wall time where
            there is a CPU half, else the bytes at the peak. A profile without any call
            tree gives an empty file.

    Raises:
        InvalidArgumentError: If the profile does not have the metric.
    """
    if metric is None and not _has_trees(profile):
        return b""
    view = find_view(profile, metric)
    tree = view.tree
    scale = _MICROSECONDS if view.unit == "seconds" else 1
    own = tree.self_values(view.metric)
    labels = [_label(Frame(name, tree.files[file], line)) for name, file, line in tree.frames]
    lines: list[str] = []
    path: list[str] = []
    carried = 0.0
    for node in tree.walk():
        del path[node.depth :]
        path.append(labels[tree.frame_ids[node.node]])
        value = own[node.node]
        is_leaf = node.node + 1 == len(tree) or tree.parents[node.node + 1] != node.node
        if value or is_leaf:
            exact = value * scale + carried
            rounded = round(exact)
            carried = exact - rounded
            lines.append(f"{';'.join(path)} {rounded}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def _has_trees(profile: Profile) -> bool:
    memory = profile.memory
    return profile.cpu is not None or (
        memory is not None and not (memory.peak_tree is None and memory.retained_tree is None)
    )


def _label(frame: Frame) -> str:
    label = frame.function
    # A bare name that happens to end like a place gets an empty place behind it.
    if frame.file or frame.line or _LOCATED.search(label):
        label = f"{label} ({frame.file}:{frame.line})"
    return _RESERVED.sub(lambda match: f"%{ord(match[0]):02X}", label)
