"""Noticing in production that a function has become slower for good."""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from application_sdk.monitoring.analysis.regressions.duration_sketch import DurationSketch

_WINDOW_SECONDS = 60.0
_LEAST_CALLS = 30
_PAST_WINDOWS = 30
_LEAST_PAST = 10
_SUSTAINED = 5
_QUANTILES = (0.5, 0.9)
_BEYOND_SPREAD = 3.0
_CERTAIN = 3.0
_CERTAIN_SHARE = 0.75


class _Level(NamedTuple):
    """A quantile of one window, and the values that it might as well have had by chance."""

    low: float
    middle: float
    high: float


class DurationShift(BaseModel):
    """A function's durations have moved and stayed there.

    Attributes:
        verdict: ``slower`` when an episode begins, ``recovered`` when it ends.
        ratio: The recent level / the earlier one, at the quantile that moved most.
        quantile: That quantile, 0 to 1.
        before_seconds: The earlier level.
        after_seconds: The recent level.
        since: When the first of the slow windows began, on the caller's clock.
        against: ``past`` when compared with its own recent past, else ``baseline``.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Literal["slower", "recovered"] = "slower"
    ratio: float
    quantile: float
    before_seconds: float
    after_seconds: float
    since: float
    against: str


class DurationShiftDetector:
    """Watches one function's durations, in bounded memory and without a thread of its own.

    Durations fall into windows of a minute, or longer until there are 30 calls. A shift is told
    when five windows running all lie above the earlier level at the same quantile, typically by
    ``least_ratio`` and by three times the windows' own spread, each above what is usual there, and
    by more than chance moves the
    quantile of so few calls (a function with two modes flips between them). It is told once: the
    new level is then the past. When five windows running lie nearer to the level before, the end is
    told too. One slow window, a burst or a daily wave slower than the memory of
    thirty windows is none. Not thread-safe: the owner serialises ``observe``.

    Args:
        baseline: Durations of a known good version; with it the function's own past is not asked.
        least_ratio: The least slow-down worth telling.
        window_seconds: The shortest window.
    """

    def __init__(
        self,
        baseline: DurationSketch | None = None,
        *,
        least_ratio: float = 1.3,
        window_seconds: float = _WINDOW_SECONDS,
    ) -> None:
        self.durations = DurationSketch()
        self._given = _levels(baseline) if baseline is not None and baseline.count else None
        self._baseline = self._given
        self._episode: DurationShift | None = None
        self._least_ratio = least_ratio
        self._window_seconds = window_seconds
        self._window = DurationSketch()
        self._window_began: float | None = None
        self._past: deque[tuple[_Level, ...]] = deque(maxlen=_PAST_WINDOWS)
        self._recent: deque[tuple[float, tuple[_Level, ...]]] = deque(maxlen=_SUSTAINED)

    def observe(self, seconds: float, at: float) -> DurationShift | None:
        """Note one call's duration.

        Args:
            seconds: The duration.
            at: When the call ended, in seconds on a clock that does not run backwards.

        Returns:
            The shift when this call completes the evidence for one, else None.
        """
        if self._window_began is None:
            self._window_began = at
        event = None
        full = self._window.count >= _LEAST_CALLS
        if full and at - self._window_began >= self._window_seconds:
            event = self._close_window()
            self._window_began = at
        self._window.add(seconds)
        self.durations.add(seconds)
        return event

    def _close_window(self) -> DurationShift | None:
        # The oldest recent window becomes the past: what is compared never overlaps.
        if len(self._recent) == _SUSTAINED:
            self._past.append(self._recent[0][1])
        self._recent.append((self._window_began or 0.0, _levels(self._window)))
        self._window = DurationSketch()
        shift = self._shift()
        if shift is not None:
            self._episode, self._baseline = shift, None
            self._forget_the_past()
            return shift
        recovery = self._recovery()
        if recovery is not None:
            self._episode, self._baseline = None, self._given
            self._forget_the_past()
        return recovery

    def _shift(self) -> DurationShift | None:
        if len(self._recent) < _SUSTAINED:
            return None
        against = "past" if self._baseline is None else "baseline"
        if self._baseline is None and len(self._past) < _LEAST_PAST:
            return None
        found: list[DurationShift] = []
        for number, quantile in enumerate(_QUANTILES):
            past = [levels[number] for levels in self._past]
            known = past if self._baseline is None else [self._baseline[number]]
            before = median(level.middle for level in known)
            at_most = median(level.high for level in known)
            middles = [level.middle for level in past]
            spread = median(abs(m - median(middles)) for m in middles) if middles else 0.0
            limit = max(before * self._least_ratio, before + _BEYOND_SPREAD * 1.4826 * spread)
            recent = [levels[number] for _, levels in self._recent]
            at_least = median(level.low for level in recent)
            after = median(level.middle for level in recent)
            # Higher than all but one of the past windows, which a burst may have raised.
            usual = sorted(middles)[-2] if len(middles) > 1 else before
            throughout = min(level.middle for level in recent) > max(
                usual, before * self._least_ratio**0.5
            )
            # Most of the least ratio has to be beyond chance: a fifth more is no third more.
            certain = before * (1.0 + _CERTAIN_SHARE * (self._least_ratio - 1.0))
            if after > limit and throughout and at_least > max(at_most, certain):
                found.append(
                    DurationShift(
                        ratio=after / before,
                        quantile=quantile,
                        before_seconds=before,
                        after_seconds=after,
                        since=self._recent[0][0],
                        against=against,
                    )
                )
        return max(found, key=lambda shift: shift.ratio, default=None)

    def _recovery(self) -> DurationShift | None:
        """The end of the episode; None outside of one, and while it goes on."""
        episode = self._episode
        if episode is None or len(self._recent) < _SUSTAINED:
            return None
        number = _QUANTILES.index(episode.quantile)
        half_way = math.sqrt(episode.before_seconds * episode.after_seconds)
        recent = [levels[number].middle for _, levels in self._recent]
        if max(recent) >= half_way:
            return None
        after = median(recent)
        return DurationShift(
            verdict="recovered",
            ratio=after / episode.after_seconds,
            quantile=episode.quantile,
            before_seconds=episode.after_seconds,
            after_seconds=after,
            since=self._recent[0][0],
            against=episode.against,
        )

    def _forget_the_past(self) -> None:
        self._past.clear()
        self._past.extend(levels for _, levels in self._recent)
        self._recent.clear()


def _levels(sketch: DurationSketch) -> tuple[_Level, ...]:
    """Each quantile with its band of chance, as wide as five windows together deserve."""
    levels = []
    for fraction in _QUANTILES:
        width = _CERTAIN * math.sqrt(fraction * (1.0 - fraction) / (sketch.count * _SUSTAINED))
        low, middle, high = (
            sketch.quantile(min(1.0, max(0.0, at))) or 0.0
            for at in (fraction - width, fraction, fraction + width)
        )
        levels.append(_Level(low, middle, high))
    return tuple(levels)
