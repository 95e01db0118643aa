from __future__ import annotations

import re

import pytest
from hypothesis import given

from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.renderers import collapsed
from tests.interchange.builders import (
    CPU_METRICS,
    both_halves,
    cpu_trees,
    memory_trees,
    profile_of,
    tree_of,
)


def numbers(text: str) -> list[int]:
    # Line breaks inside names are escaped, so every "\n" ends a stack.
    return [int(line.rsplit(" ", 1)[1]) for line in text.split("\n")[:-1]]


def test_a_line_is_a_call_path_and_its_own_microseconds() -> None:
    assert collapsed.render(both_halves()).decode().splitlines() == [
        "main (/app/main.py:3) 500000",
        "main (/app/main.py:3);parse (/app/orders.py:12) 4123457",
        "main (/app/main.py:3);parse (/app/orders.py:12);parse (/app/orders.py:12) 1000000",
        "main (/app/main.py:3);fetch (/app/orders.py:40) 8300000",
    ]


def test_another_metric_is_written_when_it_is_asked_for() -> None:
    assert collapsed.render(both_halves(), "peak_bytes").decode().splitlines() == [
        "main (/app/main.py:3);parse (/app/orders.py:12) 123456",
        "main (/app/main.py:3);fetch (/app/orders.py:40) 99",
    ]


def test_a_profile_of_memory_alone_gives_its_bytes_at_the_peak() -> None:
    profile = both_halves().model_copy(update={"cpu": None})
    assert collapsed.render(profile) == collapsed.render(profile, "peak_bytes")


def test_an_unknown_metric_is_refused_with_those_that_are_there() -> None:
    with pytest.raises(InvalidArgumentError, match="'heat' is not in this profile; it has wall_s"):
        collapsed.render(both_halves(), "heat")


def test_a_profile_without_trees_gives_an_empty_file() -> None:
    assert collapsed.render(profile_of()) == b""


@given(memory_trees())
def test_bytes_add_up_exactly(tree: CallTree) -> None:
    text = collapsed.render(profile_of(peak=tree)).decode()
    assert sum(numbers(text)) == sum(int(value) for value in tree.self_values())


@given(cpu_trees())
def test_microseconds_add_up_to_the_total_however_many_lines_there_are(tree: CallTree) -> None:
    text = collapsed.render(profile_of(tree)).decode()
    # Eight digits behind a day's seconds is all that a float's sum can promise.
    assert sum(numbers(text)) == pytest.approx(tree.total() * 1e6, abs=0.6, rel=1e-12)


def test_many_tiny_values_are_not_rounded_away() -> None:
    stacks = [((Frame(f"f{index}", "", 0),), (4e-7, 0, 0)) for index in range(1000)]
    text = collapsed.render(profile_of(tree_of(CPU_METRICS, stacks))).decode()
    assert sum(numbers(text)) == 400
    assert set(numbers(text)) == {0, 1}


def test_characters_with_a_meaning_in_the_format_are_escaped() -> None:
    odd = Frame("a;b\nc%3B", "/d%20e;.py", 1)
    text = collapsed.render(profile_of(tree_of(CPU_METRICS, [((odd,), (1, 0, 0))]))).decode()
    assert text == "a%3Bb%0Ac%253B (/d%20e%3B.py:1) 1000000\n"


def test_a_frame_without_a_place_is_its_bare_name() -> None:
    builtin = Frame("<built-in sum>", "", 0)
    text = collapsed.render(profile_of(tree_of(CPU_METRICS, [((builtin,), (1, 0, 0))]))).decode()
    assert re.fullmatch(r"<built-in sum> 1000000\n", text)
