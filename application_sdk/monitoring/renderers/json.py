"""A profile as JSON: the file that everything else is made from."""

from __future__ import annotations

from application_sdk.monitoring.model.profile import Profile

EXTENSION = ".json"


def render(profile: Profile) -> bytes:
    """The profile as one line of UTF-8 JSON, exact to the last digit.

    Equal profiles give equal bytes. ``load_profile`` reads them back, and
    ``docs/reference/profile.schema.json`` describes them.
    """
    return profile.model_dump_json().encode() + b"\n"
