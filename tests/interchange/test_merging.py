from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application_sdk.monitoring.analysis.merging import merge_profiles
from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.profile import ProcessInfo, Profile
from application_sdk.monitoring.model.stack_table import StackTable
from tests.interchange.builders import (
    MAIN,
    MEMORY_METRICS,
    both_halves,
    memory_trees,
    profile_of,
    tree_of,
)

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


def cpu_tree(metrics: tuple[str, ...]) -> CallTree:
    return tree_of(metrics, [((MAIN,), [1.0] * len(metrics))])


def of_process(**changes: object) -> ProcessInfo:
    return both_halves().process.model_copy(update=changes)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (both_halves(name="my_app.other"), "2 different functions were profiled"),
        (both_halves(outcome="raised"), "outcomes: 1 returned, 1 raised"),
        (both_halves(process=of_process(pid=7)), "from 2 processes; the first one is shown"),
        (both_halves(process=of_process(python="3.13.0")), "from 2 different environments"),
        (profile_of(), "1 of 2 profiles have a CPU half"),
        (profile_of(), "1 of 2 profiles have a memory half"),
        (
            profile_of(cpu_tree(("wall_seconds",))),
            "cpu_seconds, await_seconds was not measured in every profile and is left out",
        ),
    ],
)
def test_what_the_merged_profiles_do_not_share_is_said(other: Profile, said: str) -> None:
    merged = merge_profiles([both_halves(), other])
    assert any(note.startswith(said) for note in merged.notes), merged.notes


def test_a_metric_that_one_profile_lacks_has_no_sum() -> None:
    lacking = profile_of(cpu_tree(("wall_seconds",)))
    merged = merge_profiles([both_halves(), lacking]).cpu
    assert merged is not None
    assert (merged.cpu_seconds, merged.await_seconds) == (None, None)
    assert merged.tree.metrics == ("wall_seconds",)
    assert merged.tree.total("wall_seconds") == pytest.approx(14.923456789)


def test_intervals_that_differ_are_said_and_the_longest_one_is_shown() -> None:
    slow = both_halves()
    assert slow.cpu is not None
    slow = slow.model_copy(update={"cpu": slow.cpu.model_copy(update={"interval_seconds": 0.1})})
    merged = merge_profiles([both_halves(), slow])
    assert merged.cpu is not None
    assert merged.cpu.interval_seconds == 0.1
    assert any("intervals between samples differed" in note for note in merged.notes)


def test_a_whole_processs_memory_adds_nothing_to_what_calls_allocated() -> None:
    whole = both_halves()
    assert whole.memory is not None
    memory = whole.memory.model_copy(
        update={
            "scope": "process",
            "peak_bytes": None,
            "retained_bytes": None,
            "peak_tree": None,
            "retained_tree": None,
        }
    )
    merged = merge_profiles([both_halves(), whole.model_copy(update={"memory": memory})])
    assert merged.memory is not None
    assert merged.memory.peak_bytes == 123_555
    assert any("know only their whole process's memory" in note for note in merged.notes)


def test_profiles_without_any_metric_in_common_cannot_be_merged() -> None:
    trees = [tree_of((metric,), [((MAIN,), [1])]) for metric in MEMORY_METRICS]
    base = both_halves()
    assert base.memory is not None
    memories = [
        base.memory.model_copy(update={"peak_tree": tree, "retained_tree": None}) for tree in trees
    ]
    with pytest.raises(InvalidArgumentError, match="no metric is in all of them"):
        merge_profiles(base.model_copy(update={"memory": memory}) for memory in memories)
