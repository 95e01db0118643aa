"""A call tree: frames merged by call path, one column of self values per metric."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from application_sdk.monitoring.errors import InvalidArgumentError

TRUNCATED_FUNCTION = "(truncated)"
"""Name of the frame that holds what a full stack table could not tell apart."""


class Frame(NamedTuple):
    """One function as it appears in a stack.

    Attributes:
        function: The code's bare name (``co_name``).
        file: The path of the file that defines it; empty when there is none.
        line: The line where the function starts; 0 when unknown.
    """

    function: str
    file: str
    line: int


class FunctionStat(BaseModel):
    """What one function cost over a whole call tree, in the metric's unit.

    Attributes:
        self_value: Spent in the function's own body.
        total_value: Spent in it and in all it called; recursion counts once.
    """

    model_config = ConfigDict(frozen=True)

    function: str
    file: str
    line: int
    self_value: float
    total_value: float


class Node(NamedTuple):
    """One node of a tree while it is walked, parents before children."""

    node: int
    parent: int
    depth: int
    frame: Frame


class CallTree(BaseModel):
    """Call paths merged into a tree and stored column by column.

    Node ``i`` is frame ``frames[frame_ids[i]]`` called from node ``parents[i]``
    (-1 for a root). Nodes stand in preorder: a node comes before its children and
    its whole subtree follows it without a gap. ``values[metric][i]`` is the node's
    **self** value; its total is that plus the totals of its children.

    Attributes:
        metrics: What the tree can be asked for, the default first:
            ``wall_seconds``, ``cpu_seconds``, ``await_seconds`` in a CPU profile,
            ``bytes``, ``allocations`` in a memory profile.
        files: The distinct file paths.
        frames: The distinct frames as ``(function, index into files, line)``.
        parents: Per node the index of its parent, -1 for a root.
        frame_ids: Per node the index of its frame.
        values: Per metric the self value of each node.
    """

    # A value that is no number could not be added up, drawn or written as JSON.
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    metrics: Annotated[tuple[str, ...], Field(min_length=1)]
    files: tuple[str, ...] = ()
    frames: tuple[tuple[str, int, int], ...] = ()
    parents: tuple[int, ...] = ()
    frame_ids: tuple[int, ...] = ()
    values: dict[str, tuple[float, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _columns_fit(self) -> CallTree:
        count = len(self.parents)
        if len(self.frame_ids) != count:
            raise ValueError("parents and frame_ids differ in length")
        if set(self.values) != set(self.metrics):
            raise ValueError("values must hold exactly one column for each metric")
        if any(len(column) != count for column in self.values.values()):
            raise ValueError("a column of values differs in length from parents")
        if any(not 0 <= file < len(self.files) for _, file, _ in self.frames):
            raise ValueError("a frame names a file that is not there")
        if any(not 0 <= frame < len(self.frames) for frame in self.frame_ids):
            raise ValueError("a node names a frame that is not there")
        open_path: list[int] = []
        for node, parent in enumerate(self.parents):
            while open_path and open_path[-1] != parent:
                open_path.pop()
            if parent != -1 and not open_path:
                raise ValueError(f"node {node} does not follow its parent {parent} in preorder")
            open_path.append(node)
        return self

    def __len__(self) -> int:
        """Number of nodes."""
        return len(self.parents)

    def frame(self, node: int) -> Frame:
        """The frame of a node."""
        function, file, line = self.frames[self.frame_ids[node]]
        return Frame(function, self.files[file], line)

    def walk(self) -> Iterator[Node]:
        """Every node in preorder, with its depth (roots have 0)."""
        depths: list[int] = []
        for index, parent in enumerate(self.parents):
            depth = 0 if parent == -1 else depths[parent] + 1
            depths.append(depth)
            yield Node(index, parent, depth, self.frame(index))

    def self_values(self, metric: str | None = None) -> tuple[float, ...]:
        """Each node's own value.

        Raises:
            InvalidArgumentError: If the tree does not have the metric.
        """
        return self.values[self._metric(metric)]

    def totals(self, metric: str | None = None) -> list[float]:
        """Each node's self value plus the totals of its children.

        Raises:
            InvalidArgumentError: If the tree does not have the metric.
        """
        totals = list(self.self_values(metric))
        for node in range(len(totals) - 1, -1, -1):
            parent = self.parents[node]
            if parent != -1:
                totals[parent] += totals[node]
        return totals

    def total(self, metric: str | None = None) -> float:
        """The whole tree's value, in the metric's unit.

        Raises:
            InvalidArgumentError: If the tree does not have the metric.
        """
        return sum(self.self_values(metric))

    def functions(self, metric: str | None = None) -> list[FunctionStat]:
        """Self and total value of every function, largest total first.

        A function that calls itself, directly or through others, is counted once
        in its total: only its outermost frame on each path adds to it.

        Args:
            metric: One of ``metrics``; left out, the first of them.

        Raises:
            InvalidArgumentError: If the tree does not have the metric.
        """
        self_sums, total_sums = self._sums(metric)
        stats = [self._stat(frame, self_sums, total_sums) for frame in range(len(self.frames))]
        stats.sort(key=lambda stat: (-stat.total_value, -stat.self_value, stat.function))
        return stats

    def hottest(self, count: int, metric: str | None = None) -> list[FunctionStat]:
        """The functions whose own bodies cost most, without those that cost nothing.

        Args:
            count: How many at most.
            metric: One of ``metrics``; left out, the first of them.

        Raises:
            InvalidArgumentError: If the tree does not have the metric.
        """
        self_sums, total_sums = self._sums(metric)
        costly = (frame for frame, value in enumerate(self_sums) if value > 0)
        # Of the few that are wanted only: a tree may have thousands of functions.
        chosen = nsmallest(
            count,
            costly,
            key=lambda frame: (-self_sums[frame], -total_sums[frame], self.frames[frame][0]),
        )
        return [self._stat(frame, self_sums, total_sums) for frame in chosen]

    def _sums(self, metric: str | None) -> tuple[list[float], list[float]]:
        """The self and total value of each frame."""
        own = self.self_values(metric)
        totals = self.totals(metric)
        self_sums = [0.0] * len(self.frames)
        total_sums = [0.0] * len(self.frames)
        # The frames open on the way down, and how often each one is: a frame that is
        # already open is a recursive call and adds nothing to its function's total.
        open_nodes: list[int] = []
        open_count = [0] * len(self.frames)
        for node, parent in enumerate(self.parents):
            while open_nodes and open_nodes[-1] != parent:
                open_count[self.frame_ids[open_nodes.pop()]] -= 1
            frame = self.frame_ids[node]
            self_sums[frame] += own[node]
            if not open_count[frame]:
                total_sums[frame] += totals[node]
            open_nodes.append(node)
            open_count[frame] += 1
        return self_sums, total_sums

    def _stat(self, frame: int, own: list[float], total: list[float]) -> FunctionStat:
        function, file, line = self.frames[frame]
        return FunctionStat(
            function=function,
            file=self.files[file],
            line=line,
            self_value=own[frame],
            total_value=total[frame],
        )

    def _metric(self, metric: str | None) -> str:
        if metric is None:
            return self.metrics[0]
        if metric not in self.values:
            known = ", ".join(self.metrics)
            raise InvalidArgumentError(f"metric={metric!r} is not in this tree; it has {known}")
        return metric
