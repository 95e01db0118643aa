"""From traced call paths to the lines that leak, and to a retained call tree of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from application_sdk.monitoring.analysis.leaks.report import LeakSite
from application_sdk.monitoring.analysis.leaks.steps import DRIVER_FILE
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.stack_table import StackTable
from application_sdk.monitoring.protocols import TracedFrame, TracedGrowth, TracedStack

_METRICS = ("bytes", "allocations")
_MOST_NODES = 25_000
_LEAST_SHARE = 0.02
_LARGE = 512
BINDER_FILE = str(Path(DRIVER_FILE).parents[2] / "pytest_plugin" / "body.py")
_CHECKER = str(Path(DRIVER_FILE).parent) + os.sep


@dataclass
class _Place:
    """All growing call paths whose innermost own line is the same."""

    frame: Frame
    line: int
    bytes: list[int]
    count: list[int]
    paths: list[tuple[tuple[TracedFrame, ...], int, int]] = field(default_factory=list)

    def add(self, path: tuple[TracedFrame, ...], stack: TracedStack) -> None:
        for index, (size, count) in enumerate(zip(stack.live_bytes, stack.live_count, strict=True)):
            self.bytes[index] += size
            self.count[index] += count
        self.paths.append((path, _gain(stack.live_bytes), _gain(stack.live_count)))

    @property
    def gained(self) -> int:
        return _gain(self.bytes)

    def keeps_growing(self) -> bool:
        """Whether it gained in the first and in the second half of the judged blocks.

        A ring buffer gains only until it is full, a sawtooth gives back.
        """
        first, last = 1, len(self.bytes) - 1
        middle = (first + last + 1) // 2
        early = self.bytes[middle] - self.bytes[first]
        late = self.bytes[last] - self.bytes[middle]
        return early > 0 and late > 0


@dataclass(frozen=True)
class GrowingSites:
    """What a trace shows to grow.

    Attributes:
        sites: Largest first.
        tree: Retained bytes and allocations of only these sites.
        large_bytes_per_call: The part of objects beyond 512 bytes, which the C heap holds.
    """

    sites: list[LeakSite]
    tree: CallTree
    large_bytes_per_call: float

    def joined_by(self, lines: Sequence[LeakSite]) -> GrowingSites:
        """The same with the lines that take native memory, as far as they are not there."""
        known = {(site.file, site.line) for site in self.sites}
        new = [line for line in lines if (line.file, line.line) not in known]
        sites = sorted([*self.sites, *new], key=lambda site: -site.bytes_per_call)
        return GrowingSites(sites, self.tree, self.large_bytes_per_call)


def find_sites(growth: TracedGrowth, calls: int, is_own: Callable[[str], bool]) -> GrowingSites:
    """Name the lines that keep more with every block of calls.

    Args:
        growth: A trace with a mark before the first block and after each; the first
            block fills what only has a bounded size and is not judged.
        calls: Calls in the judged blocks together.
        is_own: Whether the code of a file is the user's own.
    """
    places: dict[tuple[Frame, int], _Place] = {}
    marks = len(growth.small_bytes)
    for stack in growth.stacks:
        path = _inside(stack.frames)
        if not path:
            continue
        frame, line = _own_place(path, is_own)
        place = places.get((frame, line))
        if place is None:
            place = places[frame, line] = _Place(frame, line, [0] * marks, [0] * marks)
        place.add(path, stack)
    gaining = [place for place in places.values() if place.gained > 0]
    growing = [place for place in gaining if place.keeps_growing()] or gaining
    growing.sort(key=lambda place: -place.gained)
    total = sum(place.gained for place in growing)
    growing = [place for place in growing if place.gained >= _LEAST_SHARE * total]
    return GrowingSites(
        sites=[_site(place, calls) for place in growing],
        tree=_tree(growing),
        large_bytes_per_call=sum(
            size
            for place in growing
            for _, size, count in place.paths
            if size > 0 and size > _LARGE * max(count, 0)
        )
        / calls,
    )


def is_checker(file: str) -> bool:
    """Whether a file belongs to the leak check itself."""
    return file.startswith(_CHECKER)


def _gain(levels: Sequence[int]) -> int:
    return levels[-1] - levels[1]


def _inside(frames: tuple[TracedFrame, ...]) -> tuple[TracedFrame, ...]:
    """The frames of the target: what is outside of the checker's driver is cut away."""
    for index in range(len(frames) - 1, -1, -1):
        if frames[index][0].file == DRIVER_FILE:
            inside = frames[index + 1 :]
            if inside and is_checker(inside[0][0].file):
                return ()
            # What binds a test's fixtures stands between the driver and the test.
            own = next((i for i, (frame, _) in enumerate(inside) if frame.file != BINDER_FILE), 0)
            return inside[own:]
    # Another thread's or task's path is whole; one through the checker is the checker's.
    return () if any(is_checker(frame.file) for frame, _ in frames) else frames


def _own_place(path: tuple[TracedFrame, ...], is_own: Callable[[str], bool]) -> TracedFrame:
    for frame, line in reversed(path):
        if is_own(frame.file):
            return frame, line
    return path[-1]


def _site(place: _Place, calls: int) -> LeakSite:
    path, _, _ = max(place.paths, key=lambda path: path[1])
    return LeakSite(
        function=place.frame.function,
        file=place.frame.file,
        line=place.line,
        bytes_per_call=place.gained / calls,
        allocations_per_call=max(0, _gain(place.count)) / calls,
        stack=tuple(f"{frame.file}:{line} {frame.function}" for frame, line in path),
    )


def _tree(places: Iterable[_Place]) -> CallTree:
    table = StackTable(_METRICS, _MOST_NODES)
    for place in places:
        for path, size, count in place.paths:
            if size > 0:
                table.add([frame for frame, _ in path], (size, max(0, count)))
    return table.tree(_describe)


def _describe(key: Hashable) -> Frame:
    assert isinstance(key, Frame)
    return key
