"""This project's own hot paths, as callables that can be measured; see perf_gate.py."""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Callable
from typing import Any

from application_sdk.monitoring import flamegraph
from application_sdk.monitoring.backends.stacks import running_places
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.stack_table import StackTable
from application_sdk.monitoring.renderers.html.payload import Metric, Tree, encode_payload

METRICS = ("wall_seconds", "cpu_seconds")
STACKS = 400
DEPTH = 25


@flamegraph(sample_rate=1e-12)
def decorated(a: int, b: int) -> int:
    return a + b


def unsampled_call() -> None:
    """What every call pays that is not profiled."""
    for _ in range(2_000):
        decorated(1, 2)


def walk() -> None:
    """What the sampler does to each thread a hundred times a second."""
    _deep(DEPTH, functools.partial(_walk_often, threading.get_ident()))


def _deep(depth: int, then: Callable[[], None]) -> None:
    if depth:
        _deep(depth - 1, then)
    else:
        then()


def _walk_often(thread: int) -> None:
    for _ in range(200):
        running_places(thread)


@functools.cache
def _stacks() -> list[tuple[int, ...]]:
    chance = random.Random(1)
    return [
        tuple(chance.randrange(1 + depth % 5) * 100 + depth for depth in range(DEPTH))
        for _ in range(STACKS)
    ]


def _filled() -> StackTable:
    table = StackTable(METRICS, 100_000)
    for stack in _stacks():
        table.add(stack, (0.01, 0.005))
    return table


def add_stacks() -> None:
    """What each sample costs after its walk."""
    _filled()


@functools.cache
def _table() -> StackTable:
    return _filled()


def _describe(key: Any) -> Frame:
    return Frame(f"function_{key}", f"/app/module_{key % 20}.py", key)


def build_tree() -> None:
    """What makes a call tree of a capture."""
    _table().tree(_describe)


@functools.cache
def _tree() -> Tree:
    tree = _table().tree(_describe)
    sides = [Metric(f"cpu.{key}", key, "s", (tree.self_values(key),)) for key in METRICS]
    return Tree("cpu", tree, tuple(sides))


def encode_page() -> None:
    """What packs a call tree into a page."""
    encode_payload([_tree()], {"page": "profile", "title": "hot", "timeline": [[], []]})


ALL = (unsampled_call, walk, add_stacks, build_tree, encode_page)
