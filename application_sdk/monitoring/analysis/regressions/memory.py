"""Comparing the most memory that one call of each side has allocated at a time.

memray counts every allocation of the process while a call runs, native ones and Python's small
objects included, so equal code gives nearly equal peaks and a tight threshold is safe. Each call
has a tracker of its own: the peak is then that call's, not the largest one so far.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import tempfile
from pathlib import Path
from typing import Any

from application_sdk.monitoring.analysis.regressions.clock import Reading
from application_sdk.monitoring.analysis.regressions.interleaving import Interleaving
from application_sdk.monitoring.analysis.regressions.targets import Target
from application_sdk.monitoring.analysis.regressions.verdicts import Comparison
from application_sdk.monitoring.analysis.regressions.wording import comparison_of
from application_sdk.monitoring.errors import MonitoringError

_WARM_UP_CALLS = 3
_FLOOR_BYTES = 1024
"""A smaller difference is the interpreter's own: a resized free list or a cached object."""


class _PeakSide:
    """Measures the peak of one call; the bytes stand where a time side has its seconds."""

    def __init__(
        self, target: Target, role: str, runner: asyncio.Runner, directory: Path
    ) -> None:
        self._target = target
        self._role = role
        self._runner = runner
        self._file = directory / f"{role}.bin"

    def call(self) -> None:
        """Call the target once and drop what it returns."""
        try:
            result: Any = self._target()
            if inspect.isawaitable(result):
                self._runner.run(_await(result))
        except Exception as error:
            raise MonitoringError(
                f"the {self._role} raised {type(error).__name__}: {error}"
            ) from error

    def measure(self) -> Reading:
        """The bytes at the peak of one call."""
        import memray

        gc.collect()
        self._file.unlink(missing_ok=True)
        try:
            tracker = memray.Tracker(
                self._file,
                trace_python_allocators=True,
                file_format=memray.FileFormat.AGGREGATED_ALLOCATIONS,
            )
            with tracker:
                self.call()
        except RuntimeError as error:
            raise MonitoringError(
                f"memory cannot be compared while another memray tracker runs: {error}"
            ) from error
        with memray.FileReader(self._file) as reader:
            peak = float(reader.metadata.peak_memory)
        return Reading(wall=peak, cpu=peak, waited=0.0)


def compare_memory(
    baseline: Target, candidate: Target, threshold: float, deadline: float
) -> Comparison:
    """Compare the peaks of allocated bytes; see ``compare_callables``."""
    try:
        import memray  # noqa: F401  (only whether it is there)
    except ImportError as error:
        return Comparison(
            verdict="inconclusive",
            ratio=None,
            confidence_interval=None,
            explanation=f"Inconclusive: memory is measured with memray, which is missing ({error});"
            " install it with `pip install memray` (Linux and macOS).",
        )
    with tempfile.TemporaryDirectory() as directory, asyncio.Runner() as runner:
        sides = (
            _PeakSide(baseline, "baseline", runner, Path(directory)),
            _PeakSide(candidate, "candidate", runner, Path(directory)),
        )
        runner.get_loop()  # Made now, so that the first call does not pay for it.
        for _ in range(_WARM_UP_CALLS):
            for side in sides:
                side.call()
        for side in sides:
            side.measure()
        outcome = Interleaving(*sides, threshold, deadline).decide()
    comparison = comparison_of(outcome, threshold, more="larger", what="the peak of allocated bytes")
    difference = abs(_middle(outcome.candidate) - _middle(outcome.baseline))
    if comparison.verdict != "unchanged" and difference < _FLOOR_BYTES:
        return comparison.model_copy(
            update={
                "verdict": "unchanged",
                "explanation": f"Unchanged: the peaks differ by {difference:.0f} bytes, less than "
                f"the {_FLOOR_BYTES} that an interpreter's own caches can make.",
            }
        )
    return comparison


async def _await(result: Any) -> None:
    await result


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
