"""The CPU backend ``sampler``: one thread walks the stacks of all profiled calls.

It sets no profile hook, so it lives beside memray and beside whatever the program itself
has set, and code between two samples runs at full speed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from types import CodeType

from application_sdk.monitoring.backends.cpu_tally import CpuTally, Path
from application_sdk.monitoring.backends.looks import Elsewhere, Looks, Place
from application_sdk.monitoring.backends.running_task import code_of, context_of, running_task
from application_sdk.monitoring.backends.stacks import awaited_codes, own_files, running_codes
from application_sdk.monitoring.backends.thread_clocks import READS_OTHER_CLOCKS, readable_clock
from application_sdk.monitoring.calls.marker import Marker
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import CpuProfile
from application_sdk.monitoring.protocols import ProfiledCall
from application_sdk.monitoring.ticker import Tick, ticker

_MORE_LOOKS = 2
"""How often a tick looks again where looks always find an event loop between two tasks."""
_PLACED_TOGETHER = 32
"""Samples are placed in the tree so many at a time: what that needs has left the processor's
cache in between, and the program waits for it."""
_MEASURED_ONE_IN = 8
"""Of so many ticks one is timed: reading the clock of a thread is a system call."""


class SamplerCapture:
    """Samples one call. Keys of its table are identities of code objects, which it keeps."""

    backend = "sampler"
    follows_steps = True

    def __init__(self, call: ProfiledCall) -> None:
        self.call = call
        self._codes: dict[int, CodeType] = {}
        root = call.root
        self._root: Hashable = root if isinstance(root, Frame) else self._key(root)
        self.tally = CpuTally(call, self._root)
        self.looks: Looks | None = None
        self._began_on = 0
        self._clock: int | None = None
        self._unplaced: list[tuple[list[CodeType], float, float]] = []

    def start(self) -> None:
        """Begin to be sampled."""
        self._began_on = threading.get_ident()
        self._clock = readable_clock(self._began_on)
        _sampling.add(self)

    def resume(self) -> None:
        """The call runs now, on this thread."""
        if self.looks is None:
            self.tally.resume()
        else:
            self.looks.enter()

    def pause(self, awaiting: bool) -> None:
        """The call does not run now."""
        if self.looks is None:
            self.tally.pause(awaiting)
        else:
            self.looks.awaiting = awaiting

    def enter_part(self) -> None:
        """A part of the call runs now, on this thread."""
        if self.looks is None:
            self.tally.enter_part()
        else:
            self.looks.enter()

    def leave_part(self) -> None:
        """It does not run now."""
        if self.looks is None:
            self.tally.leave_part()
        else:
            self.looks.leave()

    def loosen(self) -> bool:
        """Follow no single step from now on; tasks are known by the context that they run in."""
        self.tally.end()
        clocks = {thread: self._clock for thread in self.call.loops if thread == self._began_on}
        self.looks = Looks(self.tally, clocks)
        return True

    def stop(self) -> None:
        """End the sampling."""
        self.tally.end()
        if self.looks is not None:
            self.looks.end()
        _sampling.remove(self)

    def abandon(self) -> None:
        """End the sampling; nothing else is held."""
        _sampling.remove(self)

    def half(self) -> CpuProfile:
        """The CPU half of the profile."""
        self._place_all()
        return self.tally.profile(
            self.call, self.backend, self._describe, cpu_by_stack=READS_OTHER_CLOCKS
        )

    def sample(self, stacks: _Stacks) -> bool:
        """Take the stacks of all threads that run the call; whether that tells enough."""
        if self.looks is not None:
            return self._look(self.looks, stacks)
        threads = self.tally.threads
        for thread in threads:
            self.sample_running(stacks[thread], thread)
        if not threads and self.tally.waiting_unseen:
            self.sample_waiting()
        return True

    def sample_running(self, codes: list[CodeType], thread: int) -> None:
        """Take the part of a thread's stack, innermost first, that belongs to the call."""
        taken = self.tally.take(thread)
        if taken is not None:
            self._unplaced.append((codes, *taken))
            if len(self._unplaced) >= _PLACED_TOGETHER:
                self._place_all()

    def _place_all(self) -> None:
        unplaced, self._unplaced = self._unplaced, []
        for codes, ran, burnt in unplaced:
            self.tally.place(self._place(codes), ran, burnt)

    def _look(self, looks: Looks, stacks: _Stacks) -> bool:
        """Look at every thread that the call may run on; whether that tells enough."""
        places: dict[int, Place] = {}
        for thread in looks.threads:
            path = self._place(stacks[thread])
            places[thread] = self._place_of_task(thread) if path is None else path
        waiting = None
        suspended = self.call.suspended if looks.awaiting else None
        if suspended is not None and all(isinstance(place, Elsewhere) for place in places.values()):
            waiting = self._path(awaited_codes(suspended))
        looks.saw(places, waiting)
        return not looks.blind

    def _place(self, codes: list[CodeType]) -> Path | None:
        """Where the call is in a stack, by its markers; None where it is not."""
        end = self._end_of_call(codes)
        if end is not None:
            return self._path(reversed(codes[:end]))
        end = _index_of(self.call.parts, codes)
        if end is not None:
            return [self._root, *self._path(reversed(codes[:end]))]
        return None

    def _place_of_task(self, thread: int) -> Place:
        """Where a task of the call is in its loop's stack."""
        loop = self.call.loops.get(thread)
        if loop is None:
            return Elsewhere.OTHERS
        task, codes = running_task(loop, thread)
        if task is None:
            return Elsewhere.NOTHING
        context = context_of(task)
        if context is None or not self.call.carried_in(context):
            return Elsewhere.OTHERS
        code = code_of(task)
        if code not in codes:
            return [self._root]  # a coroutine without Python code, or one that has just ended
        outermost = len(codes) - codes[::-1].index(code)
        return [self._root, *self._path(reversed(codes[:outermost]))]

    def sample_waiting(self) -> None:
        """Take the coroutines that the call is suspended in."""
        self.tally.sampled_waiting(self._path(awaited_codes(self.call.suspended)))

    def _end_of_call(self, codes: list[CodeType]) -> int | None:
        """Where the call's own frames end in a stack; None if it is not on it."""
        marker, block = self.call.marker, self.call.block
        if marker is not None:
            return _index_of(marker, codes)
        assert block is not None
        end = len(codes) - block.depth + 1
        if 0 < end <= len(codes) and codes[end - 1] is block.code:
            return end
        if block.code in codes:
            return codes.index(block.code) + 1
        return None

    def _path(self, codes: object) -> list[Hashable]:
        return [self._key(code) for code in codes if not own_files[code.co_filename]]  # type: ignore[attr-defined]

    def _key(self, code: CodeType) -> int:
        # Hashing a code object takes up to a microsecond, its identity next to nothing.
        key = id(code)
        self._codes[key] = code
        return key

    def _describe(self, key: Hashable) -> Frame:
        if isinstance(key, Frame):
            return key
        code = self._codes[key]  # type: ignore[index]
        return Frame(code.co_name, code.co_filename, code.co_firstlineno)


def _index_of(marker: Marker, codes: list[CodeType]) -> int | None:
    for code in marker.codes:
        if code in codes:
            return codes.index(code)
    return None


class _Stacks(dict[int, list[CodeType]]):
    """The stacks of one round, each walked when it is first asked for."""

    def __missing__(self, thread: int) -> list[CodeType]:
        codes = self[thread] = running_codes(thread)
        return codes


class _Sampling:
    """All captures that are sampled now, and the tick that samples them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._captures: list[SamplerCapture] = []
        self._tick: Tick | None = None
        self._ticks = 0

    def add(self, capture: SamplerCapture) -> None:
        with self._lock:
            self._captures = [*self._captures, capture]
            self._retune()

    def remove(self, capture: SamplerCapture) -> None:
        with self._lock:
            if capture in self._captures:
                self._captures = [kept for kept in self._captures if kept is not capture]
                self._retune()

    def reset(self) -> None:
        self.__init__()  # type: ignore[misc]  # the one way that forgets every lock

    def _retune(self) -> None:
        interval = min((capture.call.interval for capture in self._captures), default=None)
        if self._tick is not None and (interval is None or interval != self._tick.interval):
            ticker.remove(self._tick)
            self._tick = None
        if interval is not None and self._tick is None:
            self._tick = ticker.add(self._sample, interval)

    def _sample(self) -> None:
        captures = self._captures
        self._ticks += 1
        is_measured = self._ticks % _MEASURED_ONE_IN == 0
        began = time.thread_time() if is_measured else 0.0
        stacks = _Stacks()
        unseen = [capture for capture in captures if not capture.sample(stacks)]
        for _ in range(_MORE_LOOKS if unseen else 0):
            # The thread goes on and is asked for the lock again: soon, and somewhere else.
            time.sleep(0)
            stacks = _Stacks()
            unseen = [capture for capture in unseen if not capture.sample(stacks)]
        if is_measured:
            spent = (time.thread_time() - began) * _MEASURED_ONE_IN / max(1, len(captures))
            for capture in captures:
                capture.call.spent_elsewhere += spent


_sampling = _Sampling()


def reset_after_fork() -> None:
    """In a forked child: none of the parent's captures is sampled here."""
    _sampling.reset()
