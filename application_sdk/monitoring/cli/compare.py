"""``compare``: judges whether something has become slower or larger."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from application_sdk.monitoring.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from application_sdk.monitoring.cli.compare_sides import Judged

HELP = "judge whether a candidate costs more than a baseline: stored profiles, or a git revision"

_CODES = {
    "unchanged": ExitCode.FINE,
    "improvement": ExitCode.FINE,
    "regression": ExitCode.FINDING,
    "inconclusive": ExitCode.INCONCLUSIVE,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "what",
        metavar="WHAT",
        nargs="+",
        help="BASE CANDIDATE: profiles, or directories of several. With --base: MODULE:FUNCTION, "
        "or a command and its arguments after --",
    )
    parser.add_argument(
        "--base",
        metavar="GIT_REV",
        help="measure the working tree against this revision, in fresh processes in turn",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.05,
        metavar="FRACTION",
        help="how much more the candidate may cost (default 0.05, which is 5 %%)",
    )
    parser.add_argument(
        "--max-seconds",
        type=float,
        metavar="SECONDS",
        help="with --base: the most time to spend (default 60)",
    )
    parser.add_argument(
        "--metric",
        choices=("time", "memory"),
        help="what is compared (default: time, or memory where profiles have only that)",
    )
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")
    parser.add_argument(
        "-o",
        "--output",
        "--html",
        dest="html",
        metavar="OUT.html",
        help="write the page that shows what differs, where both sides have a profile",
    )
    parser.add_argument(
        "--markdown", metavar="OUT", help="write a comment for a pull request (- to print it)"
    )
    parser.add_argument("--junit", metavar="OUT", help="write a JUnit report (- to print it)")


def run(arguments: argparse.Namespace) -> int:
    """Compare, print and write what was found; the exit code is the verdict."""
    from application_sdk.monitoring.cli.compare_sides import stored, with_revision
    from application_sdk.monitoring.cli.output import STANDARD_OUTPUT, format_for

    if arguments.html not in (None, STANDARD_OUTPUT):
        format_for(arguments.html, None, ("html",))
    begun = time.perf_counter()
    judged = stored(arguments) if arguments.base is None else with_revision(arguments)
    seconds = time.perf_counter() - begun
    _write(judged, seconds, arguments)
    if arguments.html:
        _write_page(judged, arguments.html)
    return _CODES[judged.comparison.verdict]


def _write(judged: Judged, seconds: float, arguments: argparse.Namespace) -> None:
    from application_sdk.monitoring.analysis.regressions import formats
    from application_sdk.monitoring.cli.output import STANDARD_OUTPUT, write_output

    comparison, title = judged.comparison, judged.title
    if arguments.json:
        print(comparison.model_dump_json(indent=2))
    elif STANDARD_OUTPUT not in (arguments.markdown, arguments.junit, arguments.html):
        print(formats.comparison_text(comparison, title))
    if arguments.markdown:
        write_output(arguments.markdown, formats.comparison_markdown(comparison, title).encode())
    if arguments.junit:
        write_output(arguments.junit, formats.comparison_junit(comparison, title, seconds))


def _write_page(judged: Judged, output: str) -> None:
    from application_sdk.monitoring.cli.output import write_output

    if judged.pages is None:
        print(f"{output} is not written: {judged.no_pages}", file=sys.stderr)
        return
    from application_sdk.monitoring.renderers.html.diff_page import render_diff

    write_output(output, render_diff(*judged.pages))
