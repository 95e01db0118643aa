"""A bounded table of stacks: aggregates samples as they come and becomes a call tree."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from application_sdk.monitoring.model.call_tree import TRUNCATED_FUNCTION, CallTree, Frame

_TRUNCATED = object()
_RESERVED_SHARE = 0.1


class _Node:
    __slots__ = ("children", "values")

    def __init__(self, width: int) -> None:
        self.children: dict[Hashable, _Node] = {}
        self.values = [0.0] * width


class StackTable:
    """Merges stacks into a prefix tree of at most ``max_nodes`` nodes.

    What no longer fits is added to a ``(truncated)`` frame below the deepest frame
    that is known, so totals stay true however long a capture runs.

    Args:
        metrics: Names of the values that each stack carries.
        max_nodes: The most nodes that the tree may have.
    """

    def __init__(self, metrics: Sequence[str], max_nodes: int) -> None:
        self.metrics = tuple(metrics)
        self._root = _Node(len(self.metrics))
        self._count = 0
        self._max_nodes = max_nodes
        # Part of the room is kept for (truncated) frames, to tell where detail was lost.
        self._full_at = max(1, int(max_nodes * (1 - _RESERVED_SHARE)) - 1)
        self._latest_truncated: _Node | None = None
        self.truncated = False

    def __len__(self) -> int:
        """Number of nodes so far."""
        return self._count

    def add(self, stack: Iterable[Hashable], values: Sequence[float]) -> None:
        """Add values to the last frame of a stack.

        Args:
            stack: One hashable key a frame, outermost first.
            values: One number for each metric, in the order of ``metrics``.
        """
        node = self._root
        path = [node]
        for key in stack:
            child = node.children.get(key)
            if child is None:
                if self._count >= self._full_at:
                    node = self._truncated_below(path)
                    break
                child = self._new_child(node, key)
            node = child
            path.append(node)
        for index, value in enumerate(values):
            node.values[index] += value

    def add_tree(self, tree: CallTree) -> None:
        """Add every value of a tree, with its frames as the keys.

        A metric that the tree does not have adds nothing; one that the table does not
        have is left out.
        """
        frames = [Frame(name, tree.files[file], line) for name, file, line in tree.frames]
        places: list[_Node] = []
        folded: set[int] = set()
        for index, (parent, frame_id) in enumerate(zip(tree.parents, tree.frame_ids, strict=True)):
            above = places[parent] if parent >= 0 else self._root
            frame = frames[frame_id]
            found = above.children.get(frame)
            if parent in folded:
                # What no longer fits takes its whole subtree along.
                folded.add(index)
                found = above
            elif found is None:
                if self._count < self._full_at:
                    found = self._new_child(above, frame)
                else:
                    folded.add(index)
                    found = self._truncated_below(self._path_to(tree, parent, places))
            places.append(found)
        for position, metric in enumerate(self.metrics):
            for place, value in zip(places, tree.values.get(metric, ()), strict=False):
                place.values[position] += value

    def total(self) -> tuple[float, ...]:
        """The sum over all stacks, one number for each metric."""
        sums = [0.0] * len(self.metrics)
        pending = [self._root]
        while pending:
            node = pending.pop()
            for index, value in enumerate(node.values):
                sums[index] += value
            pending.extend(node.children.values())
        return tuple(sums)

    def tree(self, describe: Callable[[Hashable], Frame]) -> CallTree:
        """The call tree of all that was added.

        Args:
            describe: Gives the frame of a key. Sibling keys with equal frames become
                one node.
        """
        return _TreeWriter(self.metrics, describe).write(self._root)

    def _new_child(self, node: _Node, key: Hashable) -> _Node:
        child = node.children[key] = _Node(len(self.metrics))
        self._count += 1
        if key is _TRUNCATED:
            self._latest_truncated = child
        return child

    def _path_to(self, tree: CallTree, node: int, places: list[_Node]) -> list[_Node]:
        path = []
        while node >= 0:
            path.append(places[node])
            node = tree.parents[node]
        return [self._root, *reversed(path)]

    def _truncated_below(self, path: list[_Node]) -> _Node:
        self.truncated = True
        deepest = path[-1]
        known = deepest.children.get(_TRUNCATED)
        if known is not None:
            return known
        # The last place is for the first frame under the root: there is always one
        # (truncated) frame to fall back on, inside the call that is profiled.
        if self._count < self._max_nodes - 1:
            return self._new_child(deepest, _TRUNCATED)
        for node in reversed(path[1:] or path):
            known = node.children.get(_TRUNCATED)
            if known is not None:
                return known
        fallback = path[1] if len(path) > 1 else path[0]
        if self._count < self._max_nodes:
            return self._new_child(fallback, _TRUNCATED)
        if deepest is not self._root:
            return deepest
        # A further root frame came when all room was used up: what the root itself held
        # would not be in the tree.
        return self._latest_truncated or next(iter(self._root.children.values()))


class _TreeWriter:
    """Flattens a prefix tree into the columns of a call tree, without recursion."""

    def __init__(self, metrics: tuple[str, ...], describe: Callable[[Hashable], Frame]) -> None:
        self._metrics = metrics
        self._describe = describe
        self._described: dict[Hashable, Frame] = {
            _TRUNCATED: Frame(TRUNCATED_FUNCTION, "", 0),
        }
        self._files: dict[str, int] = {}
        self._frames: dict[Frame, int] = {}

    def write(self, root: _Node) -> CallTree:
        parents: list[int] = []
        frame_ids: list[int] = []
        columns: list[list[float]] = [[] for _ in self._metrics]
        pending: list[tuple[int, Frame, list[_Node]]] = self._groups(-1, [root])
        while pending:
            parent, frame, nodes = pending.pop()
            index = len(parents)
            parents.append(parent)
            frame_ids.append(self._frames.setdefault(frame, len(self._frames)))
            for column, values in zip(
                columns, zip(*(node.values for node in nodes), strict=True), strict=True
            ):
                column.append(_tidy(sum(values)))
            pending.extend(self._groups(index, nodes))
        frames = tuple(
            (frame.function, self._files.setdefault(frame.file, len(self._files)), frame.line)
            for frame in self._frames
        )
        return CallTree(
            metrics=self._metrics,
            files=tuple(self._files),
            frames=frames,
            parents=tuple(parents),
            frame_ids=tuple(frame_ids),
            values=dict(zip(self._metrics, map(tuple, columns), strict=True)),
        )

    def _groups(self, parent: int, nodes: list[_Node]) -> list[tuple[int, Frame, list[_Node]]]:
        groups: dict[Frame, list[_Node]] = {}
        for node in nodes:
            for key, child in node.children.items():
                frame = self._described.get(key)
                if frame is None:
                    frame = self._described[key] = self._describe(key)
                groups.setdefault(frame, []).append(child)
        return [(parent, frame, groups[frame]) for frame in reversed(groups)]


def _tidy(value: float) -> float:
    """Nanoseconds are enough, and whole numbers stay whole, so that files stay small."""
    rounded = round(value, 9)
    return int(rounded) if rounded == int(rounded) else rounded
