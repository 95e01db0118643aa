"""Finds the line that takes native memory which no allocation site explains.

Memory that an extension takes by itself is in no trace. But the C heap can be read before
and after each line of own code, and the line across which it keeps growing is the one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from types import FrameType
from typing import Any

from application_sdk.monitoring.analysis.leaks.meter import Meter
from application_sdk.monitoring.analysis.leaks.report import LeakSite
from application_sdk.monitoring.analysis.leaks.sites import is_checker
from application_sdk.monitoring.analysis.leaks.steps import Step

_CALLS = 50
_LEAST_SHARE = 0.2

Place = tuple[str, str, int]


class _LineGains:  # pragma: no cover - in the hook, which coverage needs for itself
    """A trace function that charges each line with what the C heap gained across it."""

    def __init__(self, native: Callable[[], int], is_own: Callable[[str], bool]) -> None:
        self._native = native
        self._is_own = is_own
        self._at: FrameType | None = None
        self._line = 0
        self.gains: dict[Place, int] = {}
        self.stacks: dict[Place, tuple[str, ...]] = {}
        self._last = native()

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> Any:
        self._charge()
        file = frame.f_code.co_filename
        own = self._is_own(file) and not is_checker(file)
        if event == "return":
            self._stand_at(frame.f_back)
        elif own:
            self._stand_at(frame)
        self._last = self._native()
        return self if own else None

    def _charge(self) -> None:
        gained = self._native() - self._last
        at = self._at
        if not gained or at is None or is_checker(at.f_code.co_filename):
            return
        place = (at.f_code.co_name, at.f_code.co_filename, self._line)
        if place not in self.gains:
            self.gains[place] = 0
            self.stacks[place] = _stack(at, self._line)
        self.gains[place] += gained

    def _stand_at(self, frame: FrameType | None) -> None:
        self._at = frame
        self._line = (frame.f_lineno or 0) if frame is not None else 0

    def forget(self) -> None:
        """Keep no frame alive."""
        self._at = None


def find_native_lines(
    meter: Meter,
    native: Callable[[], int],
    is_own: Callable[[str], bool],
    bytes_per_call: float,
    calls_left: int,
) -> Generator[Step, None, list[LeakSite]]:
    """Call the target a few more times and name the lines across which the C heap grows.

    Args:
        meter: Counts the calls.
        native: Reads the C heap.
        is_own: Whether the code of a file is the user's own.
        bytes_per_call: What is to be explained.
        calls_left: How many calls may be made.
    """
    calls = max(1, min(_CALLS, calls_left))
    gains = _LineGains(native, is_own)
    before = sys.gettrace()
    sys.settrace(gains)
    try:
        yield from meter.run(calls)
    finally:
        sys.settrace(before)
        gains.forget()
    sites = [
        LeakSite(
            function=function,
            file=file,
            line=line,
            bytes_per_call=gained / calls,
            allocations_per_call=None,
            stack=gains.stacks[function, file, line],
        )
        for (function, file, line), gained in gains.gains.items()
        if gained / calls >= _LEAST_SHARE * bytes_per_call
    ]
    return sorted(sites, key=lambda site: -site.bytes_per_call)


def _stack(frame: FrameType | None, line: int) -> tuple[str, ...]:  # pragma: no cover - in the hook
    path: list[str] = []
    while frame is not None and not is_checker(frame.f_code.co_filename):
        path.append(f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}")
        frame = frame.f_back
        line = (frame.f_lineno or 0) if frame is not None else 0
    return tuple(reversed(path))
