"""``import``: a profile of another tool as ours, for every other command."""

from __future__ import annotations

import argparse
from pathlib import Path

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.cli.export import FORMATS
from application_sdk.monitoring.cli.output import format_for, render, write_output
from application_sdk.monitoring.errors import MonitoringError, UnreadableProfileError

HELP = "read a speedscope, collapsed, pprof, pyinstrument session or memray file as a profile"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from application_sdk.monitoring.importers.assembly import KEYS
    from application_sdk.monitoring.importers.reading import FORMATS as KNOWN

    parser.add_argument("file", metavar="FILE", help="the other tool's file")
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="the file to write; its extension decides the format; left out, FILE's name "
        "with .json",
    )
    parser.add_argument("--format", choices=KNOWN, help="what FILE is; left out, its content tells")
    parser.add_argument("--name", help="the profile's name; left out, what the file says")
    parser.add_argument(
        "--metric",
        choices=KEYS,
        help="what the numbers are, where the file does not say; left out, wall_seconds",
    )
    parser.add_argument(
        "--interval",
        type=_positive,
        metavar="SECONDS",
        help="the numbers count samples that were taken this far apart",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the profile and say where it is."""
    from application_sdk.monitoring.backends.source_lines import first_line
    from application_sdk.monitoring.importers.assembly import Wishes
    from application_sdk.monitoring.importers.reading import import_profile

    path = Path(arguments.file)
    output = arguments.output or _beside(path)
    name = "json" if output == "-" else format_for(output, None, FORMATS)
    wishes = Wishes(arguments.name, arguments.metric, arguments.interval)
    profile = import_profile(path, wishes, first_line, arguments.format)
    write_output(output, render(profile, name))
    if output != "-":
        print(output)
    return ExitCode.FINE


def _beside(path: Path) -> str:
    if not path.name:  # such as "." or "/"
        raise UnreadableProfileError(f"{path} is a directory, not a profile")
    target = path.with_name(f"{path.name.partition('.')[0] or path.name}.json")
    if target.exists():
        raise MonitoringError(f"{target} exists: name another file with -o")
    return str(target)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return value
