"""The watch: one reading a second of the process, none per call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from application_sdk.monitoring.analysis.leaks.trend import LeakTrend, LeakVerdict
from application_sdk.monitoring.containment import contained, report_fault
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.engine.leak_watch.announcement import announce_verdict
from application_sdk.monitoring.engine.leak_watch.inspection import Finding, Inspection
from application_sdk.monitoring.engine.leak_watch.process_memory import (
    MemoryReader,
    ProcessMemory,
)
from application_sdk.monitoring.engine.leak_watch.suspects import Suspects
from application_sdk.monitoring.engine.outlets import publish
from application_sdk.monitoring.engine.plan import Plan
from application_sdk.monitoring.protocols import BackendUnavailable
from application_sdk.monitoring.settings import current_settings
from application_sdk.monitoring.ticker import Tick, ticker

READING_SECONDS = 1.0
_INTERVAL_READINGS = 10
_MOST_ATTEMPTS = 60
_GROWING_SHARE = 0.3


class LeakWatch:
    """Watches the process as long as a watched function is alive.

    Attributes:
        clock: Seconds, as the trend sees them.
        settle_seconds: After this time a function has to be profiled again before the watch
            begins: the end of a short script is not waited for.
        inspect: Makes the one look at allocations that a suspicion is worth.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        settle_seconds: float = 10.0,
        inspect: Callable[[Sequence[Plan]], Inspection] = Inspection,
    ) -> None:
        self.clock = clock
        self.settle_seconds = settle_seconds
        self.inspect = inspect
        self._lock = threading.Lock()
        self._tick: Tick | None = None
        self._suspects = Suspects()
        self._forget_episode()

    def join(self, plan: Plan) -> None:
        """A function's memory is being profiled: watch the process for as long as it lives.

        Args:
            plan: The decorated function.
        """
        if self._tick is not None:
            self._suspects.add(plan)
            return
        settings = current_settings()
        if not (settings.leak_detection and settings.enabled):
            return
        with self._lock:
            watched_for = self._suspects.add(plan)
            if watched_for < self.settle_seconds or self._tick is not None:
                return
            self._reader = MemoryReader()
            self._trend = LeakTrend()
            self._tick = ticker.add(self.read, READING_SECONDS)

    def stop(self) -> None:
        """Stop watching, and forget."""
        with self._lock:
            tick, self._tick = self._tick, None
            inspection = self._inspection
        if tick is not None:
            ticker.remove(tick)
            self._reader.close()
        if inspection is not None:
            with contained("ending a look for leaks"):
                inspection.stop()
                inspection.discard()
        self._forget_episode()
        self._suspects = Suspects()

    def reset(self) -> None:
        """Start anew in a forked child, where no thread reads and no tracer runs."""
        if self._tick is not None:
            self._reader.close()  # it reads the parent's memory
        self.__init__(self.clock, self.settle_seconds, self.inspect)  # type: ignore[misc]  # the one way that forgets every lock

    def _forget_episode(self) -> None:
        self._readings = 0
        self._base: ProcessMemory | None = None
        self._inspection: Inspection | None = None
        self._suspected: LeakVerdict | None = None
        self._attempts = 0
        self._finding: Finding | None = None
        self._files: list[Path] = []

    def read(self) -> None:
        """Take one reading, and do what it calls for; the ticker does this every second."""
        settings = current_settings()
        if not self._suspects.plans() or not (settings.leak_detection and settings.enabled):
            self.stop()
            return
        memory = self._reader.read()
        if self._base is None:
            self._base = memory
        self._readings += 1
        if self._readings % _INTERVAL_READINGS == 0:
            self._suspects.observe(memory.live)
        verdict = self._trend.observe(memory.resident, self.clock())
        if verdict is not None:
            self._changed(verdict, memory)
        elif self._suspected is not None:
            self._inspect(memory)

    def _changed(self, verdict: LeakVerdict, memory: ProcessMemory) -> None:
        if verdict.verdict == "suspected":
            self._suspected = verdict
            self._attempts = 0
            self._inspect(memory)
            return
        if self._suspected is not None:
            self._give_up(memory, "the growth was decided about before it could be looked at")
        self._announce(verdict, memory)
        if verdict.verdict == "cleared":
            self._finding, self._files = None, []
            self._base = memory

    def _inspect(self, memory: ProcessMemory) -> None:
        """Begin, go on with, or end the one look at allocations that a suspicion is worth."""
        try:
            if self._inspection is None:
                inspection = self.inspect(self._suspects.plans())
                inspection.start()
                self._inspection = inspection
                return
            if not self._inspection.step():
                return
            self._inspection.stop()
        except BackendUnavailable as unavailable:
            self._attempts += 1
            if self._attempts >= _MOST_ATTEMPTS:
                self._give_up(memory, str(unavailable))
            return
        except Exception as error:
            report_fault("looking for the lines that leak")
            self._give_up(memory, f"looking for it failed: {error}")
            return
        inspection, self._inspection = self._inspection, None
        verdict, self._suspected = self._suspected, None
        assert verdict is not None
        if not delivery.put(lambda: self._conclude(inspection, verdict, memory)):
            inspection.discard()
            self._announce(verdict, memory, "too many profiles wait to be written")

    def _conclude(
        self, inspection: Inspection, verdict: LeakVerdict, memory: ProcessMemory
    ) -> None:
        began = time.thread_time()
        reason = "nothing kept growing while allocations were traced"
        try:
            self._finding = inspection.read()
        except Exception as error:
            report_fault("reading what leaks")
            reason = f"the trace could not be read: {error}"
        if self._finding is not None and self._finding.plan is not None:
            files = publish(self._finding.profile, self._finding.plan.resolved())
            self._files = sorted(files, key=lambda path: path.suffix != ".html")
        budget.spend(inspection.cost_seconds + time.thread_time() - began, "watching")
        self._announce(verdict, memory, reason)

    def _give_up(self, memory: ProcessMemory, reason: str) -> None:
        verdict, self._suspected = self._suspected, None
        inspection, self._inspection = self._inspection, None
        if inspection is not None:
            with contained("ending a look for leaks"):
                inspection.stop()
                inspection.discard()
        if verdict is not None:
            self._announce(verdict, memory, reason)

    def _announce(
        self, verdict: LeakVerdict, memory: ProcessMemory, reason: str | None = None
    ) -> None:
        likeliest = self._suspects.likeliest()
        announce_verdict(
            verdict,
            self._growing(memory),
            self._finding,
            None if likeliest is None else likeliest.name,
            self._files,
            reason,
        )

    def _growing(self, memory: ProcessMemory) -> str:
        base = self._base or memory
        resident = max(1, memory.resident - base.resident)
        kinds = []
        if (memory.blocks - base.blocks) * 64 > _GROWING_SHARE * resident:
            kinds.append("Python objects")
        if memory.native - base.native > _GROWING_SHARE * resident:
            kinds.append("the C heap")
        return " and ".join(kinds) or "neither Python objects nor the C heap: mapped memory"


watch = LeakWatch()
"""The process's only one."""
