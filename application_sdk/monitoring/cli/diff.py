"""``diff``: two profiles beside each other."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.cli.output import (
    STANDARD_OUTPUT,
    format_for,
    json_text,
    means_json,
    write_output,
)
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.model.profile import Profile

HELP = "show what differs between two profiles, function by function, without judging it"

_PAGE = "application_sdk.monitoring.renderers.html.diff_page"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("base", metavar="BASE", help="the profile to compare with")
    parser.add_argument("candidate", metavar="CANDIDATE", help="the profile that may differ")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the file to write, - for standard output; its extension decides the format",
    )
    parser.add_argument("--format", choices=_formats(), help="the format, whatever the extension")
    parser.add_argument(
        "--json", action="store_true", help="every function's values on both sides, as JSON"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the text, or write what was asked for."""
    from application_sdk.monitoring.cli.inputs import read_profile

    if arguments.json and arguments.format is not None:
        raise MonitoringError("--json and --format exclude each other")
    output = arguments.output or STANDARD_OUTPUT
    as_json = arguments.json or means_json(output, arguments.format)
    name = "json" if as_json else _format(output, arguments.format)
    base, candidate = read_profile(arguments.base), read_profile(arguments.candidate)
    write_output(output, _render(base, candidate, name))
    return ExitCode.FINE


def _format(output: str, explicit: str | None) -> str:
    if explicit is None and output == STANDARD_OUTPUT:
        return "summary"
    return format_for(output, explicit, _formats())


def _formats() -> tuple[str, ...]:
    pages = ("html",) if importlib.util.find_spec(_PAGE) is not None else ()
    return (*pages, "summary")


def _render(base: Profile, candidate: Profile, name: str) -> bytes:
    if name == "html":
        page: Callable[[Profile, Profile], bytes]
        page = importlib.import_module(_PAGE).render_diff
        return page(base, candidate)

    from application_sdk.monitoring.analysis.difference import difference
    from application_sdk.monitoring.cli.diff_text import diff_text

    found = difference(base, candidate)
    if name == "summary":
        return diff_text(base, candidate, found).encode("utf-8", "backslashreplace")
    return json_text(
        {
            "base": _identity(base),
            "candidate": _identity(candidate),
            **found.model_dump(mode="json"),
        }
    )


def _identity(profile: Profile) -> dict[str, Any]:
    kept = {"profile_id", "name", "started_at", "duration_seconds", "outcome", "process"}
    return profile.model_dump(mode="json", include=kept)
