from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application_sdk.monitoring.analysis.merging import merge_profiles
from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.stack_table import StackTable
from tests.interchange.builders import MEMORY_METRICS, memory_trees, profile_of, tree_of

Path = tuple[Frame, ...]


def by_path(trees: list[CallTree], metric: str) -> Counter[Path]:
    """What the trees hold at each call path, added up the slow and obvious way."""
    sums: Counter[Path] = Counter()
    for tree in trees:
        path: list[Frame] = []
        for node in tree.walk():
            path[node.depth :] = [node.frame]
            sums[tuple(path)] += int(tree.self_values(metric)[node.node])
    return sums


@given(st.lists(memory_trees(), min_size=1, max_size=4))
def test_merging_adds_up_every_call_path_to_the_byte(trees: list[CallTree]) -> None:
    merged = merge_profiles(profile_of(retained=tree) for tree in trees).memory
    assert merged is not None
    assert merged.retained_tree is not None
    for metric in MEMORY_METRICS:
        assert by_path([merged.retained_tree], metric) == by_path(trees, metric)


@given(memory_trees(), memory_trees(), st.integers(4, 12))
def test_a_bounded_table_folds_trees_and_keeps_their_totals(
    one: CallTree, other: CallTree, most: int
) -> None:
    table = StackTable(MEMORY_METRICS, most)
    table.add_tree(one)
    table.add_tree(other)
    tree = table.tree(lambda key: key)  # type: ignore[arg-type,return-value]
    assert len(tree) <= most
    for metric in MEMORY_METRICS:
        assert tree.total(metric) == pytest.approx(
            one.total(metric) + other.total(metric), rel=1e-12
        )


def test_the_order_of_profiles_changes_no_value() -> None:
    a = tree_of(MEMORY_METRICS, [((Frame("a", "f.py", 1),), (1, 1))])
    b = tree_of(MEMORY_METRICS, [((Frame("b", "f.py", 2),), (2, 1))])
    first = merge_profiles([profile_of(peak=a), profile_of(peak=b)])
    second = merge_profiles([profile_of(peak=b), profile_of(peak=a)])
    assert first.memory is not None
    assert second.memory is not None
    assert first.memory.peak_bytes == second.memory.peak_bytes == 3


def test_nothing_to_merge_is_an_error() -> None:
    with pytest.raises(InvalidArgumentError, match="no profile to merge"):
        merge_profiles([])
