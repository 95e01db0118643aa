"""Objects that something else keeps alive: handlers, tracebacks, closures, classes."""

from __future__ import annotations

import abc
import atexit
import collections
import contextlib
import ctypes
import dataclasses
import gc
import itertools
import json
import logging
import types
import weakref
from collections.abc import Callable, Generator
from typing import Any

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)


class Bus:
    def __init__(self) -> None:
        self.handlers: list[Callable[[], Any]] = []

    def subscribe(self, handler: Callable[[], Any]) -> None:
        self.handlers.append(handler)


bus = Bus()


class Listener:
    def __init__(self) -> None:
        self.received: list[str] = []

    def on_event(self) -> None:
        self.received.append("event")


@collection.leaks("subscribes_a_new_listener_each_time|__init__|subscribe")
def subscribes_a_new_listener_each_time() -> None:
    bus.subscribe(Listener().on_event)


quiet_logger = logging.getLogger("corpus.quiet")
quiet_logger.propagate = False


@collection.leaks()
def adds_a_logging_handler_per_call() -> None:
    quiet_logger.addHandler(logging.NullHandler())


@collection.leaks()
def creates_a_logger_per_run_id() -> None:
    logging.getLogger(f"corpus.run.{next(numbers)}")


failures: list[BaseException] = []


def parse_or_fail(text: str) -> int:
    local_copy = text * 10
    return int(local_copy)


@collection.leaks("keeps_exceptions_with_their_tracebacks|parse_or_fail")
def keeps_exceptions_with_their_tracebacks() -> None:
    try:
        parse_or_fail("not a number")
    except ValueError as error:
        failures.append(error)


closures: list[Callable[[], int]] = []


@collection.leaks()
def stores_closures_over_large_locals() -> None:
    table = list(range(next(numbers) % 7 + 60))
    closures.append(lambda: len(table))


@collection.leaks()
def makes_a_class_at_run_time_and_keeps_it() -> None:
    models.append(type(f"Model{next(numbers)}", (), {"fields": ("a", "b")}))


models: list[type] = []


class Plugin(abc.ABC):  # noqa: B024 - only its registry matters here
    pass


kept_plugins: list[type] = []


def load_plugin() -> type:
    class Loaded(Plugin):
        def run(self) -> str:
            return "ran"

    return Loaded


@collection.leaks("load_plugin")
def loads_plugin_classes_for_ever() -> None:
    kept_plugins.append(load_plugin())


@dataclasses.dataclass
class Record:
    key: int
    payload: dict[str, Any]


stored_records: dict[int, Record] = {}


def store_record(number: int) -> None:
    stored_records[number] = Record(number, json.loads('{"a": [1, 2, 3], "b": {"c": "d"}}'))


@collection.leaks("store_record")
def parses_records_into_a_store() -> None:
    store_record(next(numbers))


@collection.leaks()
def registers_an_exit_function_per_call() -> None:
    atexit.register(_nothing, next(numbers), b"x" * 64)


def _nothing(*_args: object) -> None:
    """Registered again and again."""


suspended: list[Generator[int, None, None]] = []


def rows() -> Generator[int, None, None]:
    page = list(range(50))
    yield from page


@collection.leaks("leaves_generators_suspended|rows")
def leaves_generators_suspended() -> None:
    generator = rows()
    next(generator)
    suspended.append(generator)


class Node:
    def __init__(self, value: int) -> None:
        self.value = value
        self.next: Node | None = None


head = tail = Node(0)


@collection.leaks("appends_to_a_linked_list|__init__")
def appends_to_a_linked_list() -> None:
    global tail
    tail.next = Node(next(numbers))
    tail = tail.next


class Session:
    def __init__(self) -> None:
        self.headers = {"accept": "json", "agent": "corpus"}


by_session: dict[Session, list[int]] = {}


@collection.leaks("keys_a_mapping_by_short_lived_objects|__init__")
def keys_a_mapping_by_short_lived_objects() -> None:
    by_session[Session()] = [1, 2, 3]


weak: weakref.WeakKeyDictionary[Session, Any] = weakref.WeakKeyDictionary()


@collection.leaks("keeps_weak_keys_alive_through_their_values|__init__")
def keeps_weak_keys_alive_through_their_values() -> None:
    session = Session()
    weak[session] = {"owner": session}


stack = contextlib.ExitStack()


@collection.leaks()
def enters_contexts_on_a_stack_that_never_closes() -> None:
    stack.callback(_nothing, f"resource {next(numbers)}")


@collection.leaks()
def raises_reference_counts_too_often() -> None:
    blob = bytes(300)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(blob))


modules: dict[str, types.ModuleType] = {}


@collection.leaks()
def builds_modules_from_source() -> None:
    name = f"generated_{next(numbers)}"
    module = types.ModuleType(name)
    exec("def value():\n    return 42\n", module.__dict__)
    modules[name] = module


chain: collections.ChainMap[str, int] = collections.ChainMap()


@collection.leaks()
def pushes_scopes_that_are_never_popped() -> None:
    chain.maps.append({"depth": next(numbers)})


gc_log: list[Any] = []


@collection.leaks()
def gathers_garbage_statistics() -> None:
    gc_log.append(gc.get_stats())


frames: list[types.FrameType] = []


def deep(level: int) -> int:
    if level:
        return deep(level - 1) + 1
    import sys

    frames.append(sys._getframe())
    return 0


@collection.leaks("holds_frames_for_debugging|deep")
def holds_frames_for_debugging() -> None:
    deep(5)
