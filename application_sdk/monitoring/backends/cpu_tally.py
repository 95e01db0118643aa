"""Exact times of one call, spread over the stacks that were sampled while it ran."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

from application_sdk.monitoring.backends.thread_clocks import cpu_of, readable_clock
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.profile import CpuProfile
from application_sdk.monitoring.model.stack_table import StackTable
from application_sdk.monitoring.protocols import ProfiledCall

METRICS = ("wall_seconds", "cpu_seconds", "await_seconds")

_SUSPENDED_BY_AWAITING = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR

Path = Sequence[Hashable]


class _State(Enum):
    OUTSIDE = "between two steps, or not begun"
    RUNNING = "running"
    WAITING = "suspended"


@dataclass
class _Run:
    """A thread that runs the call, or a part of it, now.

    Attributes:
        since: Since when, or since its latest sample, by the clock of ``perf_counter``.
        cpu_since: The thread's own CPU clock then.
        depth: How often it was entered: a part may run inside another one.
        clock: Its CPU clock for other threads to read; None where there is none.
    """

    since: float
    cpu_since: float
    depth: int
    clock: int | None


class CpuTally:
    """Measures when a call runs and waits, and charges that to sampled stacks.

    ``resume`` and ``pause`` come from the call's own steps, so what it ran, burnt and
    awaited is measured and not estimated, however many calls share its thread. Samples
    only say where: each charges what has passed since the sample before it. What is left
    at the end goes to the last stack seen, or to the root where none was.

    A call may run in several places at once: tasks and threads that it started are its
    parts. It waits while it is suspended itself and none of its parts runs; wall time of
    parts that run side by side adds up.

    Args:
        call: The call.
        root: Key of the tree's root frame, for what no sample has placed.
    """

    def __init__(self, call: ProfiledCall, root: Hashable) -> None:
        self._table = StackTable(METRICS, call.max_nodes)
        self._root: Path = (root,)
        self._lock = threading.Lock()
        self._state = _State.OUTSIDE
        self._ended = False
        self._runs: dict[int, _Run] = {}
        self._main_thread = 0
        self._wait_since: float | None = None
        self._ran = self._burnt = self._waited = 0.0
        self._last_path: Path = self._root
        self._wait_path: Path | None = None
        self._last_wait_path: Path | None = None
        self._settled: list[tuple[Path, float]] = []
        self.samples = 0

    @property
    def root(self) -> Path:
        """The path of the tree's root."""
        return self._root

    @property
    def threads(self) -> tuple[int, ...]:
        """The threads that run the call or a part of it now."""
        return tuple(self._runs)

    @property
    def waiting_unseen(self) -> bool:
        """Whether the call is suspended in a place that no sample has seen yet."""
        return self._wait_since is not None and self._wait_path is None

    def resume(self) -> None:
        """The call runs from now on, on this thread."""
        with self._lock:
            if not self._ended:
                self._state = _State.RUNNING
                self._main_thread = threading.get_ident()
                self._begin_run(time.perf_counter())
                self._wait_path = None

    def pause(self, awaiting: bool) -> None:
        """The call does not run from now on."""
        with self._lock:
            now = time.perf_counter()
            if self._state is _State.RUNNING:
                self._end_run(self._main_thread, now)
            self._state = _State.WAITING if awaiting else _State.OUTSIDE
            self._follow_wait(now)

    def enter_part(self) -> None:
        """A task or thread of the call runs from now on, on this thread."""
        with self._lock:
            if not self._ended:
                self._begin_run(time.perf_counter())

    def leave_part(self) -> None:
        """It does not run from now on."""
        with self._lock:
            now = time.perf_counter()
            self._end_run(threading.get_ident(), now)
            self._follow_wait(now)

    def end(self) -> None:
        """Nothing that happens from now on counts, whoever still runs."""
        with self._lock:
            now = time.perf_counter()
            for thread in tuple(self._runs):
                self._runs[thread].depth = 1
                self._end_run(thread, now)
            self._state = _State.OUTSIDE
            self._follow_wait(now)
            self._ended = True

    def sampled_running(self, path: Path, thread: int) -> None:
        """The call was seen running in a stack.

        Args:
            path: Keys of its frames, outermost first; empty stands for the root.
            thread: The thread that it was seen on.
        """
        taken = self.take(thread)
        if taken is not None:
            self.place(path, *taken)

    def take(self, thread: int) -> tuple[float, float] | None:
        """What the call has run and burnt since the sample before, to be placed later.

        Returns:
            Wall and CPU seconds; None inside the call's own resume or pause, and after its end.
        """
        if not self._lock.acquire(blocking=False):
            return None  # a hook that fires inside resume or pause must not wait for itself
        try:
            if self._ended:
                return None  # what is left is placed at the end
            run = self._runs.get(thread)
            if run is not None:
                self._count(run, thread, time.perf_counter())
            taken = self._ran, self._burnt
            self._ran = self._burnt = 0.0
        finally:
            self._lock.release()
        return taken

    def place(self, path: Path | None, ran: float, burnt: float) -> None:
        """Charge what was taken to a stack; None leaves it to the next sample."""
        if path is None:
            with self._lock:
                self._ran += ran
                self._burnt += burnt
            return
        self.samples += 1
        self._last_path = path or self._root
        self._table.add(self._last_path, (ran, burnt, 0.0))
        self._drain()

    def sampled_waiting(self, path: Path) -> None:
        """The call was seen suspended; the whole wait is charged to this path."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._wait_since is None:
                return
            self._wait_path = self._last_wait_path = path or self._root
            # Waits too short for a sample of their own are charged to the next one seen.
            if self._waited:
                self._settled.append((self._wait_path, self._waited))
                self._waited = 0.0
        finally:
            self._lock.release()
        self.samples += 1
        self._drain()

    def charge(self, path: Path, values: tuple[float, float, float]) -> None:
        """Add wall, CPU and awaited seconds to a path; empty stands for the root."""
        self._table.add(path or self._root, values)

    def profile(
        self,
        call: ProfiledCall,
        backend: str,
        describe: Callable[[Hashable], Frame],
        cpu_by_stack: bool = True,
    ) -> CpuProfile:
        """The finished half; after the last ``pause``."""
        self._drain()
        if self._ran or self._burnt:
            self._table.add(self._last_path, (self._ran, self._burnt, 0.0))
        if self._waited:
            self._table.add(self._last_wait_path or self._root, (self._waited, 0.0, self._waited))
        if self._table.truncated:
            call.note(
                f"the CPU call tree reached max_tree_nodes ({call.max_nodes}); "
                "what did not fit is folded into '(truncated)'"
            )
        tree = self._table.tree(describe)
        wall, cpu = tree.total("wall_seconds"), tree.total("cpu_seconds")
        awaited: float | None = tree.total("await_seconds")
        if call.block is not None and call.block.code.co_flags & _SUSPENDED_BY_AWAITING:
            awaited = None
            call.note(
                "a block of a coroutine is followed through its thread: awaiting is not told from "
                "running there, and other tasks that ran on the thread meanwhile count too"
            )
            tree = _without("await_seconds", tree)
        if not cpu_by_stack:
            call.note(
                "this platform cannot read another thread's CPU clock, so CPU time is known "
                "for the whole call and not for each function"
            )
            tree = _without("cpu_seconds", tree)
        return CpuProfile(
            backend=backend,
            interval_seconds=call.interval,
            sample_count=self.samples,
            wall_seconds=wall,
            cpu_seconds=cpu,
            await_seconds=awaited,
            tree=tree,
        )

    def _begin_run(self, now: float) -> None:
        self._end_wait(now)
        thread = threading.get_ident()
        run = self._runs.get(thread)
        if run is not None:
            run.depth += 1
            return
        self._runs[thread] = _Run(now, time.thread_time(), 1, readable_clock(thread))

    def _end_run(self, thread: int, now: float) -> None:
        run = self._runs.get(thread)
        if run is None:
            return
        run.depth -= 1
        if run.depth == 0:
            self._count(run, thread, now)
            del self._runs[thread]

    def _count(self, run: _Run, thread: int, now: float) -> None:
        self._ran += now - run.since
        run.since = now
        cpu = cpu_of(thread, run.clock)
        if cpu is not None and cpu > run.cpu_since:
            self._burnt += cpu - run.cpu_since
            run.cpu_since = cpu

    def _follow_wait(self, now: float) -> None:
        if self._state is not _State.WAITING:
            self._end_wait(now)
        elif self._wait_since is None and not self._runs and not self._ended:
            self._wait_since = now

    def _end_wait(self, now: float) -> None:
        if self._wait_since is None:
            return
        waited, self._wait_since = now - self._wait_since, None
        if self._wait_path is None:
            self._waited += waited
        else:
            self._settled.append((self._wait_path, waited))

    def _drain(self) -> None:
        if self._settled:
            with self._lock:
                settled, self._settled = self._settled, []
            for path, waited in settled:
                self._table.add(path, (waited, 0.0, waited))


def _without(metric: str, tree: CallTree) -> CallTree:
    metrics = tuple(kept for kept in tree.metrics if kept != metric)
    values = {kept: tree.values[kept] for kept in metrics}
    return tree.model_copy(update={"metrics": metrics, "values": values})
