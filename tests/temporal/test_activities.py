"""Activities with a capture running: heartbeats, cancellation, timeouts, shutdown, crowds."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import CancelledError
from temporalio.testing import ActivityEnvironment

from application_sdk.monitoring import Profile, flamegraph, memory_profile
from tests.temporal import enduring
from tests.temporal.conftest import Server

Finished = Callable[[], list[Profile]]


SOON_TOLD = timedelta(milliseconds=100)
"""A heartbeat's answer tells of a cancellation; a worker sends one in most of a timeout only."""


def started() -> Any:
    return asyncio.to_thread(enduring.started.wait, 50)


@pytest.mark.parametrize("activity", [enduring.beats_in_thread, enduring.beats_async])
def test_a_cancelled_activity_ends_its_capture(
    activity: Any, server: Server, profiles: Finished
) -> None:
    enduring.started.clear()

    async def go() -> str:
        async with server.worker(
            [enduring.RunsOne], [activity], max_heartbeat_throttle_interval=SOON_TOLD
        ) as queue:
            handle = await server.start(enduring.RunsOne.run, activity.__name__, queue=queue)
            assert await started()
            await handle.cancel()
            result: str = await handle.result()
            return result

    assert server.run(go()) == "cancelled"
    (profile,) = profiles()
    assert profile.outcome == "cancelled"
    assert profile.cpu is not None
    assert profile.memory is not None
    assert profile.context.activity_type == activity.__name__


def test_an_activity_that_times_out_is_profiled_to_its_own_end(
    server: Server, profiles: Finished
) -> None:
    assert (
        server.execute(enduring.RunsOne, "overstays", activities=[enduring.overstays])
        == "TimeoutError"
    )
    (profile,) = profiles()
    assert profile.duration_seconds > 0.9


@pytest.mark.parametrize("activity", [enduring.beats_in_thread, enduring.beats_async])
def test_a_worker_that_stops_ends_the_captures_that_run(
    activity: Any, server: Server, profiles: Finished
) -> None:
    enduring.started.clear()

    async def go() -> None:
        async with server.worker(
            [enduring.RunsOne],
            [activity],
            graceful_shutdown_timeout=timedelta(milliseconds=50),
        ) as queue:
            handle = await server.start(enduring.RunsOne.run, activity.__name__, queue=queue)
            assert await started()
        await handle.terminate()

    server.run(go())
    (profile,) = profiles()
    assert profile.outcome == "cancelled"


@pytest.mark.parametrize("name", ["in_a_crowd", "in_a_crowd_of_threads"])
def test_sixty_at_once_have_a_profile_each(name: str, server: Server, profiles: Finished) -> None:
    activity = getattr(enduring, name)
    with ThreadPoolExecutor(60) as threads:
        result = server.execute(
            enduring.RunsMany,
            name,
            60,
            activities=[activity],
            executor=threads,
            max_concurrent_activities=60,
        )
    assert result == list(range(60))
    found = profiles()
    assert len(found) == 60
    assert len({profile.context.activity_id for profile in found}) == 60
    assert all(profile.cpu is not None and profile.memory is not None for profile in found)


def test_what_is_no_activity_call_is_profiled_as_usual(profiles: Finished) -> None:
    assert asyncio.run(enduring.in_a_crowd(1)) == 1
    assert enduring.in_a_crowd_of_threads(2) == 2
    assert [p.context.activity_type for p in profiles()] == [None, None]


def test_a_cancellation_at_any_moment_leaves_nothing_running(profiles: Finished) -> None:
    @flamegraph(sample_rate=1.0, backend="sampler")
    @memory_profile(sample_rate=1.0, backend="rss")
    def work() -> None:
        for _ in range(50):
            sum(range(2_000))

    def cancelled_after(seconds: float) -> None:
        environment = ActivityEnvironment()
        ready = threading.Event()

        def attempt() -> None:
            ready.set()
            work()
            time.sleep(0.05)

        def target() -> None:
            with suppress(CancelledError):
                environment.run(attempt)

        thread = threading.Thread(target=target)
        thread.start()
        ready.wait()
        time.sleep(seconds)
        environment.cancel()
        thread.join(60)
        assert not thread.is_alive()

    for n in range(60):
        cancelled_after(n * 0.0001)
    profiles()  # the guard around every test sees to the rest


def test_a_cancellation_during_the_end_of_a_capture_waits_for_it(
    profiles: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    from application_sdk.monitoring.backends.sampler import SamplerCapture

    environment = ActivityEnvironment()
    ending = threading.Event()
    real = SamplerCapture.stop

    def slow_stop(self: SamplerCapture) -> None:
        ending.set()
        for _ in range(200):
            time.sleep(0.001)
        real(self)

    monkeypatch.setattr(SamplerCapture, "stop", slow_stop)

    @flamegraph(sample_rate=1.0, backend="sampler")
    def work() -> str:
        return "done"

    def cancel() -> None:
        assert ending.wait(60)
        environment.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(CancelledError):
        environment.run(work)
    canceller.join()
    assert len(profiles()) == 1
