"""What the runtime registers is unregistered, weak, replaced, or bounded."""

from __future__ import annotations

import asyncio
import collections
import contextvars
import ctypes
import decimal
import fnmatch
import functools
import importlib
import itertools
import logging
import logging.handlers
import random
import signal
import sys
import threading
import traceback
import warnings
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)


class Asset:
    """Lives for a call."""


@collection.clean
def watches_short_lived_objects_by_weak_references() -> None:
    asset = Asset()
    asset.watcher = weakref.ref(asset, lambda _: None)  # type: ignore[attr-defined]
    weakref.finalize(asset, len, ())


@functools.singledispatch
def rendered(value: object) -> str:
    return str(value)


@collection.clean
def dispatches_on_short_lived_classes() -> None:
    rendered(type(f"Row{next(numbers)}", (), {})())


class Step:
    known: ClassVar[weakref.WeakSet[type]] = weakref.WeakSet()

    def __init_subclass__(cls) -> None:
        Step.known.add(cls)


@collection.clean
def defines_step_classes_that_are_known_weakly() -> None:
    class Extract(Step):
        def run(self) -> int:
            return 1

    Extract().run()


@collection.clean
def makes_named_tuples_and_drops_them() -> None:
    collections.namedtuple("Row", ["a", "b"])  # noqa: PYI024 - made at run time


@collection.clean
async def cancels_each_timer_it_sets() -> None:
    asyncio.get_running_loop().call_later(600, print, next(numbers)).cancel()


@collection.clean
async def waits_with_a_time_limit() -> None:
    await asyncio.wait_for(asyncio.sleep(0), 30)


@collection.clean
def runs_an_event_loop_per_call() -> None:
    asyncio.run(asyncio.sleep(0))


@collection.clean
def formats_a_chain_of_failures() -> None:
    try:
        try:
            raise KeyError(next(numbers))
        except KeyError as error:
            raise RuntimeError("no such asset") from error
    except RuntimeError as error:
        traceback.format_exception(error)


@collection.clean
def computes_in_a_local_decimal_context() -> None:
    with decimal.localcontext() as context:
        context.prec = random.randrange(5, 90)
        decimal.Decimal(next(numbers)).sqrt()


scope: contextvars.ContextVar[str] = contextvars.ContextVar("scope")


@collection.clean
def sets_and_resets_a_scope_within_a_copied_context() -> None:
    token = scope.set(f"step {next(numbers)}")
    scope.reset(token)
    contextvars.copy_context().run(scope.set, "inner")


local = threading.local()


def remember() -> None:
    local.rows = [next(numbers) for _ in range(50)]


@collection.clean
def remembers_in_thread_locals_of_ended_threads() -> None:
    thread = threading.Thread(target=remember)
    thread.start()
    thread.join()


@collection.clean
def makes_a_pool_and_shuts_it_down() -> None:
    with ThreadPoolExecutor(2) as pool:
        pool.submit(len, ()).result()


@collection.clean
def reloads_a_module() -> None:
    importlib.reload(sys.modules.get("colorsys") or importlib.import_module("colorsys"))


@collection.clean
def sets_a_signal_handler_and_restores_it() -> None:
    number = next(numbers)
    before = signal.signal(signal.SIGUSR2, lambda *_: str(number))
    signal.signal(signal.SIGUSR2, before)


memory = logging.handlers.MemoryHandler(1_500, target=logging.NullHandler())
buffered = logging.getLogger("corpus.buffered")
buffered.propagate = False
buffered.addHandler(memory)


@collection.clean
def buffers_fifteen_hundred_log_records() -> None:
    buffered.warning("row %d", next(numbers), extra={"table": "t"})


@collection.clean
def warns_from_one_line_again_and_again() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn(f"row {next(numbers)} was skipped", UserWarning, stacklevel=1)


left, right = itertools.tee(itertools.count(10**9))


@collection.clean
def reads_both_sides_of_a_tee() -> None:
    next(left)
    if next(numbers) % 500 == 0:
        for _ in range(500):
            next(right)


@collection.clean
def makes_ctypes_arrays_of_many_sizes() -> None:
    (ctypes.c_char * random.randrange(1, 400))()


@collection.clean
def interns_names_and_forgets_them() -> None:
    sys.intern(f"catalog.schema.table.column_{next(numbers)}")


@collection.clean
def matches_more_patterns_than_are_cached() -> None:
    number = next(numbers) % 40_000
    fnmatch.fnmatch("part-7.parquet", f"part-{number}.*")


opened: dict[str, Any] = {}


def rows() -> Any:
    yield from range(1_000)


@collection.clean
def replaces_the_generator_it_keeps_open() -> None:
    opened["rows"] = rows()
    next(opened["rows"])
