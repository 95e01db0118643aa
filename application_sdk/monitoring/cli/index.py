"""``index``: all profiles of a directory on one page."""

from __future__ import annotations

import argparse
from pathlib import Path

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.cli.output import json_text, write_output
from application_sdk.monitoring.errors import MonitoringError, UnreadableProfileError

HELP = "write one page that lists all profiles of a directory"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("directory", metavar="DIR", help="the directory, with all below it")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT.html",
        help="the page to write, - for standard output; left out, DIR/index.html",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the list as JSON, newest first, instead"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the page and say where it is."""
    from application_sdk.monitoring.cli.index_entries import read_entries
    from application_sdk.monitoring.cli.inputs import find_profiles
    from application_sdk.monitoring.cli.remote import is_url
    from application_sdk.monitoring.renderers.html.index_page import render_index

    directory = Path(arguments.directory)
    if is_url(arguments.directory):
        if not arguments.json and arguments.output is None:
            raise MonitoringError("an index of an object store needs -o or --json")
    elif not directory.is_dir():
        raise UnreadableProfileError(f"{directory} is not a directory")
    output = arguments.output or ("-" if arguments.json else str(directory / "index.html"))
    if not arguments.json and output != "-" and not output.lower().endswith((".html", ".htm")):
        raise MonitoringError(f"the index is a page: name it .html, not {output}, or add --json")
    base = directory if output == "-" else Path(output).resolve().parent
    found = read_entries(find_profiles([arguments.directory]), base)
    if arguments.json:
        content = json_text(
            {
                "profiles": [entry.model_dump(mode="json") for entry in found.entries],
                "unreadable": found.unreadable,
            }
        )
    else:
        content = render_index(found.entries, found.unreadable)
    write_output(output, content)
    if output != "-":
        print(output)
    return ExitCode.FINE
