"""Writes what a command made: to the file that ``-o`` names, or to standard output."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.registry import EXTENSIONS, renderers

STANDARD_OUTPUT = "-"
_NEW_FILE_MODE = 0o666


def add_output_arguments(
    parser: argparse.ArgumentParser, formats: tuple[str, ...], *, required: bool
) -> None:
    """Declare ``-o/--output`` and ``--format``.

    Args:
        parser: The command's parser.
        formats: The formats that the command offers.
        required: Whether ``-o`` must be given.
    """
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=required,
        help="the file to write, - for standard output; its extension decides the format",
    )
    parser.add_argument("--format", choices=formats, help="the format, whatever the extension")


def format_for(output: str | None, explicit: str | None, formats: tuple[str, ...]) -> str:
    """The format that the arguments ask for: ``--format``, else by the extension of ``-o``.

    Raises:
        MonitoringError: If neither says one of the formats.
    """
    if explicit is not None:
        return explicit
    # The longest extension first: .speedscope.json is no plain .json.
    for name in sorted(formats, key=lambda name: -len(EXTENSIONS[name])):
        if output is not None and output.lower().endswith(EXTENSIONS[name]):
            return name
    if output is None or output == STANDARD_OUTPUT:
        raise MonitoringError(f"say the format: --format {'|'.join(formats)}")
    known = ", ".join(EXTENSIONS[name] for name in formats)
    raise MonitoringError(f"the extension of {output} names no format ({known}): add --format")


def means_json(output: str, explicit: str | None) -> bool:
    """Whether a command with ``--json`` is asked for that by the extension of ``-o`` alone."""
    return explicit is None and output.lower().endswith(EXTENSIONS["json"])


def render(profile: Profile, name: str) -> bytes:
    """A profile in one of the registered formats."""
    return renderers.get(name)(profile)


def json_text(data: Any) -> bytes:
    """Data as readable JSON, whatever characters its names hold."""
    return json.dumps(data, indent=2).encode() + b"\n"


def check_output(output: str | None) -> None:
    """Refuse a file that cannot be written, before long work is done for it.

    Raises:
        MonitoringError: If its directory is not there or takes no new file.
    """
    if output is None or output == STANDARD_OUTPUT:
        return
    directory = Path(output).parent
    if not directory.is_dir():
        raise MonitoringError(f"cannot write {output}: there is no directory {directory}")
    if not os.access(directory, os.W_OK | os.X_OK):
        raise MonitoringError(f"cannot write {output}: no permission in {directory}")


def write_output(output: str, content: bytes) -> None:
    """Write a file at once and whole, or to standard output for ``-``.

    Raises:
        MonitoringError: If the file cannot be written.
    """
    if output == STANDARD_OUTPUT:
        sys.stdout.flush()
        # Under PYTHONUNBUFFERED a write may take only a part.
        rest = memoryview(content)
        while rest:
            rest = rest[sys.stdout.buffer.write(rest) :]
        return
    try:
        _replace(Path(output), content)
    except OSError as error:
        raise MonitoringError(f"cannot write {output}: {error.strerror or error}") from error


def _replace(target: Path, content: bytes) -> None:
    if target.exists() and not target.is_file():
        # A pipe or a device, as in `-o /dev/stdout`, is written to, not replaced.
        with target.open("wb") as stream:
            stream.write(content)
        return
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, _NEW_FILE_MODE & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    # The only way to read it is to set it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
