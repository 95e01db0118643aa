"""``export``: a profile in another format."""

from __future__ import annotations

import argparse
from pathlib import Path

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.cli.inputs import add_reveal_argument
from application_sdk.monitoring.cli.output import (
    add_output_arguments,
    format_for,
    render,
    write_output,
)
from application_sdk.monitoring.errors import MonitoringError, UnreadableProfileError
from application_sdk.monitoring.registry import EXTENSIONS

HELP = "write a profile as html, speedscope, collapsed stacks, pprof, summary or json"
FORMATS = ("html", "speedscope", "collapsed", "pprof", "summary", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("profile", metavar="PROFILE", help="a profile's .json file")
    add_output_arguments(parser, FORMATS, required=False)
    add_reveal_argument(parser)
    parser.add_argument(
        "--metric",
        help="what collapsed stacks count: wall_seconds, cpu_seconds, await_seconds, "
        "peak_bytes, peak_allocations, retained_bytes or retained_allocations; "
        "left out, the first of these that the profile has",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the file, beside the profile unless ``-o`` says where."""
    from application_sdk.monitoring.cli.inputs import read_profile
    from application_sdk.monitoring.cli.remote import is_url

    name = format_for(arguments.output, arguments.format, FORMATS)
    if arguments.metric is not None and name != "collapsed":
        raise MonitoringError(f"--metric is for collapsed stacks; {name} holds every metric")
    if arguments.output is None and is_url(arguments.profile):
        raise MonitoringError("a profile in an object store has no place beside it: add -o")
    output = arguments.output or _beside(Path(arguments.profile), EXTENSIONS[name])
    profile = read_profile(arguments.profile, arguments.reveal)
    if arguments.metric is None:
        content = render(profile, name)
    else:
        from application_sdk.monitoring.renderers import collapsed

        content = collapsed.render(profile, arguments.metric)
    write_output(output, content)
    if arguments.output is None:
        print(output)
    return ExitCode.FINE


def _beside(profile: Path, extension: str) -> str:
    known = sorted(EXTENSIONS.values(), key=len, reverse=True)
    stem = next(
        (profile.name[: -len(end)] for end in known if profile.name.endswith(end)), profile.name
    )
    if not profile.name:  # such as "." or "/"
        raise UnreadableProfileError(f"{profile} is a directory, not a profile")
    target = profile.with_name(stem + extension)
    if target == profile:
        raise MonitoringError(f"that would replace {profile} itself: name another file with -o")
    return str(target)
