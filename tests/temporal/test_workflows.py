"""Workflows with signals, queries, updates, children and ends of every kind, profiled."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.worker import UnsandboxedWorkflowRunner

from application_sdk.monitoring import Profile, configure
from application_sdk.monitoring.engine.workflow_runs import is_sampled
from application_sdk.monitoring.registry import cpu_backends
from tests.temporal import eventful
from tests.temporal.conftest import Server
from tests.temporal.eventful import Eventful, Order, Plain

Finished = Callable[[], list[Profile]]


def run_eventful(
    server: Server, workflow: Any = Eventful, fail: bool = False, **options: Any
) -> Any:
    """Run it through all that it can do; its result, and its handle."""

    async def go() -> Any:
        async with server.worker([workflow, eventful.Child], [eventful.price], **options) as queue:
            handle: WorkflowHandle[Any, Any] = await server.start(
                workflow.run, Order(3, fail), queue=queue
            )
            server.latest = handle
            await handle.signal("note", "first")
            # An update that reaches the very first task makes a history that Temporal itself, with
            # nothing of ours, refuses to replay. A query is answered after that task.
            await handle.query("noted")
            assert await handle.execute_update("rename", "x", result_type=int) >= 1
            with pytest.raises(WorkflowUpdateFailedError):
                await handle.execute_update("rename", "")
            assert "renamed x" in await handle.query("noted")
            await handle.signal("finish")
            return await handle.result()

    return server.run(go())


def of_workflow(profiles: list[Profile], name: str) -> list[Profile]:
    return [profile for profile in profiles if profile.name.endswith(f"{name}.run")]


@pytest.mark.parametrize("cached", [1000, 0])
@pytest.mark.parametrize("runner", ["default", "unsandboxed"])
def test_signals_queries_updates_timers_and_children_go_on_as_ever(
    cached: int, runner: str, server: Server, profiles: Finished
) -> None:
    options: dict[str, Any] = {"max_cached_workflows": cached}
    if runner == "unsandboxed":
        options["workflow_runner"] = UnsandboxedWorkflowRunner()
    assert run_eventful(server, **options) == [0, 10, 20, 70]
    found = profiles()
    (profile,) = of_workflow(found, "Eventful")
    (child,) = of_workflow(found, "Child")
    assert profile.context.workflow_id == server.latest.id
    assert profile.cpu is not None
    assert profile.memory is not None
    total = {s.function: s.total_value for s in profile.cpu.tree.functions("cpu_seconds")}
    assert total["burn"] > 0.02
    assert child.context.workflow_type == "Child"
    assert child.context.workflow_run_id != profile.context.workflow_run_id
    assert len([p for p in found if p.name.endswith("price")]) == 4


def test_one_history_replays_with_and_without_the_decorator(
    server: Server, profiles: Finished
) -> None:
    for recorded in (Eventful, Plain):
        run_eventful(server, recorded)
        history = server.history()
        before = len(profiles())
        for replayed in (Eventful, Plain):
            server.replay(replayed, history)
            server.replay(replayed, history, workflow_runner=UnsandboxedWorkflowRunner())
        assert len(profiles()) == before


def test_a_failed_workflow_has_a_profile_that_says_so(server: Server, profiles: Finished) -> None:
    with pytest.raises(WorkflowFailureError):
        run_eventful(server, fail=True)
    (profile,) = of_workflow(profiles(), "Eventful")
    assert profile.outcome == "raised"
    assert profile.exception_type == "temporalio.exceptions.ApplicationError"


@pytest.mark.parametrize("cached", [1000, 0])
def test_a_cancelled_workflow_has_a_profile_that_says_so(
    cached: int, server: Server, profiles: Finished
) -> None:
    async def go() -> None:
        async with server.worker([eventful.Waits], max_cached_workflows=cached) as queue:
            handle = await server.start(eventful.Waits.run, queue=queue)
            await handle.query("__temporal_workflow_metadata")
            await handle.cancel()
            with pytest.raises(WorkflowFailureError):
                await handle.result()

    server.run(go())
    (profile,) = profiles()
    assert profile.outcome == "cancelled"


def test_each_run_of_a_workflow_that_continues_as_new_has_its_profile(
    server: Server, profiles: Finished
) -> None:
    assert server.execute(eventful.Continues, 2) == "ended"
    found = profiles()
    assert [profile.outcome for profile in found] == ["returned"] * 3
    assert len({profile.context.workflow_run_id for profile in found}) == 3
    continued = [p for p in found if "the run ended by continuing as a new run" in p.notes]
    assert len(continued) == 2


def test_a_failed_task_is_no_end_of_the_run(server: Server, profiles: Finished) -> None:
    async def go() -> str:
        async with server.worker([eventful.FailsItsTaskOnce]) as queue:
            handle = await server.start(
                eventful.FailsItsTaskOnce.run, queue=queue, task_timeout=timedelta(seconds=1)
            )
            result: str = await handle.result()
            return result

    assert server.run(go()) == "survived"
    (profile,) = profiles()
    assert profile.outcome == "returned"


def test_a_decorated_helper_in_a_workflow_makes_at_most_one_profile(
    server: Server, profiles: Finished
) -> None:
    assert server.execute(eventful.CallsHelpers, max_cached_workflows=0) == 10
    (profile,) = profiles()
    assert profile.name == "tests.temporal.eventful.helper"


def test_an_eviction_leaves_the_run_to_go_on_elsewhere(server: Server, profiles: Finished) -> None:
    async def go() -> None:
        async with server.worker([eventful.Waits]) as queue:
            handle = await server.start(eventful.Waits.run, queue=queue)
            await handle.query("__temporal_workflow_metadata")
        async with server.worker([eventful.Waits]) as _:
            await handle.terminate()

    server.run(go())
    assert profiles() == []
    from application_sdk.monitoring.engine.workflow_runs import workflow_runs

    assert workflow_runs.open_count == 1  # what a run that was terminated leaves until it is old
    workflow_runs.reset()


def test_the_rate_picks_runs_by_their_id(server: Server, profiles: Finished) -> None:
    configure(sample_rate=0.5)

    async def go() -> list[str]:
        async with server.worker([eventful.Continues], max_cached_workflows=0) as queue:
            started = [
                await server.start(eventful.Continues.run, 0, queue=queue) for _ in range(12)
            ]
            for handle in started:
                await handle.result()
            return [str(handle.first_execution_run_id) for handle in started]

    ran = server.run(go())
    sampled = {profile.context.workflow_run_id for profile in profiles()}
    assert sampled == {run_id for run_id in ran if is_sampled(run_id, 0.5)}


def test_half_of_many_run_ids_are_sampled_at_a_half() -> None:
    chosen = sum(is_sampled(f"run-{n}", 0.5) for n in range(10_000))
    assert 4_800 < chosen < 5_200
    assert not any(is_sampled(f"run-{n}", 0.0) for n in range(1_000))
    assert all(is_sampled(f"run-{n}", 1.0) for n in range(1_000))


def test_a_fault_of_ours_leaves_the_workflow_going(
    server: Server, profiles: Finished, caplog: pytest.LogCaptureFixture
) -> None:
    class Breaks:
        backend = "breaks"

        def __init__(self, call: Any) -> None: ...

        def start(self) -> None: ...

        def resume(self) -> None:
            raise OSError("no more")

    real = cpu_backends.get("workflow")
    cpu_backends.register("workflow", Breaks)  # type: ignore[arg-type]
    try:
        assert run_eventful(server) == [0, 10, 20, 70]
    finally:
        cpu_backends.register("workflow", real)
    assert of_workflow(profiles(), "Eventful") == []
    assert "no more" in caplog.text


def test_switched_off_nothing_is_captured(server: Server, profiles: Finished) -> None:
    configure(enabled=False)
    assert run_eventful(server) == [0, 10, 20, 70]
    assert profiles() == []


def test_a_held_workflow_task_is_named_with_its_stack(
    server: Server, profiles: Finished, caplog: pytest.LogCaptureFixture
) -> None:
    configure(sample_rate=0.0)
    with caplog.at_level(logging.WARNING):
        assert server.execute(eventful.HoldsItsTask) == "late"
        assert profiles() == []
    (held,) = [r.getMessage() for r in caplog.records if "has been held for" in r.getMessage()]
    assert "HoldsItsTask" in held
    assert server.latest.id in held
    assert "in sluggish" in held
    assert "in HoldsItsTask.run" in held
    assert "eventful.py" in held
    assert held.index("HoldsItsTask.run") < held.index("in sluggish")


def test_the_attempt_of_a_retried_activity_is_in_its_context(
    server: Server, profiles: Finished
) -> None:
    activities = [eventful.fails_twice]
    assert server.execute(eventful.RetriesActivity, activities=activities) == "at last"
    outcomes = {profile.context.attempt: profile.outcome for profile in profiles()}
    assert outcomes == {1: "raised", 2: "raised", 3: "returned"}
