from __future__ import annotations

import json
from typing import Any

import jsonschema
from hypothesis import HealthCheck, given, settings

from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.views import views
from application_sdk.monitoring.renderers import speedscope
from tests.interchange.builders import both_halves, profile_of, profiles
from tests.interchange.tools import tool


def rendered(profile: Profile) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(speedscope.render(profile))
    return data


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(profiles())
def test_speedscopes_own_schema_accepts_every_file(profile: Profile) -> None:
    schema = json.loads(tool("speedscope.schema.json").read_bytes())
    jsonschema.Draft7Validator(schema).validate(rendered(profile))


def test_each_metric_of_each_half_is_a_profile_of_its_own() -> None:
    assert [(part["name"], part["unit"]) for part in rendered(both_halves())["profiles"]] == [
        ("my_app.orders.load - wall time", "nanoseconds"),
        ("my_app.orders.load - CPU time", "nanoseconds"),
        ("my_app.orders.load - awaiting", "nanoseconds"),
        ("my_app.orders.load - memory at the peak", "bytes"),
        ("my_app.orders.load - allocations at the peak", "none"),
        ("my_app.orders.load - memory retained", "bytes"),
        ("my_app.orders.load - allocations retained", "none"),
    ]


@given(profiles())
def test_events_are_in_order_and_balanced_and_end_at_the_tree_total(profile: Profile) -> None:
    document = rendered(profile)
    for part, view in zip(document["profiles"], views(profile), strict=True):
        open_frames: list[int] = []
        now = 0
        for event in part["events"]:
            assert event["at"] >= now
            now = event["at"]
            if event["type"] == "O":
                open_frames.append(event["frame"])
            else:
                assert open_frames.pop() == event["frame"]
        assert not open_frames
        scale = 1_000_000_000 if view.unit == "seconds" else 1
        exact = sum(round(value * scale) for value in view.tree.self_values(view.metric))
        assert part["endValue"] == now == exact


def test_halves_share_one_table_of_frames() -> None:
    frames = rendered(both_halves())["shared"]["frames"]
    assert [frame["name"] for frame in frames] == ["main", "parse", "fetch"]
    assert frames[1] == {"name": "parse", "file": "/app/orders.py", "line": 12}


def test_a_profile_without_trees_is_still_a_valid_file() -> None:
    document = rendered(profile_of())
    assert document["profiles"] == []
    assert document["name"] == "my_app.orders.load"
