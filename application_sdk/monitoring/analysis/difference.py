"""What differs between two profiles, function by function; it judges nothing."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from application_sdk.monitoring.model.call_tree import FunctionStat
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.views import Unit, View, views


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class FunctionDifference(_Frozen):
    """One function on both sides; values are 0 where it was not seen.

    Attributes:
        line: Where it starts, on the candidate's side if it is there.
        base_self: Spent in its own body, in the view's unit.
        base_total: Spent in it and in all it called.
    """

    function: str
    file: str
    line: int
    base_self: float
    candidate_self: float
    base_total: float
    candidate_total: float

    @property
    def change(self) -> float:
        """By how much its own body's value grew."""
        return self.candidate_self - self.base_self


class ViewDifference(_Frozen):
    """One metric that both profiles have; its functions, largest change first."""

    key: str
    title: str
    unit: Unit
    base: float
    candidate: float
    functions: tuple[FunctionDifference, ...]


class Difference(_Frozen):
    """Two profiles, metric by metric.

    Attributes:
        only_in_base: Keys of the views that the candidate does not have.
        only_in_candidate: Keys of the views that the base does not have.
    """

    views: tuple[ViewDifference, ...]
    only_in_base: tuple[str, ...]
    only_in_candidate: tuple[str, ...]


def difference(base: Profile, candidate: Profile) -> Difference:
    """Compare every metric that both profiles have."""
    before = {view.key: view for view in views(base)}
    after = {view.key: view for view in views(candidate)}
    return Difference(
        views=tuple(_of_view(before[key], after[key]) for key in before if key in after),
        only_in_base=tuple(key for key in before if key not in after),
        only_in_candidate=tuple(key for key in after if key not in before),
    )


def _of_view(base: View, candidate: View) -> ViewDifference:
    functions = [
        _of_function(pair)
        for pair in _pairs(
            base.tree.functions(base.metric), candidate.tree.functions(candidate.metric)
        )
    ]
    functions.sort(key=lambda item: (-abs(item.change), -item.candidate_total, item.function))
    return ViewDifference(
        key=base.key,
        title=base.title,
        unit=base.unit,
        base=base.total,
        candidate=candidate.total,
        functions=tuple(functions),
    )


class _Pair(NamedTuple):
    base: FunctionStat | None
    candidate: FunctionStat | None


def _pairs(base: list[FunctionStat], candidate: list[FunctionStat]) -> list[_Pair]:
    """The same function on both sides, though an edit above it has moved its line.

    A file can hold several functions of one name. Those that start on the same line are
    the same; the others are taken in the order in which they stand in the file.
    """
    sides: dict[tuple[str, str], tuple[list[FunctionStat], list[FunctionStat]]]
    sides = defaultdict(lambda: ([], []))
    for place, stats in enumerate((base, candidate)):
        for stat in stats:
            sides[stat.function, stat.file][place].append(stat)
    pairs: list[_Pair] = []
    for before, after in sides.values():
        for stats in (before, after):
            stats.sort(key=lambda stat: stat.line)
        if len(before) != len(after):
            unmoved = {stat.line for stat in before} & {stat.line for stat in after}
            pairs += _in_order(
                [stat for stat in before if stat.line in unmoved],
                [stat for stat in after if stat.line in unmoved],
            )
            before[:] = [stat for stat in before if stat.line not in unmoved]
            after[:] = [stat for stat in after if stat.line not in unmoved]
        pairs += _in_order(before, after)
    return pairs


def _in_order(before: list[FunctionStat], after: list[FunctionStat]) -> list[_Pair]:
    both = min(len(before), len(after))
    return [
        *(_Pair(base, candidate) for base, candidate in zip(before, after, strict=False)),
        *(_Pair(stat, None) for stat in before[both:]),
        *(_Pair(None, stat) for stat in after[both:]),
    ]


def _of_function(pair: _Pair) -> FunctionDifference:
    shown = pair.candidate or pair.base
    assert shown is not None
    return FunctionDifference(
        function=shown.function,
        file=shown.file,
        line=shown.line,
        base_self=pair.base.self_value if pair.base else 0.0,
        candidate_self=pair.candidate.self_value if pair.candidate else 0.0,
        base_total=pair.base.total_value if pair.base else 0.0,
        candidate_total=pair.candidate.total_value if pair.candidate else 0.0,
    )
