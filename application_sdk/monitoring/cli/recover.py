"""``recover``: profiles of the calls that ran when their process was killed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.errors import UnreadableProfileError

HELP = "make the profiles of calls that ran when their process was killed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("directory", metavar="DIR", type=Path, help="the output_dir of the workers")
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        help="where the recovered profiles go (default: beside the captures)",
    )
    parser.add_argument("--json", action="store_true", help="print what was recovered as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Recover everything below the directory, and say what."""
    if not arguments.directory.is_dir():
        raise UnreadableProfileError(f"{arguments.directory} is not a directory")
    from application_sdk.monitoring.engine.recovery import recover

    print("looking for captures of dead processes ...", file=sys.stderr)
    try:
        found = recover(arguments.directory, arguments.output)
    except OSError as error:
        raise UnreadableProfileError(f"cannot recover: {error}") from error
    if arguments.json:
        rows = [
            {
                "profile_id": profile.profile_id,
                "name": profile.name,
                "started_at": profile.started_at.isoformat(),
                "files": [str(path) for path in files],
            }
            for profile, files in found
        ]
        print(json.dumps(rows, indent=2))
    elif not found:
        print(f"nothing to recover below {arguments.directory}")
    else:
        for profile, files in found:
            print(f"{profile.name}  (began {profile.started_at:%Y-%m-%d %H:%M:%S} UTC)")
            for path in files:
                print(f"  {path}")
    return ExitCode.FINE
