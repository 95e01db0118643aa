"""Durations of a known good version, by machine, function and way of profiling."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from application_sdk.monitoring.analysis.regressions.duration_sketch import DurationSketch
from application_sdk.monitoring.analysis.regressions.environment import fingerprint
from application_sdk.monitoring.model.profile import ProcessInfo, Profile

_Sketches = dict[str, dict[str, dict[str, DurationSketch]]]


class DurationBaseline:
    """Sketches of durations; only those of the same kind of machine are ever compared with."""

    def __init__(self) -> None:
        self._machines: _Sketches = {}

    def add(self, profile: Profile) -> bool:
        """Count a profile's duration; whether it says anything: only calls that returned do."""
        if profile.outcome != "returned":
            return False
        functions = self._machines.setdefault(fingerprint(profile.process), {})
        ways = functions.setdefault(profile.name, {})
        ways.setdefault(way_of(profile), DurationSketch()).add(profile.duration_seconds)
        return True

    def add_all(self, profiles: Iterable[Profile]) -> int:
        """Count many; how many said anything."""
        return sum(map(self.add, profiles))

    def sketch(self, process: ProcessInfo, function: str, way: str) -> DurationSketch | None:
        """What is known of a function on such a machine; None when nothing is."""
        return self._machines.get(fingerprint(process), {}).get(function, {}).get(way)

    def to_json(self) -> str:
        """As a file holds it: in order, so that a version control shows what has changed."""
        machines = {
            machine: {
                name: {way: sketch.to_dict() for way, sketch in sorted(ways.items())}
                for name, ways in sorted(functions.items())
            }
            for machine, functions in sorted(self._machines.items())
        }
        return json.dumps({"machines": machines}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> DurationBaseline:
        """What ``to_json`` wrote.

        Raises:
            ValueError: If the text is no baseline of durations.
        """
        made = cls()
        try:
            machines: dict[str, Any] = json.loads(text)["machines"]
            made._machines = {
                machine: {
                    name: {way: DurationSketch.from_dict(data) for way, data in ways.items()}
                    for name, ways in functions.items()
                }
                for machine, functions in machines.items()
            }
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"no baseline of durations: {error!r}") from error
        return made


def way_of(profile: Profile) -> str:
    """How a profiled call ran: its backends, for each slows it in its own way."""
    halves: list[Any] = [profile.cpu, profile.memory]
    return "+".join(half.backend for half in halves if half is not None)
