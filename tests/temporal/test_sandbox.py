"""Decorated code works under Temporal's default sandbox, without any passthrough."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import Manager
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import SharedStateManager

from application_sdk.monitoring import Profile, load_profile
from tests.temporal import decorated
from tests.temporal.conftest import Server
from tests.temporal.decorated import Job, Row

Finished = Callable[[], list[Profile]]

JOB = Job("job", 4)


def test_activities_on_either_side_of_defn_get_typed_inputs(
    server: Server, profiles: Finished
) -> None:
    methods = decorated.Activities(7)
    activities = [
        decorated.inside,
        decorated.outside,
        decorated.in_thread,
        methods.scale,
        methods.scale_in_thread,
    ]
    result = server.execute(decorated.CallsActivities, JOB, activities=activities)
    assert result == [5, 8, 3, 28, 280]
    found = {profile.name.rpartition("decorated.")[2]: profile for profile in profiles()}
    assert set(found) == {
        "inside",
        "outside",
        "in_thread",
        "Activities.scale",
        "Activities.scale_in_thread",
    }
    assert found["inside"].memory is not None
    for profile in found.values():
        assert profile.context.workflow_type == "CallsActivities"
        assert profile.context.attempt == 1


def test_an_activity_in_a_process_pool_is_profiled_there(
    server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAN_MONITORING_OUTPUT_DIR", str(tmp_path / "pool"))
    monkeypatch.setenv("ATLAN_MONITORING_FORMATS", "json")
    monkeypatch.setenv("ATLAN_MONITORING_SAMPLE_RATE", "1")
    import multiprocessing

    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool, Manager() as manager:
        result = server.execute(
            decorated.CallsProcess,
            JOB,
            activities=[decorated.in_process],
            executor=pool,
            shared_state_manager=SharedStateManager.create_from_multiprocessing(manager),
        )
    assert result == 12
    (path,) = (tmp_path / "pool").rglob("*.json")
    profile = load_profile(path)
    assert profile.name.endswith("in_process")
    assert profile.context.activity_type == "in_process"


def test_pydantic_inputs_arrive_as_models(server: Server, profiles: Finished) -> None:
    config = server.client.config()
    config["data_converter"] = pydantic_data_converter
    client = Client(**config)

    async def go() -> Row:
        async with server.worker(
            [decorated.CallsPydantic], [decorated.pydantic_rows], client=client
        ) as queue:
            result: Row = await client.execute_workflow(
                decorated.CallsPydantic.run,
                [Row(key="a", value=1.5), Row(key="b", value=2)],
                id="pydantic",
                task_queue=queue,
            )
            return result

    assert server.run(go()) == Row(key="sum", value=3.5)
    assert [profile.name for profile in profiles()] == ["tests.temporal.decorated.pydantic_rows"]


WORKFLOWS = [
    decorated.AboveDefn,
    decorated.BelowDefn,
    decorated.AboveRun,
    decorated.BelowRun,
    decorated.BothSides,
    decorated.Inherits,
    decorated.InheritsOnly,
]


@pytest.mark.parametrize("cached", [1000, 0])
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_decorated_workflow_makes_one_profile_a_run(
    workflow: type, cached: int, server: Server, profiles: Finished
) -> None:
    assert server.execute(workflow, JOB, max_cached_workflows=cached) == "job"
    (profile,) = profiles()
    assert profile.name == f"tests.temporal.decorated.{workflow.__name__}.run"
    assert profile.outcome == "returned"
    assert profile.context.workflow_type == workflow.__name__
    assert profile.context.workflow_run_id is not None
    assert profile.cpu is not None
    assert profile.cpu.backend == "sampler"
    burnt = {s.function: s.total_value for s in profile.cpu.tree.functions("cpu_seconds")}
    assert burnt["burn"] > 0.03
    assert burnt["run"] >= burnt["burn"]


def test_a_workflows_memory_is_the_processes_and_a_note_says_so(
    server: Server, profiles: Finished
) -> None:
    server.execute(decorated.BothSides, JOB)
    (profile,) = profiles()
    assert profile.memory is not None
    assert (profile.memory.backend, profile.memory.scope) == ("rss", "process")
    assert profile.memory.peak_bytes is None
    assert any("resident set size" in note for note in profile.notes)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_a_replay_writes_nothing(workflow: type, server: Server, profiles: Finished) -> None:
    server.execute(workflow, JOB)
    history = server.history()
    assert len(profiles()) == 1
    server.replay(workflow, history)
    assert len(profiles()) == 1
