"""Exact times of one call, spread over the stacks that were sampled while it ran."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from enum import Enum

from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import CpuProfile
from application_sdk.monitoring.model.stack_table import StackTable
from application_sdk.monitoring.protocols import ProfiledCall

METRICS = ("wall_seconds", "cpu_seconds", "await_seconds")

Path = Sequence[Hashable]


class _State(Enum):
    OUTSIDE = "between two steps, or not begun"
    RUNNING = "running"
    WAITING = "suspended"


class CpuTally:
    """Measures when a call runs and waits, and charges that to sampled stacks.

    ``resume`` and ``pause`` come from the call's own steps, so what it ran, burnt and
    awaited is measured and not estimated, however many calls share its thread. Samples
    only say where: each charges what has passed since the sample before it. What is left
    at the end goes to the last stack seen, or to the root where none was.

    Args:
        call: The call.
        root: Key of the tree's root frame, for what no sample has placed.
    """

    def __init__(self, call: ProfiledCall, root: Hashable) -> None:
        self._table = StackTable(METRICS, call.max_nodes)
        self._root: Path = (root,)
        self._lock = threading.Lock()
        self._state = _State.OUTSIDE
        self._since = 0.0
        self._cpu_since = 0.0
        self._ran = self._burnt = self._waited = 0.0
        self._last_path: Path = self._root
        self._wait_path: Path | None = None
        self._last_wait_path: Path | None = None
        self._settled: list[tuple[Path, float]] = []
        self.thread: int | None = None
        self.samples = 0

    @property
    def waiting_unseen(self) -> bool:
        """Whether the call is suspended in a place that no sample has seen yet."""
        return self._state is _State.WAITING and self._wait_path is None

    def resume(self) -> None:
        """The call runs from now on, on this thread."""
        thread = threading.get_ident()
        with self._lock:
            now = time.perf_counter()
            if self._state is _State.WAITING:
                self._end_wait(now)
            self._state = _State.RUNNING
            self.thread = thread
            self._since = now
            self._cpu_since = time.thread_time()

    def pause(self, awaiting: bool) -> None:
        """The call does not run from now on."""
        with self._lock:
            now = time.perf_counter()
            if self._state is _State.RUNNING:
                self._ran += now - self._since
                if self.thread == threading.get_ident():
                    self._burnt += max(0.0, time.thread_time() - self._cpu_since)
            elif self._state is _State.WAITING:
                self._end_wait(now)
            self._state = _State.WAITING if awaiting else _State.OUTSIDE
            self._since = now
            self.thread = None

    def sampled_running(self, path: Path, thread_cpu: Callable[[], float | None]) -> None:
        """The call was seen running in a stack.

        Args:
            path: Keys of its frames, outermost first; empty stands for the root.
            thread_cpu: Reads the CPU clock of the call's thread; None where the platform
                cannot read another thread's clock.
        """
        if not self._lock.acquire(blocking=False):
            return  # a hook that fires inside resume or pause must not wait for itself
        try:
            if self._state is _State.RUNNING:
                now = time.perf_counter()
                self._ran += now - self._since
                self._since = now
                burnt = thread_cpu()
                if burnt is not None:
                    self._burnt += max(0.0, burnt - self._cpu_since)
                    self._cpu_since = max(burnt, self._cpu_since)
            ran, self._ran = self._ran, 0.0
            burnt_now, self._burnt = self._burnt, 0.0
        finally:
            self._lock.release()
        self.samples += 1
        self._last_path = path or self._root
        self._table.add(self._last_path, (ran, burnt_now, 0.0))
        self._drain()

    def sampled_waiting(self, path: Path) -> None:
        """The call was seen suspended; the whole wait is charged to this path."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._state is not _State.WAITING:
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
        wall, cpu, awaited = (tree.total(metric) for metric in METRICS)
        if not cpu_by_stack:
            call.note(
                "this platform cannot read another thread's CPU clock, so CPU time is known "
                "for the whole call and not for each function"
            )
            metrics = tuple(metric for metric in METRICS if metric != "cpu_seconds")
            values = {metric: tree.values[metric] for metric in metrics}
            tree = tree.model_copy(update={"metrics": metrics, "values": values})
        return CpuProfile(
            backend=backend,
            interval_seconds=call.interval,
            sample_count=self.samples,
            wall_seconds=wall,
            cpu_seconds=cpu,
            await_seconds=awaited,
            tree=tree,
        )

    def _end_wait(self, now: float) -> None:
        waited = now - self._since
        if self._wait_path is None:
            self._waited += waited
        else:
            self._settled.append((self._wait_path, waited))
        self._wait_path = None

    def _drain(self) -> None:
        if self._settled:
            with self._lock:
                settled, self._settled = self._settled, []
            for path, waited in settled:
                self._table.add(path, (waited, 0.0, waited))
