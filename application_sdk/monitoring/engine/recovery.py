"""Makes the profiles of calls that ran when their process was killed."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from application_sdk.monitoring.containment import contained, logger, report_fault
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.engine.outlets import announce
from application_sdk.monitoring.engine.plan import Resolved
from application_sdk.monitoring.engine.process_info import process_info
from application_sdk.monitoring.exporters.outward import deliver_outward
from application_sdk.monitoring.exporters.writing import write_files
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import (
    CallContext,
    MemoryProfile,
    ProcessInfo,
    Profile,
    SamplingInfo,
)
from application_sdk.monitoring.redaction import redacted
from application_sdk.monitoring.settings import get_settings

DEFAULT_FORMATS = ("html", "json", "summary")

_KILLED = (
    "the process ended (was killed, or ran out of memory) before this profile was written; it was "
    "recovered from the capture on disk, up to the last record there, and how the call ended is "
    "not known"
)
_SPOOL_DIRECTORY = ".captures"

_looked_in: set[Path] = set()
_lock = threading.Lock()


def recover(
    directory: Path,
    output: Path | None = None,
    formats: Iterable[str] = DEFAULT_FORMATS,
    most: int = 10**9,
    most_bytes: int = 2**62,
) -> list[tuple[Profile, list[Path]]]:
    """Make profiles of the calls that ran when their process was killed.

    What was recovered is removed, so that a second run finds nothing. Captures of
    processes that are still alive are left alone.

    Args:
        directory: A profiles directory, one that holds several, or a captures directory.
        output: Where the profiles go; left out, to the profiles directory of each capture.
        formats: What to write.
        most: As the setting ``max_stored_profiles``.
        most_bytes: As the setting ``max_stored_bytes``.

    Returns:
        Each recovered profile with its files.

    Raises:
        OSError: If a profile cannot be written; its capture is kept then.
    """
    from application_sdk.monitoring.backends.spool import left_behind, remove_capture

    done: list[tuple[Profile, list[Path]]] = []
    for place in _places(directory):
        for capture in left_behind(place):
            memories, failure = _read(capture)
            for call in capture.calls:
                profile = _profile(capture.process, call, memories.get(call["identity"]), failure)
                target = output or place.parent
                profile = redacted(profile, get_settings().redact, target)
                files = write_files(profile, target, formats, most, most_bytes).files
                done.append((profile, files))
            remove_capture(capture.path)
    return done


def recover_once(resolved: Resolved) -> None:
    """Recover in the background what an earlier process left in the output directory."""
    directory = resolved.output_dir
    if directory in _looked_in:
        return
    with _lock:
        if directory in _looked_in:
            return
        _looked_in.add(directory)
    place = directory / _SPOOL_DIRECTORY
    if place.is_dir() and not place.is_symlink() and any(place.iterdir()):
        delivery.put(partial(_recover_in_background, resolved))


def _recover_in_background(resolved: Resolved) -> None:
    with contained(f"recovering captures below {resolved.output_dir}"):
        settings = resolved.process
        found = recover(
            resolved.output_dir,
            None,
            resolved.formats,
            settings.max_stored_profiles,
            settings.max_stored_bytes,
        )
        if found:
            logger().warning(
                "%d call(s) were running when an earlier process died; their profiles follow",
                len(found),
            )
        for profile, files in found:
            announce(profile, files)
            deliver_outward(profile, files, settings, delivery.dropped, budget)


def _places(directory: Path) -> list[Path]:
    if directory.name == _SPOOL_DIRECTORY:
        return [directory]
    return sorted(
        place
        for place in directory.rglob(_SPOOL_DIRECTORY)
        if place.is_dir() and not place.is_symlink()
    )


def _read(capture: Any) -> tuple[dict[str, Any], str | None]:
    """Per identity what a call had allocated, or why that is not known."""
    from application_sdk.monitoring.backends.reading import Wanted, read_elsewhere
    from application_sdk.monitoring.backends.records import Block

    wanted = {
        call["identity"]: Wanted(
            Frame(*call["root"]),
            call["max_nodes"],
            None if call["block"] is None else Block(*call["block"]),
        )
        for call in capture.calls
    }
    if not wanted:
        return {}, None
    try:
        return read_elsewhere(capture.path, wanted).calls, None
    except (OSError, ValueError) as error:
        report_fault(f"reading the capture {capture.path}")
        return {}, f"the capture could not be read: {error}"


def _profile(
    process: dict[str, Any], call: dict[str, Any], memory: Any, failure: str | None
) -> Profile:
    from application_sdk.monitoring.backends.memray import call_memory

    notes = [_KILLED]
    half = MemoryProfile(
        backend="rss",
        scope="process",
        rss_before_bytes=call["rss_bytes"],
        rss_after_bytes=None,
        rss_peak_bytes=None,
    )
    if memory is not None:
        half = call_memory(half, memory, call["max_nodes"], notes.append)
    elif failure is not None:
        notes.append(failure)
    started_at = datetime.fromisoformat(call["started_at"])
    return Profile(
        profile_id=call["identity"],
        name=call["name"],
        started_at=started_at,
        duration_seconds=max(0.0, (_last_sign(process) - started_at).total_seconds()),
        outcome="cancelled",
        process=_process(process),
        context=CallContext(**call["context"]),
        sampling=SamplingInfo(**call["sampling"]),
        memory=half,
        notes=tuple(notes),
    )


def _last_sign(process: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(process.get("last_sign", 0.0), UTC)


def _process(process: dict[str, Any]) -> ProcessInfo:
    mine = process_info()
    here = process.get("hostname") == mine.hostname
    return ProcessInfo(
        pid=process.get("pid", 0),
        hostname=process.get("hostname", "unknown"),
        python=process.get("python", "unknown"),
        implementation=process.get("implementation", "unknown"),
        cpu_model=mine.cpu_model if here else None,
        cpu_count=mine.cpu_count if here else None,
        total_memory_bytes=mine.total_memory_bytes if here else None,
        monitoring_version=mine.monitoring_version,
    )
