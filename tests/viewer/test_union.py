from __future__ import annotations

from application_sdk.monitoring.renderers.html.union import unite
from tests.viewer.builders import FRAMES, NODES, tree


def test_the_union_holds_every_path_of_either_side_once() -> None:
    grown = tree(nodes=(*NODES, (5, 2, 70.0)))

    both = unite(tree(), grown)

    assert both is not None
    assert len(both.tree) == len(NODES) + 1
    metric = "wall_seconds"
    assert sum(both.baseline[metric]) == tree().total(metric)
    assert sum(both.candidate[metric]) == grown.total(metric)
    # The constructor checks the order of nodes.
    type(both.tree).model_validate(both.tree.model_dump())


def test_functions_that_an_edit_has_moved_are_still_the_same() -> None:
    moved = tuple((name, file, line + 12) for name, file, line in FRAMES)

    both = unite(tree(), tree(frames=moved))

    assert both is not None
    assert len(both.tree) == len(NODES)
    assert {line for _, _, line in both.tree.frames} == {line for _, _, line in moved}


def test_functions_of_one_name_in_one_file_are_told_apart_by_their_order() -> None:
    nodes = ((-1, 0, 1.0), (0, 1, 2.0), (0, 2, 3.0))

    def two_inits(shift: int) -> tuple[tuple[str, str, int], ...]:
        return (
            ("main", "/app/main.py", 1),
            ("__init__", "/app/a.py", 10 + shift),
            ("__init__", "/app/a.py", 50 + shift),
        )

    both = unite(tree(frames=two_inits(0), nodes=nodes), tree(frames=two_inits(40), nodes=nodes))

    assert both is not None
    assert both.baseline["wall_seconds"] == both.candidate["wall_seconds"]


def test_one_side_alone_is_a_union_too() -> None:
    both = unite(None, tree())

    assert both is not None
    assert set(both.baseline["wall_seconds"]) == {0.0}
    assert unite(None, None) is None
