"""The first example that anyone tries: both decorators on one function."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from application_sdk.monitoring import Profile, flamegraph, memory_profile

Finished = Callable[[], list[Profile]]

KEPT_BYTES = 10_000_000

kept: list[bytearray] = []


def burn_cpu() -> int:
    total = 0
    until = time.thread_time() + 0.3
    while time.thread_time() < until:
        total += sum(range(500))
    return total


def keep_memory() -> None:
    kept.append(bytearray(KEPT_BYTES))


def work() -> str:
    burn_cpu()
    keep_memory()
    return "done"


@pytest.fixture(params=["memory over cpu", "cpu over memory"])
def decorated(request: pytest.FixtureRequest) -> Callable[[], str]:
    if request.param == "memory over cpu":
        return memory_profile(sample_rate=1.0)(flamegraph(sample_rate=1.0)(work))
    return flamegraph(sample_rate=1.0)(memory_profile(sample_rate=1.0)(work))


def test_stacked_decorators_make_one_profile_with_both_halves(
    decorated: Callable[[], str], profiles: Finished
) -> None:
    assert decorated() == "done"

    (profile,) = profiles()

    assert profile.cpu is not None
    assert profile.memory is not None
    hottest = max(profile.cpu.tree.functions("cpu_seconds"), key=lambda stat: stat.self_value)
    assert hottest.function == "burn_cpu"
    assert profile.cpu.cpu_seconds == pytest.approx(0.3, rel=0.2)
    assert profile.memory.retained_tree is not None
    keeper = max(profile.memory.retained_tree.functions(), key=lambda stat: stat.self_value)
    assert keeper.function == "keep_memory"
    assert keeper.line == keep_memory.__code__.co_firstlineno
    assert keeper.self_value == pytest.approx(KEPT_BYTES, rel=0.2)
    assert profile.memory.retained_bytes == pytest.approx(KEPT_BYTES, rel=0.2)


def test_the_wrappers_own_frames_never_show(
    decorated: Callable[[], str], profiles: Finished
) -> None:
    decorated()

    (profile,) = profiles()

    assert profile.cpu is not None
    roots = {node.frame.function for node in profile.cpu.tree.walk() if node.depth == 0}
    assert roots == {"work"}
    assert not any("monitoring" in file for file in profile.cpu.tree.files if "tests" not in file)


def test_a_hundred_more_calls_still_work(profiles: Finished) -> None:
    @memory_profile(sample_rate=1.0)
    @flamegraph
    def quick(n: int) -> int:
        return n + 1

    assert [quick(n) for n in range(101)] == list(range(1, 102))

    found = profiles()
    assert len(found) == 101
    assert all(p.cpu is not None and p.memory is not None for p in found)
    assert {p.memory.backend for p in found if p.memory} == {"memray"}


def test_pyinstrument_alone_names_what_burns(profiles: Finished) -> None:
    flamegraph(sample_rate=1.0)(work)()

    (profile,) = profiles()

    assert profile.cpu is not None
    assert profile.cpu.backend == "pyinstrument"
    total = profile.cpu.tree.total()
    burnt = next(s for s in profile.cpu.tree.functions() if s.function == "burn_cpu")
    assert burnt.total_value > 0.8 * total
