"""``MonitoringInterceptor``: profiles the activities and workflows of a worker as they are."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from temporalio import activity, workflow
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from application_sdk.monitoring.calls.kinds import Kind, qualified_name
from application_sdk.monitoring.containment import contained, report_fault
from application_sdk.monitoring.engine.plan import Options, Plan, plan_of
from application_sdk.monitoring.engine.workflow_steps import call_in_workflow
from application_sdk.monitoring.errors import InvalidArgumentTypeError
from application_sdk.monitoring.sandbox import outside_sandbox
from application_sdk.monitoring.temporal.settings import InterceptorSettings, allowed
from application_sdk.monitoring.wrapping import wrap

_MOST_WRAPPED = 2_000


class MonitoringInterceptor(Interceptor):
    """Profiles the activities and workflows of a worker, with no change to their code.

    Sampling, formats and all else follow ``MonitoringSettings``; ``overrides`` match the
    qualified names of the activity functions and of the workflows' ``run``. What is
    decorated already stays as it is decorated.

    Args:
        settings: Which activities and workflows are profiled; left out, all of them.

    Raises:
        InvalidArgumentTypeError: If ``settings`` is something else.
    """

    def __init__(self, settings: InterceptorSettings | None = None) -> None:
        if settings is not None and not isinstance(settings, InterceptorSettings):
            raise InvalidArgumentTypeError(
                f"MonitoringInterceptor(settings={settings!r}) is a {type(settings).__name__}; "
                "it must be application_sdk.monitoring.temporal.InterceptorSettings"
            )
        self.settings = settings or InterceptorSettings()
        self._options = Options(cpu=self.settings.cpu, memory=self.settings.memory)
        self._wrapped: OrderedDict[Any, Callable[..., Any]] = OrderedDict()
        self._lock = threading.Lock()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # Temporal's name
        """Called by the worker for every activity."""
        return _Activities(next, self)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002  # Temporal's name
    ) -> type[WorkflowInboundInterceptor] | None:
        """Called by the worker once; the class is made for every workflow run."""
        settings, options = self.settings, self._options

        class Workflows(_Workflows):
            _settings = settings
            _options = options

        return Workflows

    def wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The profiled stand-in of an activity function, the same one for each of its calls."""
        if plan_of(function) is not None:
            return function
        # A bound method is made anew by every access; what it binds stays the same.
        bound_to = getattr(function, "__self__", None)
        key = (id(bound_to), getattr(function, "__func__", function))
        with self._lock:
            found = self._wrapped.get(key)
            if found is None:
                found = self._wrapped[key] = wrap(function, self._options)
                if len(self._wrapped) > _MOST_WRAPPED:
                    self._wrapped.popitem(last=False)
        return found


class _Activities(ActivityInboundInterceptor):
    """Puts the profiled stand-in in the place of an activity's function."""

    def __init__(self, next: ActivityInboundInterceptor, owner: MonitoringInterceptor) -> None:  # noqa: A002
        super().__init__(next)
        self._owner = owner

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        """Execute one attempt of an activity."""
        with contained("profiling an activity by the interceptor"):
            input = self._profiled(input)  # noqa: A001
        return await self.next.execute_activity(input)

    def _profiled(self, given: ExecuteActivityInput) -> ExecuteActivityInput:
        owner = self._owner
        if not allowed(activity.info().activity_type, owner.settings.activities):
            return given
        return dataclasses.replace(given, fn=owner.wrapped(given.fn))


class _Workflows(WorkflowInboundInterceptor):
    """Follows the live slices of a workflow's run."""

    _settings: InterceptorSettings
    _options: Options

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
        """Run the workflow's ``run``."""
        plan = self._plan(input)
        if plan is None:
            return await self.next.execute_workflow(input)
        return await call_in_workflow(plan, (input,), {})

    def _plan(self, given: ExecuteWorkflowInput) -> Plan | None:
        try:
            with outside_sandbox():
                if plan_of(given.run_fn) is not None:
                    return None
                if not allowed(workflow.info().workflow_type, self._settings.workflows):
                    return None
                return Plan(
                    self.next.execute_workflow,
                    Kind.ASYNC,
                    qualified_name(given.run_fn),
                    self._options,
                    shown=given.run_fn,
                )
        except Exception:
            with outside_sandbox():
                report_fault("profiling a workflow by the interceptor")
            return None
