"""Measures the most bytes that a stretch of work has allocated at a time."""

from __future__ import annotations

import tempfile
from pathlib import Path

import memray

from application_sdk.monitoring.profile_hook import profile_hook
from application_sdk.monitoring.protocols import BackendUnavailable


class MemrayPeakMeter:
    """One memray tracker for each stretch: the peak is then that stretch's own.

    memray counts every allocation of the process meanwhile, native ones and Python's small
    objects included, so equal work gives nearly equal peaks.
    """

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="memory-peak-")
        self._file = Path(self._directory.name) / "peak.bin"
        self._tracker: memray.Tracker | None = None

    def start(self) -> None:
        """Begin a stretch.

        Raises:
            BackendUnavailable: If another profiler has the hook, or memray cannot start.
        """
        reason = profile_hook.acquire("memray")
        if reason is not None:
            raise BackendUnavailable(reason)
        self._file.unlink(missing_ok=True)
        try:
            tracker = memray.Tracker(
                self._file,
                trace_python_allocators=True,
                file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS,
            )
            tracker.__enter__()
        except BaseException as error:
            profile_hook.release()
            if isinstance(error, Exception):
                raise BackendUnavailable(f"memray could not start: {error}") from error
            raise
        self._tracker = tracker

    def stop(self) -> None:
        """End the stretch; harmless when none has begun."""
        tracker, self._tracker = self._tracker, None
        if tracker is not None:
            try:
                tracker.__exit__(None, None, None)
            finally:
                profile_hook.release()

    def peak_bytes(self) -> int:
        """The peak of the last finished stretch."""
        with memray.FileReader(self._file) as reader:
            peak = int(reader.metadata.peak_memory)
        return peak  # noqa: RET504  # pyright: ignore[reportPossiblyUnboundVariable]

    def close(self) -> None:
        """Delete the capture file."""
        self.stop()
        self._directory.cleanup()
