"""``run``: profiles a program without touching it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.model.profile import Profile

HELP = "profile a script or function, unchanged; its own exit code is kept"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--cpu", action="store_true", help="CPU time; with neither, both halves")
    parser.add_argument("--memory", action="store_true", help="memory; with neither, both halves")
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        help="directory for the profile; left out, the output_dir setting (profiles)",
    )
    parser.add_argument(
        "program",
        metavar="PROGRAM",
        help="script.py, or module:function; an async function is awaited",
    )
    parser.add_argument(
        "arguments",
        metavar="ARGS",
        nargs=argparse.REMAINDER,
        help="the program's own arguments, in its sys.argv; a function that takes "
        "parameters is called with them, as strings",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the program, then say on standard error where its profile is."""
    from application_sdk.monitoring.cli.program import find_program
    from application_sdk.monitoring.engine.delivery import flush
    from application_sdk.monitoring.engine.outlets import on_profile
    from application_sdk.monitoring.settings import configure, get_settings

    program = find_program(arguments.program, arguments.arguments)
    if arguments.output is not None:
        configure(output_dir=_usable(Path(arguments.output)))
    both = arguments.cpu == arguments.memory
    # The program may change the working directory; its profile stays where it was asked for.
    directory = get_settings().output_dir.absolute()
    configure(output_dir=directory)
    profiled = program.decorate(cpu=arguments.cpu or both, memory=arguments.memory or both)
    finished: list[Profile] = []
    undo = on_profile(lambda profile: _keep(finished, profile, program.name))
    try:
        code = program.run(profiled)
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    finally:
        flush()
        undo()
    _tell(finished, directory)
    return code


def _usable(directory: Path) -> Path:
    """Make the directory now: better to refuse it than to lose the profile of a long run."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MonitoringError(
            f"cannot write profiles to {directory}: {error.strerror or error}"
        ) from error
    if not os.access(directory, os.W_OK | os.X_OK):
        raise MonitoringError(f"cannot write profiles to {directory}: no permission")
    return directory


def _keep(finished: list[Profile], profile: Profile, name: str) -> None:
    # A program that decorates functions of its own makes profiles of theirs; not ours to keep.
    if profile.name == name:
        finished[:] = [profile]


def _tell(finished: list[Profile], directory: Path) -> None:
    files = [
        file
        for profile in finished
        for file in sorted(directory.glob(f"*/*_{profile.profile_id}.*"))
    ]
    for file in files:
        print(f"sdk-monitoring: {file}", file=sys.stderr)
    if not files:
        reason = "its files could not be written" if finished else "monitoring is switched off"
        print(f"sdk-monitoring: there is no profile: {reason}", file=sys.stderr)
