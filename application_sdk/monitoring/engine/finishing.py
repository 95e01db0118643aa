"""Makes the profile of a call that has ended, and delivers it; off the caller's path."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from application_sdk.monitoring.containment import contained, report_fault
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.delivery import at_exit, delivery
from application_sdk.monitoring.engine.ledger import Counter
from application_sdk.monitoring.engine.outlets import announce, call_back, write
from application_sdk.monitoring.engine.plan import Resolved
from application_sdk.monitoring.engine.process_info import process_info
from application_sdk.monitoring.engine.spending import spend_publisher
from application_sdk.monitoring.exporters.outward import deliver_outward, send_the_rest
from application_sdk.monitoring.model.profile import (
    Outcome,
    Profile,
)
from application_sdk.monitoring.protocols import ProfiledCall
from application_sdk.monitoring.redaction import redacted

_CALLERS_WAIT_TOO = 2.0
"""What a second of work on this thread costs in all: whoever else wants the interpreter's lock
waits for it meanwhile, up to a switch interval each time (measured, benchmarks/bench_worker.py).
"""


at_exit(send_the_rest)
at_exit(spend_publisher.end)


@dataclass
class Finished:
    """A call that has ended, with its captures stopped and not yet read.

    Attributes:
        call: What the backends knew of it.
        cpu: The capture of its CPU half; None without one.
        memory: The capture of its memory half; None without one.
        duration_seconds: How long it took.
        duration_from_cpu: Whether its CPU half knows that better.
        outcome: How it ended.
        exception_type: What it raised, if it did.
        overhead: What monitoring has cost the caller, in seconds.
        resolved: The settings that hold for it.
        learn_cost: Told what its profile has cost in all; None without a sampling decision.
        counter: Knows how often the callable was called; None where nobody does.
        delivered: Told of the profile and its files; gives back what it wrote beside them.
        surroundings: The context variables of the caller, which its log line is to carry.
    """

    call: ProfiledCall
    cpu: Any
    memory: Any
    duration_seconds: float
    duration_from_cpu: bool
    outcome: Outcome
    exception_type: str | None
    overhead: float
    resolved: Resolved
    learn_cost: Callable[[float], None] | None
    counter: Counter | None = None
    delivered: Callable[[Profile, list[Path]], list[Path]] | None = None
    surroundings: Context = field(default_factory=copy_context)


def deliver(finished: Finished) -> Profile:
    """Read the captures, write the files, log the summary and call back."""
    began = time.thread_time()
    # What cannot be redacted is not written: the fault is logged where jobs run.
    profile = redacted(
        make_profile(finished), finished.resolved.process.redact, finished.resolved.output_dir
    )
    files, elsewhere = write(profile, finished.resolved)
    finished.surroundings.run(announce, profile, files)
    if finished.delivered is not None:
        with contained("watching the durations of a function"):
            files = [*files, *finished.surroundings.run(finished.delivered, profile, files)]
    deliver_outward(profile, files, finished.resolved.process, delivery.dropped, budget)
    call = finished.call
    written = (time.thread_time() - began) * _CALLERS_WAIT_TOO + elsewhere + call.spent_reading
    budget.spend(written, "writing")
    budget.spend(call.spent_elsewhere, "capturing")
    cost = finished.overhead + written + call.spent_elsewhere
    if finished.learn_cost is not None:
        finished.learn_cost(cost)
    calls = profile.sampling.calls_since_previous
    budget.ledger.profiled(profile.name, cost, calls or 1, finished.counter)
    spend_publisher.delivered(profile, finished.resolved.output_dir)
    call_back(profile)
    return profile


def make_profile(finished: Finished) -> Profile:
    """The profile of a call, as far as its captures can be read."""
    call = finished.call
    cpu, memory = _half(call, finished.cpu), _half(call, finished.memory)
    timed = cpu.wall_seconds if finished.duration_from_cpu and cpu is not None else None
    return Profile(
        profile_id=call.identity,
        name=call.name,
        started_at=call.started_at,
        duration_seconds=finished.duration_seconds if timed is None else timed,
        outcome=finished.outcome,
        exception_type=finished.exception_type,
        process=process_info(),
        context=call.context,
        sampling=call.sampling,
        cpu=cpu,
        memory=memory,
        overhead=finished.overhead,
        notes=tuple(call.notes),
    )


def _half(call: ProfiledCall, capture: Any) -> Any:
    if capture is None:
        return None
    try:
        return capture.half()
    except Exception as error:
        report_fault(f"reading what {capture.backend} captured")
        call.note(f"what {capture.backend} captured could not be read: {error}")
        with contained(f"giving up {capture.backend}"):
            capture.abandon()
        return None
