"""Where a call belongs: asked of whatever is already loaded, never importing anything."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from application_sdk.monitoring.containment import report_fault
from application_sdk.monitoring.model.profile import CallContext

_SDK = "application_sdk"


def in_workflow() -> bool:
    """Whether this code runs inside a Temporal workflow."""
    workflow = sys.modules.get("temporalio.workflow")
    return workflow is not None and bool(workflow.in_workflow())


def in_sampled_span() -> bool:
    """Whether an OpenTelemetry span is active that its tracer has decided to keep."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return False
    context = trace.get_current_span().get_span_context()
    return bool(context.is_valid and context.trace_flags.sampled)


def shielded() -> AbstractContextManager[None]:
    """Holds back the cancellation that Temporal throws into a synchronous activity's thread.

    It would otherwise hit the monitoring half-way, as if the monitoring had failed, and
    leave a capture running. It is thrown on leaving instead; elsewhere this does nothing.
    """
    activity = sys.modules.get("temporalio.activity")
    if activity is None or not activity.in_activity():
        return nullcontext()
    shield: AbstractContextManager[None] = activity.shield_thread_cancel_exception()
    return shield


def call_context(identity: str | None = None) -> CallContext:
    """The activity, tenant and span of the running call; what is unknown is None.

    Args:
        identity: The id of the call's profile; the span gets it as ``profile.id``, by which
            its files are found (``*_<id>.*``).
    """
    return _gather(_activity, _sdk, partial(_span, identity))


def workflow_context(info: Any) -> CallContext:
    """The same for the workflow run that ``temporalio.workflow.info()`` tells of."""

    def of_run() -> dict[str, Any]:
        return {
            "workflow_id": info.workflow_id,
            "workflow_run_id": info.run_id,
            "workflow_type": info.workflow_type,
            "attempt": info.attempt,
            "task_queue": info.task_queue,
        }

    return _gather(of_run, _sdk, _span)


def _gather(*sources: Callable[[], dict[str, Any]]) -> CallContext:
    found: dict[str, Any] = {}
    for source in sources:
        try:
            found.update({name: value for name, value in source().items() if value})
        except Exception:
            report_fault("looking up the context of a call")
    return CallContext(**found)


def _activity() -> dict[str, Any]:
    activity = sys.modules.get("temporalio.activity")
    if activity is None or not activity.in_activity():
        return {}
    info = activity.info()
    return {
        name: getattr(info, name, None)
        for name in (
            "workflow_id",
            "workflow_run_id",
            "workflow_type",
            "activity_id",
            "activity_type",
            "attempt",
            "task_queue",
        )
    }


def _sdk() -> dict[str, Any]:
    found: dict[str, Any] = {}
    constants = sys.modules.get(f"{_SDK}.constants")
    if constants is not None:
        found["tenant_id"] = getattr(constants, "APP_TENANT_ID", None)
    correlation = sys.modules.get(f"{_SDK}.observability.correlation")
    if correlation is not None:
        context = correlation.get_correlation_context()
        found["correlation_id"] = None if context is None else context.correlation_id
    execution = sys.modules.get(f"{_SDK}.observability.context")
    if execution is not None:
        context = execution.get_execution_context()
        for name in ("tenant_id", "correlation_id"):
            found[name] = getattr(context, name, None) or found.get(name)
    return {name: str(value) for name, value in found.items() if value}


def _span(identity: str | None = None) -> dict[str, Any]:
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    span = trace.get_current_span()
    context = span.get_span_context()
    if not context.is_valid:
        return {}
    span_id = f"{context.span_id:016x}"
    if identity is not None and span.is_recording():
        # Pyroscope's plugin for traces looks for the second one.
        span.set_attributes({"profile.id": identity, "pyroscope.profile.id": span_id})
    return {"trace_id": f"{context.trace_id:032x}", "span_id": span_id}
