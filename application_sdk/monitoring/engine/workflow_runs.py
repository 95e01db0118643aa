"""Which workflow runs are profiled, and what is known of those that are.

A workflow's own state lives in the sandbox, is thrown away when the run is evicted and is
made again by replaying its history. So what a profile needs is kept here, by run id: the
decision, which holds through every replay, and the captures of the slices that were live.
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import CellType
from typing import Any

from application_sdk.monitoring.calls.marker import PART_PREFIX, Marker
from application_sdk.monitoring.containment import logger, report_fault
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.call_facts import root_of
from application_sdk.monitoring.engine.context import in_sampled_span
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.engine.finishing import Finished, deliver
from application_sdk.monitoring.engine.fork import forget_on_fork
from application_sdk.monitoring.engine.gate import Gate
from application_sdk.monitoring.engine.plan import Plan, Resolved
from application_sdk.monitoring.model.profile import CallContext, Outcome, SamplingInfo
from application_sdk.monitoring.protocols import ProfiledCall
from application_sdk.monitoring.registry import cpu_backends, memory_backends
from application_sdk.monitoring.sample_rate import SampleRate

marker = Marker("of a workflow's run")
"""One for all runs: no two of them share a thread at any moment."""

_MOST_OPEN = 1_000
_MOST_KNOWN = 20_000
_HASH_RANGE = 2**64

FOREIGN_NOTE = (
    "the run began in another process, or longer ago than this one remembers: what it did "
    "before is not in this profile"
)


def is_sampled(run_id: str, rate: float) -> bool:
    """Whether a rate samples a run: the same answer in every replay and every process."""
    digest = hashlib.blake2b(run_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < rate * _HASH_RANGE


@dataclass
class Home:
    """What all runs of one decorated function share, whatever sandbox they run in."""

    plan: Plan
    gate: Gate = field(default_factory=lambda: Gate(CellType(1), None))
    passed: int = 0

    def sampling(self, run_id: str, rate: SampleRate | None) -> SamplingInfo | None:
        """Whether a run that begins is profiled, and why."""
        self.passed += 1
        if rate is None:
            return self.gate.ask() if self.gate.count_down() else None
        if not (in_sampled_span() if isinstance(rate, str) else is_sampled(run_id, rate)):
            return None
        passed, self.passed = self.passed, 0
        if isinstance(rate, str):
            return SamplingInfo(mode="trace", calls_since_previous=passed)
        return SamplingInfo(mode="fixed", rate=rate, calls_since_previous=passed)


class WorkflowRun:
    """One profiled run, from its first live slice to its end."""

    def __init__(
        self,
        home: Home,
        plan: Plan,
        resolved: Resolved,
        sampling: SamplingInfo,
        context: CallContext,
    ) -> None:
        self._home = home
        self._resolved = resolved
        self._sampling = sampling
        self._context = context
        identity = uuid.uuid4().hex
        self.call = ProfiledCall(
            identity=identity,
            name=plan.name,
            kind=plan.kind,
            root=root_of(plan, None),
            marker=marker,
            block=None,
            parts=Marker(identity, PART_PREFIX),
            directory=resolved.output_dir,
            interval=resolved.interval,
            max_nodes=resolved.process.max_tree_nodes,
            max_duration_seconds=resolved.max_duration_seconds,
            max_capture_bytes=resolved.process.max_capture_bytes,
            native=False,
            started_at=datetime.now(UTC),
            context=context,
            sampling=sampling,
        )
        self._cpu = cpu_backends.get("workflow")(self.call) if plan.options.cpu else None
        self._memory = memory_backends.get("workflow")(self.call) if plan.options.memory else None
        for capture in (self._cpu, self._memory):
            if capture is not None:
                capture.start()
        self._began = time.perf_counter()
        self._overhead = 0.0

    def resume(self, coroutine: Any) -> None:
        """A live slice begins, on this thread."""
        began = time.perf_counter()
        self.call.suspended = coroutine
        for capture in (self._memory, self._cpu):
            if capture is not None:
                capture.resume()
        self._overhead += time.perf_counter() - began

    def pause(self) -> None:
        """The slice ends."""
        began = time.perf_counter()
        for capture in (self._cpu, self._memory):
            if capture is not None:
                capture.pause(True)
        self._overhead += time.perf_counter() - began

    def finish(self, outcome: Outcome, exception_type: str | None) -> None:
        """The run has ended: hand its captures over."""
        duration = time.perf_counter() - self._began
        for capture in (self._cpu, self._memory):
            if capture is not None:
                capture.pause(False)
                capture.stop()
        self.call.suspended = None
        budget.spend(self._overhead, "calls")
        finished = Finished(
            call=self.call,
            cpu=self._cpu,
            memory=self._memory,
            duration_seconds=duration,
            duration_from_cpu=False,
            outcome=outcome,
            exception_type=exception_type,
            overhead=self._overhead,
            resolved=self._resolved,
            learn_cost=self._home.gate.learn_cost,
            counter=self._home.gate,
        )
        delivery.put(partial(_deliver, finished))


def _deliver(finished: Finished) -> None:
    deliver(finished)


class WorkflowRuns:
    """All runs that are profiled now, and the decisions about those that are not.

    Args:
        most_open: Runs that are profiled at a time; the one longest without a slice is
            given up for a new one.
        most_known: Decisions and ends that are remembered.
    """

    def __init__(self, most_open: int = _MOST_OPEN, most_known: int = _MOST_KNOWN) -> None:
        self._lock = threading.Lock()
        self._most_open, self._most_known = most_open, most_known
        self._open: OrderedDict[str, WorkflowRun] = OrderedDict()
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._homes: dict[str, Home] = {}
        self.dropped = 0

    @property
    def open_count(self) -> int:
        """How many runs are profiled now."""
        return len(self._open)

    def home(self, plan: Plan) -> Home:
        """What the plan shares with the plans of the same function in other sandboxes."""
        home = self._homes.get(plan.name)
        if home is None or home.plan.options != plan.options:
            # Without the target, which would keep a whole sandbox alive.
            home = Home(Plan(_no_target, plan.kind, plan.name, plan.options))
            self._homes[plan.name] = home
        return home

    def claim(
        self, plan: Plan, run_id: str, context: Callable[[], CallContext], began_here: bool
    ) -> WorkflowRun | None:
        """The run's captures, if it is profiled; decides when the run is new."""
        forget_on_fork()
        with self._lock:
            run = self._open.get(run_id)
            if run is not None:
                self._open.move_to_end(run_id)
                return run
            if run_id in self._settled:
                return None
            home = self.home(plan)
            resolved = home.plan.resolved()
            sampling = home.sampling(run_id, resolved.sample_rate)
            if sampling is None:
                self._settle(run_id)
                return None
            run = WorkflowRun(home, plan, resolved, sampling, context())
            if not began_here:
                run.call.note(FOREIGN_NOTE)
            self._open[run_id] = run
            too_many = len(self._open) > self._most_open
            if too_many:
                self._settle(self._open.popitem(last=False)[0])
                self.dropped += 1
        if too_many and self.dropped & (self.dropped - 1) == 0:
            logger().warning(
                "The profile of a workflow run was dropped because %d runs are profiled at a "
                "time (%d dropped so far); lower sample_rate for workflows",
                self._most_open,
                self.dropped,
            )
        return run

    def finish(self, run_id: str, outcome: Outcome, exception_type: str | None) -> None:
        """A run has ended, live; its profile is written once, however often it is replayed."""
        with self._lock:
            run = self._open.pop(run_id, None)
            self._settle(run_id)
        if run is not None:
            run.finish(outcome, exception_type)

    def give_up(self, run_id: str) -> None:
        """Something of ours failed: the run goes on without a profile."""
        report_fault("profiling a workflow")
        with self._lock:
            self._open.pop(run_id, None)
            self._settle(run_id)

    def reset(self) -> None:
        """Forget everything: in a forked child no workflow goes on. Also for tests."""
        self.__init__(self._most_open, self._most_known)  # type: ignore[misc]  # and its lock

    def _settle(self, run_id: str) -> None:
        self._settled[run_id] = None
        self._settled.move_to_end(run_id)
        if len(self._settled) > self._most_known:
            self._settled.popitem(last=False)


def _no_target() -> None:
    """Stands for a function that lives in many sandboxes."""


workflow_runs = WorkflowRuns()
"""The process's only one."""
