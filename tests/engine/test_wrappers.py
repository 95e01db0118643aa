"""A decorated callable stays what it was: kind, signature, result, exception, cancellation."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

import pytest

from application_sdk.monitoring import Profile, configure, flamegraph, memory_profile

Decorator = Callable[[Any], Any]
Finished = Callable[[], list[Profile]]

DECORATORS: dict[str, Decorator] = {
    "cpu": flamegraph(sample_rate=1.0, backend="sampler"),
    "pyinstrument": flamegraph(sample_rate=1.0, backend="pyinstrument"),
    "memory": memory_profile(sample_rate=1.0, backend="rss"),
    "both": lambda target: flamegraph(sample_rate=1.0)(memory_profile(sample_rate=1.0)(target)),
    "unsampled": flamegraph(sample_rate=0.0),
}


@pytest.fixture(params=list(DECORATORS))
def decorator(request: pytest.FixtureRequest) -> Decorator:
    return DECORATORS[request.param]


class OwnError(Exception):
    pass


def plain(a: int, b: int = 2, /, c: int = 3, *rest: int, d: int, e: int = 5, **more: int) -> Any:
    """What it does."""
    return a, b, c, rest, d, e, more


def raises() -> None:
    raise OwnError("mine")


async def coroutine(value: int) -> int:
    await asyncio.sleep(0)
    return value * 2


def generator(n: int) -> Generator[Any, Any, str]:
    for i in range(n):
        got = yield i
        if got:
            yield f"got {got}"
    return "end"


async def async_generator(n: int) -> AsyncIterator[Any]:
    for i in range(n):
        await asyncio.sleep(0)
        got = yield i
        if got:
            yield f"got {got}"


def test_arguments_of_every_kind_arrive(decorator: Decorator) -> None:
    wrapped = decorator(plain)
    assert wrapped(1, d=4) == plain(1, d=4)
    assert wrapped(1, 9, 8, 7, 6, d=4, e=0, z=1) == plain(1, 9, 8, 7, 6, d=4, e=0, z=1)


def test_wrong_arguments_are_the_targets_own_type_error(decorator: Decorator) -> None:
    with pytest.raises(TypeError, match="d"):
        decorator(plain)(1)


def test_metadata_stays(decorator: Decorator) -> None:
    def target() -> None:
        """What it does."""

    target.mark = "kept"  # type: ignore[attr-defined]
    wrapped = decorator(target)
    assert wrapped.__doc__ == "What it does."
    assert wrapped.__qualname__ == target.__qualname__
    assert wrapped.__module__ == target.__module__
    assert wrapped.mark == "kept"
    assert inspect.unwrap(wrapped) is target


def test_the_signature_stays(decorator: Decorator) -> None:
    assert inspect.signature(decorator(plain)) == inspect.signature(plain)


@pytest.mark.parametrize("target", [plain, coroutine, generator, async_generator])
@pytest.mark.parametrize(
    "predicate",
    [
        inspect.isfunction,
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
    ],
)
def test_inspect_sees_the_same_kind(
    decorator: Decorator, target: Any, predicate: Callable[[object], bool]
) -> None:
    assert predicate(decorator(target)) == predicate(target)


def test_an_exception_passes_as_it_is(decorator: Decorator, profiles: Finished) -> None:
    with pytest.raises(OwnError, match="mine"):
        decorator(raises)()
    for profile in profiles():
        assert profile.outcome == "raised"
        assert profile.exception_type == f"{__name__}.OwnError"


def test_a_coroutine_returns_its_result(decorator: Decorator) -> None:
    assert asyncio.run(decorator(coroutine)(21)) == 42


def test_cancellation_reaches_the_coroutine(decorator: Decorator, profiles: Finished) -> None:
    cleaned: list[str] = []

    async def waits(entered: asyncio.Event) -> None:
        try:
            entered.set()
            await asyncio.Event().wait()
        finally:
            cleaned.append("yes")

    async def main() -> None:
        entered = asyncio.Event()
        task = asyncio.create_task(decorator(waits)(entered))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert cleaned == ["yes"]
    assert all(profile.outcome == "cancelled" for profile in profiles())


def test_a_generator_takes_send_and_returns(decorator: Decorator) -> None:
    running = decorator(generator)(2)
    assert next(running) == 0
    assert running.send("x") == "got x"
    assert next(running) == 1
    with pytest.raises(StopIteration) as stopped:
        next(running)
    assert stopped.value.value == "end"


def test_a_generator_takes_throw(decorator: Decorator) -> None:
    def catches() -> Iterator[str]:
        try:
            yield "first"
        except OwnError:
            yield "caught"

    running = decorator(catches)()
    assert next(running) == "first"
    assert running.throw(OwnError()) == "caught"


def test_a_closed_generator_cleans_up(decorator: Decorator, profiles: Finished) -> None:
    cleaned: list[str] = []

    def cleans() -> Iterator[int]:
        try:
            yield 1
        finally:
            cleaned.append("yes")

    running = decorator(cleans)()
    next(running)
    running.close()
    assert cleaned == ["yes"]
    assert all(profile.outcome == "closed" for profile in profiles())


def test_an_async_generator_yields_and_takes_asend(decorator: Decorator) -> None:
    async def main() -> list[Any]:
        running: Any = decorator(async_generator)(2)
        seen = [await running.__anext__(), await running.asend("x")]
        seen += [item async for item in running]
        return seen

    assert asyncio.run(main()) == [0, "got x", 1]


def test_an_async_generator_takes_athrow_and_aclose(decorator: Decorator) -> None:
    cleaned: list[str] = []

    async def catches() -> AsyncIterator[str]:
        try:
            yield "first"
        except OwnError:
            yield "caught"
        finally:
            cleaned.append("yes")

    async def main() -> None:
        running: Any = decorator(catches)()
        assert await running.__anext__() == "first"
        assert await running.athrow(OwnError()) == "caught"
        await running.aclose()

    asyncio.run(main())
    assert cleaned == ["yes"]


def test_methods_of_every_kind_work(decorator: Decorator) -> None:
    class Thing:
        @decorator
        def method(self, x: int) -> tuple[object, int]:
            return self, x

        @decorator
        @staticmethod
        def outside_static(x: int) -> int:
            return x

        @staticmethod
        @decorator
        def inside_static(x: int) -> int:
            return x

        @decorator
        @classmethod
        def outside_class(cls) -> type:
            return cls

        @classmethod
        @decorator
        def inside_class(cls) -> type:
            return cls

    thing = Thing()
    assert thing.method(1) == (thing, 1)
    assert thing.outside_static(2) == Thing.inside_static(2) == 2
    assert Thing.outside_class() is Thing.inside_class() is Thing


def test_other_decorators_may_stand_on_either_side(decorator: Decorator) -> None:
    def twice(function: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(function)
        def inner(x: int) -> int:
            return function(x) * 2

        return inner

    def add_one(x: int) -> int:
        return x + 1

    assert decorator(twice(add_one))(1) == 4
    assert twice(decorator(add_one))(1) == 4
    assert decorator(twice(decorator(add_one)))(1) == 4


def test_a_class_is_changed_in_place_and_only_its_public_methods(
    decorator: Decorator, profiles: Finished
) -> None:
    class Base:
        def inherited(self) -> str:
            return "base"

    class Thing(Base):
        def public(self) -> str:
            return "public"

        def _private(self) -> str:
            return "private"

    before = Thing.__dict__["_private"]
    assert decorator(Thing) is Thing
    assert Thing.__dict__["_private"] is before
    assert "inherited" not in Thing.__dict__
    assert Thing().public() == "public"
    assert {p.name.rpartition(".")[2] for p in profiles()} <= {"public"}


def test_a_callable_object_is_called(decorator: Decorator) -> None:
    class Adder:
        def __call__(self, x: int) -> int:
            return x + 1

    assert decorator(Adder())(1) == 2
    assert decorator(functools.partial(plain, 1, d=4))() == plain(1, d=4)


@flamegraph(sample_rate=0.0)
def picklable(x: int) -> int:
    return x


def test_a_decorated_function_pickles_by_name() -> None:
    assert pickle.loads(pickle.dumps(picklable)) is picklable


def test_disabled_monitoring_returns_the_very_same_object() -> None:
    configure(enabled=False)
    assert flamegraph(plain) is plain
    assert memory_profile(sample_rate=1.0)(plain) is plain


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"sample_rate": 2}, ValueError),
        ({"sample_rate": "x"}, TypeError),
        ({"formats": "xml"}, ValueError),
        ({"interval": 0}, ValueError),
        ({"backend": "perf"}, ValueError),
        ({"name": 3}, TypeError),
        ({"name": ""}, ValueError),
        ({"output_dir": 3}, TypeError),
        ({"sample_rate": True}, TypeError),
        ({"interval": "10ms"}, TypeError),
        ({"backend": 1}, TypeError),
        ({"formats": b"json"}, TypeError),
        ({"methods": "run"}, TypeError),
        ({"methods": ["run", 3]}, TypeError),
    ],
)
def test_a_wrong_argument_is_named_at_decoration(
    arguments: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=next(iter(arguments))):
        flamegraph(**arguments)
