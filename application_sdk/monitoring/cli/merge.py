"""``merge``: many profiles as one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.cli.export import FORMATS
from application_sdk.monitoring.cli.output import (
    add_output_arguments,
    format_for,
    render,
    write_output,
)
from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.model.profile import Profile

HELP = "add profiles up per call path into one; peaks too, as a sum over the calls"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "profiles", metavar="PROFILE", nargs="+", help="a profile's .json file, or a directory"
    )
    parser.add_argument(
        "--skip-unreadable",
        action="store_true",
        help="leave files out that cannot be read, and say how many in the notes",
    )
    add_output_arguments(parser, FORMATS, required=True)


def run(arguments: argparse.Namespace) -> int:
    """Read the profiles one after another; only one and the sum are in memory."""
    from application_sdk.monitoring.analysis.merging import Merger
    from application_sdk.monitoring.cli.inputs import find_profiles
    from application_sdk.monitoring.cli.progress import with_progress

    name = format_for(arguments.output, arguments.format, FORMATS)
    files = find_profiles(arguments.profiles)
    reader = _Reader(skip_unreadable=arguments.skip_unreadable)
    merger = Merger()
    for profile in reader.read(with_progress(files, len(files), "profiles")):
        merger.add(profile)
    if reader.skipped and not merger.count:
        raise UnreadableProfileError(f"none of {len(files):,} files could be read")
    merged = merger.result(left_out=reader.skipped)
    write_output(arguments.output, render(merged, name))
    return ExitCode.FINE


class _Reader:
    """Loads files one by one and counts those that cannot be read."""

    def __init__(self, *, skip_unreadable: bool) -> None:
        self.skipped = 0
        self._skip_unreadable = skip_unreadable

    def read(self, files: Iterator[str]) -> Iterator[Profile]:
        from application_sdk.monitoring.cli.inputs import read_profile

        for file in files:
            try:
                yield read_profile(file)
            except UnreadableProfileError:
                if not self._skip_unreadable:
                    raise
                self.skipped += 1
