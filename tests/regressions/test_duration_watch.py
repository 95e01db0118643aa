"""In production: a function that becomes slower is warned of once, with a page of what differs."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from application_sdk.monitoring import (
    Profile,
    configure,
    flamegraph,
    flush,
    load_profile,
    memory_profile,
)
from application_sdk.monitoring.cli.main import main
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.duration_watch import evidence
from application_sdk.monitoring.engine.duration_watch import watch as module
from application_sdk.monitoring.engine.duration_watch.watch import PLAIN, DurationWatch
from application_sdk.monitoring.engine.plan import Plan, plan_of
from application_sdk.monitoring.exporters.metrics import metrics
from application_sdk.monitoring.profile_hook import profile_hook
from application_sdk.monitoring.renderers import json as json_renderer
from tests.cli.test_compare import cpu

PROJECT = Path(__file__).parents[2]
SPEED = 1e6


class Clock:
    """The watch's own view of time: hours pass in milliseconds."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        return self.seconds / SPEED

    def perf_counter(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    monkeypatch.setattr(module, "speed", SPEED)
    configure(overhead_budget=1.0)
    budget.spend(-budget.seconds_until(0.0))  # what other tests owe is forgiven
    return made


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Callable[[], list[logging.LogRecord]]:
    """What was said of slow-downs so far."""
    caplog.set_level(logging.INFO, logger="application_sdk.monitoring")
    return lambda: [r for r in caplog.records if "regression_verdict" in r.__dict__]


def of(target: Any) -> Plan:
    plan = plan_of(target)
    assert plan is not None
    return plan


def live(target: Any, clock: Clock, duration: float, minutes: int) -> None:
    """Minutes of plain calls, one each two seconds."""
    plan = of(target)
    for _ in range(minutes * 30):
        began = plan.durations.begin(plan.resolved)
        assert began is not None
        clock.seconds += duration
        plan.durations.end(began)
        clock.seconds += 2.0 - duration


def call_until(target: Callable[[], object], condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        target()
        assert flush(60)


def busy(seconds: float = 0.03) -> int:
    until = time.process_time() + seconds
    turns = 0
    while time.process_time() < until:
        turns += 1
    return turns


def test_a_slow_down_is_warned_of_once_with_the_ratio_and_a_page_of_what_differs(
    clock: Clock, warned: Callable[[], list[logging.LogRecord]], monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, ...]] = []
    monkeypatch.setattr(metrics, "event", lambda *about: events.append(about))

    @flamegraph(sample_rate=0.0, formats="html,json")
    def load() -> int:
        return busy()

    configure(overrides={"*load": {"sample_rate": 1.0}})
    load()
    assert flush(60)
    configure(overrides={"*load": {"sample_rate": 1e-9}})
    live(load, clock, 0.1, 25)
    assert warned() == []
    live(load, clock, 0.2, 12)
    assert warned() == []  # until a call has been profiled
    call_until(load, warned)
    live(load, clock, 0.2, 60)
    (record,) = warned()
    assert record.levelno == logging.WARNING
    assert record.__dict__["regression_verdict"] == "slower"
    assert record.__dict__["regression_ratio"] == pytest.approx(2.0, rel=0.03)
    assert "2.0" in record.getMessage()
    assert ".load takes" in record.getMessage()
    page = Path(record.__dict__["regression_diff"])
    assert str(page) in record.getMessage()
    assert "what changed" in page.read_text("utf-8")
    beside = Path(record.__dict__["regression_profile"])
    assert beside.parent == page.parent
    assert beside.name.split(".html")[0] == page.name.split(".diff")[0]
    assert events == [("regression", "slower", of(load).name)]


def test_the_end_of_a_slow_down_is_told_and_a_second_one_is_told_again(
    clock: Clock, warned: Callable[[], list[logging.LogRecord]]
) -> None:
    @flamegraph(sample_rate=1e-9)
    def load() -> None: ...

    for _ in range(2):
        live(load, clock, 0.1, 25)
        live(load, clock, 0.2, 12)
        call_until(load, lambda: warned() and "slower" in warned()[-1].__dict__.values())
        live(load, clock, 0.2, 12)
        live(load, clock, 0.1, 12)
    verdicts = [record.__dict__["regression_verdict"] for record in warned()]
    assert verdicts == ["slower", "recovered", "slower", "recovered"]
    assert warned()[1].levelno == logging.INFO
    assert "Slow-down over" in warned()[1].getMessage()


def test_a_function_that_is_not_called_again_is_warned_of_without_a_page(
    clock: Clock,
    warned: Callable[[], list[logging.LogRecord]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CAPTURE_WITHIN_SECONDS", 0.05)

    @flamegraph(sample_rate=1e-9)
    def load() -> None: ...

    live(load, clock, 0.1, 25)
    live(load, clock, 0.2, 12)
    call_until(lambda: threading.Event().wait(0.02), warned)
    (record,) = warned()
    assert "because no call began that the overhead budget could afford" in record.getMessage()
    assert record.__dict__["regression_diff"] is None


def test_a_capture_that_does_not_end_is_not_waited_for(
    clock: Clock,
    warned: Callable[[], list[logging.LogRecord]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "CAPTURE_WITHIN_SECONDS", 0.2)
    go_on = threading.Event()

    @flamegraph(sample_rate=1e-9, backend="sampler")
    def load() -> None:
        assert go_on.wait(30)

    live(load, clock, 0.1, 25)
    live(load, clock, 0.2, 12)
    thread = threading.Thread(target=load)
    thread.start()
    call_until(lambda: threading.Event().wait(0.02), warned)
    go_on.set()
    thread.join()
    assert "because the call that is profiled has not ended yet" in warned()[0].getMessage()


def test_what_is_over_before_a_call_was_profiled_is_told_with_its_end(
    clock: Clock, warned: Callable[[], list[logging.LogRecord]]
) -> None:
    @flamegraph(sample_rate=1e-9)
    def load() -> None: ...

    live(load, clock, 0.1, 25)
    live(load, clock, 0.2, 12)
    live(load, clock, 0.1, 12)
    slower, recovered = warned()
    assert "because it was over" in slower.getMessage()
    assert recovered.__dict__["regression_ratio"] == pytest.approx(0.5, rel=0.03)


def test_a_rate_of_zero_means_no_capture_either(
    clock: Clock,
    warned: Callable[[], list[logging.LogRecord]],
    profiles: Callable[[], list[Profile]],
) -> None:
    @flamegraph(sample_rate=0.0)
    def load() -> None: ...

    live(load, clock, 0.1, 25)
    live(load, clock, 0.2, 12)
    call_until(load, warned)
    assert "because sample_rate is 0" in warned()[0].getMessage()
    assert profiles() == []


def test_the_capture_is_of_the_cpu_also_where_only_memory_is_profiled(
    clock: Clock,
    warned: Callable[[], list[logging.LogRecord]],
    profiles: Callable[[], list[Profile]],
) -> None:
    @memory_profile(sample_rate=1e-9, backend="rss")
    def load() -> int:
        return busy()

    live(load, clock, 0.1, 25)
    live(load, clock, 0.2, 12)
    call_until(load, warned)
    (profile,) = profiles()
    assert profile.cpu is not None
    assert any("2.0" in note and "times as long" in note for note in profile.notes)
    assert "no JSON profile from before" in warned()[0].getMessage()


def test_nothing_is_watched_when_it_is_switched_off(
    clock: Clock, warned: Callable[[], list[logging.LogRecord]]
) -> None:
    @flamegraph(sample_rate=1e-9)
    def load() -> None: ...

    live(load, clock, 0.1, 25)
    live(load, clock, 0.2, 12)  # a capture is waited for
    configure(regression_detection=False)
    plan = of(load)
    assert plan.durations.begin(plan.resolved) is None
    assert plan.durations.sketches == {}
    for _ in range(5):
        load()
    assert warned() == []


@pytest.mark.parametrize("rate", [None, 1e-9])
def test_calls_that_are_not_profiled_are_timed_now_and_then(rate: float | None) -> None:
    @flamegraph(sample_rate=rate)
    def load() -> str:
        return "loaded"

    @flamegraph(sample_rate=rate)
    async def fetch() -> str:
        return "fetched"

    async def fetch_all() -> None:
        assert {await fetch() for _ in range(5_000)} == {"fetched"}

    load()
    asyncio.run(fetch())
    assert flush(60)  # by now it is known what a profile costs
    configure(overhead_budget=1e-6)
    assert {load() for _ in range(5_000)} == {"loaded"}
    asyncio.run(fetch_all())
    for target in (load, fetch):
        assert 3 <= of(target).durations.sketches[PLAIN].count < 500


def test_only_calls_that_return_count() -> None:
    @flamegraph(sample_rate=1e-9)
    def fail() -> None:
        raise ValueError("as ever")

    @flamegraph(sample_rate=1e-9)
    async def fail_later() -> None:
        raise ValueError("as ever")

    for _ in range(5):
        with pytest.raises(ValueError, match="as ever"):
            fail()
        with pytest.raises(ValueError, match="as ever"):
            asyncio.run(fail_later())
    assert of(fail).durations.sketches == of(fail_later).durations.sketches == {}


def test_calls_do_not_count_while_a_profiler_slows_the_process_down() -> None:
    @flamegraph(sample_rate=1e-9)
    def load() -> None: ...

    assert profile_hook.acquire("memray") is None
    try:
        for _ in range(5):
            load()
    finally:
        profile_hook.release()
    assert of(load).durations.sketches == {}


def test_profiled_calls_are_a_population_of_their_own(
    profiles: Callable[[], list[Profile]],
) -> None:
    @flamegraph(sample_rate=1.0, backend="sampler")
    def load() -> None: ...

    for _ in range(3):
        load()
    assert len(profiles()) == 3
    assert {way: s.count for way, s in of(load).durations.sketches.items()} == {"sampler": 3}


def test_more_ways_of_running_than_expected_do_not_pile_up(clock: Clock) -> None:
    watch = DurationWatch("many")
    for number in range(20):
        profile = cpu(1.0, fetch=0.1)
        assert profile.cpu is not None
        half = profile.cpu.model_copy(update={"backend": f"backend{number}"})
        watch.delivered(profile.model_copy(update={"cpu": half}), [])
    assert len(watch.sketches) <= 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_starts_anew(clock: Clock) -> None:
    @flamegraph(sample_rate=1e-9)
    def load() -> None: ...

    live(load, clock, 0.1, 25)
    child = os.fork()
    if child == 0:
        os._exit(0 if of(load).durations.sketches == {} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert of(load).durations.sketches[PLAIN].count > 0


def test_a_fault_of_the_watch_never_reaches_the_caller(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @flamegraph(sample_rate=1e-9)
    def load() -> str:
        return "loaded"

    def broken() -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(of(load), "resolved", broken)
    plan = of(load)
    assert plan.durations.begin(plan.resolved) is None
    assert load() == "loaded"
    assert "watching the durations of a function" in caplog.text


BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    for number, seconds in enumerate([1.0, 0.3, 1.1, 5.0, 2.0, 9.0]):
        started = BEGAN + timedelta(minutes=number)
        profile = cpu(seconds, fetch=0.1).model_copy(
            update={"started_at": started, "duration_seconds": seconds, "name": "app.load"}
        )
        name = f"{started:%Y%m%dT%H%M%S.%fZ}_{number:032x}.json"
        (tmp_path / name).write_bytes(json_renderer.render(profile))
    (tmp_path / "20250101T000000.000000Z_no.json").write_text("{}")
    return tmp_path


def good(stored: Path, usual: float, minutes: int = 6, name: str = "app.load") -> float | None:
    until = BEGAN + timedelta(minutes=minutes)
    found = evidence.last_good(name, stored, until, usual)
    return None if found is None else found.duration_seconds


def test_what_a_slow_call_is_compared_with_is_recent_and_lasted_as_usual(stored: Path) -> None:
    assert good(stored, usual=1.08) == 1.1
    assert good(stored, usual=1.0) == 1.1  # the one that lasted 1.0 is not among the newest five
    assert good(stored, usual=100.0) == 9.0
    assert good(stored, usual=100.0, minutes=4) == 5.0  # what began later is not from before
    assert good(stored, usual=1.0, minutes=0) is None
    assert good(stored, usual=1.0, name="app.other") is None


def test_without_anything_to_compare_the_reason_is_given(stored: Path) -> None:
    slow = cpu(2.0, fetch=0.1)
    shift = next(_shifts())
    assert evidence.write_diff(slow, [], shift, BEGAN) == (
        None,
        "the profile of the slow call was not written",
    )
    half = evidence.write_diff(slow.model_copy(update={"cpu": None}), [], shift, BEGAN)
    assert half == (None, "the profiled call has no CPU profile")
    gone = stored / "gone" / "x.json"
    page, reason = evidence.write_diff(slow, [gone], shift, BEGAN)
    assert page is None
    assert reason is not None


def test_a_page_that_cannot_be_written_is_a_reason_and_no_fault_of_the_call(stored: Path) -> None:
    slow = cpu(2.0, fetch=0.1).model_copy(update={"name": "app.load"})
    occupied = stored / "x.json"
    (stored / f".x{evidence.EXTENSION}.tmp").mkdir()  # in the way
    page, reason = evidence.write_diff(
        slow, [occupied], next(_shifts()), BEGAN + timedelta(minutes=6)
    )
    (stored / f".x{evidence.EXTENSION}.tmp").rmdir()
    assert page is None
    assert reason is not None
    assert "failed" in reason


def _shifts() -> Iterator[Any]:
    from application_sdk.monitoring.analysis.regressions.duration_shift import DurationShift

    yield DurationShift(
        ratio=2.0, quantile=0.5, before_seconds=1.0, after_seconds=2.0, since=0.0, against="past"
    )


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("how", [[], ["--worker"]], ids=["plain", "worker"])
def test_a_real_program_whose_function_becomes_twice_as_slow_says_so_once(
    tmp_path: Path, how: list[str]
) -> None:
    command = [sys.executable, "-m", "tests.regressions.slowing_program", "--output", str(tmp_path)]
    done = subprocess.run(
        [*command, *how], cwd=PROJECT, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if "Performance regression" in line]
    assert len(lines) == 1, done.stderr
    found = re.search(r"slowing_program\.price takes (\d+\.\d+) times .*differs: (\S+)$", lines[0])
    assert found is not None, lines[0]
    assert 1.5 <= float(found.group(1)) <= 2.6
    page = Path(found.group(2))
    assert "Change in self" in page.read_text("utf-8")
    profile = load_profile(page.with_name(page.name.replace(".diff.html", ".json")))
    assert profile.cpu is not None
    assert "read_every_row" in {each.function for each in profile.cpu.tree.functions()}


def test_a_baseline_of_stored_durations_is_what_profiled_calls_are_compared_with(
    clock: Clock,
    warned: Callable[[], list[logging.LogRecord]],
    profiles: Callable[[], list[Profile]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @flamegraph(sample_rate=1.0, backend="sampler")
    def load() -> None: ...

    load()
    (real,) = profiles()
    for number in range(40):
        good = real.model_copy(update={"duration_seconds": 0.1, "profile_id": f"{number:032x}"})
        (tmp_path / f"{number}.json").write_bytes(json_renderer.render(good))
    file = tmp_path / "out" / "durations.json"
    file.parent.mkdir()
    stored = [str(path) for path in tmp_path.glob("*.json")]
    assert main(["baseline", "durations", *stored, "-o", str(file)]) == 0
    assert "40 durations" in capsys.readouterr().out
    configure(duration_baseline=file)
    watch = of(load).durations
    watch.reset()
    slow = real.model_copy(update={"duration_seconds": 0.3})
    for _ in range(8 * 30):  # fewer than ten windows of its own past
        watch.delivered(slow, [])
        clock.seconds += 2.0
    call_until(load, warned)
    (record,) = warned()
    assert record.__dict__["regression_against"] == "baseline"
    assert record.__dict__["regression_ratio"] == pytest.approx(3.0, rel=0.03)


@pytest.mark.parametrize("content", ["{", "[]", '{"machines": {"a": {"b": {"c": {}}}}}', None])
def test_a_baseline_that_cannot_be_used_is_warned_of_once(
    content: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "durations.json"
    if content is not None:
        file.write_text(content)
    configure(duration_baseline=file)
    for name in ("one", "two"):
        watch = DurationWatch(name)
        watch.delivered(cpu(1.0, fetch=0.1), [])
        assert [sketch.count for sketch in watch.sketches.values()] == [1]
    assert caplog.text.count("duration_baseline=") == 1
