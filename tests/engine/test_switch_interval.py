"""The ticker gets the interpreter's lock in time, and leaves the switch interval as it was."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from application_sdk.monitoring.switch_interval import Promptness
from application_sdk.monitoring.ticker import Ticker

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="left as it is on Windows")


@pytest.fixture(autouse=True)
def usual() -> Iterator[float]:
    interval = sys.getswitchinterval()
    yield interval
    assert sys.getswitchinterval() == interval
    sys.setswitchinterval(interval)


def test_it_is_short_while_ticks_are_frequent_and_as_before_afterwards(usual: float) -> None:
    ticker, ticked = Ticker(), threading.Event()
    seen: list[float] = []

    def tick() -> None:
        seen.append(sys.getswitchinterval())
        ticked.set()

    added = ticker.add(tick, 0.005)
    assert ticked.wait(10)
    thread = ticker._thread
    ticker.remove(added)
    assert thread is not None
    thread.join(10)
    assert seen[0] < usual
    assert sys.getswitchinterval() == usual


def test_rare_ticks_leave_it_alone(usual: float) -> None:
    ticker, ticked = Ticker(), threading.Event()
    seen: list[float] = []

    def tick() -> None:
        seen.append(sys.getswitchinterval())
        ticked.set()

    added = ticker.add(tick, 0.1)
    assert ticked.wait(10)
    ticker.remove(added)
    assert seen[0] == usual


def test_a_thread_that_has_to_pause_gets_it_too(usual: float) -> None:
    promptness, now = Promptness(), time.monotonic()
    promptness.before_wait(now + 0.01, now + 0.2, now, time.thread_time())
    assert sys.getswitchinterval() < usual
    promptness.restore()


def test_one_that_the_program_sets_meanwhile_stays(usual: float) -> None:
    promptness = Promptness()
    now = time.monotonic()
    promptness.before_wait(now + 0.01, now + 0.01, now, time.thread_time())
    sys.setswitchinterval(0.002)
    promptness.after_wait(now + 0.01)
    promptness.restore()
    assert sys.getswitchinterval() == pytest.approx(0.002)
    sys.setswitchinterval(usual)


def test_threads_that_contend_for_the_lock_get_the_usual_one_back(usual: float) -> None:
    done, promptness = threading.Event(), Promptness()

    def burn() -> None:
        while not done.is_set():
            sum(range(100))

    threads = [threading.Thread(target=burn) for _ in range(4)]
    for thread in threads:
        thread.start()
    never = threading.Event()
    until = time.monotonic() + 30
    try:
        while time.monotonic() < until:
            now = time.monotonic()
            promptness.before_wait(now + 0.01, now + 0.01, now, time.thread_time())
            if sys.getswitchinterval() == usual:
                break
            never.wait(0.01)
            promptness.after_wait(time.monotonic())
        else:
            pytest.fail("the short interval stayed for 30 s beside four busy threads")
    finally:
        promptness.restore()
        done.set()
        for thread in threads:
            thread.join(10)


@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_forked_child_has_the_usual_one(usual: float) -> None:
    ticker = Ticker()
    added = ticker.add(lambda: None, 0.005)
    pid = os.fork()
    if pid == 0:  # pragma: no cover - in the child
        ticker.reset()
        os._exit(0 if sys.getswitchinterval() == usual else 1)
    thread = ticker._thread
    ticker.remove(added)
    assert thread is not None
    thread.join(10)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


BUSY = """
import asyncio, time
from application_sdk.monitoring import configure, flamegraph, flush, on_profile

async def leaf():
    await asyncio.sleep(0)

@flamegraph(backend="sampler", sample_rate=1.0)
async def busy():
    until = time.thread_time() + 2
    while time.thread_time() < until:
        await asyncio.gather(*(leaf() for _ in range(100)))

on_profile(lambda profile: print(profile.cpu.sample_count))
asyncio.run(busy())
assert flush(60)
"""


def test_a_busy_event_loop_does_not_keep_the_sampler_from_its_samples(tmp_path: Path) -> None:
    # Where the other core is idle, the loop wins each race for the lock that it gave up itself.
    done = subprocess.run(
        [sys.executable, "-c", BUSY],
        env={**os.environ, "ATLAN_MONITORING_OUTPUT_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # Two cores that other programs use too can leave it as few as it allows itself at least.
    assert int(done.stdout.split()[0]) >= 7
