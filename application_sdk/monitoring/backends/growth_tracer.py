"""Traces which call paths keep memory, block of calls against block of calls."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from types import FunctionType
from typing import Any

import memray

from application_sdk.monitoring.backends.source_lines import first_line
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.profile_hook import profile_hook
from application_sdk.monitoring.protocols import (
    BackendUnavailable,
    TracedFrame,
    TracedGrowth,
    TracedStack,
)

_MARK = "<leak check marks a border>"
_MARK_BYTES = 4_099
_SMALL_OBJECT_BYTES = 512
_FREES = frozenset(
    {
        memray.AllocatorType.FREE.value,
        memray.AllocatorType.PYMALLOC_FREE.value,
        memray.AllocatorType.MUNMAP.value,
    }
)
_SMALL = frozenset(
    {
        memray.AllocatorType.PYMALLOC_MALLOC.value,
        memray.AllocatorType.PYMALLOC_CALLOC.value,
        memray.AllocatorType.PYMALLOC_REALLOC.value,
    }
)


def _allocate(size: int) -> None:
    bytearray(size)


class MemrayGrowthTracer:
    """One memray capture with every single allocation, small Python objects too."""

    def __init__(self) -> None:
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._tracker: Any = None
        code = _allocate.__code__.replace(co_name=_MARK, co_qualname=_MARK)
        # Kept for as long as the tracker: memray knows code objects by their address.
        self._mark = FunctionType(code, {"bytearray": bytearray})

    def start(self) -> None:
        """Begin, on a thread of its own: memray skips outer frames of the starting one.

        Raises:
            BackendUnavailable: If another profiler has the hook, or memray cannot start.
        """
        reason = profile_hook.acquire("memray")
        if reason is not None:
            raise BackendUnavailable(reason)
        try:
            self._directory = tempfile.TemporaryDirectory(prefix="leak-check-")
            tracker = memray.Tracker(
                destination=memray.FileDestination(
                    self._path(), overwrite=True, compress_on_exit=False
                ),
                trace_python_allocators=True,
                file_format=memray.FileFormat.ALL_ALLOCATIONS,
            )
            _on_own_thread(tracker.__enter__)
        except Exception as error:
            self._clean_up()
            profile_hook.release()
            raise BackendUnavailable(f"memray could not start: {error}") from error
        except BaseException:
            self._clean_up()
            profile_hook.release()
            raise
        self._tracker = tracker

    def mark(self) -> None:
        """Remember this moment, by an allocation under a name that nothing else has."""
        self._mark(_MARK_BYTES)

    def recorded_bytes(self) -> int:
        """How much has been written so far."""
        try:
            return self._path().stat().st_size
        except FileNotFoundError:
            return 0

    def discard(self) -> None:
        """Delete what was traced."""
        self._clean_up()

    def stop(self) -> None:
        """End; harmless when it has not begun or has ended."""
        tracker, self._tracker = self._tracker, None
        if tracker is None:
            return
        try:
            _on_own_thread(lambda: tracker.__exit__(None, None, None))
        finally:
            profile_hook.release()

    def read(self) -> TracedGrowth:
        """What was alive at each mark; the capture is deleted."""
        try:
            with memray.FileReader(self._path()) as reader:
                growth = _Replay().read(reader)
            return growth  # noqa: RET504  # pyright: ignore[reportPossiblyUnboundVariable]
        finally:
            self._clean_up()

    def _path(self) -> Path:
        assert self._directory is not None
        return Path(self._directory.name) / "allocations.bin"

    def _clean_up(self) -> None:
        directory, self._directory = self._directory, None
        if directory is not None:
            directory.cleanup()


def _on_own_thread(work: Any) -> None:
    failure: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="monitoring-leak-tracker", daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


class _Replay:
    """Goes through the records in order and keeps account of each stack."""

    def __init__(self) -> None:
        self._samples: dict[int, Any] = {}
        self._bytes: dict[int, int] = {}
        self._counts: dict[int, int] = {}
        self._marks: list[tuple[dict[int, int], dict[int, int], int, int]] = []

    def read(self, reader: Any) -> TracedGrowth:
        live: dict[int, tuple[int, int, bool]] = {}
        own_bytes, counts, samples = self._bytes, self._counts, self._samples
        small_bytes = small_count = records = 0
        marks: set[int] = set()
        for record in reader.get_allocation_records():
            records += 1
            address = record.address
            known = live.pop(address, None)
            if known is not None:
                # A free, or a place used again whose free memray left out.
                size, stack, small = known
                own_bytes[stack] -= size
                counts[stack] -= 1
                if small:
                    small_bytes -= size
                    small_count -= 1
            allocator = record.allocator
            if allocator in _FREES:
                continue
            stack = record.stack_id
            if stack not in samples:
                samples[stack] = record
                own_bytes[stack] = counts[stack] = 0
                top = record.stack_trace(max_stacks=1)
                if top and top[0][0] == _MARK:
                    marks.add(stack)
            size = record.size
            if stack in marks:
                if size > _MARK_BYTES - 1:  # the buffer itself, not what goes with it
                    self._marks.append((own_bytes.copy(), counts.copy(), small_bytes, small_count))
                continue
            small = size <= _SMALL_OBJECT_BYTES and allocator in _SMALL
            live[address] = (size, stack, small)
            own_bytes[stack] += size
            counts[stack] += 1
            if small:
                small_bytes += size
                small_count += 1
        return self._result(records)

    def _result(self, records: int) -> TracedGrowth:
        kept: set[int] = set()
        for marked_bytes, _, _, _ in self._marks:
            kept.update(stack for stack, size in marked_bytes.items() if size)
        return TracedGrowth(
            stacks=tuple(
                TracedStack(
                    frames=_frames(self._samples[stack]),
                    live_bytes=tuple(mark[0].get(stack, 0) for mark in self._marks),
                    live_count=tuple(mark[1].get(stack, 0) for mark in self._marks),
                )
                for stack in kept
            ),
            small_bytes=tuple(mark[2] for mark in self._marks),
            small_count=tuple(mark[3] for mark in self._marks),
            record_count=records,
        )


def _frames(record: Any) -> tuple[TracedFrame, ...]:
    return tuple(
        (Frame(function, file, first_line(function, file, line)), line)
        for function, file, line in reversed(record.stack_trace())
    )
