"""The CPU backend ``pyinstrument``: its stack sampler, aggregated as samples come.

pyinstrument's own recorder keeps every sample (kilobytes each); subscribing to its stack
sampler instead keeps memory bounded however long a call lasts. One subscription a thread
serves all captures there, and each call's marker says whose a sample is.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

from pyinstrument.stack_sampler import StackSampler, get_stack_sampler

from application_sdk.monitoring.backends import pyinstrument_stacks as stacks
from application_sdk.monitoring.backends.cpu_tally import CpuTally, Path
from application_sdk.monitoring.backends.giving_way import (
    BESIDE_PYINSTRUMENT,
    FOR_ALL_THREADS,
    MEMRAY,
    GivingWay,
)
from application_sdk.monitoring.backends.looks import Elsewhere, Looks, Place
from application_sdk.monitoring.backends.pyinstrument_context import let_the_hook_find
from application_sdk.monitoring.backends.running_task import code_of, context_of, current_task
from application_sdk.monitoring.backends.stacks import awaited_codes
from application_sdk.monitoring.containment import report_fault
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import CpuProfile
from application_sdk.monitoring.profile_hook import profile_hook
from application_sdk.monitoring.protocols import BackendUnavailable, ProfiledCall

_SLOWED_SHARE = 0.58
"""What of a call's CPU time pyinstrument's hook takes: 1 - 1 / 2.4 (benchmarks/bench_peers.py)."""

# What runs in the profile hook is tested, yet no coverage tool is called in there: such
# functions are marked.


class PyinstrumentCapture:
    """Samples one call through the subscription of the thread that it began on."""

    backend = "pyinstrument"
    follows_steps = True

    def __init__(self, call: ProfiledCall) -> None:
        self.call = call
        root = call.root
        if not isinstance(root, Frame):
            root = Frame(root.co_name, root.co_filename, root.co_firstlineno)
        self._root = root
        self.tally = CpuTally(call, root)
        self._subscription: _Subscription | None = None
        self._looks: Looks | None = None
        self._began = 0.0

    def start(self) -> None:
        """Join this thread's subscription, or make it.

        Raises:
            BackendUnavailable: If something else has the profile hook.
        """
        reason = profile_hook.acquire("pyinstrument")
        if reason is not None:
            raise BackendUnavailable(reason)
        self._began = time.perf_counter()
        let_the_hook_find()
        try:
            self._subscription = _subscribe(self)
        except BaseException:
            profile_hook.release()
            raise

    def resume(self) -> None:
        """The call runs now, on this thread."""
        subscription = self._subscription
        if subscription is not None and subscription.thread != threading.get_ident():
            self.call.note(
                "the call went on in another thread than it began in, where pyinstrument "
                "does not see it: time spent there is charged to the last function seen"
            )
        self.tally.resume()

    def pause(self, awaiting: bool) -> None:
        """The call does not run now."""
        if self._looks is None:
            self.tally.pause(awaiting)
        else:
            self._looks.awaiting = awaiting

    def enter_part(self) -> None:
        """A part of the call runs now, on this thread."""
        subscription = self._subscription
        if subscription is not None and subscription.thread != threading.get_ident():
            self.call.note(
                "the call started work in other threads, where pyinstrument does not see it: "
                "that time is charged to the last function seen"
            )
        self.tally.enter_part()

    def leave_part(self) -> None:
        """It does not run now."""
        self.tally.leave_part()

    def loosen(self) -> bool:
        """Follow no single step from now on; tasks are known by the context that they run in."""
        self.tally.end()
        self._looks = Looks(self.tally, {})
        return True

    def stop(self) -> None:
        """Leave the subscription; the last one out gives the hook back."""
        self.tally.end()
        if self._looks is not None:
            self._looks.end()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            try:
                subscription.leave(self)
            finally:
                profile_hook.release()

    def cut(self, what: str) -> None:
        """No samples come from now on, because of what the program does."""
        seconds = time.perf_counter() - self._began
        self.call.note(
            f"pyinstrument's samples end after {seconds:.3f} s, because {what}: time from then on "
            "is charged to the last function seen"
        )

    def abandon(self) -> None:
        """The same as ``stop``."""
        self.stop()

    def half(self) -> CpuProfile:
        """The CPU half of the profile."""
        half = self.tally.profile(self.call, self.backend, stacks.described)
        self.call.spent_elsewhere += _SLOWED_SHARE * (half.cpu_seconds or 0.0)
        return half

    def sample(self, stack: list[str]) -> None:  # pragma: no cover - in the hook
        """Take a sample of the thread, outermost first, if it is of this call."""
        thread = threading.get_ident()
        if self._looks is not None:
            path = self._place(stack)
            place = self._task_place(stack, thread) if path is None else path
            waits = isinstance(place, Elsewhere) and self._looks.awaiting
            self._looks.saw({thread: place}, self._waiting_place() if waits else None)
        elif thread in self.tally.threads:
            path = self._place(stack)
            if path is not None:
                self.tally.sampled_running(path, thread)
        elif self.tally.waiting_unseen:
            self.tally.sampled_waiting(self._waiting_place() or ())

    def _place(self, stack: list[str]) -> Path | None:  # pragma: no cover - in the hook
        start = self._start_of_call(stack)
        if start is None:
            start = stacks.after(self.call.parts.name, stack)
            return None if start is None else [self._root, *stacks.path_in(stack[start:])]
        return stacks.path_in(stack[start:])

    def _task_place(self, stack: list[str], thread: int) -> Place:  # pragma: no cover - in the hook
        loop = self.call.loops.get(thread)
        if loop is None:
            return Elsewhere.OTHERS
        task = current_task(loop)
        if task is None:
            return Elsewhere.NOTHING
        context, code = context_of(task), code_of(task)
        if context is None or not self.call.carried_in(context):
            return Elsewhere.OTHERS
        index = None if code is None else stacks.outermost(code, stack)
        return [self._root] if index is None else [self._root, *stacks.path_in(stack[index:])]

    def _waiting_place(self) -> Path | None:  # pragma: no cover - in the hook
        suspended = self.call.suspended
        return None if suspended is None else stacks.frames_of(awaited_codes(suspended))

    def _start_of_call(self, stack: list[str]) -> int | None:  # pragma: no cover - in the hook
        marker, block = self.call.marker, self.call.block
        if marker is not None:
            return stacks.after(marker.name, stack)
        assert block is not None
        # The first entry stands for the thread.
        return block.depth if len(stack) > block.depth else None


class _Subscription:
    """One thread's subscription to its stack sampler, shared by the captures there."""

    def __init__(self, sampler: StackSampler, interval: float) -> None:
        self.thread = threading.get_ident()
        self.captures: list[PyinstrumentCapture] = []
        self._sampler = sampler
        self._hook: Any = None
        self._ending = False
        sampler.subscribe(self._sample, desired_interval=interval, use_async_context=False)
        self._hook = sys.getprofile()

    def leave(self, capture: PyinstrumentCapture) -> None:
        self.captures = [kept for kept in self.captures if kept is not capture]
        if self.captures:
            return
        if _subscriptions.get(self.thread) is self:
            _remove(self)
        if self.thread != threading.get_ident():
            # Only its own thread can take the hook off; the next sample there does.
            return
        self._unsubscribe()

    def give_way(self, what: str) -> None:
        """End, as well as this thread can, because of what the program does."""
        _remove(self)
        for capture in self.captures:
            capture.cut(what)
        if self.thread == threading.get_ident():
            self._unsubscribe()

    def _unsubscribe(self) -> None:
        if self._ending:
            # A sample that comes amid pyinstrument's own unsubscribing would do it twice.
            return
        self._ending = True
        current = sys.getprofile()
        try:
            self._sampler.unsubscribe(self._sample)
        except StackSampler.SubscriberNotFound:
            return
        if current is not self._hook and callable(current):
            # The program set a hook of its own meanwhile; taking ours off wiped it out. A hook
            # that is not callable is pyinstrument's, renewed for a profiler of the program's own.
            sys.setprofile(current)

    def _sample(
        self, stack: list[str], since_last: float, async_state: object
    ) -> None:  # pragma: no cover - in the hook
        try:
            if not self.captures:
                self._unsubscribe()
            for capture in self.captures:
                capture.sample(stack)
        except Exception:
            report_fault("taking a pyinstrument sample")


_subscriptions: dict[int, _Subscription] = {}
_lock = threading.Lock()


def _give_way(what: str) -> None:
    """The program takes the hook: of this thread, or of all."""
    for thread, subscription in list(_subscriptions.items()):
        if what in (MEMRAY, FOR_ALL_THREADS) or thread == threading.get_ident():
            subscription.give_way(what)


_giving_way = GivingWay(BESIDE_PYINSTRUMENT, _give_way)


def _add(subscription: _Subscription) -> None:
    with _lock:
        if not _subscriptions:
            _giving_way.begin()
        _subscriptions[subscription.thread] = subscription


def _remove(subscription: _Subscription) -> None:
    with _lock:
        _subscriptions.pop(subscription.thread, None)
        if not _subscriptions:
            _giving_way.end()


def _subscribe(capture: PyinstrumentCapture) -> _Subscription:
    thread = threading.get_ident()
    subscription = _subscriptions.get(thread)
    if subscription is None:
        subscription = _Subscription(get_stack_sampler(), capture.call.interval)
        _add(subscription)
    subscription.captures = [*subscription.captures, capture]
    return subscription


def reset_after_fork() -> None:
    """In a forked child: the forking thread's subscription must not go on here."""
    global _lock
    _lock = threading.Lock()
    _giving_way.end()
    subscription = _subscriptions.pop(threading.get_ident(), None)
    _subscriptions.clear()
    if subscription is not None:
        subscription.captures = []
        subscription._unsubscribe()
