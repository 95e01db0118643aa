"""Two call trees as one, with a column of values for each of them."""

from __future__ import annotations

from typing import NamedTuple

from application_sdk.monitoring.model.call_tree import CallTree, Frame

_Frame = tuple[str, int, int]


class Union(NamedTuple):
    """Every call path of either tree.

    Attributes:
        tree: The paths; its own values mean nothing.
        baseline: Per metric the baseline's self values, 0 where it does not have the path.
        candidate: The same of the candidate.
    """

    tree: CallTree
    baseline: dict[str, list[float]]
    candidate: dict[str, list[float]]


def unite(baseline: CallTree | None, candidate: CallTree | None) -> Union | None:
    """The union of two trees by call path; None if there is nothing in either."""
    sides = [side for side in (baseline, candidate) if side is not None and len(side)]
    if not sides:
        return None
    metrics = tuple(
        metric for metric in sides[0].metrics if all(metric in side.metrics for side in sides)
    )
    if not metrics:
        return None
    grown = _Grown()
    moved = _moved(baseline, candidate)
    places = [
        [] if baseline is None else grown.add(baseline, moved),
        [] if candidate is None else grown.add(candidate, {}),
    ]
    order, parents = grown.preorder()
    position = {node: index for index, node in enumerate(order)}
    columns: list[dict[str, list[float]]] = []
    for side, place in zip((baseline, candidate), places, strict=True):
        found: dict[str, list[float]] = {}
        for metric in metrics:
            column = [0.0] * len(order)
            if side is not None and metric in side.values:
                for node, value in zip(place, side.values[metric], strict=True):
                    column[position[node]] += value
            found[metric] = column
        columns.append(found)
    # Built without validation: the walk above makes a tree in preorder of any input.
    tree = CallTree.model_construct(
        metrics=metrics,
        files=tuple(grown.files),
        frames=tuple(grown.frames),
        parents=tuple(parents),
        frame_ids=tuple(grown.frame_of[node] for node in order),
        values={metric: tuple(columns[1][metric]) for metric in metrics},
    )
    return Union(tree, columns[0], columns[1])


def _moved(baseline: CallTree | None, candidate: CallTree | None) -> dict[Frame, int]:
    """Where the baseline's functions stand in the candidate.

    An edit moves every function below it, and it is still the same function. Those of one
    name in one file are told apart by their order, if there are as many of them as before.
    """
    before, after = _lines(baseline), _lines(candidate)
    return {
        Frame(*name, line): now
        for name, lines in before.items()
        if len(lines) == len(after.get(name, ()))
        for line, now in zip(lines, after[name], strict=True)
    }


def _lines(tree: CallTree | None) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], set[int]] = {}
    if tree is not None:
        for function, file, line in tree.frames:
            found.setdefault((function, tree.files[file]), set()).add(line)
    return {name: sorted(lines) for name, lines in found.items()}


class _Grown:
    def __init__(self) -> None:
        self.files: dict[str, int] = {}
        self.frames: dict[_Frame, int] = {}
        self.frame_of: list[int] = []
        self._children: list[list[int]] = []
        self._roots: list[int] = []
        self._known: dict[tuple[int, int], int] = {}

    def add(self, tree: CallTree, moved: dict[Frame, int]) -> list[int]:
        """Take a tree in; returns for each of its nodes the node of the union."""
        numbers = []
        for function, file, line in tree.frames:
            path = tree.files[file]
            now = moved.get(Frame(function, path, line), line)
            key = (function, self.files.setdefault(path, len(self.files)), now)
            numbers.append(self.frames.setdefault(key, len(self.frames)))
        places: list[int] = []
        for parent, frame in zip(tree.parents, tree.frame_ids, strict=True):
            above = -1 if parent < 0 else places[parent]
            places.append(self._child(above, numbers[frame]))
        return places

    def preorder(self) -> tuple[list[int], list[int]]:
        """All nodes, parents first, and for each of them its parent's place in that order."""
        order: list[int] = []
        parents: list[int] = []
        pending = [(node, -1) for node in reversed(self._roots)]
        while pending:
            node, parent = pending.pop()
            index = len(order)
            order.append(node)
            parents.append(parent)
            pending.extend((child, index) for child in reversed(self._children[node]))
        return order, parents

    def _child(self, parent: int, frame: int) -> int:
        node = self._known.get((parent, frame))
        if node is None:
            node = self._known[(parent, frame)] = len(self.frame_of)
            self.frame_of.append(frame)
            self._children.append([])
            siblings = self._roots if parent < 0 else self._children[parent]
            siblings.append(node)
        return node
