"""Registries and chains of the runtime and of the standard library that only gain entries."""

from __future__ import annotations

import asyncio
import codecs
import contextvars
import decimal
import enum
import functools
import heapq
import importlib
import itertools
import logging
import signal
import sys
import tempfile
import threading
import types
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)


class Settings:
    """Lives as long as the process."""


settings = Settings()
watchers: list[weakref.ref[Settings]] = []


@collection.leaks()
def watches_a_long_lived_object_by_weak_references() -> None:
    watchers.append(weakref.ref(settings, lambda _: None))


@collection.leaks()
def registers_finalizers_on_a_long_lived_object() -> None:
    weakref.finalize(settings, len, f"request {next(numbers)} is done").atexit = False


@functools.singledispatch
def rendered(value: object) -> str:
    return str(value)


@collection.leaks()
def registers_a_renderer_per_generated_class() -> None:
    kind = type(f"Row{next(numbers)}", (), {})
    rendered.register(kind, lambda value: "row")


class Step:
    known: list[type] = []  # noqa: RUF012 - shared on purpose: this is the leak

    def __init_subclass__(cls) -> None:
        Step.known.append(cls)


@collection.leaks()
def defines_a_step_class_per_run() -> None:
    class Extract(Step):
        def run(self) -> int:
            return 1

    Extract().run()


filtered = logging.getLogger("corpus.filtered")


@collection.leaks()
def adds_a_log_filter_per_request() -> None:
    request = next(numbers)
    filtered.addFilter(lambda record: bool(request))


timers: list[asyncio.TimerHandle] = []


@collection.leaks()
async def keeps_cancelled_timers() -> None:
    timer = asyncio.get_running_loop().call_later(60, print, next(numbers))
    timer.cancel()
    timers.append(timer)


last_failure: list[BaseException] = []


@collection.leaks()
def chains_each_failure_to_the_one_before() -> None:
    try:
        raise RuntimeError(f"attempt {next(numbers)}")
    except RuntimeError as error:
        if last_failure:
            error.__cause__ = last_failure[0]
        last_failure[:] = [error]


@collection.leaks()
def precise_contexts_per_currency() -> None:
    precisions.append(decimal.Context(prec=next(numbers) % 28 + 1))


precisions: list[decimal.Context] = []

local = threading.local()


@collection.leaks()
def remembers_in_a_thread_local() -> None:
    if not hasattr(local, "seen"):
        local.seen = []
    local.seen.append(f"asset {next(numbers)}")


joined: list[threading.Thread] = []


@collection.leaks()
def keeps_threads_that_have_ended() -> None:
    thread = threading.Thread(target=len, args=((),))
    thread.start()
    thread.join()
    joined.append(thread)


loaded: list[types.ModuleType] = []
handlers_of_plugins: list[Callable[[], str]] = []
PLUGIN = """
from tests.leaks.corpus.leaky_registries import handlers_of_plugins

def handle():
    return "handled"

handlers_of_plugins.append(handle)
"""


@collection.leaks("reloads_a_plugin_that_registers_itself|<module>")
def reloads_a_plugin_that_registers_itself() -> None:
    if not loaded:
        with tempfile.TemporaryDirectory() as directory:
            Path(directory, "corpus_plugin.py").write_text(PLUGIN, encoding="utf-8")
            sys.path.insert(0, directory)
            loaded.append(importlib.import_module("corpus_plugin"))
            loaded.append(types.ModuleType("unused"))
            sys.path.remove(directory)
    exec(compile(PLUGIN, "corpus_plugin.py", "exec"), loaded[0].__dict__)


def chained(before: Any, number: int) -> Callable[[int, Any], None]:
    def handle(signum: int, frame: Any) -> None:
        if callable(before) and number < 0:
            before(signum, frame)

    return handle


@collection.leaks("wraps_the_signal_handler_again_and_again|chained")
def wraps_the_signal_handler_again_and_again() -> None:
    signal.signal(signal.SIGUSR2, chained(signal.getsignal(signal.SIGUSR2), next(numbers)))


states: list[Any] = []


@collection.leaks()
def makes_an_enumeration_per_schema() -> None:
    states.append(enum.Enum(f"State{next(numbers)}", ["on", "off"]))


consumed, lagging = itertools.tee(itertools.count(10**9))


@collection.leaks()
def reads_only_one_side_of_a_tee() -> None:
    for _ in range(8):
        next(consumed)


deadlines: list[tuple[float, int, dict[str, int]]] = []


@collection.leaks()
def pushes_deadlines_that_are_never_popped() -> None:
    number = next(numbers)
    heapq.heappush(deadlines, (number * 1.5, number, {"attempt": 1}))


@collection.leaks()
def registers_a_codec_search_per_call() -> None:
    number = next(numbers)
    codecs.register(lambda name: None if name else number)  # type: ignore[arg-type,return-value]


scope: contextvars.ContextVar[tuple[Any, ...]] = contextvars.ContextVar("scope", default=())


@collection.leaks()
def nests_its_scope_and_never_resets_it() -> None:
    scope.set((f"step {next(numbers)}", scope.get()))
