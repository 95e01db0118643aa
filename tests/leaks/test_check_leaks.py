"""What check_leaks promises: its arguments, its report, and its answer in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from application_sdk.monitoring import MonitoringError, check_leaks
from application_sdk.monitoring.analysis.leaks.check import check_body, describe
from application_sdk.monitoring.analysis.leaks.judgement import judge
from application_sdk.monitoring.analysis.leaks.limits import memory_limit
from application_sdk.monitoring.analysis.leaks.meter import Block, Meter
from application_sdk.monitoring.analysis.leaks.readings import HeapReader
from application_sdk.monitoring.analysis.leaks.statistics import BlockTrend, block_trend, theil_sen
from application_sdk.monitoring.analysis.leaks.steps import Calls


def test_a_leak_of_256_bytes_a_call_is_found_with_its_line_and_size() -> None:
    kept: list[bytes] = []

    def remember(fill: int, *, size: int) -> None:
        kept.append(bytes([fill]) * size)

    report = check_leaks(remember, 1, size=215)  # 215 and the object's head are 248; 8 in the list
    assert report.verdict == "leak"
    assert report.bytes_per_call is not None
    assert report.bytes_per_call == pytest.approx(256, abs=40)
    assert report.confidence_interval is not None
    low, high = report.confidence_interval
    assert low <= report.bytes_per_call <= high
    assert report.sites[0].function == "remember"
    assert report.sites[0].file == __file__
    assert report.sites[0].line == remember.__code__.co_firstlineno + 1
    assert report.profile is not None
    assert report.profile.memory is not None
    tree = report.profile.memory.retained_tree
    assert tree is not None
    assert any(stat.function == "remember" for stat in tree.functions())
    assert "remember" in report.explanation


def test_a_clean_function_of_a_millisecond_is_decided_within_two_thousand_calls() -> None:
    def busy() -> None:
        until = time.perf_counter() + 0.001
        while time.perf_counter() < until:
            pass

    report = check_leaks(busy)
    assert report.verdict == "clean"
    assert report.calls <= 2_000
    assert report.profile is None
    assert report.sites == []


@pytest.mark.parametrize(
    ("grows_on_after_it", "verdict", "says"),
    [
        (False, "clean", "has stopped within"),
        (True, "inconclusive", "no longer did when it was"),
    ],
)
def test_growth_that_ends_when_it_is_traced_is_no_leak(
    grows_on_after_it: bool, verdict: str, says: str
) -> None:
    kept: list[dict[int, int]] = []
    grows = [True]

    def remember() -> None:
        if grows[0]:
            kept.append({1: 1})

    def progress(text: str) -> None:
        if "tracing" in text:
            grows[0] = False
        if "reading the trace" in text:
            grows[0] = grows_on_after_it

    report = check_body(remember, describe(remember), is_async=False, progress=progress)
    assert report.verdict == verdict
    assert says in report.explanation


@pytest.mark.slow
def test_a_large_buffer_that_is_moved_rarely_is_traced_for_longer() -> None:
    buffer = bytearray(12 << 20)

    def extends() -> None:
        buffer.extend(b"0123456789abcdef" * 12)

    report = check_leaks(extends)
    assert report.verdict == "leak"
    assert report.sites[0].function == "extends"


def test_all_calls_of_a_coroutine_function_run_on_one_loop_even_inside_another() -> None:
    loops: set[int] = set()

    async def target() -> None:
        loops.add(id(asyncio.get_running_loop()))
        await asyncio.sleep(0)

    async def caller() -> str:
        return check_leaks(target).verdict

    assert asyncio.run(caller()) == "clean"
    assert len(loops) == 1


def test_generators_are_run_to_their_end_in_each_call() -> None:
    ends: list[int] = [0, 0]

    def rows() -> Iterator[int]:
        yield from range(3)
        ends[0] += 1

    async def pages() -> AsyncIterator[int]:
        yield 1
        ends[1] += 1

    assert check_leaks(rows).verdict == "clean"
    assert check_leaks(pages).verdict == "clean"
    assert min(ends) > 1


def test_a_target_that_raises_makes_the_check_raise_from_it() -> None:
    def fails() -> None:
        raise ValueError("cannot")

    with pytest.raises(MonitoringError, match="raised ValueError in call 1") as caught:
        check_leaks(fails)
    assert isinstance(caught.value.__cause__, ValueError)


def test_too_few_calls_are_inconclusive_with_the_reason() -> None:
    report = check_leaks(time.sleep, 0.2, max_seconds=0.5)
    assert report.verdict == "inconclusive"
    assert "too few calls" in report.explanation
    assert report.seconds < 30, "and not the 60 s of max_seconds by default"


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"min_bytes_per_call": 0}, ValueError),
        ({"min_bytes_per_call": "many"}, TypeError),
        ({"max_seconds": float("nan")}, ValueError),
        ({"max_seconds": True}, TypeError),
    ],
)
def test_wrong_numbers_are_refused(keywords: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        check_leaks(print, **keywords)
    assert isinstance(caught.value, MonitoringError)


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="not callable"):
        check_leaks(3)  # type: ignore[arg-type]


def test_theil_sen_is_not_moved_by_a_few_wild_values() -> None:
    x = [float(i) for i in range(20)]
    y = [5 * i for i in x]
    y[3], y[11] = 900.0, -400.0
    slope = theil_sen(x, y)
    assert slope.value == pytest.approx(5, abs=0.6)
    assert slope.low <= 5 <= slope.high


def block(per_call: list[float]) -> BlockTrend:
    x = [100.0 * i for i in range(len(per_call) + 1)]
    y = [0.0]
    for gain in per_call:
        y.append(y[-1] + 100 * gain)
    return block_trend(x, y)


def test_steady_growth_in_three_blocks_is_growing() -> None:
    assert judge([block([200.0] * 20)] * 3, 64, last=False).answer == "growing"


def test_growth_that_fades_is_not_decided() -> None:
    blocks = [block([size] * 20) for size in (400.0, 200.0, 100.0)]
    judged = judge(blocks, 64, last=True)
    assert judged.answer == "open"
    assert "fading" in judged.reason


def test_a_single_jump_is_not_growth() -> None:
    assert judge([block([0.0] * 10 + [9_000.0] + [0.0] * 9)] * 3, 64, last=True).answer != "growing"


def test_growth_below_the_floor_is_calm() -> None:
    assert judge([block([30.0] * 20)] * 2, 64, last=False).answer == "calm"


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        (
            {
                "proc/self/cgroup": "0::/pod/container\n",
                "sys/fs/cgroup/pod/memory.max": "900000\n",
                "sys/fs/cgroup/pod/container/memory.max": "max\n",
            },
            900_000,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "500000\n",
            },
            500_000,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            None,
        ),
        ({}, None),
    ],
    ids=["v2, of the group above", "v1, inside the container", "v1 without a limit", "no cgroup"],
)
def test_the_memory_limit_is_the_smallest_of_the_groups_above(
    tmp_path: Path,
    files: dict[str, str],
    limit: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resource = pytest.importorskip("resource")
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: unlimited)
    assert memory_limit(written(tmp_path, files)) == limit


def test_an_rlimit_below_the_cgroup_s_is_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (400_000, resource.RLIM_INFINITY))
    files = {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "900000\n"}
    assert memory_limit(written(tmp_path, files)) == 400_000


@pytest.mark.parametrize("error", [SystemExit(0), asyncio.CancelledError()])
def test_a_target_that_leaves_by_no_ordinary_exception_is_said_too(error: BaseException) -> None:
    async def leaves() -> None:
        raise error

    with pytest.raises(MonitoringError) as caught:
        check_leaks(leaves)
    assert caught.value.__cause__ is error


def test_without_time_to_see_whether_memory_is_given_back_there_is_no_verdict() -> None:
    kept: list[bytearray] = []

    report = check_leaks(lambda: kept.append(bytearray(400)), max_seconds=0.8)
    assert report.verdict == "inconclusive"
    assert "too little time" in report.explanation or "too few calls" in report.explanation


@pytest.mark.slow
@pytest.mark.alone
def test_a_slow_leak_is_found_where_only_shorter_blocks_fit_into_the_time() -> None:
    kept: list[bytearray] = []

    def slow() -> None:
        time.sleep(0.16)
        kept.append(bytearray(1000))

    report = check_leaks(slow, max_seconds=16.0)
    assert report.verdict == "leak", report.explanation
    assert report.sites[0].function == "slow"


def test_a_block_of_calls_that_turn_out_slow_ends_when_the_time_is_up() -> None:
    class Clocked(Meter):
        now = 0.0

        @property
        def seconds(self) -> float:
            return self.now

    meter = Clocked(HeapReader())

    def block(slow_from: int) -> tuple[Block | None, int]:
        made, until = 0, meter.now + 1
        steps = meter.block(240, until)
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                return stop.value, made
            assert isinstance(step, Calls)
            made += step.count
            if made >= slow_from:
                meter.now = until

    cut, made = block(slow_from=100)
    assert cut is not None
    assert cut.calls == made == 100
    assert block(slow_from=10) == (None, 10)
