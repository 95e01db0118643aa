"""What a decorated coroutine does inside a workflow: runs as ever, with its live slices followed.

Nothing here may change what the workflow does: no command, no timer, no wait, nothing
random, nothing that differs between a run and its replay. Whatever of ours fails, the
workflow goes on without a profile.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import Any

from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.config_file import config_file
from application_sdk.monitoring.containment import report_fault
from application_sdk.monitoring.engine.call_facts import outcome_of
from application_sdk.monitoring.engine.context import workflow_context
from application_sdk.monitoring.engine.held_tasks import HeldTasks, Slice
from application_sdk.monitoring.engine.plan import Plan
from application_sdk.monitoring.engine.workflow_runs import WorkflowRun, marker, workflow_runs
from application_sdk.monitoring.model.profile import Outcome
from application_sdk.monitoring.sandbox import outside_sandbox

_MAIN_TASK = "run"
_MAIN_TASK_OF = "run (workflow: "
_DEFINITION = "__temporal_workflow_definition"

held_tasks = HeldTasks(marker.steps_of_coroutines)
"""The process's only one."""

_driven: dict[str, Any] = {}
"""By run id: the workflow object whose outermost decorated coroutine is driven now."""


def call_in_workflow(plan: Plan, args: Any, kwargs: Any) -> Any:
    """Call a decorated callable from inside a workflow."""
    if plan.kind is not Kind.ASYNC:
        return plan.target(*args, **kwargs)
    return _drive(plan, args, kwargs)


async def _drive(plan: Plan, args: Any, kwargs: Any) -> Any:
    steps = _steps_of(plan)
    if steps is None:
        return await plan.target(*args, **kwargs)
    coroutine = steps.coroutine = plan.target(*args, **kwargs)
    try:
        result = await marker.drive_coroutine(coroutine, steps)
    except BaseException as error:
        steps.end(error)
        raise
    steps.end(None)
    return result


class WorkflowSteps:
    """Entered and left around every step of a workflow's outermost decorated coroutine."""

    rest = None  # every step of a workflow is followed

    def __init__(self, plan: Plan, workflow: Any, instance: Any) -> None:
        info = workflow.info()
        self.coroutine: Any = None
        self._plan = plan
        self._workflow = workflow
        self._instance = instance
        self._info = info
        self.run_id: str = info.run_id
        self._began_here = not workflow.unsafe.is_replaying()
        self._turn = Slice(info.workflow_type, info.workflow_id, info.run_id)
        self._decided = self._live = False
        self._run: WorkflowRun | None = None

    def __enter__(self) -> None:
        """A step begins."""
        try:
            self._live = self._is_live()
            if not self._live:
                return
            if not self._decided:
                self._decide()
            held_tasks.enter(self._turn)
            if self._run is not None:
                self._run.resume(self.coroutine)
        except Exception:
            self._give_up()

    def __exit__(self, *exception: object) -> None:
        """The step ends."""
        if not self._live:
            return
        try:
            held_tasks.leave()
            if self._run is not None:
                self._run.pause()
        except Exception:
            self._give_up()

    def end(self, error: BaseException | None) -> None:
        """The coroutine has ended: with its run, or because this worker forgets the run."""
        try:
            if _driven.get(self.run_id) is self._instance:
                del _driven[self.run_id]
            if self._run is None or isinstance(error, GeneratorExit):
                return
            if not self._is_live():
                return  # evicted, or told again what is past
            if error is not None and not self._ends_run(error):
                return  # the task fails and is tried again
            outcome, exception_type = self._outcome(error)
            with outside_sandbox():
                workflow_runs.finish(self.run_id, outcome, exception_type)
        except Exception:
            self._give_up()

    def _is_live(self) -> bool:
        """Whether the workflow moves on now, and is not replayed, evicted or collected."""
        workflow = self._workflow
        return bool(workflow.in_workflow()) and not workflow.unsafe.is_replaying()

    def _decide(self) -> None:
        self._decided = True
        with outside_sandbox():
            self._run = workflow_runs.claim(
                self._plan, self.run_id, partial(workflow_context, self._info), self._began_here
            )

    def _give_up(self) -> None:
        self._run = None
        with outside_sandbox():
            workflow_runs.give_up(self.run_id)

    def _ends_run(self, error: BaseException) -> bool:
        """Whether an exception ends the run, and not only this attempt at the task."""
        definition = getattr(type(self._instance), _DEFINITION, None)
        called = None if definition is None else definition.run_fn
        while called is not None and called is not self._plan.shown:
            called = getattr(called, "__wrapped__", None)
        if called is None:
            return True  # not the workflow's own run: whoever called it deals with its errors
        return (
            isinstance(error, self._workflow.ContinueAsNewError)
            or _is_cancellation(error)
            or bool(self._workflow.is_failure_exception(error))
        )

    def _outcome(self, error: BaseException | None) -> tuple[Outcome, str | None]:
        if isinstance(error, self._workflow.ContinueAsNewError):
            assert self._run is not None
            self._run.call.note("the run ended by continuing as a new run")
            return "returned", None
        outcome, exception_type = outcome_of(error, closed=False)
        if error is not None and _is_cancellation(error):
            outcome = "cancelled"
        return outcome, exception_type


def _steps_of(plan: Plan) -> WorkflowSteps | None:
    """How the steps of a coroutine that begins are followed; None if they are not."""
    try:
        workflow: Any = sys.modules["temporalio.workflow"]
        if not _in_main_task():
            return None  # a handler's, or a task that the workflow made
        if config_file.is_due():
            with outside_sandbox():
                config_file.look()
        if not workflow_runs.home(plan).plan.resolved().enabled:
            return None
        instance = workflow.instance()
        steps = WorkflowSteps(plan, workflow, instance)
        if _driven.get(steps.run_id) is instance:
            return None  # inside another decorated coroutine of this run
        _driven[steps.run_id] = instance
    except Exception:
        with outside_sandbox():
            report_fault("beginning to profile a workflow")
        return None
    return steps


def _in_main_task() -> bool:
    task = asyncio.current_task()
    name = "" if task is None else task.get_name()
    return name == _MAIN_TASK or name.startswith(_MAIN_TASK_OF)


def _is_cancellation(error: BaseException) -> bool:
    exceptions: Any = sys.modules["temporalio.exceptions"]
    return bool(exceptions.is_cancelled_exception(error))
