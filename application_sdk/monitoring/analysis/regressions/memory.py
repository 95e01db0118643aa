"""Comparing the most memory that one call of each side has allocated at a time."""

from __future__ import annotations

import asyncio
import gc
import inspect
from typing import Any

from application_sdk.monitoring.analysis.regressions.clock import Reading
from application_sdk.monitoring.analysis.regressions.interleaving import Interleaving
from application_sdk.monitoring.analysis.regressions.targets import Target
from application_sdk.monitoring.analysis.regressions.verdicts import Comparison
from application_sdk.monitoring.analysis.regressions.wording import comparison_of
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.protocols import BackendUnavailable, PeakMeter
from application_sdk.monitoring.registry import peak_meters

_WARM_UP_CALLS = 3
_FLOOR_BYTES = 256
"""A smaller difference is the interpreter's own: a resized free list or a cached object."""


class _PeakSide:
    """Measures the peak of one call; the bytes stand where a time side has its seconds."""

    def __init__(self, target: Target, role: str, runner: asyncio.Runner, meter: PeakMeter) -> None:
        self._target = target
        self._role = role
        self._runner = runner
        self._meter = meter
        self._awaits = inspect.iscoroutinefunction(target)
        self._empty: float | None = None

    def call(self) -> None:
        """Call the target once, unmeasured; tells whether it is to be awaited."""
        try:
            result: Any = self._target()
            if inspect.isawaitable(result):
                self._awaits = True
                self._runner.run(_await(result))
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            raise self._raised(error) from error

    def measure(self) -> Reading:
        """The bytes at the peak of one call, without those that measuring itself needs."""
        if self._empty is None:
            nothing = _nothing_awaited if self._awaits else _nothing
            # The least of some: the first stretch also pays for what is made once.
            self._empty = min(self._peak(nothing) for _ in range(_WARM_UP_CALLS))
        # At least one byte: the comparison is one of ratios.
        peak = max(1.0, self._peak(self._target) - self._empty)
        return Reading(wall=peak, cpu=peak, waited=0.0)

    def _peak(self, target: Target) -> float:
        gc.collect()
        if self._awaits:
            self._runner.run(self._measured_await(target))
        else:
            self._measured_call(target)
        return float(self._meter.peak_bytes())

    def _measured_call(self, target: Target) -> None:
        self._meter.start()
        try:
            target()
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            raise self._raised(error) from error
        finally:
            self._meter.stop()

    async def _measured_await(self, target: Target) -> None:
        # Begun inside the loop: what the loop needs for itself is no peak of the target's.
        self._meter.start()
        try:
            result: Any = target()
            await result
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            raise self._raised(error) from error
        finally:
            self._meter.stop()

    def _raised(self, error: BaseException) -> MonitoringError:
        return MonitoringError(f"the {self._role} raised {type(error).__name__}: {error}")


def compare_memory(
    baseline: Target, candidate: Target, threshold: float, deadline: float
) -> Comparison:
    """Compare the peaks of allocated bytes; see ``compare_callables``.

    Raises:
        MonitoringError: If a target raises, or another profiler counts allocations now.
    """
    try:
        meter = peak_meters.get("memray")()
    except ImportError as error:
        return Comparison(
            verdict="inconclusive",
            ratio=None,
            confidence_interval=None,
            explanation=f"Inconclusive: memory is measured with memray, which is missing ({error});"
            " install it with `pip install memray` (Linux and macOS).",
        )
    with asyncio.Runner() as runner:
        sides = (
            _PeakSide(baseline, "baseline", runner, meter),
            _PeakSide(candidate, "candidate", runner, meter),
        )
        runner.get_loop()  # Made now, so that the first call does not pay for it.
        try:
            for _ in range(_WARM_UP_CALLS):
                for side in sides:
                    side.call()
            for side in sides:
                side.measure()
            outcome = Interleaving(*sides, threshold, deadline).decide()
        except BackendUnavailable as reason:
            raise MonitoringError(f"memory cannot be compared now, because {reason}") from reason
        finally:
            meter.close()
    comparison = comparison_of(
        outcome, threshold, more="larger", what="the peak of allocated bytes"
    )
    difference = abs(_middle(outcome.candidate) - _middle(outcome.baseline))
    if comparison.verdict in ("regression", "improvement") and difference < _FLOOR_BYTES:
        return comparison.model_copy(
            update={
                "verdict": "unchanged",
                "explanation": f"Unchanged: the peaks differ by {difference:.0f} bytes, less than "
                f"the {_FLOOR_BYTES} that an interpreter's own caches can make.",
            }
        )
    return comparison


def _nothing() -> None:
    """What an empty call needs is what measuring needs."""


async def _nothing_awaited() -> None:
    await asyncio.sleep(0)


async def _await(result: Any) -> None:
    await result


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
