"""``LeakTrend``: tells from memory readings over hours and days whether a process leaks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, SupportsFloat

from application_sdk.monitoring.analysis.leaks.daily import growth_by_day
from application_sdk.monitoring.analysis.leaks.floors import (
    WINDOWS_PER_DAY,
    WINDOWS_PER_HOUR,
    Floors,
    low,
    rolling,
)
from application_sdk.monitoring.analysis.leaks.limits import memory_limit
from application_sdk.monitoring.analysis.leaks.rise import (
    Strictness,
    rises_throughout,
    steady_rate,
)
from application_sdk.monitoring.errors import InvalidArgumentError, InvalidArgumentTypeError

_MIB = 2**20

_SUSPECT_WINDOWS = 20
_AGREED_WINDOWS = 2
_SUSPECT = Strictness(
    parts=3,
    least_bytes=16 * _MIB,
    least_share=0.01,
    least_part=0.4,
    signal=7.0,
    most_jump=0.35,
    most_bend=0.045,
)
_CONFIRM_WINDOWS = 92
_CONFIRM_WARM_UP = 6
_CONFIRM = Strictness(
    parts=6,
    least_bytes=48 * _MIB,
    least_share=0.02,
    least_part=0.3,
    signal=8.0,
    most_jump=0.25,
    most_bend=0.045,
)
_URGENT_WINDOWS = 8
_URGENT = Strictness(
    parts=3,
    least_bytes=64 * _MIB,
    least_share=0.1,
    least_part=0.7,
    signal=12.0,
    most_jump=0.35,
    most_bend=0.03,
)
_URGENT_LEVEL = 0.5
_URGENT_SECONDS = 4 * 3600.0

_STALLED_WINDOWS = {"suspected": 4 * WINDOWS_PER_HOUR, "confirmed": 8 * WINDOWS_PER_HOUR}
_STALLED_SHARE = 0.2
_GIVEN_BACK = 0.5

State = Literal["suspected", "confirmed", "cleared"]


@dataclass(frozen=True, slots=True)
class LeakVerdict:
    """A change of what is thought of a process's memory.

    Attributes:
        verdict: ``suspected`` after hours of steady growth, ``confirmed`` when a day (or two
            days of a daily cycle) has borne it out, ``cleared`` when it has stopped.
        bytes_per_hour: The growth; of the growth that was, when cleared.
        seconds_to_limit: Until the memory limit is reached at that rate; None without a
            known limit, and when cleared.
    """

    verdict: State
    bytes_per_hour: float
    seconds_to_limit: float | None


class LeakTrend:
    """An online detector of leaks: feed it a process's memory, it says when that leaks.

    It keeps a few hundred numbers, whatever it is fed, and is not meant to be shared by
    threads.

    Args:
        limit_bytes: The limit that the process will die at; left out, the smallest of the
            cgroup's, ``RLIMIT_AS`` and ``RLIMIT_DATA``.

    Raises:
        InvalidArgumentError: If the limit is not above 0.
        InvalidArgumentTypeError: If the limit is no number.
    """

    def __init__(self, limit_bytes: float | None = None) -> None:
        if limit_bytes is not None and not isinstance(limit_bytes, SupportsFloat):
            raise InvalidArgumentTypeError(
                f"limit_bytes={limit_bytes!r} is a {type(limit_bytes).__name__}; give a number "
                "above 0, or leave it out to use the process's own limit"
            )
        if limit_bytes is not None and not (math.isfinite(limit_bytes) and limit_bytes > 0):
            raise InvalidArgumentError(
                f"limit_bytes={limit_bytes!r} is not allowed; give a number above 0, or leave it "
                "out to use the process's own limit"
            )
        self._limit = memory_limit() if limit_bytes is None else limit_bytes
        self._floors = Floors()
        self._state: State | None = None
        self._rate = 0.0
        self._base = self._peak = 0.0
        self._since = self._entered = self._agreed = 0
        self._latest = 0.0

    @property
    def state(self) -> Literal["suspected", "confirmed"] | None:
        """What is thought now."""
        return None if self._state == "cleared" else self._state

    @property
    def limit_bytes(self) -> float | None:
        """The limit that the process will die at; None when there is none."""
        return self._limit

    def observe(self, value_bytes: float, at: float) -> LeakVerdict | None:
        """Take note of a reading.

        Args:
            value_bytes: Memory in use, in bytes.
            at: When it was read, in seconds; readings older than the window in progress
                count for that window.

        Returns:
            A verdict when the state changes by this reading, else None.

        Raises:
            InvalidArgumentError: If the value is negative, or either is not finite. A reading
                that is refused leaves the detector as it was: feed it the next one.
            InvalidArgumentTypeError: If either is no number.
        """
        try:
            usable = 0.0 <= value_bytes < math.inf and -math.inf < at < math.inf
        except TypeError as error:
            raise InvalidArgumentTypeError(
                f"observe({value_bytes!r}, {at!r}) needs two numbers: bytes, and seconds"
            ) from error
        if not usable:
            raise InvalidArgumentError(
                f"observe({value_bytes!r}, {at!r}) is not allowed; give finite numbers, the bytes "
                "not below 0, and leave out a reading that failed"
            )
        self._latest = value_bytes
        if not self._floors.add(value_bytes, at):
            return None
        return self._evaluate()

    def _evaluate(self) -> LeakVerdict | None:
        floors = self._floors.values()
        since = self._floors.windows - self._since
        if self._state in ("suspected", "confirmed"):
            if self._has_stopped(floors) and not self._goes_on_by_day(floors):
                return self._clear()
            if self._state == "confirmed":
                return None
            rate = self._confirmed_rate(floors, since)
            return None if rate is None else self._enter("confirmed", rate, floors)
        rate = self._suspected_rate(floors, since)
        self._agreed = 0 if rate is None else self._agreed + 1
        if rate is None or self._agreed < _AGREED_WINDOWS:
            return None
        return self._enter("suspected", rate, floors)

    def _suspected_rate(self, floors: list[float], since: int) -> float | None:
        if since < _URGENT_WINDOWS:
            return None
        known = floors[-since:]
        if since < _SUSPECT_WINDOWS:
            return self._urgent_rate(known)
        rate = _rate(known[len(known) // 4 :], floors, _SUSPECT)
        return growth_by_day(floors) if rate is None else rate

    def _urgent_rate(self, floors: list[float]) -> float | None:
        """A leak that would reach the limit before the ordinary verdict could be had."""
        if self._limit is None or floors[-1] < _URGENT_LEVEL * self._limit:
            return None
        recent = floors[len(floors) // 4 :]
        rate = steady_rate(recent, _URGENT) if rises_throughout(recent, _URGENT) else None
        if rate is None or (self._seconds_to_limit(rate) or 0.0) > _URGENT_SECONDS:
            return None
        return rate

    def _confirmed_rate(self, floors: list[float], since: int) -> float | None:
        if since >= _CONFIRM_WINDOWS:
            stretch = min(since - _CONFIRM_WARM_UP, WINDOWS_PER_DAY)
            rate = _rate(floors[-stretch:], floors, _CONFIRM)
            if rate is not None:
                return rate
        return growth_by_day(floors)

    def _has_stopped(self, floors: list[float]) -> bool:
        self._peak = max(self._peak, low(floors[-WINDOWS_PER_HOUR:]))
        now = low(floors[-2 * WINDOWS_PER_HOUR :])
        if now < self._peak - _GIVEN_BACK * (self._peak - self._base):
            return True
        span = _STALLED_WINDOWS[self._state or "suspected"]
        if self._floors.windows - self._entered < span or len(floors) < span:
            return False
        gained = low(floors[-WINDOWS_PER_HOUR:]) - low(floors[-span : -span + WINDOWS_PER_HOUR])
        return gained < _STALLED_SHARE * self._rate * span / WINDOWS_PER_HOUR

    def _goes_on_by_day(self, floors: list[float]) -> bool:
        """Whether a confirmed leak only hides in the falling half of a daily cycle."""
        return self._state == "confirmed" and growth_by_day(floors) is not None

    def _enter(self, state: State, rate: float, floors: list[float]) -> LeakVerdict:
        if self._state != "suspected":
            self._base = min(floors[len(floors) // 4 :])
            self._peak = low(floors[-WINDOWS_PER_HOUR:])
        self._state, self._rate = state, rate
        self._entered = self._floors.windows
        return LeakVerdict(state, rate, self._seconds_to_limit(rate))

    def _clear(self) -> LeakVerdict:
        self._state = "cleared"
        self._since = self._floors.windows
        return LeakVerdict("cleared", self._rate, None)

    def _seconds_to_limit(self, rate: float) -> float | None:
        if self._limit is None:
            return None
        return max(0.0, self._limit - self._latest) / rate * 3600.0


def _rate(stretch: list[float], floors: list[float], asked: Strictness) -> float | None:
    """The rate of a steady rise over a stretch; the whole series tells whether it is fading."""
    if not (rises_throughout(rolling(stretch), asked) and _is_record(floors)):
        return None
    return steady_rate(rolling(floors[len(floors) // 4 :]), asked)


def _is_record(floors: list[float]) -> bool:
    """Whether memory is higher now than at any earlier time, the first hour left out."""
    rolled = rolling(floors[WINDOWS_PER_HOUR:])
    recent = WINDOWS_PER_HOUR
    return low(rolled[-recent:]) >= max(rolled[:-recent], default=0.0)
