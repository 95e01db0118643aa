"""A profile as one paragraph for the log."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import CpuProfile, MemoryProfile, Profile
from application_sdk.monitoring.renderers.summary import outcome
from application_sdk.monitoring.renderers.tables import hottest
from application_sdk.monitoring.renderers.units import (
    human_bytes,
    human_seconds,
    one_line,
    share,
)

_FUNCTIONS = 3


def summary_paragraph(profile: Profile, files: Sequence[str | PathLike[str]] = ()) -> str:
    """One line of text: name, outcome, duration, hottest functions, memory, where the files are.

    Args:
        profile: The profile.
        files: The files that were written of it.
    """
    duration = human_seconds(profile.duration_seconds)
    sentences = [f"{one_line(profile.name)} {outcome(profile)} after {duration}"]
    if profile.cpu is not None:
        sentences += _time(profile.cpu)
    if profile.memory is not None:
        sentences += _memory(profile.memory)
    if files:
        sentences.append("files: " + ", ".join(one_line(fspath(file)) for file in files))
    return "; ".join(sentences)


def _time(cpu: CpuProfile) -> list[str]:
    parts = []
    spent = [
        f"{human_seconds(value)} {label}"
        for label, value in (("on CPU", cpu.cpu_seconds), ("awaiting", cpu.await_seconds))
        if value is not None
    ]
    if spent:
        parts.append(", ".join(spent))
    functions = _functions(cpu.tree)
    if functions:
        parts.append(f"hottest {functions}")
    return parts


def _memory(memory: MemoryProfile) -> list[str]:
    parts = []
    for label, value, tree in (
        ("peak", memory.peak_bytes, memory.peak_tree),
        ("retained", memory.retained_bytes, memory.retained_tree),
    ):
        if value is not None:
            functions = _functions(tree) if tree is not None else ""
            parts.append(
                f"{label} memory {human_bytes(value)}" + (f" in {functions}" if functions else "")
            )
    if not parts and memory.rss_peak_bytes is not None:
        parts.append(f"peak RSS {human_bytes(memory.rss_peak_bytes)}")
    return parts


def _functions(tree: CallTree) -> str:
    whole = tree.total()
    return ", ".join(
        f"{one_line(stat.function)} {share(stat.self_value, whole)}"
        for stat in hottest(tree, rows=_FUNCTIONS)
    )
