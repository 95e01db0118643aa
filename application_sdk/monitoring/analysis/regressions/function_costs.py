"""What each function cost in a set of profiles of one side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from application_sdk.monitoring.analysis.regressions.function_matching import Identity
from application_sdk.monitoring.model.call_tree import CallTree, Frame


@dataclass(frozen=True)
class Run:
    """One profile's tree, its metric, and how much of the metric one sample stands for."""

    tree: CallTree
    metric: str
    unit: float


@dataclass
class SideCosts:
    """One side's costs, all as means per run in the metric's unit.

    Attributes:
        runs: How many profiles were read.
        total: The whole cost.
        unit: What one sample stands for.
        own: Per function and run, its self value.
        totals: Per function, its total value, recursion counted once.
        under: Per function and ancestor, the part of its self value below that ancestor.
    """

    runs: int
    total: float
    run_totals: list[float]
    unit: float
    own: dict[Identity, list[float]]
    totals: dict[Identity, float]
    under: dict[Identity, dict[Identity, float]]

    def mean(self, identity: Identity) -> float:
        """The function's self value per run."""
        values = self.own.get(identity)
        return sum(values) / self.runs if values else 0.0


def side_costs(runs: Sequence[Run], names: dict[Frame, Identity]) -> SideCosts:
    """Add the costs of all runs of one side up, function by function."""
    own: dict[Identity, list[float]] = {}
    totals: dict[Identity, float] = defaultdict(float)
    under: dict[Identity, dict[Identity, float]] = defaultdict(lambda: defaultdict(float))
    for number, run in enumerate(runs):
        values = run.tree.self_values(run.metric)
        path: list[tuple[int, Identity]] = []
        for node in run.tree.walk():
            while path and path[-1][0] != node.parent:
                path.pop()
            identity = names[node.frame]
            value = values[node.node]
            own.setdefault(identity, [0.0] * len(runs))[number] += value
            # A function that is open twice on a path (recursion) counts once.
            ancestors = {above for _, above in path}
            for above in ancestors - {identity}:
                under[identity][above] += value / len(runs)
            for each in ancestors | {identity}:
                totals[each] += value / len(runs)
            path.append((node.node, identity))
    run_totals = [run.tree.total(run.metric) for run in runs]
    return SideCosts(
        runs=len(runs),
        total=sum(run_totals) / len(runs),
        run_totals=run_totals,
        unit=sum(run.unit for run in runs) / len(runs),
        own=own,
        totals=dict(totals),
        under={key: dict(value) for key, value in under.items()},
    )
