"""One profiled call: starts its captures, follows its steps, and hands over what they found."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any

from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.calls.marker import PART_PREFIX, Marker
from application_sdk.monitoring.containment import contained, report_fault
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.call_facts import outcome_of, place_of, root_of
from application_sdk.monitoring.engine.context import call_context
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.engine.finishing import Finished, deliver
from application_sdk.monitoring.engine.fork import forget_on_fork
from application_sdk.monitoring.engine.parts import active, carry, put_down
from application_sdk.monitoring.engine.plan import Plan, Resolved
from application_sdk.monitoring.engine.recovery import recover_once
from application_sdk.monitoring.engine.termination import flush_on_sigterm
from application_sdk.monitoring.model.profile import Profile, SamplingInfo
from application_sdk.monitoring.protocols import BackendUnavailable, ProfiledCall
from application_sdk.monitoring.registry import cpu_backends, memory_backends
from application_sdk.monitoring.ticker import Tick, ticker

_CPU_ORDER = {"pyinstrument": ("pyinstrument", "sampler"), "sampler": ("sampler",)}
_MEMORY_ORDER = {"auto": ("memray", "rss"), "memray": ("memray", "rss"), "rss": ("rss",)}


@dataclass
class _Step:
    """Entered whenever the call runs; left when it waits or is left alone."""

    session: Session
    awaiting: bool

    def __enter__(self) -> None:
        self.session.resume()

    def __exit__(self, *exception: object) -> None:
        self.session.pause(self.awaiting)


@dataclass
class _PartStep:
    """Entered whenever a task or thread of the call runs."""

    session: Session

    def __enter__(self) -> None:
        self.session.follow_part("enter_part")

    def __exit__(self, *exception: object) -> None:
        self.session.follow_part("leave_part")


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
        )
        if self.call.block is not None:
            self.call.suspended = self.call.block.coroutine
        self.step = _Step(self, awaiting=plan.kind is Kind.ASYNC)
        self.awaited_step = _Step(self, awaiting=True)
        self.part_step = _PartStep(self)
        self.outer = active.get()
        self.open = True
        self._lock = threading.Lock()
        self._capturing = True
        self._running_since: float | None = None
        self._ran = 0.0
        self._cpu: Any = None
        self._memory: Any = None
        if memory:
            recover_once(resolved)
            self._memory = self._first_available(
                memory_backends,
                _MEMORY_ORDER.get(resolved.memory_backend, (resolved.memory_backend, "rss")),
            )
        if cpu:
            self._cpu = self._first_available(cpu_backends, self._cpu_order(memory))
        self.has_cpu, self.has_memory = self._cpu is not None, self._memory is not None
        self._expiry: Tick | None = ticker.add(self._expire, resolved.max_duration_seconds)
        if self.has_cpu or self.has_memory:
            carry(self)
        self._began = time.perf_counter()
        self.overhead = self._began - began

    def resume(self) -> None:
        """The call runs on, on this thread."""
        self._running_since = time.perf_counter()
        self.outer = active.get()
        active.set(self)
        if self._capturing:
            with contained("following a call"):
                for capture in (self._memory, self._cpu):
                    if capture is not None:
                        capture.resume()

    def pause(self, awaiting: bool) -> None:
        """The call waits, or is left between two of its steps."""
        active.set(self.outer)
        self._pause_captures(awaiting=awaiting)
        if self._running_since is not None:
            self._ran += time.perf_counter() - self._running_since
            self._running_since = None

    def follow_part(self, event: str) -> None:
        """Tell the captures that a task or thread of the call runs now, or no longer."""
        if self._capturing:
            with contained("following what a call started"):
                for capture in (self._memory, self._cpu):
                    if capture is not None:
                        getattr(capture, event)()

    def left_between_steps(self) -> None:
        """What follows the last step is the consumer's time, not an await of the call."""
        self._pause_captures(awaiting=False)

    def _pause_captures(self, *, awaiting: bool) -> None:
        if self._capturing:
            with contained("following a call"):
                for capture in (self._cpu, self._memory):
                    if capture is not None:
                        capture.pause(awaiting)

    def finish(self, error: BaseException | None, closed: bool = False) -> None:
        """The call has ended; never raises a fault of its own."""
        ended = time.perf_counter()
        self.open = False
        try:
            self._stop()
            stepwise = self.plan.kind in (Kind.GENERATOR, Kind.ASYNC_GENERATOR)
            duration = self._ran if stepwise else ended - self._began
            outcome, exception_type = outcome_of(error, closed)
            self.overhead += time.perf_counter() - ended
            budget.spend(self.overhead, "calls")
            finished = Finished(
                call=self.call,
                cpu=self._cpu,
                memory=self._memory,
                duration_seconds=duration,
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

    def _cpu_order(self, memory: bool) -> tuple[str, ...]:
        wanted = self._resolved.cpu_backend
        if wanted == "auto":
            rate = self._resolved.sample_rate
            sampler = memory or rate == "trace" or (rate is not None and rate < 1)
            wanted = "sampler" if sampler else "pyinstrument"
        return _CPU_ORDER.get(wanted, (wanted, "sampler"))

    def _first_available(self, registry: Any, names: tuple[str, ...]) -> Any:
        for name in names:
            capture = None
            try:
                capture = registry.get(name)(self.call)
                capture.start()
                return capture
            except BackendUnavailable as reason:
                self.call.note(f"{name} was not used because {reason}")
            except ImportError as error:
                self.call.note(f"{name} was not used because it cannot be imported: {error}")
            except Exception as error:
                report_fault(f"starting {name}")
                self.call.note(f"{name} was not used because it failed to start: {error}")
            if capture is not None:
                with contained(f"giving up {name}"):
                    capture.abandon()
        return None

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
