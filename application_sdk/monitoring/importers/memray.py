"""Reads memray's capture files: what a whole process had allocated, at its peak and at its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from memray import FileReader

from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.importers.assembly import Draft, Wishes
from application_sdk.monitoring.model.call_tree import Frame

FirstLine = Callable[[str, str, int], int]
_MOST_POINTS = 400


def read(path: Path, wishes: Wishes, first_line: FirstLine) -> Draft:
    """A draft of a capture.

    Args:
        path: The capture.
        wishes: What the capture does not say.
        first_line: Gives the first line of the function around a line: memray reports the
            line that runs.

    Raises:
        UnreadableProfileError: If memray cannot read it.
    """
    try:
        reader = FileReader(path)
        try:
            return _read(reader, path, wishes, first_line)
        finally:
            reader.close()
    except (OSError, ValueError, RuntimeError) as error:
        raise UnreadableProfileError(f"memray cannot read this capture: {error}") from error


def _read(reader: FileReader, path: Path, wishes: Wishes, first_line: FirstLine) -> Draft:
    metadata = reader.metadata
    started = metadata.start_time
    draft = Draft("memray", wishes.name or path.stem, started)
    draft.duration_seconds = (metadata.end_time - started).total_seconds()
    draft.pid = metadata.pid
    draft.whole_process = True
    draft.notes.append(f"the whole process's allocations, of: {metadata.command_line}")
    for moment, records in (
        ("peak", reader.get_high_watermark_allocation_records(merge_threads=True)),
        ("retained", reader.get_leaked_allocation_records(merge_threads=True)),
    ):
        draft.has(f"{moment}_bytes")
        draft.has(f"{moment}_allocations")
        for record in records:
            stack = [
                Frame(function, file, first_line(function, file, line))
                for function, file, line in reversed(record.stack_trace())
            ] or [Frame("<no stack>", "", 0)]
            draft.add(f"{moment}_bytes", stack, record.size)
            draft.add(f"{moment}_allocations", stack, record.n_allocations)
    points = [
        ((snapshot.time / 1000) - started.timestamp(), snapshot.rss)
        for snapshot in reader.get_memory_snapshots()
    ]
    step = max(1, len(points) // _MOST_POINTS)
    kept = points[::step] + (points[-1:] if points and (len(points) - 1) % step else [])
    draft.timeline = tuple((max(0.0, seconds), size) for seconds, size in kept)
    return draft
