"""The memory backend ``memray``: a call's own allocations, at their peak and at its end."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import Any

from application_sdk.monitoring.backends.reading import CallTrees, Wanted, read_elsewhere
from application_sdk.monitoring.backends.records import Block
from application_sdk.monitoring.backends.rss import RssCapture
from application_sdk.monitoring.backends.spool import Spool
from application_sdk.monitoring.backends.tracker import bookend, shared_tracker
from application_sdk.monitoring.backends.tracker_run import LINGER_SECONDS
from application_sdk.monitoring.calls.marker import BEGIN_PREFIX, END_PREFIX, Marker
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import MemoryProfile
from application_sdk.monitoring.protocols import ProfiledCall

ARENA_NOTE = (
    "objects of up to 512 bytes are not traced one by one: a whole allocator arena (1 MiB) "
    "counts for the call that needed it"
)
_STOP_SECONDS = 60.0
_HOOK_NOTE = (
    "the program set a profile hook during the call and it is still there: what this thread "
    "allocated from then on is missing"
)


class MemrayCapture:
    """One call's share of the process's tracker, and the process's RSS beside it."""

    backend = "memray"
    follows_steps = False

    def __init__(self, call: ProfiledCall) -> None:
        self._call = call
        self._rss = RssCapture(call)
        self._spool: Spool | None = None
        self._joined = self._begun = False
        self._began = 0.0
        self._kept: dict[str, int] = {}

    def start(self) -> None:
        """Join the tracker, or start it.

        Raises:
            BackendUnavailable: If memray cannot track now.
        """
        call = self._call
        spool = self._spool = shared_tracker.join(call)
        self._joined = True
        self._began = time.perf_counter()
        self._rss.start()
        spool.began(call, self._rss.before_bytes)
        spool.wanted[call.identity] = _wanted(call)

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
        spool = self._spool
        if spool is not None and not spool.closed.is_set():
            bookend(END_PREFIX, self._call.identity, spool)
            spool.ended.add(self._call.identity)
        self._rss.stop()
        self._leave()

    def abandon(self) -> None:
        """Leave the tracker and give the file up."""
        self._rss.abandon()
        self._leave()
        self._drop()

    def half(self) -> MemoryProfile:
        """The memory half; reads the capture file, which can take seconds."""
        spool, call = self._spool, self._call
        assert spool is not None
        rss = self._rss.half()
        try:
            memory = _read(spool, call)
        except (OSError, ValueError) as error:
            call.note(f"memray's records could not be read ({error}): only the RSS is known")
            return rss
        finally:
            # Whichever call is read first answers for all that have run meanwhile.
            call.spent_elsewhere += shared_tracker.slowed_seconds()
            self._drop()
        if not memory.ended:
            call.note(f"the memory capture ended before the call did, {self._why_cut(spool)}")
        return call_memory(rss, memory, call.max_nodes, call.note)

    def _why_cut(self, spool: Spool) -> str:
        if spool.cut_off is None:
            return "because the tracker was stopped"
        seconds = max(0.0, spool.cut_off_at - self._began)
        return f"after {seconds:.3f} s, because {spool.cut_off}"

    def _leave(self) -> None:
        spool = self._spool
        if not self._joined or spool is None:
            return
        self._joined = False
        # While the tracker is on its own hook does not show; what shows is the program's, set in
        # a way that could not be seen.
        theirs = None if spool.closed.is_set() else sys.getprofile()
        linger = self._call.sampling.mode != "adaptive"
        shared_tracker.leave(spool, wait=theirs is not None, linger=linger)
        if theirs is not None:
            self._call.note(_HOOK_NOTE)
            _put_back(theirs)

    def _drop(self) -> None:
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.done(self._call.identity)


def _put_back(hook: Any) -> None:
    """Set a hook anew that went with the tracker's."""
    if callable(hook):
        sys.setprofile(hook)
    elif hasattr(hook, "enable"):
        hook.enable()  # cProfile's, up to Python 3.11


def call_memory(
    rss: MemoryProfile, found: CallTrees, max_nodes: int, note: Callable[[str], None]
) -> MemoryProfile:
    """The memory half: what a call had allocated, beside the process's RSS."""
    note(ARENA_NOTE)
    if found.truncated:
        note(
            f"a memory call tree reached max_tree_nodes ({max_nodes}); "
            "what did not fit is folded into '(truncated)'"
        )
    return rss.model_copy(
        update={
            "backend": MemrayCapture.backend,
            "scope": "call",
            "peak_bytes": found.peak_bytes,
            "retained_bytes": found.retained_bytes,
            "allocation_count": found.allocation_count,
            "peak_tree": found.peak_tree,
            "retained_tree": found.retained_tree,
        }
    )


def _read(spool: Spool, call: ProfiledCall) -> CallTrees:
    """What a call had allocated; read for all calls at once that have ended by now."""
    identity = call.identity
    until = time.monotonic() + 2 * LINGER_SECONDS
    # The tracker of the last call stops soon, and the calls before it are read together with it.
    # While others go on, or come again and again, what is there is read.
    while identity not in spool.found and not spool.active and time.monotonic() < until:
        if spool.closed.wait(0.02):
            break
    while identity not in spool.found:
        closed = spool.closed.is_set()
        wanted = {
            one: call_wanted
            for one, call_wanted in spool.wanted.items()
            if one not in spool.found and (closed or one in spool.ended)
        }
        reading = read_elsewhere(spool.path, wanted)
        call.spent_reading += reading.cpu_seconds
        if reading.note is not None:
            call.note(reading.note)
        found = reading.calls
        spool.found.update({one: memory for one, memory in found.items() if memory.ended or closed})
        if identity not in spool.found and not spool.closed.wait(_STOP_SECONDS):
            raise ValueError("the mark of the call's end is not in the capture")
    memory: CallTrees = spool.found[identity]
    return memory


def _wanted(call: ProfiledCall) -> Wanted:
    root, block = call.root, call.block
    if not isinstance(root, Frame):
        root = Frame(root.co_name, root.co_filename, root.co_firstlineno)
    place = None if block is None else Block(block.code.co_name, block.code.co_filename)
    return Wanted(root, call.max_nodes, place)
