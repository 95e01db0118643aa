from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given

from application_sdk.monitoring.model.files import parse_profile
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.schema import profile_schema
from application_sdk.monitoring.renderers import json as renderer
from tests.interchange.builders import both_halves, profile_of, profiles

_ROOT = Path(__file__).parents[2]


@given(profiles())
def test_a_profile_comes_back_equal_from_its_json(profile: Profile) -> None:
    assert parse_profile(renderer.render(profile), "test") == profile


def test_equal_profiles_give_equal_bytes() -> None:
    assert renderer.render(both_halves()) == renderer.render(both_halves())


def test_json_is_one_line_without_spaces_between_its_parts() -> None:
    text = renderer.render(both_halves()).decode()
    assert text.count("\n") == 1
    outside_strings = re.sub(r'"(?:[^"\\]|\\.)*"', "", text[:-1])
    assert not re.search(r"\s", outside_strings)


def test_the_published_schema_is_current() -> None:
    published = _ROOT / "docs" / "reference" / "profile.schema.json"
    assert published.read_text(encoding="utf-8") == profile_schema(), "run `make schema`"


@given(profiles())
def test_every_profile_satisfies_the_published_schema(profile: Profile) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(profile_schema()))
    validator.validate(json.loads(renderer.render(profile)))


def test_the_published_schema_refuses_a_profile_without_its_outcome() -> None:
    data = json.loads(renderer.render(profile_of()))
    del data["outcome"]
    with pytest.raises(jsonschema.ValidationError, match="outcome"):
        jsonschema.validate(data, json.loads(profile_schema()))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "1e999"])
def test_a_value_that_is_no_number_makes_a_file_damaged(literal: str) -> None:
    from application_sdk.monitoring.errors import UnreadableProfileError

    text = renderer.render(both_halves()).decode().replace("123456.0", literal)
    with pytest.raises(UnreadableProfileError, match="finite number"):
        parse_profile(text, "damaged.json")
