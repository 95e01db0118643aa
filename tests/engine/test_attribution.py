"""Calls that overlap, and what they start elsewhere, keep to their own profiles."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from application_sdk.monitoring import Profile, configure, flamegraph, memory_profile

Finished = Callable[[], list[Profile]]

KEPT: list[bytearray] = []


@pytest.fixture(autouse=True)
def sampled() -> Any:
    # A full collection of pytest's own heap takes longer than the calls here, and is charged
    # to whichever of them it falls into.
    gc.disable()
    configure(sample_rate=1.0)
    yield
    gc.enable()
    KEPT.clear()
    TRUTH.clear()


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(300))


def keep(size: int) -> None:
    KEPT.append(bytearray(size))


def names(profile: Profile) -> set[str]:
    found: set[str] = set()
    halves = [None if profile.cpu is None else profile.cpu.tree]
    if profile.memory is not None:
        halves += [profile.memory.peak_tree, profile.memory.retained_tree]
    for tree in halves:
        if tree is not None:
            found |= {stat.function for stat in tree.functions()}
    return found


def retained_by(profile: Profile, function: str) -> float:
    assert profile.memory is not None
    assert profile.memory.retained_tree is not None
    return sum(
        s.self_value for s in profile.memory.retained_tree.functions() if s.function == function
    )


def burnt(profile: Profile) -> float:
    assert profile.cpu is not None
    return profile.cpu.cpu_seconds or 0.0


CALLS = 40
TRUTH: dict[str, float] = {}
ARENA = 2**20


def share(number: int) -> tuple[float, int]:
    """What one of the overlapping calls burns and keeps."""
    return 0.04 + 0.002 * number, 200_000 + 16_000 * number


@contextmanager
def meter(name: str) -> Iterator[None]:
    """Adds to the truth what the body burns: a crowded machine adds to what it was asked for."""
    began = time.thread_time()
    yield
    TRUTH[name] = TRUTH.get(name, 0.0) + time.thread_time() - began


def check_each(found: list[Profile], prefix: str) -> None:
    assert len(found) == CALLS
    for profile in found:
        number = int(profile.name.removeprefix(prefix))
        _seconds, size = share(number)
        assert burnt(profile) == pytest.approx(TRUTH[profile.name], rel=0.15, abs=0.004)
        assert profile.memory is not None
        retained = profile.memory.retained_bytes or 0
        # An allocator arena counts whole for the call that happened to need it.
        assert 0.85 * size <= retained % ARENA <= 1.15 * size, (profile.name, retained)
        assert not names(profile) & {"neighbour", "other"}, profile.name


def test_forty_overlapping_coroutines_each_get_their_own(profiles: Finished) -> None:
    async def work(number: int) -> None:
        seconds, size = share(number)
        for _ in range(4):
            with meter(f"call{number}"):
                burn(seconds / 4)
                keep(size // 4)
            await asyncio.sleep(0.005)

    async def neighbour() -> None:
        for _ in range(5):
            keep(10_000_000)
            burn(0.02)
            await asyncio.sleep(0.01)

    async def main() -> None:
        calls = [
            memory_profile(flamegraph(work, name=f"call{number}"))(number)
            for number in range(CALLS)
        ]
        await asyncio.gather(neighbour(), *calls)

    asyncio.run(main())
    check_each(profiles(), "call")


def test_forty_overlapping_calls_of_a_thread_pool_each_get_their_own(profiles: Finished) -> None:
    everyone = threading.Barrier(CALLS + 1)

    def work(number: int) -> None:
        with meter(f"call{number}"):
            everyone.wait(60)
            seconds, size = share(number)
            for _ in range(4):
                burn(seconds / 4)
                keep(size // 4)

    def neighbour() -> None:
        everyone.wait(60)
        for _ in range(5):
            keep(10_000_000)

    with ThreadPoolExecutor(CALLS + 1) as pool:
        futures = [pool.submit(neighbour)] + [
            pool.submit(memory_profile(flamegraph(work, name=f"call{number}")), number)
            for number in range(CALLS)
        ]
        for future in futures:
            future.result()
    check_each(profiles(), "call")


async def in_gather(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.gather(work(), work())


async def in_task_group(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(work())
        group.create_task(work())


async def in_create_task(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    tasks = [asyncio.create_task(work()), asyncio.create_task(work())]
    for task in tasks:
        await task


async def in_grandchildren(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    await asyncio.create_task(in_gather(work))


@pytest.mark.parametrize("backend", ["sampler", "pyinstrument"])
@pytest.mark.parametrize("start", [in_gather, in_task_group, in_create_task, in_grandchildren])
def test_cpu_time_of_child_tasks_belongs_to_the_call(
    start: Any, backend: str, profiles: Finished
) -> None:
    async def child() -> None:
        for _ in range(5):
            burn(0.03)
            await asyncio.sleep(0.001)

    async def other() -> None:
        for _ in range(10):
            burn(0.03)
            await asyncio.sleep(0.001)

    @flamegraph(name="parent", backend=backend)
    async def parent() -> None:
        await start(child)

    async def main() -> None:
        stranger = asyncio.create_task(other())
        await parent()
        await stranger

    asyncio.run(main())
    (profile,) = profiles()
    assert profile.cpu is not None
    assert burnt(profile) == pytest.approx(0.3, rel=0.15)
    child_burnt = [s for s in profile.cpu.tree.functions("cpu_seconds") if s.function == "child"]
    assert child_burnt[0].total_value == pytest.approx(0.3, rel=0.25)
    assert "other" not in names(profile)
    assert profile.cpu.wall_seconds == pytest.approx(profile.duration_seconds, rel=0.1)


@pytest.mark.parametrize("start", [in_gather, in_task_group, in_create_task, in_grandchildren])
def test_memory_of_child_tasks_belongs_to_the_call(start: Any, profiles: Finished) -> None:
    async def child() -> None:
        keep(1_000_000)
        await asyncio.sleep(0.001)
        keep(1_000_000)

    async def other() -> None:
        keep(20_000_000)

    @memory_profile(name="parent")
    async def parent() -> None:
        await start(child)

    async def main() -> None:
        stranger = asyncio.create_task(other())
        await parent()
        await stranger

    asyncio.run(main())
    (profile,) = profiles()
    assert profile.memory is not None
    assert profile.memory.retained_bytes == pytest.approx(4_000_000, rel=0.05)
    assert retained_by(profile, "keep") == pytest.approx(4_000_000, rel=0.05)
    assert {"parent", "child", "keep"} <= names(profile)
    assert "other" not in names(profile)


def by_to_thread(work: Callable[[], None]) -> Coroutine[Any, Any, None]:
    return asyncio.to_thread(work)


async def by_run_in_executor(work: Callable[[], None]) -> None:
    await asyncio.get_running_loop().run_in_executor(None, work)


async def by_own_pool(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        await asyncio.wrap_future(pool.submit(work))


@pytest.mark.parametrize("submit", [by_to_thread, by_run_in_executor, by_own_pool])
def test_work_that_a_call_gives_to_threads_belongs_to_it(submit: Any, profiles: Finished) -> None:
    def in_thread() -> None:
        keep(3_000_000)
        burn(0.1)

    @flamegraph
    @memory_profile(name="parent")
    async def parent() -> None:
        await submit(in_thread)

    async def main() -> None:
        await parent()
        await asyncio.to_thread(keep, 30_000_000)

    asyncio.run(main())
    (profile,) = profiles()
    assert burnt(profile) == pytest.approx(0.1, rel=0.2)
    assert retained_by(profile, "keep") == pytest.approx(3_000_000, rel=0.05)
    assert "in_thread" in names(profile)


def test_pyinstrument_says_that_it_does_not_see_other_threads(profiles: Finished) -> None:
    @flamegraph(name="parent", backend="pyinstrument")
    async def parent() -> None:
        await asyncio.to_thread(burn, 0.02)

    asyncio.run(parent())
    (profile,) = profiles()
    assert any("other threads" in note for note in profile.notes)


def test_a_decorated_function_in_a_child_task_is_part_of_the_call(profiles: Finished) -> None:
    @flamegraph(name="child")
    async def child() -> None:
        burn(0.01)

    @flamegraph(name="parent")
    async def parent() -> None:
        await asyncio.gather(child(), child())

    asyncio.run(parent())
    assert [profile.name for profile in profiles()] == ["parent"]


def test_a_task_that_outlives_its_call_is_no_part_of_it_any_more(profiles: Finished) -> None:
    tasks: list[asyncio.Task[None]] = []

    async def late(begin: asyncio.Event) -> None:
        await begin.wait()
        keep(20_000_000)
        burn(0.05)

    @flamegraph
    @memory_profile(name="parent")
    async def parent(begin: asyncio.Event) -> None:
        tasks.append(asyncio.create_task(late(begin)))
        await asyncio.sleep(0)

    async def main() -> None:
        begin = asyncio.Event()
        await parent(begin)
        begin.set()
        await tasks[0]

    asyncio.run(main())
    (profile,) = profiles()
    assert profile.memory is not None
    assert (profile.memory.retained_bytes or 0) < 1_000_000
    assert burnt(profile) < 0.03


def noting_factory() -> tuple[Callable[..., asyncio.Task[Any]], list[str]]:
    """A task factory of the program's, and the names of the coroutines that it was given."""
    made: list[str] = []

    def factory(loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine.__name__)
        return asyncio.Task(coroutine, loop=loop, **options)

    return factory, made


def test_the_programs_task_factory_is_used_and_comes_back(profiles: Finished) -> None:
    factory, made = noting_factory()

    async def child() -> None: ...

    @flamegraph(name="parent")
    async def parent() -> None:
        await asyncio.create_task(child())

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(factory)
        await parent()
        return loop.get_task_factory()

    assert asyncio.run(main()) is factory
    assert made[0] == "child"
    assert len(profiles()) == 1


def test_a_task_factory_that_the_program_sets_during_a_memory_capture_is_used(
    profiles: Finished,
) -> None:
    factory, made = noting_factory()

    async def child() -> None: ...

    @memory_profile(name="parent")
    async def parent() -> None:
        await asyncio.gather(child(), child())
        asyncio.get_running_loop().set_task_factory(factory)
        await asyncio.create_task(child())

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        await parent()
        assert "create_task" not in vars(loop)
        return loop.get_task_factory()

    assert asyncio.run(main()) is factory
    assert made[0] == "child"  # the loop's own end makes some too
    assert len(profiles()) == 1


def test_tasks_of_a_memory_capture_keep_their_names_and_outcomes(profiles: Finished) -> None:
    async def child(outcome: Any) -> str:
        await asyncio.sleep(0)
        if isinstance(outcome, BaseException):
            raise outcome
        coroutine: Any = asyncio.current_task().get_coro()  # type: ignore[union-attr]
        return f"{coroutine.__name__} {coroutine.__qualname__}"

    async def observe() -> list[Any]:
        first = asyncio.create_task(child(1), name="first")
        await first
        inside = contextvars.copy_context()
        second = asyncio.create_task(child(2), name="second", context=inside)
        third = asyncio.get_running_loop().create_task(coro=child(3))
        results = await asyncio.gather(third, second, child(KeyError("x")), return_exceptions=True)
        return [first.get_name(), first.result(), second.get_name(), *map(repr, results)]

    plain = asyncio.run(observe())
    assert asyncio.run(memory_profile(observe)()) == plain
    assert len(profiles()) == 1


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("decorator", [flamegraph, memory_profile])
def test_a_task_without_a_name_gets_asyncios(
    profiles: Finished, decorator: Any, debug: bool
) -> None:
    async def child() -> str:
        task = asyncio.current_task()
        assert task is not None
        return task.get_name()

    async def parent() -> list[str]:
        inside = asyncio.create_task(child(), context=contextvars.copy_context())
        return [await asyncio.create_task(child()), *await asyncio.gather(child(), inside)]

    names = asyncio.run(decorator(parent)(), debug=debug)

    assert all(name.startswith("Task-") for name in names)
    assert len(profiles()) == 1


def test_nothing_stays_changed_after_the_last_capture(profiles: Finished) -> None:
    before = ThreadPoolExecutor.submit

    @flamegraph(name="parent")
    async def parent() -> None:
        assert ThreadPoolExecutor.submit is not before
        await asyncio.sleep(0)

    async def main() -> Any:
        await parent()
        return asyncio.get_running_loop().get_task_factory()

    assert asyncio.run(main()) is None
    assert ThreadPoolExecutor.submit is before
    assert len(profiles()) == 1


def test_child_tasks_behave_as_without_a_capture() -> None:
    async def child(outcome: Any) -> Any:
        if isinstance(outcome, BaseException):
            raise outcome
        await asyncio.sleep(outcome)
        return outcome

    async def observe() -> list[Any]:
        slow = asyncio.create_task(child(30), name="slow")
        await asyncio.sleep(0)
        slow.cancel()
        results = await asyncio.gather(child(0), child(KeyError("x")), slow, return_exceptions=True)
        return [repr(result) for result in results] + [slow.get_name(), slow.cancelled()]

    plain = asyncio.run(observe())
    assert asyncio.run(flamegraph(observe)()) == plain


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
def test_an_eager_child_is_charged_once(profiles: Finished) -> None:
    async def child() -> None:
        burn(0.1)
        keep(2_000_000)

    @flamegraph
    @memory_profile(name="parent")
    async def parent() -> None:
        await asyncio.create_task(child())

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined]
        await parent()

    asyncio.run(main())
    (profile,) = profiles()
    assert burnt(profile) == pytest.approx(0.1, rel=0.2)
    assert retained_by(profile, "keep") == pytest.approx(2_000_000, rel=0.05)
