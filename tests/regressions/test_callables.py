"""Comparing real callables: sync, async, waiting, memory."""

from __future__ import annotations

import asyncio
import gc
import time
from functools import partial

import pytest

from application_sdk.monitoring.analysis.regressions import compare_callables
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.profile_hook import profile_hook

LONG = 300.0
"""It ends once it is certain, which takes a busy machine longer."""


def work(count: int) -> int:
    return sum(i * i for i in range(count))


async def work_and_wait(count: int, seconds: float) -> None:
    work(count)
    await asyncio.sleep(seconds)


def build(count: int) -> list[bytes]:
    return [bytes(200) for _ in range(count)]


def test_equal_work_is_unchanged_and_soon_decided() -> None:
    begun = time.monotonic()
    comparison = compare_callables(partial(work, 20_000), partial(work, 20_000))
    assert comparison.verdict == "unchanged", comparison.explanation
    assert time.monotonic() - begun < 30


def test_a_third_more_work_is_a_regression_with_its_size() -> None:
    comparison = compare_callables(partial(work, 20_000), partial(work, 26_000))
    assert comparison.verdict == "regression", comparison.explanation
    assert comparison.ratio is not None
    assert comparison.confidence_interval is not None
    low, high = comparison.confidence_interval
    assert low <= comparison.ratio <= high
    assert comparison.ratio == pytest.approx(1.3, rel=0.1)


def test_less_work_is_an_improvement() -> None:
    comparison = compare_callables(partial(work, 20_000), partial(work, 14_000))
    assert comparison.verdict == "improvement", comparison.explanation


def test_waiting_longer_is_a_regression_although_no_cpu_is_burnt() -> None:
    comparison = compare_callables(partial(time.sleep, 0.004), partial(time.sleep, 0.008))
    assert comparison.verdict == "regression", comparison.explanation
    assert "waiting" in comparison.explanation or "wall" in comparison.explanation


def test_coroutine_functions_and_callables_that_return_awaitables_are_awaited() -> None:
    slow = compare_callables(
        lambda: work_and_wait(2000, 0.002), partial(work_and_wait, 2000, 0.006)
    )
    assert slow.verdict == "regression", slow.explanation


@pytest.mark.slow
def test_memory_is_compared_to_the_byte() -> None:
    more = compare_callables(
        partial(build, 500), partial(build, 550), metric="memory", max_seconds=LONG
    )
    assert more.verdict == "regression", more.explanation
    assert more.ratio == pytest.approx(1.1, abs=0.01)
    same = compare_callables(
        partial(build, 500), partial(build, 500), metric="memory", max_seconds=LONG
    )
    assert same.verdict == "unchanged", same.explanation


def test_the_memory_of_a_coroutine_is_its_own_and_not_the_event_loops() -> None:
    async def build_and_wait(count: int) -> None:
        kept = build(count)
        await asyncio.sleep(0)
        del kept

    more = compare_callables(
        partial(build_and_wait, 20),
        partial(build_and_wait, 22),
        metric="memory",
        max_seconds=LONG,
    )
    assert more.verdict == "regression", more.explanation
    assert more.ratio == pytest.approx(1.1, abs=0.02)


def test_memory_is_refused_while_another_profiler_has_the_hook() -> None:
    assert profile_hook.acquire("pyinstrument") is None
    try:
        with pytest.raises(MonitoringError, match="pyinstrument is capturing"):
            compare_callables(partial(build, 10), partial(build, 10), metric="memory")
    finally:
        profile_hook.release()


def test_the_collector_is_left_as_it_was_found() -> None:
    before = (gc.isenabled(), gc.get_freeze_count())
    compare_callables(partial(work, 100), partial(work, 100), max_seconds=2)
    assert (gc.isenabled(), gc.get_freeze_count()) == before


def test_a_target_that_raises_is_named() -> None:
    def broken() -> None:
        raise KeyError("lost")

    for metric in ("time", "memory"):
        with pytest.raises(
            MonitoringError, match="the candidate raised KeyError: 'lost'"
        ) as caught:
            compare_callables(partial(work, 10), broken, metric=metric)
        assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"threshold": 0}, ValueError),
        ({"threshold": float("nan")}, ValueError),
        ({"threshold": "x"}, TypeError),
        ({"max_seconds": 0}, ValueError),
        ({"max_seconds": None}, TypeError),
        ({"metric": "speed"}, ValueError),
        ({"baseline": 3}, TypeError),
        ({"candidate": work}, TypeError),
    ],
)
def test_wrong_arguments_are_refused_by_name(
    arguments: dict[str, object], error: type[Exception]
) -> None:
    given = {"baseline": gc.isenabled, "candidate": gc.isenabled, **arguments}
    with pytest.raises(error, match=next(iter(arguments))) as caught:
        compare_callables(**given)  # type: ignore[arg-type]
    assert isinstance(caught.value, MonitoringError)


def test_inside_a_running_loop_it_says_how_to_call_it() -> None:
    async def inside() -> None:
        compare_callables(gc.isenabled, gc.isenabled)

    with pytest.raises(MonitoringError, match="to_thread"):
        asyncio.run(inside())


@pytest.mark.parametrize("metric", ["time", "memory"])
def test_a_side_that_exits_does_not_end_the_process(metric: str) -> None:
    def leaves() -> None:
        raise SystemExit(0)

    with pytest.raises(MonitoringError, match="the candidate raised SystemExit") as caught:
        compare_callables(partial(work, 10), leaves, metric=metric)
    assert isinstance(caught.value.__cause__, SystemExit)
