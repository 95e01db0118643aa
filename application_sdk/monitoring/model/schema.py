"""The JSON Schema of a profile file."""

from __future__ import annotations

import json

from application_sdk.monitoring.model.profile import SCHEMA_VERSION, Profile


def profile_schema() -> str:
    """The JSON Schema of ``Profile``, as the text that is published with the documentation."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"Profile schema {SCHEMA_VERSION}; made by `make schema`, not by hand.",
        **Profile.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
