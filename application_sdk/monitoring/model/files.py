"""Reading a profile back from its JSON file."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path

from pydantic import ValidationError

from application_sdk.monitoring.errors import InvalidArgumentTypeError, UnreadableProfileError
from application_sdk.monitoring.model.profile import SCHEMA_VERSION, Profile

_MAJOR = SCHEMA_VERSION.split(".")[0]


def load_profile(path: str | PathLike[str]) -> Profile:
    """Load a profile from a ``.json`` file that this library wrote.

    Args:
        path: The file.

    Returns:
        The profile. Files of every earlier version of the same major schema load;
        fields that a later minor version added are ignored.

    Raises:
        UnreadableProfileError: If the file cannot be read, is not a profile, or has a
            newer major schema version.
        InvalidArgumentTypeError: If ``path`` is no path.
    """
    if not isinstance(path, str | PathLike):
        raise InvalidArgumentTypeError(
            f"path={path!r} is a {type(path).__name__}; give the path of a profile's .json file"
        )
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise UnreadableProfileError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:  # a null character
        raise UnreadableProfileError(f"cannot read {str(path)!r}: {error}") from error
    return parse_profile(text, str(path))


def parse_profile(text: bytes | str, origin: str) -> Profile:
    """Make a profile of its JSON text; ``origin`` names it in errors.

    Raises:
        UnreadableProfileError: If the text is not a profile of a known version.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableProfileError(f"{origin} is not JSON: {error}") from error
    if not isinstance(data, dict) or "profile_id" not in data:
        raise UnreadableProfileError(f"{origin} is JSON, but not a profile of this library")
    version = str(data.get("schema_version", SCHEMA_VERSION))
    if version.split(".", maxsplit=1)[0] != _MAJOR:
        raise UnreadableProfileError(
            f"{origin} has profile schema {version}; this version reads {_MAJOR}.x, "
            "so upgrade atlan-application-sdk-monitoring to read it"
        )
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the profile"
        raise UnreadableProfileError(f"{origin} is damaged at {where}: {first['msg']}") from error
