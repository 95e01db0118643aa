"""Odd corners that a user meets sooner or later: what the contract says of each must hold."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any

import pytest
from pyinstrument import Profiler
from pyinstrument.stack_sampler import active_profiler_context_var

from application_sdk.monitoring import (
    MonitoringError,
    Profile,
    configure,
    flamegraph,
    flush,
    load_profile,
    memory_profile,
    on_profile,
)
from application_sdk.monitoring.backends.spool import SPOOL_DIRECTORY, Spool

Finished = Callable[[], list[Profile]]


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(300))


def test_a_callback_that_undoes_itself_takes_no_turn_from_the_next_one() -> None:
    seen: list[Profile] = []

    def once(_: Profile) -> None:
        undo_first()

    undo_first = on_profile(once)
    undo_second = on_profile(seen.append)
    try:
        flamegraph(burn, sample_rate=1.0)(0.0)
        assert flush(60)
    finally:
        undo_second()
    assert len(seen) == 1


def test_a_callback_that_exits_does_not_end_the_delivery(profiles: Finished) -> None:
    def leave(_: Profile) -> None:
        raise SystemExit(3)

    work = flamegraph(burn, sample_rate=1.0)
    undo = on_profile(leave)
    try:
        work(0.0)
        assert flush(60)
    finally:
        undo()
    work(0.0)
    assert len(profiles()) == 2


def test_a_callback_that_cannot_be_called_is_refused() -> None:
    with pytest.raises(MonitoringError, match=r"callback=3.*must be a function") as raised:
        on_profile(3)  # type: ignore[arg-type]
    assert isinstance(raised.value, TypeError)


def test_a_profiler_of_the_programs_own_inside_a_call_costs_the_call_nothing(
    profiles: Finished,
) -> None:
    def work() -> None:
        with Profiler():
            burn(0.02)

    flamegraph(work, sample_rate=1.0, backend="pyinstrument")()
    (profile,) = profiles()
    assert profile.cpu is not None
    assert profile.cpu.backend == "pyinstrument"
    assert sys.getprofile() is None


def test_pyinstruments_hook_finds_its_variable_in_the_context_of_every_profiled_call() -> None:
    async def child() -> object:
        return copy_context().get(active_profiler_context_var, "not there")

    async def of_a_task() -> object:
        return await asyncio.create_task(child())

    seen = Context().run(flamegraph(copy_context, sample_rate=1.0, backend="pyinstrument"))
    assert active_profiler_context_var in seen
    assert seen[active_profiler_context_var] is None
    watched = flamegraph(of_a_task, sample_rate=1.0, backend="pyinstrument")
    assert Context().run(asyncio.run, watched()) is None


def test_a_profiler_of_the_programs_own_goes_on_in_the_context_that_it_holds() -> None:
    def work() -> object:
        return copy_context()[active_profiler_context_var]

    def program() -> None:
        with Profiler(interval=0.001) as own:
            before = work()
            assert before is not None
            assert flamegraph(work, sample_rate=1.0, backend="pyinstrument")() is before
            burn(0.02)
        assert own.last_session is not None
        assert own.last_session.sample_count > 0
        with Profiler():
            burn(0.0)

    Context().run(program)


def test_a_hook_for_new_threads_that_a_call_sets_survives_it(profiles: Finished) -> None:
    def hook(frame: object, event: str, argument: object) -> None: ...

    def set_hook() -> None:
        threading.setprofile(hook)

    try:
        memory_profile(set_hook, sample_rate=1.0, backend="memray")()
        (profile,) = profiles()
        for thread in threading.enumerate():
            if thread.name == "monitoring-tracker":
                thread.join(60)
        assert threading.getprofile() is hook
    finally:
        threading.setprofile(None)
    assert profile.memory is not None
    assert profile.memory.backend == "memray"


def test_retention_leaves_alone_what_a_link_has_taken_the_place_of(tmp_path: Path) -> None:
    output = tmp_path / "out"
    configure(max_stored_profiles=2)
    first = flamegraph(burn, sample_rate=1.0, name="first", output_dir=output)
    second = flamegraph(burn, sample_rate=1.0, name="second", output_dir=output)
    first(0.0)
    first(0.0)
    assert flush(60)
    moved = (output / "first").rename(tmp_path / "moved")
    (output / "first").symlink_to(moved)
    for _ in range(3):
        second(0.0)
    assert flush(60)
    assert len(list(moved.iterdir())) == 2
    assert len(list((output / "second").iterdir())) == 2


def test_a_directory_deleted_meanwhile_is_no_fault_to_report(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = tmp_path / "out"
    configure(max_stored_profiles=1)
    flamegraph(burn, sample_rate=1.0, name="first", output_dir=output)(0.0)
    assert flush(60)
    for file in (output / "first").iterdir():
        file.unlink()
    (output / "first").rmdir()
    flamegraph(burn, sample_rate=1.0, name="second", output_dir=output)(0.0)
    assert flush(60)
    assert len(list((output / "second").iterdir())) == 1
    assert "Monitoring failed" not in caplog.text


def test_a_capture_that_a_full_disk_has_no_room_for_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profiles: Finished
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "_write", full)
    output = tmp_path / "out"
    memory_profile(burn, sample_rate=1.0, backend="memray", output_dir=output)(0.0)
    (profile,) = profiles()
    assert profile.memory is not None
    assert profile.memory.backend == "rss"
    assert any("No space left" in note for note in profile.notes)
    assert list((output / SPOOL_DIRECTORY).iterdir()) == []


def test_a_capture_goes_even_when_its_journal_cannot_be_written_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profiles: Finished
) -> None:
    def work() -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Spool, "_write", full)
        kept.append(bytearray(3_000_000))

    kept: list[bytearray] = []
    output = tmp_path / "out"
    memory_profile(work, sample_rate=1.0, backend="memray", output_dir=output)()
    (profile,) = profiles()
    assert profile.memory is not None
    assert profile.memory.retained_bytes is not None
    for thread in threading.enumerate():
        if thread.name == "monitoring-tracker":
            thread.join(60)
    assert list((output / SPOOL_DIRECTORY).iterdir()) == []


def test_a_block_of_a_coroutine_states_no_await_time(profiles: Finished) -> None:
    async def work() -> None:
        with flamegraph(name="load", sample_rate=1.0):
            await asyncio.sleep(0.02)

    asyncio.run(work())
    (profile,) = profiles()
    assert profile.cpu is not None
    assert profile.cpu.await_seconds is None
    assert "await_seconds" not in profile.cpu.tree.metrics
    assert any("block of a coroutine" in note for note in profile.notes)


def test_a_block_first_entered_while_off_is_profiled_once_on(profiles: Finished) -> None:
    run = flamegraph(name="load", sample_rate=1.0)
    configure(enabled=False)
    with run:
        pass
    assert profiles() == []
    configure(enabled=True)
    with run:
        pass
    assert [profile.name for profile in profiles()] == ["load"]


def test_a_block_within_itself_leaves_the_outer_profile(profiles: Finished) -> None:
    run = flamegraph(name="load", sample_rate=1.0)
    with run, run:
        pass
    assert profiles() == [run.profile]


def test_overrides_find_a_function_by_its_qualified_name_or_its_given_one(
    profiles: Finished,
) -> None:
    work = flamegraph(burn, sample_rate=0.0, name="pretty")
    for pattern in (f"{burn.__module__}.burn", "pretty"):
        configure(overrides={pattern: {"sample_rate": 1.0}})
        work(0.0)
    assert len(profiles()) == 2


def test_formats_of_the_wrong_type_are_named_with_what_is_allowed() -> None:
    with pytest.raises(MonitoringError, match=r"formats=\('html', 1\).*must be names") as raised:
        flamegraph(formats=["html", 1])  # type: ignore[list-item]
    assert isinstance(raised.value, TypeError)


def test_no_formats_at_all_are_refused_as_they_were_given() -> None:
    with pytest.raises(MonitoringError, match=r"formats=\[\].*at least one") as raised:
        flamegraph(formats=[])
    assert isinstance(raised.value, ValueError)


@pytest.mark.parametrize("decorator", [flamegraph, memory_profile])
def test_a_keyword_that_is_not_known_is_refused_with_those_that_are(decorator: Any) -> None:
    with pytest.raises(MonitoringError, match=r"rate=1.*takes name,.*sample_rate") as raised:
        decorator(rate=1)
    assert isinstance(raised.value, TypeError)


def test_what_is_no_path_is_refused_when_a_profile_is_loaded() -> None:
    with pytest.raises(MonitoringError, match=r"path=3 .*give the path") as raised:
        load_profile(3)  # type: ignore[arg-type]
    assert isinstance(raised.value, TypeError)
    with pytest.raises(MonitoringError, match=r"cannot read 'a\\x00b'"):
        load_profile("a\0b")


def test_a_class_that_cannot_be_changed_is_refused() -> None:
    with pytest.raises(MonitoringError, match=r"target=.*bytearray.*cannot be changed") as raised:
        flamegraph(bytearray)
    assert isinstance(raised.value, TypeError)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_an_event_loop_closes_an_abandoned_generator_once(rate: float) -> None:
    closed: list[int] = []
    complaints: list[Any] = []

    @flamegraph(sample_rate=rate)
    async def numbers() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(1)

    async def leave_early() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        kept.append(numbers())
        async for _ in kept[-1]:
            break

    kept: list[Any] = []
    for _ in range(4):
        asyncio.run(leave_early())
    assert complaints == []
    assert closed == [1] * 4
