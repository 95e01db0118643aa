"""Decides whether a call is profiled, and which halves of it."""

from __future__ import annotations

from types import FrameType

from application_sdk.monitoring.containment import report_fault
from application_sdk.monitoring.engine.context import in_workflow
from application_sdk.monitoring.engine.leak_watch.watch import watch
from application_sdk.monitoring.engine.parts import enclosing
from application_sdk.monitoring.engine.plan import Plan
from application_sdk.monitoring.engine.session import Session


def begin(plan: Plan, frame: FrameType | None = None) -> Session | None:
    """Open a session for a call that may be profiled; None when it is not.

    Args:
        plan: The decorated callable.
        frame: The frame that holds the ``with`` block; None for a call.
    """
    try:
        if plan.gate is None:
            return None
        sampling = plan.gate.ask()
        resolved = plan.resolved()
        cpu, memory = plan.options.cpu, plan.options.memory
        wanted = plan.durations.ask(resolved, sampled=sampling is not None and cpu)
        sampling = sampling or wanted
        if sampling is None or not resolved.enabled or in_workflow():
            return None
        if memory:
            watch.join(plan)
        cpu = cpu or wanted is not None
        for outer in enclosing():
            cpu, memory = cpu and not outer.has_cpu, memory and not outer.has_memory
        if not (cpu or memory):
            return None
        if wanted is None or not cpu:
            return Session(plan, resolved, sampling, cpu, memory, frame)
        bounded = plan.durations.bounded(resolved)
        session = Session(plan, bounded, sampling, cpu, memory, frame)
        plan.durations.captured_by(session.call)
        return session
    except Exception:
        report_fault("starting a profile")
        return None
