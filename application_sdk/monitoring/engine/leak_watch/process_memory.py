"""The process's memory at one moment, read in a few microseconds."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import psutil

_STATM = "/proc/self/statm"
_TYPICAL_OBJECT_BYTES = 64


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """What the process holds.

    Attributes:
        resident: Resident bytes: what the limit of a container counts.
        blocks: Live small Python objects.
        native: Live bytes of the C heap; 0 where they cannot be read.
    """

    resident: int
    blocks: int
    native: int

    @property
    def live(self) -> int:
        """About how many bytes are alive, whatever the allocators keep beside them."""
        return self.blocks * _TYPICAL_OBJECT_BYTES + self.native


class MemoryReader:
    """Reads the process's memory; keeps one file open where the kernel has one for that."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
        self._statm = -1
        if sys.platform == "linux":
            try:
                self._statm = os.open(_STATM, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                self._statm = -1  # psutil knows other ways

    def read(self) -> ProcessMemory:
        """The memory now."""
        heap = getattr(psutil, "heap_info", None)
        native = 0
        if heap is not None:
            info = heap()
            native = int(info.heap_used + info.mmap_used)
        return ProcessMemory(self._resident(), sys.getallocatedblocks(), native)

    def close(self) -> None:
        """Close the file."""
        if self._statm >= 0:
            os.close(self._statm)
            self._statm = -1

    def _resident(self) -> int:
        if self._statm < 0:
            return int(self._process.memory_info().rss)
        return int(os.pread(self._statm, 128, 0).split()[1]) * self._page
