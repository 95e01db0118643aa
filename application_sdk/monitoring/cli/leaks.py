"""``leaks``: checks a function for leaks."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from application_sdk.monitoring.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from application_sdk.monitoring.analysis.leaks.report import LeakReport

HELP = "call a function again and again, and name the lines where memory stays behind"

_CODES = {
    "clean": ExitCode.FINE,
    "leak": ExitCode.FINDING,
    "inconclusive": ExitCode.INCONCLUSIVE,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("target", metavar="MODULE:FUNCTION", help="sync or async")
    parser.add_argument(
        "arguments",
        metavar="ARGS",
        nargs="*",
        help="passed to each call: VALUE or NAME=VALUE, each a Python literal or else a string",
    )
    parser.add_argument(
        "--setup",
        metavar="MODULE:FUNCTION",
        help="called once before; a tuple or dict that it returns is passed to each call too",
    )
    parser.add_argument(
        "--min-bytes-per-call",
        type=float,
        default=64,
        metavar="BYTES",
        help="growth that is no leak (default 64)",
    )
    parser.add_argument(
        "--max-seconds",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="the most time to spend (default 60)",
    )
    parser.add_argument(
        "--baseline", metavar="FILE", help="TOML: accepted sites, with reasons and expiry dates"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--html", metavar="OUT", help="write a flamegraph of what leaks, when anything does"
    )
    parser.add_argument(
        "--markdown", metavar="OUT", help="write a comment for a pull request (- to print it)"
    )
    parser.add_argument("--junit", metavar="OUT", help="write a JUnit report (- to print it)")


def run(arguments: argparse.Namespace) -> int:
    """Check, print and write what was found; the exit code is the verdict."""
    from application_sdk.monitoring.analysis.leaks.baseline import load_baseline
    from application_sdk.monitoring.cli.output import check_output

    for output in (arguments.html, arguments.markdown, arguments.junit):
        check_output(output)
    baseline = load_baseline(arguments.baseline) if arguments.baseline else None
    # What the target prints must not end up in the middle of the report.
    with contextlib.redirect_stdout(sys.stderr):
        report = _check(arguments)
    if baseline is not None:
        report = baseline.apply(report, arguments.min_bytes_per_call)
    _write(report, arguments)
    return _CODES[report.verdict]


def _check(arguments: argparse.Namespace) -> LeakReport:
    from application_sdk.monitoring.analysis.leaks.check import check_body, describe
    from application_sdk.monitoring.analysis.leaks.steps import bind
    from application_sdk.monitoring.cli.leak_target import find_target, parse_arguments, set_up
    from application_sdk.monitoring.cli.progress import Progress

    target = find_target(arguments.target)
    args, kwargs = parse_arguments(arguments.arguments)
    if arguments.setup:
        more_args, more_kwargs = set_up(arguments.setup)
        args, kwargs = (*args, *more_args), {**more_kwargs, **kwargs}
    body, is_async = bind(target, args, kwargs)
    progress = Progress()
    try:
        return check_body(
            body,
            describe(target),
            is_async=is_async,
            min_bytes_per_call=arguments.min_bytes_per_call,
            max_seconds=arguments.max_seconds,
            progress=progress,
        )
    finally:
        progress.done()


def _write(report: LeakReport, arguments: argparse.Namespace) -> None:
    from application_sdk.monitoring.analysis.leaks.formats import report_junit, report_markdown
    from application_sdk.monitoring.analysis.leaks.text import report_text
    from application_sdk.monitoring.cli.output import render, write_output

    if arguments.json:
        print(report.model_dump_json(indent=2))
    elif "-" not in (arguments.markdown, arguments.junit):
        print(report_text(report))
    if arguments.markdown:
        write_output(arguments.markdown, report_markdown(report).encode())
    if arguments.junit:
        write_output(arguments.junit, report_junit(report))
    if arguments.html:
        if report.profile is None:
            print(f"{arguments.html} is not written: there is nothing to show", file=sys.stderr)
        else:
            write_output(arguments.html, render(report.profile, "html"))
