"""Memory outside of Python's small objects: the C heap, files, extension types."""

from __future__ import annotations

import ctypes
import decimal
import io
import itertools
import mmap
import re
import select
import socket
import sqlite3
import struct
import tempfile
import zlib
from typing import Any

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.strdup.restype = ctypes.c_void_p


@collection.leaks()
def allocates_in_c_and_never_frees() -> None:
    libc.malloc(2_000)


def duplicate(text: bytes) -> Any:
    return libc.strdup(text)


@collection.leaks("duplicate")
def duplicates_c_strings() -> None:
    duplicate(b"a string that C copies " * 10)


compressors: list[Any] = []


@collection.leaks()
def keeps_compressors_open() -> None:
    compressors.append(zlib.compressobj(1, zlib.DEFLATED, 9, 1))


images: list[bytearray] = []


@collection.leaks()
def keeps_large_images() -> None:
    images.append(bytearray(100_000))


connections: list[sqlite3.Connection] = []


@collection.leaks()
def opens_databases_without_closing() -> None:
    connections.append(sqlite3.connect(":memory:"))


sockets: list[socket.socket] = []


@collection.leaks()
def opens_sockets_without_closing() -> None:
    sockets.append(socket.socket())


maps: list[mmap.mmap] = []


@collection.leaks()
def maps_memory_and_keeps_it() -> None:
    maps.append(mmap.mmap(-1, 16_384))


reports: list[io.BytesIO] = []


@collection.leaks()
def keeps_report_buffers() -> None:
    report = io.BytesIO()
    report.write(b"line\n" * 300)
    reports.append(report)


decimals: list[decimal.Decimal] = []


@collection.leaks()
def accumulates_large_decimals() -> None:
    decimals.append(decimal.Decimal(next(numbers)) / decimal.Decimal(7))


compiled: list[re.Pattern[str]] = []


@collection.leaks()
def compiles_patterns_and_keeps_them() -> None:
    compiled.append(re.compile(f"id-{next(numbers)}"))


views: list[memoryview] = []


@collection.leaks()
def pins_buffers_by_small_views() -> None:
    views.append(memoryview(bytes(4_096))[:4])


structures: list[Any] = []


@collection.leaks()
def keeps_ctypes_buffers() -> None:
    structures.append(ctypes.create_string_buffer(500))


polls: list[Any] = []


@collection.leaks()
def creates_pollers_per_call() -> None:
    poll = select.poll()
    poll.register(0)
    polls.append(poll)


packed = struct.Struct("16d")
blobs: dict[int, bytes] = {}


@collection.leaks()
def stores_packed_rows() -> None:
    blobs[next(numbers)] = packed.pack(*range(16))


spools: list[Any] = []


@collection.leaks()
def spools_results_in_memory() -> None:
    spool = tempfile.SpooledTemporaryFile(max_size=10_000)  # noqa: SIM115 - this is the leak
    spool.write(b"z" * 200)
    spools.append(spool)
