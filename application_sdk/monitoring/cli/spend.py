"""``spend``: what monitoring costs the workers of a directory, now."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from application_sdk.monitoring.cli.exit_codes import ExitCode
from application_sdk.monitoring.errors import UnreadableProfileError

if TYPE_CHECKING:
    from application_sdk.monitoring.exporters.spend import Published

HELP = "show what monitoring costs the workers that write profiles to a directory"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("directory", metavar="DIR", type=Path, help="the output_dir of the workers")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what each worker has published."""
    from application_sdk.monitoring.cli.output import STANDARD_OUTPUT, json_text, write_output
    from application_sdk.monitoring.exporters.spend import read_spends

    directory = arguments.directory
    try:
        found = read_spends(directory)
    except OSError as error:
        raise UnreadableProfileError(
            f"cannot read {directory}: {error.strerror or error}"
        ) from error
    now = datetime.now(UTC)
    if arguments.json:
        content = json_text({"workers": [_data(one, now) for one in found]})
    else:
        from application_sdk.monitoring.cli.spend_text import nothing_text, spend_text

        texts = [spend_text(one.spend, _is_running(one), now) for one in found]
        content = ("\n".join(texts) if texts else nothing_text(str(directory))).encode(
            "utf-8", "backslashreplace"
        )
    write_output(STANDARD_OUTPUT, content)
    return ExitCode.FINE


def _data(published: Published, now: datetime) -> dict[str, Any]:
    spend = published.spend
    data = spend.model_dump(mode="json")
    for key, period in (("lately", spend.lately), ("in_all", spend.in_all)):
        data[key]["share"] = period.share
    data["running"] = _is_running(published)
    data["age_seconds"] = max(0.0, (now - spend.as_of).total_seconds())
    return data


def _is_running(published: Published) -> bool | None:
    """Whether the process is there; None where nobody here can tell."""
    if published.running is not None:
        return published.running
    import socket

    if published.spend.hostname != socket.gethostname():
        return None
    import psutil

    return bool(psutil.pid_exists(published.spend.pid))
