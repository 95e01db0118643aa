"""``baseline``: keeps a history of runs, and shows where it changes."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.errors import MonitoringError

if TYPE_CHECKING:
    from application_sdk.monitoring.cli.baseline_files import Baselines

HELP = "keep profiles as baselines, per target and kind of machine, and show where they change"

_KEEP = 100
_REFERENCES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    save = _action(actions, "save", "add profiles to the histories of their targets")
    save.add_argument("profiles", metavar="PROFILE", nargs="+", help="a file, or a directory")
    _add_limits(save)
    listing = _action(actions, "list", "show which baselines there are")
    show = _action(actions, "show", "show a target's runs, and where their level changes")
    show.add_argument("target", metavar="TARGET", help="the profiles' name")
    show.add_argument("--html", metavar="FILE", help="write a page with the curves, - for stdout")
    for each in (listing, show):
        each.add_argument("--json", action="store_true", help="print it as JSON")
    durations = actions.add_parser(
        "durations",
        help="write the durations of profiles for ATLAN_MONITORING_DURATION_BASELINE",
        description="write the durations of profiles for ATLAN_MONITORING_DURATION_BASELINE",
        allow_abbrev=False,
    )
    durations.add_argument("profiles", metavar="PROFILE", nargs="+", help="a file, or a directory")
    durations.add_argument("-o", "--output", metavar="OUT.json", required=True, help="the file")
    prune = _action(actions, "prune", "drop old runs")
    prune.add_argument("--older-than", type=float, metavar="DAYS", help="drop runs before that")
    _add_limits(prune)


def run(arguments: argparse.Namespace) -> int:
    """Do what the action says."""
    from application_sdk.monitoring.cli.baseline_files import Baselines

    if arguments.action == "durations":
        _durations(arguments)
        return ExitCode.FINE
    baselines = Baselines(_directory(arguments.directory))
    if arguments.action == "save":
        _save(baselines, arguments)
    elif arguments.action == "list":
        _list(baselines, as_json=arguments.json)
    elif arguments.action == "show":
        _show(baselines, arguments)
    else:
        _prune(baselines, arguments)
    return ExitCode.FINE


def _action(actions: argparse._SubParsersAction, name: str, what: str) -> argparse.ArgumentParser:  # type: ignore[type-arg]  # generic only in the stubs
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=what, description=what, allow_abbrev=False
    )
    parser.add_argument(
        "--directory",
        metavar="DIR",
        help="where they are (default .monitoring-baselines in the repository)",
    )
    return parser


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep",
        type=int,
        default=_KEEP,
        metavar="RUNS",
        help=f"the most runs of a history (default {_KEEP})",
    )
    parser.add_argument(
        "--references",
        type=int,
        default=_REFERENCES,
        metavar="PROFILES",
        help=f"how many newest profiles are kept whole to compare with (default {_REFERENCES})",
    )


def _directory(given: str | None) -> Path:
    from application_sdk.monitoring.analysis.regressions.worktree import working_tree
    from application_sdk.monitoring.cli.baseline_files import DIRECTORY

    if given is not None:
        return Path(given)
    try:
        return working_tree(Path.cwd()).top / DIRECTORY
    except MonitoringError:  # Not in a repository, or one without a commit.
        return Path(DIRECTORY)


def _revision() -> str | None:
    from application_sdk.monitoring.analysis.regressions.worktree import working_tree

    try:
        return working_tree(Path.cwd()).commit
    except MonitoringError:
        return None


def _save(baselines: Baselines, arguments: argparse.Namespace) -> None:
    from application_sdk.monitoring.cli.inputs import find_profiles, read_profile

    _check_limits(arguments)
    # All are read before any is written, so that an unreadable one changes nothing.
    profiles = [read_profile(path) for path in find_profiles(arguments.profiles)]
    for profile in profiles:
        if profile.outcome != "returned":
            raise MonitoringError(
                f"{profile.name} ({profile.profile_id}) {profile.outcome}: "
                "only a call that returned is a baseline"
            )
    revision = _revision()
    for profile in profiles:
        history = baselines.save(profile, revision, arguments.keep, arguments.references)
        print(f"{history.target} on {history.fingerprint}: {len(history.runs)} runs")


def _durations(arguments: argparse.Namespace) -> None:
    from application_sdk.monitoring.analysis.regressions.duration_baseline import DurationBaseline
    from application_sdk.monitoring.cli.inputs import find_profiles, read_profile
    from application_sdk.monitoring.cli.output import STANDARD_OUTPUT, write_output

    made = DurationBaseline()
    counted = made.add_all(map(read_profile, find_profiles(arguments.profiles)))
    if not counted:
        raise MonitoringError("none of the profiles is of a call that returned")
    write_output(arguments.output, made.to_json().encode())
    if arguments.output != STANDARD_OUTPUT:
        print(f"{counted} durations in {arguments.output}")


def _list(baselines: Baselines, *, as_json: bool) -> None:
    from application_sdk.monitoring.cli.baseline_text import list_json, list_text
    from application_sdk.monitoring.cli.output import STANDARD_OUTPUT, json_text, write_output

    histories = list(baselines.histories())
    if as_json:
        write_output(STANDARD_OUTPUT, json_text(list_json(histories)))
    else:
        print(list_text(histories) or f"no baselines in {baselines.directory}")


def _show(baselines: Baselines, arguments: argparse.Namespace) -> None:
    from application_sdk.monitoring.cli.baseline_text import show_json, show_text
    from application_sdk.monitoring.cli.output import STANDARD_OUTPUT, json_text, write_output

    if arguments.json and arguments.html == STANDARD_OUTPUT:
        raise MonitoringError("--json and --html - exclude each other")
    histories = baselines.find(arguments.target)
    if arguments.html is not None:
        from application_sdk.monitoring.cli.baseline_page import show_page

        write_output(arguments.html, show_page(arguments.target, histories))
    if arguments.json:
        write_output(STANDARD_OUTPUT, json_text([show_json(history) for history in histories]))
    elif arguments.html != STANDARD_OUTPUT:
        for history in histories:
            print(show_text(history, baselines.references(history)))


def _prune(baselines: Baselines, arguments: argparse.Namespace) -> None:
    _check_limits(arguments)
    since = None
    if arguments.older_than is not None:
        try:
            since = datetime.now(UTC) - timedelta(days=arguments.older_than)
        except (OverflowError, ValueError) as error:
            raise MonitoringError(f"--older-than {arguments.older_than} is too long ago") from error
    dropped = 0
    for history in list(baselines.histories()):
        kept = history.pruned(arguments.keep, since)
        dropped += len(history.runs) - len(kept.runs)
        baselines.write(kept, arguments.references)
    print(f"{dropped} runs dropped")


def _check_limits(arguments: argparse.Namespace) -> None:
    if arguments.keep < 1:
        raise MonitoringError(f"--keep {arguments.keep} is not allowed; give 1 or more")
    if arguments.references < 0:
        raise MonitoringError(f"--references {arguments.references} is not allowed; give 0 or more")
