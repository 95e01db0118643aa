"""Whether two sets of profiles come from comparable machines and libraries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from application_sdk.monitoring.model.profile import ProcessInfo

_FACTS = (
    ("cpu_model", "CPU model"),
    ("cpu_count", "CPU count"),
    ("python", "Python"),
    ("implementation", "implementation"),
)


def environment_mismatch(
    baseline: Sequence[ProcessInfo], candidate: Sequence[ProcessInfo]
) -> tuple[str, ...]:
    """What differs between the environments, in words; empty when they are comparable.

    What one side does not know is no difference, and neither is a library that only one side has:
    a new dependency is a change of the program. Host names say nothing about speed.
    """
    differences = [
        _difference(label, _values(baseline, field), _values(candidate, field))
        for field, label in _FACTS
    ]
    names = sorted({name for info in [*baseline, *candidate] for name in info.libraries})
    differences += [
        _difference(name, _versions(baseline, name), _versions(candidate, name)) for name in names
    ]
    return tuple(difference for difference in differences if difference)


def fingerprint(process: ProcessInfo) -> str:
    """A short name for what decides a machine's speed: CPU model and count, and the Python."""
    facts = [process.cpu_model, process.cpu_count, process.python, process.implementation]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def _values(infos: Sequence[ProcessInfo], field: str) -> set[str]:
    return {str(value) for info in infos if (value := getattr(info, field)) is not None}


def _versions(infos: Sequence[ProcessInfo], name: str) -> set[str]:
    return {info.libraries[name] for info in infos if name in info.libraries}


def _difference(label: str, before: set[str], after: set[str]) -> str:
    if not before or not after or before == after:
        return ""
    return f"{label}: {', '.join(sorted(before))} -> {', '.join(sorted(after))}"
