"""``MonitoringPlugin``: the interceptor, and what a worker's start and end have to see to."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from temporalio.plugin import SimplePlugin
from temporalio.worker import WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from application_sdk.monitoring.engine.delivery import flush
from application_sdk.monitoring.temporal.interceptor import MonitoringInterceptor
from application_sdk.monitoring.temporal.settings import InterceptorSettings

_FLUSH_SECONDS = 30.0


class MonitoringPlugin(SimplePlugin):
    """Profiles a worker of plain ``temporalio``: ``Worker(plugins=[MonitoringPlugin()])``.

    It adds a ``MonitoringInterceptor``, passes this package through the workflow sandbox
    (which saves importing it for every run) and writes what is pending when the worker
    stops.

    Args:
        settings: Which activities and workflows are profiled; left out, all of them.
    """

    def __init__(self, settings: InterceptorSettings | None = None) -> None:
        super().__init__(
            "application_sdk.monitoring",
            interceptors=[MonitoringInterceptor(settings)],
            workflow_runner=_passing_through,
            run_context=_flushed,
        )


def _passing_through(runner: WorkflowRunner | None) -> WorkflowRunner:
    if runner is None:
        runner = SandboxedWorkflowRunner()
    if not isinstance(runner, SandboxedWorkflowRunner):
        return runner
    restrictions = runner.restrictions.with_passthrough_modules("application_sdk.monitoring")
    return dataclasses.replace(runner, restrictions=restrictions)


@asynccontextmanager
async def _flushed() -> AsyncIterator[Any]:
    try:
        yield
    finally:
        await asyncio.to_thread(flush, _FLUSH_SECONDS)
