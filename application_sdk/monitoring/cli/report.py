"""``report``: what one profile or leak report says, for people or for programs."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.cli.inputs import add_reveal_argument
from application_sdk.monitoring.cli.output import (
    STANDARD_OUTPUT,
    add_output_arguments,
    format_for,
    render,
    write_output,
)
from application_sdk.monitoring.errors import MonitoringError, UnreadableProfileError
from application_sdk.monitoring.model.profile import Profile

if TYPE_CHECKING:
    from rich.console import Console

    from application_sdk.monitoring.analysis.leaks.report import LeakReport

HELP = "show a profile or leak report: the call, its hottest functions, its memory, its leaks"
FORMATS = ("html", "summary")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "profile",
        metavar="PROFILE",
        help="a profile's .json file, or what `leaks --json` has printed",
    )
    add_output_arguments(parser, FORMATS, required=False)
    add_reveal_argument(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="all facts and, per metric, every function's self and total value, as JSON",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the text, or write what was asked for."""
    from application_sdk.monitoring.cli.output import means_json

    if arguments.json and arguments.format is not None:
        raise MonitoringError("--json and --format exclude each other")
    output = arguments.output or STANDARD_OUTPUT
    read = _read(arguments)
    if arguments.json or means_json(output, arguments.format):
        write_output(output, _json(read))
        return ExitCode.FINE
    # Whoever names a format or a file wants its bytes, wherever they go.
    if arguments.format is None and arguments.output is None:
        from application_sdk.monitoring.cli.terminal import terminal

        console = terminal()
        if console is not None:
            _show(read, console)
            return ExitCode.FINE
    explicit = arguments.format
    if explicit is None and output == STANDARD_OUTPUT:
        explicit = "summary"
    write_output(output, _render(read, format_for(output, explicit, FORMATS)))
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


def _read(arguments: argparse.Namespace) -> Profile | LeakReport:
    from application_sdk.monitoring.cli.inputs import read_leak_report, read_profile

    try:
        return read_profile(arguments.profile, arguments.reveal)
    except UnreadableProfileError:
        report = read_leak_report(arguments.profile)
        if report is None:
            raise
        return report


def _json(read: Profile | LeakReport) -> bytes:
    from application_sdk.monitoring.cli.output import json_text

    if isinstance(read, Profile):
        return json_text(report_data(read))
    return json_text(read.model_dump(mode="json"))


def _render(read: Profile | LeakReport, name: str) -> bytes:
    if isinstance(read, Profile):
        return render(read, name)
    if name == "summary":
        from application_sdk.monitoring.analysis.leaks.text import report_text

        return report_text(read).encode("utf-8", "backslashreplace") + b"\n"
    if read.profile is None:
        raise MonitoringError(
            f"this leak report ({read.verdict}) has no flamegraph: nothing was found to grow"
        )
    return render(read.profile, name)


def _show(read: Profile | LeakReport, console: Console) -> None:
    from application_sdk.monitoring.cli.terminal import Sheet

    # All at once, so that a reader who has seen enough ends it as with any other text.
    with console.capture() as shown:
        if isinstance(read, Profile):
            from application_sdk.monitoring.cli.report_view import show_profile

            show_profile(read, Sheet(console))
        else:
            from application_sdk.monitoring.cli.leak_view import show_leak_report

            show_leak_report(read, Sheet(console))
    write_output(STANDARD_OUTPUT, shown.get().encode(console.encoding, "backslashreplace"))
