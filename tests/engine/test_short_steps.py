"""Calls of many short steps: told by samples, so that following them costs next to nothing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from application_sdk.monitoring import Profile, configure, flamegraph, memory_profile

Finished = Callable[[], list[Profile]]
SAID = "many short steps"
KEPT: list[bytearray] = []


@pytest.fixture(autouse=True)
def sampled() -> Iterator[None]:
    configure(sample_rate=1.0)
    # The sampler gets its turn at once, whatever earlier tests have made it expect.
    usual = sys.getswitchinterval()
    sys.setswitchinterval(50e-6)
    yield
    sys.setswitchinterval(usual)
    KEPT.clear()


def names(profile: Profile) -> set[str]:
    assert profile.cpu is not None
    return {stat.function for stat in profile.cpu.tree.functions()}


def step_of_child() -> int:
    return sum(range(200))


async def child() -> int:
    await asyncio.sleep(0)
    return step_of_child()


async def children(rounds: int = 60) -> int:
    total = 0
    for _ in range(rounds):
        total += sum(await asyncio.gather(*(child() for _ in range(100))))
    return total


@pytest.mark.parametrize("backend", ["sampler", "pyinstrument"])
def test_a_call_of_many_tasks_says_that_its_times_are_estimates(
    backend: str, profiles: Finished
) -> None:
    decorated = flamegraph(backend=backend)(children)
    assert asyncio.run(decorated(300)) == 300 * 100 * sum(range(200))
    [profile] = profiles()
    assert profile.cpu is not None
    assert any(SAID in note for note in profile.notes)
    assert names(profile) & {"step_of_child", "child", "gather"}
    assert profile.cpu.wall_seconds <= profile.duration_seconds * 1.1
    assert profile.overhead > 0.0005, "what timing the first steps has cost is told"


@pytest.mark.parametrize("backend", ["sampler", "pyinstrument"])
def test_a_neighbour_in_the_same_loop_is_not_in_the_tree(backend: str, profiles: Finished) -> None:
    done = False

    def foreign_work() -> None:
        sum(range(20_000))

    async def neighbour() -> None:
        while not done:
            foreign_work()
            await asyncio.sleep(0)

    async def both() -> None:
        nonlocal done
        beside = asyncio.create_task(neighbour())
        await flamegraph(backend=backend)(children)(120)
        done = True
        await beside

    asyncio.run(both())
    [profile] = profiles()
    assert any(SAID in note for note in profile.notes)
    assert not names(profile) & {"foreign_work", "neighbour"}


def test_a_capture_that_has_ended_before_the_call_says_nothing_of_its_steps(
    profiles: Finished,
) -> None:
    configure(max_duration_seconds=0.001)

    @flamegraph(backend="sampler")
    async def work() -> None:
        loop = asyncio.get_running_loop()
        while loop.get_task_factory() is not None:  # noqa: ASYNC110 - the capture's end tells nobody
            await asyncio.sleep(0.01)
        for _ in range(20_000):
            await asyncio.sleep(0)

    asyncio.run(work())
    [profile] = profiles()
    assert any("max_duration_seconds" in note for note in profile.notes)
    assert not any(SAID in note for note in profile.notes)


def test_the_loop_has_no_task_factory_left_while_tasks_need_no_marker(profiles: Finished) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        seen: list[Any] = []

        @flamegraph(backend="sampler")
        async def work() -> None:
            seen.append(loop.get_task_factory())
            await children()
            seen.append(loop.get_task_factory())

        await work()
        assert seen[0] is not None
        assert seen[1] is None
        assert loop.get_task_factory() is None

    asyncio.run(main())
    assert len(profiles()) == 1


def test_two_overlapping_calls_are_still_told_apart(profiles: Finished) -> None:
    def first_work() -> int:
        return sum(range(3_000))

    def second_work() -> int:
        return sum(range(3_000))

    async def one(work: Callable[[], int]) -> None:
        await asyncio.sleep(0)
        work()

    def calling(work: Callable[[], int]) -> Callable[[], Any]:
        @flamegraph(backend="sampler", name=work.__name__)
        async def call() -> None:
            for _ in range(60):
                await asyncio.gather(*(one(work) for _ in range(50)))

        return call

    async def main() -> None:
        await asyncio.gather(calling(first_work)(), calling(second_work)())

    asyncio.run(main())
    found = {profile.name: names(profile) for profile in profiles()}
    assert "second_work" not in found["first_work"]
    assert "first_work" not in found["second_work"]


@pytest.mark.skipif(sys.platform == "win32", reason="memray does not run on Windows")
def test_what_thousands_of_tasks_keep_belongs_to_their_call(profiles: Finished) -> None:
    async def keeper(size: int) -> None:
        await asyncio.sleep(0)
        KEPT.append(bytearray(size))

    @memory_profile(backend="memray")
    async def work() -> None:
        for _ in range(20):
            await asyncio.gather(*(keeper(10_000) for _ in range(50)))

    asyncio.run(work())
    [profile] = profiles()
    assert profile.memory is not None
    assert profile.memory.retained_bytes is not None
    assert profile.memory.retained_bytes == pytest.approx(10_000 * 1_000, rel=0.15)
    assert profile.memory.retained_tree is not None
    assert "keeper" in {stat.function for stat in profile.memory.retained_tree.functions()}


class TestGenerators:
    """Of many items, each made in no time."""

    ITEMS = 30_000

    @pytest.fixture(params=["sampler", "pyinstrument"])
    def items(self, request: pytest.FixtureRequest) -> Callable[[], Iterator[int]]:
        @flamegraph(backend=request.param)
        def items() -> Iterator[int]:
            for number in range(self.ITEMS):
                sum(range(20))
                yield number

        return items

    def test_all_items_come_and_the_consumer_is_not_in_the_tree(
        self, items: Callable[[], Iterator[int]], profiles: Finished
    ) -> None:
        def consume(number: int) -> int:
            return sum(range(60)) and number

        assert sum(consume(number) for number in items()) == sum(range(self.ITEMS))
        [profile] = profiles()
        assert any(SAID in note for note in profile.notes)
        assert "consume" not in names(profile)
        assert profile.cpu is not None
        assert profile.duration_seconds == pytest.approx(profile.cpu.wall_seconds)

    def test_a_decorated_call_of_the_consumer_has_a_profile_of_its_own(
        self, items: Callable[[], Iterator[int]], profiles: Finished
    ) -> None:
        @flamegraph(backend="sampler", name="consumer")
        def consume() -> None:
            """Called once the generator is followed loosely."""

        for number in items():
            if number == self.ITEMS - 1:
                consume()
        assert "consumer" in {profile.name for profile in profiles()}

    def test_a_decorated_call_of_the_generator_is_part_of_its_profile(
        self, profiles: Finished
    ) -> None:
        @flamegraph(backend="sampler", name="inner")
        def inner() -> None:
            """Part of the generator's profile."""

        @flamegraph(backend="sampler", name="outer")
        def outer() -> Iterator[int]:
            yield from range(self.ITEMS)
            inner()

        assert sum(1 for _ in outer()) == self.ITEMS
        assert [profile.name for profile in profiles()] == ["outer"]

    def test_it_may_go_on_in_another_thread_after_its_first_has_ended(
        self, profiles: Finished
    ) -> None:
        @flamegraph(backend="sampler")
        def items() -> Iterator[int]:
            yield from range(self.ITEMS)

        running = items()

        async def begin() -> int:
            return next(iter(running))

        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(lambda: asyncio.run(begin())).result() == 0
        assert sum(1 for _ in running) == self.ITEMS - 1
        [profile] = profiles()
        assert any(SAID in note for note in profile.notes)

    def test_send_throw_and_close_still_reach_it(self, profiles: Finished) -> None:
        seen: list[Any] = []

        @flamegraph(backend="sampler")
        def echo() -> Iterator[Any]:
            got: Any = None
            while True:
                try:
                    got = yield got
                except KeyError as error:
                    got = error
                except GeneratorExit:
                    seen.append("closed")
                    raise

        running: Any = echo()
        for _ in range(self.ITEMS):
            next(running)
        assert running.send("hello") == "hello"
        error = KeyError("thrown")
        assert running.throw(error) is error
        running.close()
        assert seen == ["closed"]
        [profile] = profiles()
        assert profile.outcome == "closed"
        assert any(SAID in note for note in profile.notes)
