"""One profiled call: starts its captures, follows its steps, and hands over what they found."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any

from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.calls.marker import PART_PREFIX, Marker, TaskMarks
from application_sdk.monitoring.containment import contained, report_fault
from application_sdk.monitoring.engine.backend_choice import (
    cpu_order,
    first_available,
    memory_order,
)
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.call_facts import outcome_of, place_of, root_of
from application_sdk.monitoring.engine.context import call_context
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.engine.finishing import Finished, deliver
from application_sdk.monitoring.engine.fork import forget_on_fork
from application_sdk.monitoring.engine.parts import (
    active,
    belongs,
    carried,
    carry,
    known_by_marker,
    mark_no_tasks,
    put_down,
)
from application_sdk.monitoring.engine.plan import Plan, Resolved
from application_sdk.monitoring.engine.recovery import recover_once
from application_sdk.monitoring.engine.step_cost import StepCost
from application_sdk.monitoring.engine.steps import AwaitedRest, CallStep, PartStep
from application_sdk.monitoring.engine.termination import flush_on_sigterm
from application_sdk.monitoring.model.profile import Profile, SamplingInfo
from application_sdk.monitoring.protocols import Loosening, ProfiledCall
from application_sdk.monitoring.registry import cpu_backends, memory_backends
from application_sdk.monitoring.ticker import Tick, ticker

_STEPWISE = (Kind.GENERATOR, Kind.ASYNC_GENERATOR)


class Session:
    """One profiled call, from before its first step until its captures are handed over."""

    def __init__(
        self,
        plan: Plan,
        resolved: Resolved,
        sampling: SamplingInfo,
        cpu: bool,
        memory: bool,
        frame: FrameType | None,
    ) -> None:
        began = time.perf_counter()
        forget_on_fork()
        flush_on_sigterm()
        self.plan = plan
        self.profile: Profile | None = None
        self._resolved = resolved
        identity = uuid.uuid4().hex
        self.marker = Marker(identity)
        self.loose = self.marks_tasks = False
        self.call = ProfiledCall(
            identity=identity,
            name=plan.name,
            kind=plan.kind,
            root=root_of(plan, frame),
            marker=self.marker if frame is None else None,
            block=None if frame is None else place_of(frame),
            parts=Marker(identity, PART_PREFIX),
            directory=resolved.output_dir,
            interval=resolved.interval,
            max_nodes=resolved.process.max_tree_nodes,
            max_duration_seconds=resolved.max_duration_seconds,
            max_capture_bytes=resolved.process.max_capture_bytes,
            native=resolved.native,
            started_at=datetime.now(UTC),
            context=call_context(identity),
            sampling=sampling,
            carried_in=partial(belongs, self),
        )
        if self.call.block is not None:
            self.call.suspended = self.call.block.coroutine
        awaited = AwaitedRest(self) if plan.kind is Kind.ASYNC else None
        left = known_by_marker(self) if cpu and plan.kind is Kind.GENERATOR else None
        self.step = CallStep(self, plan.kind is Kind.ASYNC, left or awaited)
        self.awaited_step = CallStep(self, True, awaited)
        self.part_step = PartStep(self)
        self.outer = active.get()
        self.open = True
        self._lock = threading.Lock()
        self._capturing = True
        self._running_since: float | None = None
        self._ran = 0.0
        self.task_marks: TaskMarks | None = None
        self._cpu: Any = None
        self._memory: Any = None
        if memory:
            recover_once(resolved)
            self._memory = first_available(memory_backends, memory_order(resolved), self.call)
        if cpu:
            self._cpu = first_available(cpu_backends, cpu_order(resolved, memory), self.call)
        self.has_cpu, self.has_memory = self._cpu is not None, self._memory is not None
        self._captures = [each for each in (self._memory, self._cpu) if each is not None]
        self._stepped, self._begun = self._captures, False
        # A memory capture is told by markers alone; how long a generator's steps take is not.
        stepwise = plan.kind in _STEPWISE
        self.loose, self.marks_tasks = not self.has_cpu and not stepwise, True
        self._expiry: Tick | None = ticker.add(self._expire, resolved.max_duration_seconds)
        if self.has_cpu or self.has_memory:
            carry(self)
        self._steps = StepCost()
        self._began = time.perf_counter()
        self.overhead = self._began - began

    def resume(self) -> None:
        """The call runs on, on this thread."""
        self._running_since = time.perf_counter()
        self.outer = active.get()
        if self.outer is not None:
            self.task_marks = None  # a task is a part of both
        active.set(self)
        if self._capturing and self._stepped:
            with contained("following a call"):
                for capture in self._stepped:
                    capture.resume()
                if not self._begun:
                    self._begun = True
                    self._stepped = list(filter(_follows_steps, self._stepped))

    def pause(self, awaiting: bool) -> None:
        """The call waits, or is left between two of its steps."""
        active.set(self.outer)
        self._pause_captures(awaiting=awaiting)
        if self._running_since is not None:
            self._ran += time.perf_counter() - self._running_since
            self._running_since = None

    def follow_task(self, coroutine: Any) -> Any:
        """A coroutine for a task of the call, which runs the given one where it is seen."""
        if not self.loose:
            return self.call.parts.drive_task(coroutine, self.part_step)
        marked = self.call.parts.mark_task(coroutine)
        if self.task_marks is None and self.open and self.outer is None:
            # Captures that know code by its address have to see the marker's once.
            self.enter_part()
            self.leave_part()
            self.task_marks = self.call.parts.task_marks
        return marked

    def enter_part(self) -> None:
        """A task or thread of the call runs now, on this thread."""
        if self._capturing:
            with contained("following what a call started"):
                for capture in self._captures:
                    capture.enter_part()

    def leave_part(self) -> None:
        """It does not run now."""
        if self._capturing:
            with contained("following what a call started"):
                for capture in self._captures:
                    capture.leave_part()

    def time_step(self, enter: Callable[[], None]) -> None:
        """Enter a step, and end the timing of single steps where that costs too much."""
        if self.loose or not self._steps.counts():
            enter()
            return
        began = time.perf_counter()
        enter()
        if self._steps.is_too_much(time.perf_counter() - began, carried()):
            with contained("following a call loosely"):
                self._loosen()

    def left_between_steps(self) -> None:
        """What follows the last step is the consumer's time, not an await of the call."""
        self._pause_captures(awaiting=False)

    def _pause_captures(self, *, awaiting: bool) -> None:
        if self._capturing and self._stepped:
            with contained("following a call"):
                for capture in self._stepped:
                    capture.pause(awaiting)

    def finish(self, error: BaseException | None, closed: bool = False) -> None:
        """The call has ended; never raises a fault of its own."""
        ended = time.perf_counter()
        self.open, self.task_marks = False, None
        try:
            self._stop()
            stepwise = self.plan.kind in _STEPWISE
            duration = self._ran if stepwise else ended - self._began
            outcome, exception_type = outcome_of(error, closed)
            self.overhead += time.perf_counter() - ended + self._steps.seconds
            budget.spend(self.overhead, "calls")
            finished = Finished(
                call=self.call,
                cpu=self._cpu,
                memory=self._memory,
                duration_seconds=duration,
                duration_from_cpu=stepwise and self.loose and self.has_cpu,
                outcome=outcome,
                exception_type=exception_type,
                overhead=self.overhead,
                resolved=self._resolved,
                learn_cost=None if self.plan.gate is None else self.plan.gate.learn_cost,
                counter=self.plan.gate,
                delivered=self.plan.durations.delivered,
            )
            if not delivery.put(partial(self._deliver, finished)):
                self._abandon()
        except Exception:
            report_fault("ending a profile")
            self._abandon()
        except BaseException:
            # A cancellation that hits this thread here belongs to the program; clean up first.
            self._abandon()
            raise

    def _stop(self) -> None:
        with self._lock:
            if not self._capturing:
                return
            self._capturing = False
        put_down(self)
        if self._expiry is not None:
            ticker.remove(self._expiry)
        for half in ("_cpu", "_memory"):
            capture = getattr(self, half)
            if capture is None:
                continue
            try:
                capture.pause(False)
                capture.stop()
            except Exception as error:
                report_fault(f"stopping {capture.backend}")
                self.call.note(f"{capture.backend} failed to stop, so its half is missing: {error}")
                with contained(f"giving up {capture.backend}"):
                    capture.abandon()
                setattr(self, half, None)

    def _expire(self) -> None:
        self.call.note(
            f"the capture ended after max_duration_seconds ({self.call.max_duration_seconds:g}) "
            "while the call went on"
        )
        self._stop()

    def _loosen(self) -> None:
        # After max_duration_seconds nothing is captured any more, while the call goes on.
        if not (self._capturing and isinstance(self._cpu, Loosening)):
            return
        self.loose, unmarked = True, self._cpu.loosen()
        self.marks_tasks = self.has_memory or not unmarked
        mark_no_tasks()
        self.call.note(
            f"the call ran in many short steps: from {time.perf_counter() - self._began:.3g} s on "
            "they were not timed one by one, and its times are estimates from samples"
        )

    def _abandon(self) -> None:
        self._capturing = False
        put_down(self)
        if self._expiry is not None:
            ticker.remove(self._expiry)
        for capture in (self._cpu, self._memory):
            if capture is not None:
                with contained("giving up a capture"):
                    capture.abandon()

    def _deliver(self, finished: Finished) -> None:
        self._cpu = self._memory = None
        self.profile = deliver(finished)


def _follows_steps(capture: Any) -> bool:
    return bool(getattr(capture, "follows_steps", True))
