"""Readings of the live heap that leave no trace in the heap they read."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SMALL_OBJECT_LIMIT = 512
"""The largest object in bytes that CPython's small-object allocator serves."""

_COLLECTIONS = 3
_MAPPINGS = "/proc/self/maps"
_MOST_MAPPINGS = Path("/proc/sys/vm/max_map_count")
_FD_DIRECTORIES = ("/proc/self/fd", "/dev/fd")


@dataclass(frozen=True, slots=True)
class Level:
    """The live heap at one moment.

    Attributes:
        blocks: Live small objects (at most 512 bytes each).
        native: Live bytes of the C heap: larger objects and what extensions allocate.
    """

    blocks: int
    native: int

    @property
    def ceiling(self) -> int:
        """The most bytes that this can be: each small object counted as 512 bytes."""
        return self.blocks * SMALL_OBJECT_LIMIT + self.native


class Readings:
    """A series of readings in arrays that are made before the first of them.

    A series that grew while it is taken would show up in itself.
    """

    def __init__(self, capacity: int) -> None:
        zeros = [0] * capacity
        self.calls = array("q", zeros)
        self.blocks = array("q", zeros)
        self.native = array("q", zeros)
        self._size = array("q", [0])

    def __len__(self) -> int:
        """Number of readings taken."""
        return self._size[0]

    def add(self, calls: int, level: Level) -> None:
        """Keep the level that was read after so many calls."""
        index = self._size[0]
        self.calls[index] = calls
        self.blocks[index] = level.blocks
        self.native[index] = level.native
        self._size[0] = index + 1

    def ceilings(self) -> list[int]:
        """The ceiling of every reading."""
        return [self.blocks[i] * SMALL_OBJECT_LIMIT + self.native[i] for i in range(len(self))]


class HeapReader:
    """Reads the live heap after a garbage collection.

    Args:
        before_reading: Called before each reading, to empty what is known to gather
            (a test runner's log records).
    """

    def __init__(self, before_reading: Callable[[], object] | None = None) -> None:
        self._before_reading = before_reading
        self._native, self.native_source = _native_reader()
        self.read()

    def native(self) -> int:
        """Live bytes of the C heap now, without a collection."""
        return self._native()

    def read(self) -> Level:
        """The live heap now."""
        if self._before_reading is not None:
            self._before_reading()
        # Finalizers may leave new garbage: a chain of them needs more than one pass.
        for _ in range(_COLLECTIONS):
            if not gc.collect():
                break
        return Level(sys.getallocatedblocks(), self._native())


def _native_reader() -> tuple[Callable[[], int], str]:
    import psutil

    heap_info = getattr(psutil, "heap_info", None)
    if heap_info is not None:

        def read_heap() -> int:
            info = heap_info()
            return int(info.heap_used + info.mmap_used)

        return read_heap, "heap"
    process = psutil.Process()

    def read_resident() -> int:
        return int(process.memory_info().rss)

    return read_resident, "resident set"


@contextmanager
def frozen_heap() -> Iterator[None]:
    """Keep what is alive now out of every collection, so that a reading stays cheap.

    In a large test process each collection would otherwise walk all of it.
    """
    if gc.get_freeze_count():
        # The program froze its heap on purpose; unfreezing would undo that.
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def resident_bytes() -> int:
    """The resident set of this process."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def thread_count() -> int:
    """Python threads alive now."""
    return threading.active_count()


def task_count() -> int:
    """Pending tasks of the running event loop, 0 where none runs."""
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return 0


def descriptor_count() -> int:
    """Open file descriptors, 0 where they cannot be counted."""
    for directory in _FD_DIRECTORIES:
        try:
            return sum(1 for _ in os.scandir(directory))
        except OSError:
            continue
    return 0


def heap_bytes() -> int:
    """Live bytes of the C heap, 0 where they cannot be read.

    Unlike the resident set it grows with the first allocation, not with the first page.
    """
    import psutil

    heap_info = getattr(psutil, "heap_info", None)
    if heap_info is None:
        return 0
    info = heap_info()
    return int(info.heap_used + info.mmap_used)


def mapping_count() -> int:
    """Mappings of the address space, 0 where they cannot be counted."""
    try:
        with open(_MAPPINGS, "rb") as mappings:
            return sum(1 for _ in mappings)
    except OSError:
        return 0


def mapping_limit() -> int:
    """How many mappings a process may have, a large number where there is no limit."""
    try:
        return int(_MOST_MAPPINGS.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return sys.maxsize  # not Linux


def descriptor_limit() -> int:
    """How many descriptors may be open, a large number where there is no limit."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return sys.maxsize
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft
