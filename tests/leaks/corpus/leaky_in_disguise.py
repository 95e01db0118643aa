"""Leaks below noise, beside bounded caches, in other threads, and by growing one value."""

from __future__ import annotations

import copy
import ctypes
import functools
import io
import itertools
import queue
import random
import sqlite3
import threading
import time
import xml.etree.ElementTree as ET
from typing import Any

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)

report = io.StringIO()


@collection.leaks()
def writes_a_report_that_is_never_reset() -> None:
    report.write(f"row {next(numbers)} was read from the catalogue without any trouble\n" * 2)


text = [""]


@collection.leaks()
def lengthens_one_string() -> None:
    text[0] += "one more line of the log of this run, for ever and ever and ever and ever again\n"


history: tuple[Any, ...] = ()


@collection.leaks()
def rebuilds_its_history_as_a_longer_tuple() -> None:
    global history
    history = (*history, f"event {next(numbers)}")


document: dict[str, Any] = {"steps": {}}


@collection.leaks("copies_its_state_and_adds_to_it|deepcopy")
def copies_its_state_and_adds_to_it() -> None:
    global document
    document = copy.deepcopy(document)
    document["steps"][f"step {next(numbers)}"] = ["done"]


offsets: dict[int, list[int]] = {}


@collection.leaks()
def deletes_one_of_two_entries_it_adds() -> None:
    first, second = next(numbers), next(numbers)
    offsets[first] = [first, second]
    offsets[second] = [second, first]
    del offsets[first]


expiring: dict[int, tuple[float, bytes]] = {}


def lookup(key: int) -> bytes | None:
    found = expiring.get(key)
    if found and found[0] < time.monotonic():
        del expiring[key]
        return None
    return found[1] if found else None


@collection.leaks()
def expires_only_what_is_read_again() -> None:
    number = next(numbers)
    expiring[number] = (time.monotonic() + 0.2, b"token" * 20)
    lookup(number - number % 3)


@collection.leaks()
def leaks_in_one_of_twenty_calls() -> None:
    if random.random() < 0.05:
        partial_uploads.append(bytes(random.randrange(4_000, 9_000)))


partial_uploads: list[bytes] = []

latest: dict[int, bytes] = {}
trail: list[bytes] = []


@collection.leaks()
def leaks_a_little_below_large_noise() -> None:
    latest[random.randrange(8)] = bytes(random.randrange(1_000, 40_000))
    trail.append(bytes(223))


@functools.lru_cache(maxsize=1_000)
def described(number: int) -> str:
    return f"asset {number} of the catalogue"


mentions: list[tuple[int, str]] = []


@collection.leaks()
def leaks_beside_a_bounded_cache() -> None:
    number = next(numbers)
    described(number)
    mentions.append((number, f"see {number}"))


@collection.leaks()
def takes_a_millisecond_and_keeps_256_bytes() -> None:
    time.sleep(0.001)
    kept.append(bytes(223))


kept: list[bytes] = []


@collection.leaks()
def takes_twenty_milliseconds_and_keeps_a_page() -> None:
    time.sleep(0.02)
    pages.append(bytes(4_000))


pages: list[bytes] = []

inbox: queue.Queue[int] = queue.Queue()
processed: list[dict[str, int]] = []
workers: list[threading.Thread] = []
done = threading.Semaphore(0)


def work() -> None:
    while True:
        processed.append({"row": inbox.get()})
        done.release()


@collection.leaks("work")
def lets_a_worker_thread_keep_the_results() -> None:
    if not workers:
        workers.append(threading.Thread(target=work, daemon=True))
        workers[0].start()
    inbox.put(next(numbers))
    done.acquire()


root = ET.Element("rows")


@collection.leaks()
def grows_an_element_tree() -> None:
    ET.SubElement(root, "row", id=str(next(numbers))).text = "value"


table: list[sqlite3.Connection] = []


@collection.leaks()
def inserts_into_a_database_in_memory() -> None:
    if not table:
        table.append(sqlite3.connect(":memory:"))
        table[0].execute("create table events (id integer, text text)")
    table[0].execute("insert into events values (?, ?)", (next(numbers), "event" * 40))


libc = ctypes.CDLL(None)
libc.realloc.restype = ctypes.c_void_p
libc.realloc.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
arena: list[Any] = [None, 0]


@collection.leaks()
def reallocates_an_ever_larger_arena_in_c() -> None:
    arena[1] += 400
    arena[0] = libc.realloc(arena[0], arena[1])


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
callbacks: list[Any] = []


@collection.leaks()
def makes_a_c_callback_per_call() -> None:
    callbacks.append(Callback(lambda value: value))


class Cursor:
    def __init__(self, before: Cursor | None) -> None:
        self.before = before
        self.position = next(numbers)


class Reader:
    def __init__(self) -> None:
        self.cursor: Cursor | None = None

    def advance(self) -> None:
        self.cursor = Cursor(self.cursor)


reader = Reader()


@collection.leaks("advance|__init__")
def links_each_cursor_to_the_one_before() -> None:
    reader.advance()


matrix: list[list[int]] = [[] for _ in range(64)]


@collection.leaks()
def spreads_its_growth_over_many_small_lists() -> None:
    for _ in range(4):
        matrix[random.randrange(64)].append(next(numbers))
