"""Bounded things that fill late, in steps, at random, or with noise."""

from __future__ import annotations

import collections
import copy
import functools
import io
import itertools
import mmap
import random
import sqlite3
import time
from typing import Any

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)


def take(seconds: float) -> None:
    time.sleep(seconds)


pages: dict[int, bytes] = {}


@collection.clean
def fills_a_cache_of_ten_thousand_entries() -> None:
    if len(pages) < 10_000:
        pages[next(numbers)] = bytes(200)


metadata: dict[int, bytes] = {}


@collection.clean
def fills_a_cache_of_ten_thousand_entries_at_a_fifth_of_a_millisecond() -> None:
    take(0.0002)
    if len(metadata) < 10_000:
        metadata[next(numbers)] = bytes(200)


@functools.lru_cache(maxsize=16_000)
def described(number: int) -> str:
    return f"asset {number}, as the catalogue describes it"


@collection.clean
def fills_a_large_lru_cache_at_half_a_millisecond_a_call() -> None:
    take(0.0005)
    described(next(numbers))


recent: collections.deque[bytes] = collections.deque(maxlen=4_000)


@collection.clean
def fills_a_long_ring_at_a_millisecond_a_call() -> None:
    take(0.001)
    recent.append(bytes(150))


limited: collections.OrderedDict[int, tuple[float, bytes]] = collections.OrderedDict()


@collection.clean
def caches_by_age_and_by_number() -> None:
    now = time.monotonic()
    limited[next(numbers)] = (now + 0.6, bytes(80))
    while len(limited) > 20_000 or next(iter(limited.values()))[0] < now:
        limited.popitem(last=False)


spool = bytearray()


@collection.clean
def grows_a_buffer_to_a_megabyte_and_trims_it() -> None:
    spool.extend(b"0123456789abcdef" * 8)
    if len(spool) > 2**20:
        spool.clear()


report = io.StringIO()


@collection.clean
def rewinds_its_report_at_a_megabyte() -> None:
    report.write(f"row {next(numbers)}\n" * 4)
    if report.tell() > 2**20:
        report.seek(0)
        report.truncate()


slots: list[bytes] = [b""] * 200


@collection.clean
def puts_buffers_of_random_size_into_two_hundred_slots() -> None:
    slots[random.randrange(200)] = bytes(random.randrange(100, 20_000))


@functools.cache
def plan_of(argument: int) -> list[int]:
    return [argument] * 20


@collection.clean
def fills_a_cache_per_argument_at_random() -> None:
    plan_of(random.randrange(5_000))


idle: list[bytearray] = []
busy: list[bytearray] = []


@collection.clean
def borrows_from_a_jittery_pool() -> None:
    busy.extend(idle.pop() if idle else bytearray(2_000) for _ in range(random.randrange(6)))
    given_back = min(len(busy), random.randrange(7))
    idle.extend(busy.pop(random.randrange(len(busy))) for _ in range(given_back))
    if len(busy) > 150:
        idle.extend(busy)
        busy.clear()


young: dict[int, bytes] = {}
old: dict[int, bytes] = {}


@collection.clean
def rotates_two_generations_of_eight_thousand() -> None:
    global young, old
    young[next(numbers)] = bytes(60)
    if len(young) >= 8_000:
        young, old = {}, young


chunks: list[bytearray] = []


@collection.clean
def takes_a_chunk_every_four_thousand_calls_up_to_six() -> None:
    if next(numbers) % 4_000 == 0 and len(chunks) < 6:
        chunks.append(bytearray(2**20))


state: dict[str, Any] = {"steps": dict.fromkeys(range(20), "done"), "turn": 0}


@collection.clean
def copies_its_state_and_changes_it() -> None:
    global state
    state = copy.deepcopy(state)
    state["turn"] = next(numbers)


live: dict[int, str] = {}


@collection.clean
def inserts_and_deletes_at_a_steady_size() -> None:
    number = next(numbers)
    live[number] = f"session {number}"
    live.pop(number - 1_200, None)


database: list[sqlite3.Connection] = []


@collection.clean
def keeps_five_hundred_rows_in_a_database() -> None:
    if not database:
        database.append(sqlite3.connect(":memory:", isolation_level=None))
        database[0].execute("create table events (id integer primary key, text text)")
    number = next(numbers)
    database[0].execute("insert into events values (?, ?)", (number, "event" * 40))
    database[0].execute("delete from events where id < ?", (number - 500,))


@collection.clean
def prepares_more_statements_than_are_cached() -> None:
    if len(database) < 2:
        database[:] = [sqlite3.connect(":memory:")] * 2
    database[1].execute(f"select {next(numbers)} + {next(numbers)}").fetchall()


@collection.clean
def maps_memory_and_unmaps_it() -> None:
    with mmap.mmap(-1, 65_536) as memory:
        memory.write(b"row" * 100)


depth: list[bytes] = []


@collection.clean
def queues_up_and_down_in_a_random_walk() -> None:
    if random.random() < 0.5 and len(depth) < 2_000:
        depth.append(bytes(90))
    elif depth:
        depth.pop()


flushed: list[tuple[int, float]] = []
last_flush = [0.0]


@collection.clean
def flushes_its_metrics_once_a_second() -> None:
    now = time.monotonic()
    flushed.append((next(numbers), now))
    if now - last_flush[0] > 1.0:
        last_flush[0] = now
        flushed.clear()


histogram: dict[int, int] = {}


@collection.clean
def counts_into_a_sparse_histogram() -> None:
    bucket = int(random.lognormvariate(8, 2) / 10)
    if bucket < 3_000:
        histogram[bucket] = histogram.get(bucket, 0) + 1


largest: list[bytes] = []


@collection.clean
def keeps_the_largest_answer_so_far() -> None:
    size = int(1_000 / (1 - random.random()) ** 0.5)
    if not largest or size > len(largest[0]):
        largest[:] = [bytes(min(size, 200_000))]
