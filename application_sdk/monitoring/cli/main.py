"""The entry point: finds the command, and turns what ends it into an exit code."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn, Protocol, cast

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.errors import MonitoringError

PROGRAM = "sdk-monitoring"
DISTRIBUTION = "atlan-application-sdk-monitoring"

_PACKAGE = "application_sdk.monitoring.cli"

COMMANDS = {
    "run": "run",
    "report": "report",
    "export": "export",
    "import": "import_",
    "diff": "diff",
    "merge": "merge",
    "index": "index",
    "recover": "recover",
    "spend": "spend",
    "leaks": "leaks",
    "compare": "compare",
    "baseline": "baseline",
}
"""Each command and its module in this package, in the order of the help.

A command whose module is not there yet is neither listed nor accepted.
"""


class Command(Protocol):
    """What a command's module offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it, and return the exit code."""
        ...


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # One line, where argparse would print the whole usage before it.
        self.exit(ExitCode.UNUSABLE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments; left out, those of the process.

    Returns:
        One of ``ExitCode``, or the exit code of the program that ``run`` profiled.
    """
    _never_fail_to_print()
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        # What is still buffered can meet a closed pipe too, and must do so in here.
        sys.stdout.flush()
    except MonitoringError as error:
        print(f"{PROGRAM}: {_one_line(str(error))}", file=sys.stderr)
        return ExitCode.UNUSABLE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes stdout once more at its end: let it have somewhere to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BROKEN_PIPE
    except Exception:
        # An uncaught exception would end with 1, which a pipeline reads as a finding.
        traceback.print_exc()
        return ExitCode.FAULT
    return code


def _run(argv: Sequence[str]) -> int:
    available = _available()
    chosen = argv[0] if argv and argv[0] in available else None
    parser = _Parser(
        prog=PROGRAM,
        description="Profile programs, and read, convert, compare and merge profiles.",
        epilog="Exit codes: 0 fine, 1 a leak or regression was found, 2 wrong usage or "
        "unreadable input, 3 inconclusive.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(metavar="COMMAND", required=True, title="commands")
    # The help lists all commands; a call needs, and imports, only its own.
    for name in [chosen] if chosen else available:
        module = _command(name)
        command = commands.add_parser(
            name, help=module.HELP, description=module.HELP, allow_abbrev=False
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return int(arguments.run(arguments))


def _available() -> list[str]:
    return [
        name
        for name, module in COMMANDS.items()
        if importlib.util.find_spec(f"{_PACKAGE}.{module}") is not None
    ]


def _command(name: str) -> Command:
    return cast("Command", importlib.import_module(f"{_PACKAGE}.{COMMANDS[name]}"))


def _version() -> str:
    from importlib import metadata

    try:
        return f"{PROGRAM} {metadata.version(DISTRIBUTION)}"
    except metadata.PackageNotFoundError:
        return f"{PROGRAM} (not installed: run from its sources)"


def _never_fail_to_print() -> None:
    # Names of functions can hold any character; a terminal or pipe may know only some.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _one_line(text: str) -> str:
    return " ".join(text.split())
