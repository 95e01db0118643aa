"""A call tree accepts only columns that fit, and sums up what it is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from application_sdk.monitoring import CallTree, MonitoringError
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.stack_table import StackTable

GOOD: dict[str, Any] = {
    "metrics": ("bytes",),
    "files": ("a.py",),
    "frames": (("main", 0, 1), ("load", 0, 5)),
    "parents": (-1, 0),
    "frame_ids": (0, 1),
    "values": {"bytes": (1.0, 2.0)},
}


def test_a_tree_whose_columns_fit_is_accepted() -> None:
    tree = CallTree(**GOOD)
    assert len(tree) == 2
    assert tree.total("bytes") == 3.0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"frame_ids": (0,)}, "differ in length"),
        ({"values": {"bytes": (1.0, 2.0), "more": (0.0, 0.0)}}, "exactly one column"),
        ({"values": {"bytes": (1.0,)}}, "differs in length from parents"),
        ({"frames": (("main", 3, 1), ("load", 0, 5))}, "a file that is not there"),
        ({"frame_ids": (0, 7)}, "a frame that is not there"),
        ({"parents": (1, 0)}, "does not follow its parent"),
        ({"values": {"bytes": (1.0, float("nan"))}}, "finite"),
    ],
)
def test_a_tree_whose_columns_do_not_fit_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CallTree(**{**GOOD, **wrong})


def test_a_metric_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(MonitoringError, match="bytes"):
        CallTree(**GOOD).functions("wall_seconds")


def frame(name: str) -> Frame:
    return Frame(name, "a.py", 1)


def test_adding_trees_up_keeps_every_call_path() -> None:
    table = StackTable(("bytes",), 100)
    table.add_tree(CallTree(**GOOD))
    table.add_tree(CallTree(**GOOD))
    assert table.total() == (6.0,)
    tree = table.tree(lambda key: key)  # type: ignore[arg-type, return-value]
    assert {s.function: s.self_value for s in tree.functions()} == {"main": 2.0, "load": 4.0}


def test_a_tree_that_does_not_fit_is_folded_and_loses_nothing() -> None:
    wide = StackTable(("bytes",), 1_000)
    for number in range(50):
        wide.add((frame("main"), frame(f"f{number}"), frame("leaf")), (1.0,))
    whole = wide.tree(lambda key: key)  # type: ignore[arg-type, return-value]
    narrow = StackTable(("bytes",), 20)
    narrow.add_tree(whole)
    assert narrow.truncated
    tree = narrow.tree(lambda key: key if isinstance(key, Frame) else frame("(truncated)"))
    assert len(tree) <= 20
    assert tree.total("bytes") == 50.0
    assert "(truncated)" in {stat.function for stat in tree.functions()}
