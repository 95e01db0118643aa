"""Accepted leaks: a file of sites, each with a reason and the day on which it expires."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any

from application_sdk.monitoring.analysis.leaks.report import LeakReport, LeakSite
from application_sdk.monitoring.errors import MonitoringError

_ALLOWED = ("function", "file", "target", "max_bytes_per_call", "reason", "expires")


@dataclass(frozen=True, slots=True)
class AcceptedSite:
    """One place that may leak for now.

    Attributes:
        function: The site's function.
        file: The end of its file's path, in whole parts: ``my_app/cache.py``.
        target: Pattern of the checked target's name; ``*`` for all.
        max_bytes_per_call: The most that it may leak.
        reason: Why it is accepted.
        expires: The last day on which it is.
    """

    function: str
    file: str
    target: str
    max_bytes_per_call: float
    reason: str
    expires: date

    def covers(self, target: str, site: LeakSite) -> bool:
        """Whether this is the site of a report on a target."""
        wanted = PurePath(self.file).parts
        return (
            site.function == self.function
            and PurePath(site.file).parts[-len(wanted) :] == wanted
            and fnmatchcase(target, self.target)
            and site.bytes_per_call <= self.max_bytes_per_call
        )


class Baseline:
    """All accepted sites of a file.

    Args:
        accepted: The sites.
    """

    def __init__(self, accepted: list[AcceptedSite]) -> None:
        self.accepted = accepted

    def apply(
        self, report: LeakReport, min_bytes_per_call: float, today: date | None = None
    ) -> LeakReport:
        """The report without what is accepted: clean when nothing above the floor is left.

        Args:
            report: A report of any verdict.
            min_bytes_per_call: The check's floor.
            today: The day that decides what has expired; left out, today in UTC.
        """
        if report.verdict != "leak" or report.bytes_per_call is None:
            return report
        today = datetime.now(UTC).date() if today is None else today
        notes = list(report.notes)
        left: list[LeakSite] = []
        forgiven = 0.0
        for site in report.sites:
            found = next((a for a in self.accepted if a.covers(report.target, site)), None)
            if found is None:
                left.append(site)
            elif found.expires < today:
                left.append(site)
                notes.append(
                    f"{site.function} was accepted until {found.expires}, which is over: "
                    f"{found.reason}"
                )
            else:
                forgiven += site.bytes_per_call
                notes.append(
                    f"{site.function} ({site.bytes_per_call:.0f} bytes a call) is accepted until "
                    f"{found.expires}: {found.reason}"
                )
        rest = max(report.bytes_per_call - forgiven, sum(s.bytes_per_call for s in left), 0.0)
        changes: dict[str, Any] = {"notes": tuple(notes), "sites": left}
        if forgiven and rest < min_bytes_per_call:
            changes |= {
                "verdict": "clean",
                "profile": None,
                "explanation": f"No leak but accepted ones: of {report.bytes_per_call:.0f} bytes "
                f"a call, {forgiven:.0f} come from sites that the baseline accepts.",
            }
        return report.model_copy(update=changes)


def load_baseline(path: str | Path) -> Baseline:
    """Read a baseline file.

    Args:
        path: A TOML file of ``[[accepted]]`` tables.

    Raises:
        MonitoringError: If it cannot be read, or an entry lacks its reason or expiry date.
    """
    try:
        content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MonitoringError(f"cannot read the baseline {path}: {error}") from error
    entries = content.pop("accepted", [])
    if content or not isinstance(entries, list):
        raise MonitoringError(f"the baseline {path} must hold [[accepted]] tables and nothing else")
    return Baseline([_entry(entry, f"{path}, entry {i}") for i, entry in enumerate(entries, 1)])


def _entry(entry: Any, where: str) -> AcceptedSite:
    if not isinstance(entry, dict):
        raise MonitoringError(f"{where}: not a table")
    unknown = set(entry) - set(_ALLOWED)
    if unknown:
        raise MonitoringError(f"{where}: unknown {', '.join(sorted(unknown))}")
    for name in ("function", "file", "reason"):
        if not isinstance(entry.get(name), str) or not entry[name].strip():
            raise MonitoringError(f"{where}: {name} is missing; give a text")
    expires = entry.get("expires")
    if not isinstance(expires, date) or isinstance(expires, datetime):
        raise MonitoringError(f"{where}: expires is missing; give a date like 2027-01-31")
    most = entry.get("max_bytes_per_call", float("inf"))
    if isinstance(most, bool) or not isinstance(most, int | float) or not most > 0:
        raise MonitoringError(f"{where}: max_bytes_per_call={most!r} is not a number above 0")
    return AcceptedSite(
        entry["function"],
        entry["file"],
        str(entry.get("target", "*")),
        float(most),
        entry["reason"],
        expires,
    )
