"""What an unsampled call adds, as a share of what a hand-written no-op wrapper adds.

Goals: at most 0.6 for sync and 0.8 for async callables, functions and methods, one
decorator and both.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from application_sdk.monitoring import flamegraph, memory_profile

CALLS = 100_000
ROUNDS = 15


def function(a: int, b: int) -> int:
    """A function that does next to nothing."""
    return a + b


async def coroutine(a: int, b: int) -> int:
    """A coroutine that does next to nothing."""
    return a + b


def no_op(target: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper that anybody writes first."""

    @functools.wraps(target)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return target(*args, **kwargs)

    return wrapper


def async_no_op(target: Callable[..., Any]) -> Callable[..., Any]:
    """The same for coroutines."""

    @functools.wraps(target)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await target(*args, **kwargs)

    return wrapper


def single(target: Any) -> Any:
    """One decorator."""
    return flamegraph(sample_rate=1e-12)(target)


def stacked(target: Any) -> Any:
    """Both decorators."""
    return memory_profile(sample_rate=1e-12)(flamegraph(sample_rate=1e-12)(target))


def method(self: Methods, b: int) -> int:  # noqa: ARG001 - what a method has
    """A method that does next to nothing."""
    return b + b


class Methods:
    """One method in every way."""

    plain: Any = method
    no_op = no_op(method)
    single = single(method)
    stacked = stacked(method)


def seconds(target: Callable[..., Any]) -> float:
    """How long the calls take."""
    began = time.perf_counter()
    for _ in range(CALLS):
        target(1, 2)
    return time.perf_counter() - began


def method_seconds(target: Callable[..., Any]) -> float:
    """How long the calls of a method take, which has one argument of its own."""
    began = time.perf_counter()
    for _ in range(CALLS):
        target(2)
    return time.perf_counter() - began


def async_seconds(target: Callable[..., Any]) -> float:
    """How long the awaited calls take."""

    async def main() -> float:
        began = time.perf_counter()
        for _ in range(CALLS):
            await target(1, 2)
        return time.perf_counter() - began

    return asyncio.run(main())


def ratio(
    measure: Callable[[Callable[..., Any]], float], plain: Any, reference: Any, ours: Any
) -> float:
    """Median over interleaved rounds of what ours adds over what the reference adds."""
    found = []
    for _ in range(ROUNDS):
        base, other, own = measure(plain), measure(reference), measure(ours)
        found.append((own - base) / (other - base))
    return median(found)


def main() -> None:
    """Print the ratios."""
    instance = Methods()
    for label, decorate in (("single", single), ("stacked", stacked)):
        sync = ratio(seconds, function, no_op(function), decorate(function))
        awaited = ratio(async_seconds, coroutine, async_no_op(coroutine), decorate(coroutine))
        bound = ratio(method_seconds, instance.plain, instance.no_op, getattr(instance, label))
        print(f"{label:8} function {sync:.2f} (0.6)  method {bound:.2f} (0.6)", end="  ")
        print(f"async {awaited:.2f} (0.8)")


if __name__ == "__main__":
    main()
