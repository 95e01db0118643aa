"""How much a check may use up while it looks: a leak must not take the machine with it."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from application_sdk.monitoring.analysis.leaks.readings import (
    descriptor_count,
    descriptor_limit,
    heap_bytes,
    mapping_count,
    mapping_limit,
    resident_bytes,
    task_count,
    thread_count,
)

_MOST_BYTES = 512 * 2**20
_SHARE_OF_MEMORY = 0.25
_MOST_THREADS = 400
_MOST_TASKS = 40_000
"""Pending tasks: at its end the event loop cancels each, at 60 to 80 us."""
_SHARE_OF_DESCRIPTORS = 0.5
_SHARE_OF_MAPPINGS = 0.4


@dataclass(frozen=True, slots=True)
class Use:
    """What was in use after so many calls: each number may be a leak's to exhaust."""

    calls: int
    bytes: int
    heap: int
    threads: int
    descriptors: int
    mappings: int
    tasks: int


def use_now(calls: int) -> Use:
    """What is in use now.

    Args:
        calls: Calls made so far.
    """
    return Use(
        calls,
        resident_bytes(),
        heap_bytes(),
        thread_count(),
        descriptor_count(),
        mapping_count(),
        task_count(),
    )


class Budget:
    """Turns what the calls used so far into how many more of them there may be.

    Args:
        available_bytes: Memory that this process may still take.
    """

    def __init__(self, available_bytes: int, start: Use) -> None:
        self._start = start
        self._bytes = min(_MOST_BYTES, int(available_bytes * _SHARE_OF_MEMORY))
        self._descriptors = int((descriptor_limit() - start.descriptors) * _SHARE_OF_DESCRIPTORS)
        self._mappings = int((mapping_limit() - start.mappings) * _SHARE_OF_MAPPINGS)

    def calls_left(self, first: Use, now: Use) -> int:
        """How many more calls fit, at the rates between two moments."""
        calls = max(1, now.calls - first.calls)
        left = sys.maxsize
        for limit, start, before, after in (
            (self._bytes, self._start.bytes, first.bytes, now.bytes),
            (self._bytes, self._start.heap, first.heap, now.heap),
            (_MOST_THREADS, self._start.threads, first.threads, now.threads),
            (_MOST_TASKS, self._start.tasks, first.tasks, now.tasks),
            (self._descriptors, self._start.descriptors, first.descriptors, now.descriptors),
            (self._mappings, self._start.mappings, first.mappings, now.mappings),
        ):
            if after > before:
                left = min(left, max(0, int((limit - (after - start)) * calls / (after - before))))
        return left
