"""Stacks are read without keeping a frame, whatever runs or waits."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Iterator
from types import CodeType

import pytest

from application_sdk.monitoring.backends import stacks
from application_sdk.monitoring.backends.stacks import (
    awaited_codes,
    line_of,
    own_files,
    running_codes,
    running_places,
)


@pytest.mark.parametrize("collecting", [True, False])
def test_a_running_threads_stack_is_read_innermost_first(collecting: bool) -> None:
    ready, leave = threading.Event(), threading.Event()

    def inner() -> None:
        ready.set()
        leave.wait(60)

    def outer() -> None:
        inner()

    thread = threading.Thread(target=outer)
    thread.start()
    assert ready.wait(60)
    if not collecting:
        gc.disable()
    try:
        names = [code.co_name for code in running_codes(thread.ident or 0)]
        assert gc.isenabled() is collecting
    finally:
        gc.enable()
        leave.set()
        thread.join()
    assert names.index("inner") < names.index("outer")


def test_a_thread_that_has_ended_has_no_stack() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert running_codes(thread.ident or 0) == []
    assert gc.isenabled()


def test_a_place_tells_the_line_that_runs() -> None:
    code, instruction = running_places(threading.get_ident())[-1]
    assert line_of(code, instruction) >= code.co_firstlineno
    assert line_of(code, 1_000_000) == code.co_firstlineno


async def leaf() -> None:
    await asyncio.get_running_loop().create_future()


async def branch() -> None:
    await leaf()


async def steps() -> AsyncGenerator[int, None]:
    await leaf()
    yield 1


def inner_steps() -> Iterator[int]:
    yield 1


def outer_steps() -> Iterator[int]:
    yield from inner_steps()


def names(codes: list[CodeType]) -> list[str]:
    return [code.co_name for code in codes]


def test_a_suspended_coroutine_is_followed_to_where_it_waits() -> None:
    async def look() -> list[str]:
        waiting = branch()
        task = asyncio.create_task(waiting)
        await asyncio.sleep(0)
        found = names(awaited_codes(waiting))
        task.cancel()
        return found

    assert asyncio.run(look()) == ["branch", "leaf"]


def test_a_suspended_asynchronous_generator_is_followed_too() -> None:
    async def look() -> list[str]:
        generator = steps()
        step = generator.asend(None)
        asked = asyncio.ensure_future(step)
        await asyncio.sleep(0)
        found = names(awaited_codes(generator))
        asked.cancel()
        return found

    assert asyncio.run(look())[0] == "steps"


def test_of_a_generator_its_own_code_is_known() -> None:
    generator = outer_steps()
    next(generator)
    assert names(awaited_codes(generator)) == ["outer_steps"]
    assert awaited_codes(None) == []


def test_known_files_are_forgotten_before_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stacks, "_MOST_FILES", len(own_files) + 10)
    for number in range(100):
        assert not own_files[f"generated-{number}.py"]
    assert len(own_files) <= stacks._MOST_FILES + 1
    assert own_files[stacks.__file__]
