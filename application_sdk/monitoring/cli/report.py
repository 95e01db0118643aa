"""``report``: what one profile says, for people or for programs."""

from __future__ import annotations

import argparse
from typing import Any

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.cli.inputs import add_reveal_argument
from application_sdk.monitoring.cli.output import (
    STANDARD_OUTPUT,
    add_output_arguments,
    format_for,
    render,
    write_output,
)
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.model.profile import Profile

HELP = "show a profile: the call, its hottest functions, its memory"
FORMATS = ("html", "summary")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", metavar="PROFILE", help="a profile's .json file")
    add_output_arguments(parser, FORMATS, required=False)
    add_reveal_argument(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="all facts and, per metric, every function's self and total value, as JSON",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the text, or write what was asked for."""
    from application_sdk.monitoring.cli.inputs import read_profile
    from application_sdk.monitoring.cli.output import json_text, means_json

    if arguments.json and arguments.format is not None:
        raise MonitoringError("--json and --format exclude each other")
    output = arguments.output or STANDARD_OUTPUT
    profile = read_profile(arguments.profile, arguments.reveal)
    if arguments.json or means_json(output, arguments.format):
        write_output(output, json_text(report_data(profile)))
        return ExitCode.FINE
    explicit = arguments.format
    if explicit is None and output == STANDARD_OUTPUT:
        explicit = "summary"
    write_output(output, render(profile, format_for(output, explicit, FORMATS)))
    return ExitCode.FINE


def report_data(profile: Profile) -> dict[str, Any]:
    """A profile with tables of functions in place of its call trees; nothing is pruned."""
    from application_sdk.monitoring.model.views import views

    data = profile.model_dump(
        mode="json", exclude={"cpu": {"tree"}, "memory": {"peak_tree", "retained_tree"}}
    )
    data["views"] = [
        {
            "key": view.key,
            "title": view.title,
            "unit": view.unit,
            "total": view.total,
            "functions": [stat.model_dump() for stat in view.tree.functions(view.metric)],
        }
        for view in views(profile)
    ]
    return data
