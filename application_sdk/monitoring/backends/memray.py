"""The memory backend ``memray``: a call's own allocations, at their peak and at its end."""

from __future__ import annotations

import gc
import sys
from collections.abc import Hashable

from application_sdk.monitoring.backends.records import (
    PART,
    Block,
    CallMemory,
    Location,
    read_calls,
)
from application_sdk.monitoring.backends.rss import RssCapture
from application_sdk.monitoring.backends.source_lines import first_line
from application_sdk.monitoring.backends.stacks import own_files
from application_sdk.monitoring.backends.tracker import (
    BEGIN_PREFIX,
    END_PREFIX,
    Spool,
    bookend,
    shared_tracker,
)
from application_sdk.monitoring.calls.marker import Marker
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.profile import MemoryProfile
from application_sdk.monitoring.model.stack_table import StackTable
from application_sdk.monitoring.protocols import ProfiledCall

METRICS = ("bytes", "allocations")

ARENA_NOTE = (
    "objects of up to 512 bytes are not traced one by one: a whole allocator arena (1 MiB) "
    "counts for the call that needed it"
)
_STOP_SECONDS = 60.0


class MemrayCapture:
    """One call's share of the process's tracker, and the process's RSS beside it."""

    backend = "memray"

    def __init__(self, call: ProfiledCall) -> None:
        self._call = call
        self._rss = RssCapture(call)
        self._spool: Spool | None = None
        self._joined = self._begun = False
        self._kept: dict[str, int] = {}

    def start(self) -> None:
        """Join the tracker, or start it.

        Raises:
            BackendUnavailable: If memray cannot track now.
        """
        call = self._call
        spool = self._spool = shared_tracker.join(call.directory, call.native)
        self._joined = True
        spool.wanted[call.identity] = _block(call)
        self._rss.start()

    def resume(self) -> None:
        """Remember the marker's code: memray knows code by its address."""
        spool = self._spool
        if spool is not None and not self._begun:
            self._begun = True
            bookend(BEGIN_PREFIX, self._call.identity, spool)
        if self._call.marker is not None:
            self._keep(self._call.marker)

    def pause(self, awaiting: bool) -> None:
        """Nothing to do: the marker says what belongs to the call."""

    def enter_part(self) -> None:
        """Remember the code of the parts' marker too."""
        self._keep(self._call.parts)

    def leave_part(self) -> None:
        """Nothing to do: the marker says what belongs to the part."""

    def _keep(self, marker: Marker) -> None:
        if self._spool is not None and len(marker.codes) > self._kept.get(marker.name, 0):
            self._kept[marker.name] = len(marker.codes)
            self._spool.keep_alive.extend(marker.codes)

    def stop(self) -> None:
        """Mark the call's end in the records and leave the tracker."""
        if gc.isenabled():
            # Young cycles are garbage already; only what survives this is called retained.
            gc.collect(1)
        if self._spool is not None:
            bookend(END_PREFIX, self._call.identity, self._spool)
        self._rss.stop()
        self._leave(wait=sys.getprofile() is not None)

    def abandon(self) -> None:
        """Leave the tracker and give the file up."""
        self._rss.abandon()
        self._leave(wait=False)
        self._drop()

    def half(self) -> MemoryProfile:
        """The memory half; reads the capture file, which can take seconds."""
        spool, call = self._spool, self._call
        assert spool is not None
        rss = self._rss.half()
        if not spool.closed.wait(_STOP_SECONDS):
            call.note(
                "other captured calls went on for too long after this one, so memray's records "
                "could not be read: only the process's RSS is known"
            )
            return rss
        try:
            if spool.read is None:
                spool.read = read_calls(spool.path, spool.wanted)
            memory: CallMemory = spool.read[call.identity]
        except (OSError, ValueError) as error:
            call.note(f"memray's records could not be read ({error}): only the RSS is known")
            return rss
        finally:
            self._drop()
        if not memory.ended:
            call.note("the capture ended before the call did; its end stands for the call's")
        call.note(ARENA_NOTE)
        return rss.model_copy(
            update={
                "backend": self.backend,
                "scope": "call",
                "peak_bytes": memory.peak_bytes,
                "retained_bytes": memory.retained_bytes,
                "allocation_count": memory.allocation_count,
                "peak_tree": self._tree(memory.peak),
                "retained_tree": self._tree(memory.retained),
            }
        )

    def _tree(self, stacks: list[tuple[tuple[Location, ...], int, int]]) -> CallTree:
        call = self._call
        root = call.root
        if not isinstance(root, Frame):
            root = Frame(root.co_name, root.co_filename, root.co_firstlineno)
        table = StackTable(METRICS, call.max_nodes)
        for stack, size, count in stacks:
            frames: list[Hashable] = [
                root if file == PART else Frame(function, file, first_line(function, file, line))
                for function, file, line in stack
                if file == PART or not own_files[file]
            ]
            table.add(frames or [root], (size, count))
        if table.truncated:
            call.note(
                f"a memory call tree reached max_tree_nodes ({call.max_nodes}); "
                "what did not fit is folded into '(truncated)'"
            )
        return table.tree(_describe)

    def _leave(self, wait: bool) -> None:
        if self._joined:
            self._joined = False
            mine = sys.getprofile() if wait else None
            shared_tracker.leave(wait=wait)
            if mine is not None:
                # A hook that the program set meanwhile goes with the tracker's; put it back.
                sys.setprofile(mine)

    def _drop(self) -> None:
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.drop()


def _block(call: ProfiledCall) -> Block | None:
    if call.block is None:
        return None
    return Block(call.block.code.co_name, call.block.code.co_filename)


def _describe(key: Hashable) -> Frame:
    assert isinstance(key, Frame)
    return key
