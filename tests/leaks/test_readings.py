"""What a leak check reads of its process, with and without what only Linux has."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading

import psutil
import pytest

from application_sdk.monitoring.analysis.leaks import readings
from application_sdk.monitoring.analysis.leaks.budget import Budget, use_now
from application_sdk.monitoring.analysis.leaks.readings import HeapReader, frozen_heap
from application_sdk.monitoring.engine.leak_watch.process_memory import MemoryReader, ProcessMemory

MIB = 2**20


@pytest.fixture
def no_heap_info(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform where psutil cannot read the C heap."""
    monkeypatch.delattr(psutil, "heap_info", raising=False)


def test_a_large_object_shows_in_the_c_heap() -> None:
    reader = HeapReader()
    before = reader.native()
    kept = bytearray(8 * MIB)
    assert reader.native() - before >= len(kept)


@pytest.mark.usefixtures("no_heap_info")
def test_without_a_heap_to_read_the_resident_set_stands_in_and_the_reader_says_so() -> None:
    reader = HeapReader()
    assert reader.native_source == "resident set"
    assert reader.native() == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert readings.heap_bytes() == 0


def test_what_is_known_to_gather_is_emptied_before_each_reading() -> None:
    emptied: list[int] = []
    reader = HeapReader(lambda: emptied.append(1))
    at_first = len(emptied)
    reader.read()
    assert len(emptied) == at_first + 1


def test_a_heap_that_the_program_froze_stays_frozen() -> None:
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with frozen_heap():
            assert gc.get_freeze_count() == count
        assert gc.get_freeze_count() == count
    finally:
        gc.unfreeze()


def test_the_heap_is_frozen_only_for_the_while() -> None:
    with frozen_heap():
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0


def test_an_open_file_and_a_thread_are_counted() -> None:
    descriptors, threads = readings.descriptor_count(), readings.thread_count()
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    opened = os.open(os.devnull, os.O_RDONLY)
    try:
        assert readings.descriptor_count() == descriptors + 1
        assert readings.thread_count() == threads + 1
    finally:
        os.close(opened)
        ended.set()
        thread.join()


def test_pending_tasks_are_counted_and_bound_the_calls_that_are_left() -> None:
    async def count() -> tuple[int, int, int]:
        before = use_now(0)
        pending = [asyncio.create_task(asyncio.sleep(60)) for _ in range(100)]
        after = use_now(100)
        left = Budget(1 << 40, before).calls_left(before, after)
        for task in pending:
            task.cancel()
        return before.tasks, after.tasks, left

    before, after, left = asyncio.run(count())
    assert after - before == 100
    assert 0 < left <= 40_000
    assert use_now(0).tasks == 0


def test_a_limit_that_is_not_set_is_a_large_number(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)
    assert readings.descriptor_limit() == sys.maxsize


def test_a_watchs_reading_is_the_process_as_psutil_sees_it() -> None:
    reader = MemoryReader()
    try:
        memory = reader.read()
    finally:
        reader.close()
    assert memory.resident == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert memory.blocks == pytest.approx(sys.getallocatedblocks(), rel=0.2)


@pytest.mark.usefixtures("no_heap_info")
def test_a_watch_reads_on_without_the_kernels_file_and_the_c_heap() -> None:
    reader = MemoryReader()
    reader.close()
    reader.close()  # harmless
    memory = reader.read()
    assert memory.resident == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert memory.native == 0


def test_live_memory_counts_small_objects_and_the_c_heap() -> None:
    assert ProcessMemory(resident=10, blocks=3, native=1_000).live == 3 * 64 + 1_000
