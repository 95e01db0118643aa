"""The interceptor and the plugin profile a worker whose code knows nothing of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from temporalio.client import WorkflowFailureError

from application_sdk.monitoring import MonitoringError, Profile, configure
from application_sdk.monitoring.temporal import (
    InterceptorSettings,
    MonitoringInterceptor,
    MonitoringPlugin,
)
from tests.temporal import decorated, undecorated
from tests.temporal.conftest import Server

Finished = Callable[[], list[Profile]]

ACTIVITIES = [undecorated.fetch, undecorated.count, undecorated.Store("s-").save]


def names(profiles: list[Profile]) -> list[str]:
    return sorted(profile.name.removeprefix("tests.temporal.undecorated.") for profile in profiles)


@pytest.mark.parametrize("cached", [1000, 0])
def test_it_profiles_activities_and_workflows_of_every_kind(
    cached: int, server: Server, profiles: Finished
) -> None:
    result = server.execute(
        undecorated.Crawl,
        "name",
        activities=ACTIVITIES,
        interceptors=[MonitoringInterceptor()],
        max_cached_workflows=cached,
    )
    assert result == ["NAME", "4", "s-name"]
    found = profiles()
    assert names(found) == ["Crawl.run", "Store.save", "count", "fetch"]
    for profile in found:
        assert profile.cpu is not None
        assert profile.memory is None
        assert profile.context.workflow_type == "Crawl"
    (run,) = [profile for profile in found if profile.name.endswith("Crawl.run")]
    assert run.cpu is not None
    wall = {s.function: s.total_value for s in run.cpu.tree.functions()}
    assert wall["run"] >= wall["work"] > 0
    server.replay(undecorated.Crawl, server.history(), interceptors=[MonitoringInterceptor()])
    assert len(profiles()) == 4


def test_only_what_the_lists_allow_is_profiled(server: Server, profiles: Finished) -> None:
    settings = InterceptorSettings(activities=("fe*", "save"), workflows=("Oth?r",), memory=True)
    for workflow in (undecorated.Crawl, undecorated.Other):
        server.execute(
            workflow, "x", activities=ACTIVITIES, interceptors=[MonitoringInterceptor(settings)]
        )
    found = profiles()
    assert names(found) == ["Other.run", "Store.save", "fetch"]
    assert all(profile.memory is not None for profile in found)


def test_overrides_reach_activities_by_their_qualified_names(
    server: Server, profiles: Finished
) -> None:
    configure(sample_rate=0.0, overrides={"tests.temporal.undecorated.count": {"sample_rate": 1.0}})
    server.execute(
        undecorated.Crawl, "x", activities=ACTIVITIES, interceptors=[MonitoringInterceptor()]
    )
    assert names(profiles()) == ["count"]


def test_what_is_decorated_is_not_profiled_twice(server: Server, profiles: Finished) -> None:
    methods = decorated.Activities(2)
    server.execute(
        decorated.CallsActivities,
        decorated.Job("j", 1),
        activities=[
            decorated.inside,
            decorated.outside,
            decorated.in_thread,
            methods.scale,
            methods.scale_in_thread,
        ],
        interceptors=[MonitoringInterceptor(InterceptorSettings(workflows=()))],
    )
    assert len(profiles()) == 5
    server.execute(
        decorated.AboveRun, decorated.Job("j", 1), interceptors=[MonitoringInterceptor()]
    )
    assert len(profiles()) == 6


def test_a_workflow_that_fails_is_seen_to_fail(server: Server, profiles: Finished) -> None:
    with pytest.raises(WorkflowFailureError):
        server.execute(undecorated.Breaks, "x", interceptors=[MonitoringInterceptor()])
    (profile,) = profiles()
    assert (profile.outcome, profile.exception_type) == ("raised", "TimeoutError")


def test_the_plugin_does_the_same_for_plain_temporalio(server: Server, profiles: Finished) -> None:
    result = server.execute(
        undecorated.Crawl, "name", activities=ACTIVITIES, plugins=[MonitoringPlugin()]
    )
    assert result == ["NAME", "4", "s-name"]
    assert names(profiles()) == ["Crawl.run", "Store.save", "count", "fetch"]
    server.replay(undecorated.Crawl, server.history(), plugins=[MonitoringPlugin()])
    assert len(profiles()) == 4


def test_the_wrong_settings_are_refused_with_a_sentence() -> None:
    with pytest.raises(MonitoringError, match="InterceptorSettings"):
        MonitoringInterceptor(settings={"activities": []})  # type: ignore[arg-type]
