"""Memory that is given back by the end of each call, or by the garbage collector."""

from __future__ import annotations

import contextlib
import csv
import ctypes
import gzip
import io
import itertools
import json
import logging
import sqlite3
import string
import tempfile
import types
import weakref
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)


@dataclass
class Parent:
    children: list[Child] = field(default_factory=list)


@dataclass
class Child:
    parent: Parent


@collection.clean
def builds_cycles_for_the_collector() -> None:
    parent = Parent()
    parent.children = [Child(parent) for _ in range(5)]


@collection.clean
def parses_and_dumps_json() -> None:
    rows = [{"id": next(numbers), "name": "n" * 20} for _ in range(20)]
    json.loads(json.dumps(rows))


@collection.clean
def catches_exceptions_with_tracebacks() -> None:
    try:
        int("x" * 50)
    except ValueError as error:
        text = f"{error}: {error.__traceback__}"
        assert text


class Loop:
    def __init__(self) -> None:
        self.error: BaseException | None = None


@collection.clean
def stores_an_exception_in_its_own_frame() -> None:
    keeper = Loop()
    try:
        raise RuntimeError("kept by the frame that it keeps")
    except RuntimeError as error:
        keeper.error = error


@collection.clean
def makes_a_class_and_drops_it() -> None:
    model = type(f"Model{next(numbers)}", (), {"fields": ("a", "b")})
    model()


@collection.clean
def registers_weakly() -> None:
    parent = WeakParent()
    registry[next(numbers)] = parent


class WeakParent:
    pass


registry: weakref.WeakValueDictionary[int, WeakParent] = weakref.WeakValueDictionary()


@collection.clean
def allocates_a_lot_for_a_moment() -> None:
    blocks = [bytearray(50_000) for _ in range(20)]
    blocks.clear()


@collection.clean
def frees_what_it_allocates_in_c() -> None:
    libc.free(libc.malloc(5_000))


libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]


@collection.clean
def opens_and_closes_a_database() -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("create table t (a, b)")
        connection.execute("insert into t values (1, 2)")


@collection.clean
def compresses_and_forgets() -> None:
    zlib.decompress(zlib.compress(b"abc" * 2_000))


@collection.clean
def writes_a_csv_to_memory() -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    for row in range(30):
        writer.writerow([row, next(numbers), "text"])


@collection.clean
def writes_a_temporary_file() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(b"data" * 100)


def pages() -> Iterator[list[int]]:
    for _ in range(5):
        yield list(range(100))


@collection.clean
def abandons_a_generator_half_way() -> None:
    for page in pages():
        if page:
            break


@collection.clean
def runs_generated_code() -> None:
    module = types.ModuleType("generated")
    exec(f"value = {next(numbers)}", module.__dict__)


logger = logging.getLogger("corpus.clean")
logger.propagate = False
logger.addHandler(logging.NullHandler())


@collection.clean
def logs_through_a_handler() -> None:
    logger.warning("row %s of %s", next(numbers), "table")


@collection.clean
def adds_and_removes_a_handler() -> None:
    handler = logging.StreamHandler(io.StringIO())
    logger.addHandler(handler)
    logger.warning("hello")
    logger.removeHandler(handler)


@collection.clean
def zips_in_memory() -> None:
    packed = gzip.compress(b"row\n" * 500)
    assert gzip.decompress(packed)


@collection.clean
def formats_templates() -> None:
    string.Template("hello $name").substitute(name=next(numbers))


class Finalized:
    def __init__(self) -> None:
        self.myself: Any = self

    def __del__(self) -> None:
        self.myself = None


@collection.clean
def leaves_cycles_with_finalizers() -> None:
    Finalized()
