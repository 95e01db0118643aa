"""Phase one: does the heap grow with every call? At native speed, with no tracer."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal

from application_sdk.monitoring.analysis.leaks.bounded import BoundedContainers, Filling
from application_sdk.monitoring.analysis.leaks.budget import Budget, Use, use_now
from application_sdk.monitoring.analysis.leaks.judgement import Judgement, judge
from application_sdk.monitoring.analysis.leaks.meter import FEWEST_READINGS, Block, Meter
from application_sdk.monitoring.analysis.leaks.readings import Level
from application_sdk.monitoring.analysis.leaks.statistics import theil_sen
from application_sdk.monitoring.analysis.leaks.steps import Rest, Step

_PILOT_CALLS = 31
_FIRST_BLOCK_SECONDS = 0.15
_CLEAN_SECONDS = 1.0
"""Calling time after which a flat heap is called clean: a slow drip needs time to show."""
_GROWING_SECONDS = 2.0
"""Calling time that growth has to last: most caches have filled by then."""
_GROWING_CALLS = 15_000
_GROWING_MOST_SECONDS = 12.0
"""It has to last for so many calls too (a cache of ten thousand), but no longer than this."""
_ENOUGH_CALLS = 200_000
"""Calls after which no more time is needed: no real cache takes longer to fill."""
_FIRST_BLOCK_MOST_CALLS = _ENOUGH_CALLS // 15
_SHARE_OF_BUDGET = 0.6
_SHARE_OF_TIME = 0.7
_SHARE_OF_LEFT = 0.9
_FEWEST_BLOCKS = 2
_PATIENCE = 3.0
_PATIENCE_SECONDS = 1.0
"""A block ends early when it takes so much longer than foreseen: calls get slower and slower."""
_SLOWER = 1.5
_MARGIN = 1.2
_REST_SECONDS = 2.0
_LEAST_REST_SECONDS = 0.5
_SHARE_OF_REST = 0.5
_REST_POLLS = 4
_REST_ENOUGH = 15.0
_GIVEN_BACK = 0.5
_CYCLES = 6
_FEWEST_CYCLES = 4

Progress = Callable[[str], object]


@dataclass(frozen=True)
class Growth:
    """What phase one found.

    Attributes:
        answer: ``growing`` when the heap grows steadily and does not give back.
        reason: Why no answer was found, when ``open``; how it is calm otherwise.
        blocks: Every block after the warm-up.
        held_for_a_while: Whether memory was held, and given back after some rest.
    """

    answer: Literal["calm", "growing", "open"]
    reason: str
    blocks: tuple[Block, ...]
    held_for_a_while: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the caller allows: see ``check_leaks``, and the memory still to be had."""

    min_bytes_per_call: float
    max_seconds: float
    available_bytes: int


def find_growth(
    meter: Meter,
    bounds: Bounds,
    progress: Progress,
    containers: BoundedContainers | None = None,
) -> Generator[Step, None, Growth]:
    """Make blocks of calls, each twice the one before, until the answer is certain.

    Args:
        meter: Makes the calls and reads the heap.
        bounds: What the caller allows.
        progress: Told what is going on.
        containers: What may only be filling up; left out, those there are now.
    """
    search = _Search(meter, bounds, progress, containers or BoundedContainers())
    growth = yield from search.blocks_until_certain()
    if growth.answer == "calm" or not growth.blocks:
        return growth
    return (yield from search.rest(growth))


class _Search:
    def __init__(
        self, meter: Meter, bounds: Bounds, progress: Progress, containers: BoundedContainers
    ) -> None:
        self._containers = containers
        self._meter = meter
        self._bounds = bounds
        self._progress = progress
        self._deadline = bounds.max_seconds * _SHARE_OF_TIME
        self._first_block_calls = FEWEST_READINGS
        self._call_seconds = 0.0
        self._warm = Level(0, 0)

    def blocks_until_certain(self) -> Generator[Step, None, Growth]:
        meter, floor = self._meter, self._bounds.min_bytes_per_call
        yield from meter.run(1)  # imports, and what else happens once
        first = use_now(meter.calls)
        budget = Budget(self._bounds.available_bytes, first)
        took = yield from meter.run(1)
        if took * _PILOT_CALLS < self._deadline / 20:
            took = (yield from meter.run(_PILOT_CALLS)) / _PILOT_CALLS
        calls = self._first_calls(took, budget, first)
        self._first_block_calls = calls
        self._call_seconds = took
        blocks: list[Block] = []
        judgement = Judgement("open", "too few calls could be made in the time given")
        warm_up = True
        while True:
            if took * calls > self._deadline - meter.seconds:
                break
            self._containers.mark()
            block = yield from self._block(calls, took)
            if block is None:
                if calls == FEWEST_READINGS or meter.seconds >= self._deadline:
                    break
                took, calls = took * _PATIENCE, max(FEWEST_READINGS, calls // 4)
                continue
            took = max(took / 4, block.seconds / block.calls)
            if warm_up:
                warm_up = False
                self._warm = meter.level()
            else:
                blocks.append(block)
            more = self._more(block)
            fits = self._next_fits(more, took, budget, first)
            judgement = judge([b.ceiling for b in blocks], floor, last=not fits)
            if judgement.answer == "growing":
                filling = self._filling(block)
                if filling is not None:
                    judgement = Judgement("open", str(filling))
                needed = self._calls_to_last(block) if filling is None else filling.calls_left
                more = min(more, max(block.calls // 2, int(_MARGIN * needed)))
                fits = self._next_fits(more, took, budget, first)
            self._tell(block, judgement)
            if self._certain(judgement, len(blocks), fits):
                break
            shorter = more if fits else self._shorter(len(blocks), took, budget, first)
            if shorter < FEWEST_READINGS:
                break
            calls = more if fits else shorter
        return Growth(judgement.answer, judgement.reason, tuple(blocks))

    def _block(self, calls: int, took: float) -> Generator[Step, None, Block | None]:
        patience = max(_PATIENCE_SECONDS, _PATIENCE * took * calls)
        until = min(self._deadline, self._meter.seconds + patience)
        return (yield from self._meter.block(calls, until))

    def _more(self, block: Block) -> int:
        """Calls of the next block: calls that get slower would make doubled ones last for ever."""
        before, self._call_seconds = self._call_seconds, block.call_seconds / block.calls
        slower = self._call_seconds > _SLOWER * before and block.seconds > _PATIENCE_SECONDS
        return block.calls if slower else 2 * block.calls

    def _calls_to_last(self, block: Block) -> int:
        """Calls until growth has lasted for long enough."""
        seconds, per_call = self._meter.call_seconds, block.call_seconds / block.calls
        enough = min(
            _GROWING_CALLS - self._meter.calls, (_GROWING_MOST_SECONDS - seconds) / per_call
        )
        return int(max(enough, (_GROWING_SECONDS - seconds) / per_call))

    def _filling(self, block: Block) -> Filling | None:
        """What may explain the growth: that is not judged before it is full."""
        if self._meter.calls >= _ENOUGH_CALLS:
            return None
        return self._containers.filling(block.calls)

    def _first_calls(self, took: float, budget: Budget, first: Use) -> int:
        wanted = min(_FIRST_BLOCK_MOST_CALLS, int(_FIRST_BLOCK_SECONDS / max(took, 1e-7)))
        # Four doublings and the trace afterwards have to fit into the budget.
        affordable = int(self._calls_left(budget, first) * _SHARE_OF_BUDGET / 15)
        return max(FEWEST_READINGS, min(wanted, affordable))

    def _calls_left(self, budget: Budget, first: Use) -> int:
        now = use_now(self._meter.calls)
        return budget.calls_left(first, now)

    def _next_fits(self, calls: int, took: float, budget: Budget, first: Use) -> bool:
        if took * calls > self._deadline - self._meter.seconds:
            return False
        return calls < self._calls_left(budget, first) * _SHARE_OF_BUDGET

    def _shorter(self, blocks: int, took: float, budget: Budget, first: Use) -> int:
        """Calls of a block no longer than what is left: two blocks say more than one."""
        left = (self._deadline - self._meter.seconds) / (_FEWEST_BLOCKS - blocks) * _SHARE_OF_LEFT
        affordable = self._calls_left(budget, first) * _SHARE_OF_BUDGET
        return int(min(left / max(took, 1e-7), affordable))

    def _certain(self, judgement: Judgement, blocks: int, fits: bool) -> bool:
        if not fits:
            return judgement.answer != "open" or blocks >= _FEWEST_BLOCKS
        if self._meter.calls >= _ENOUGH_CALLS:
            return judgement.answer != "open"
        if judgement.answer == "calm":
            return blocks >= 2 and self._meter.call_seconds >= _CLEAN_SECONDS
        return judgement.answer == "growing" and self._has_lasted()

    def _has_lasted(self) -> bool:
        seconds = self._meter.call_seconds
        if seconds >= _GROWING_MOST_SECONDS:
            return True
        return seconds >= _GROWING_SECONDS and self._meter.calls >= _GROWING_CALLS

    def _tell(self, block: Block, judgement: Judgement) -> None:
        self._progress(
            f"{self._meter.calls} calls in {self._meter.seconds:.1f} s, last block of "
            f"{block.calls}: {judgement.answer}"
        )

    def rest(self, growth: Growth) -> Generator[Step, None, Growth]:
        """Wait: a cache with a time to live and a queue with a slow reader give back."""
        meter = self._meter
        if meter.seconds > _REST_ENOUGH:
            return growth
        rest = min(_REST_SECONDS, (self._bounds.max_seconds - meter.seconds) * _SHARE_OF_REST)
        if rest < _LEAST_REST_SECONDS:
            if growth.answer == "open":
                return growth
            return Growth(
                "open",
                "memory grows, and too little time was left to see whether it is given back",
                growth.blocks,
            )
        grown_from = self._warm.ceiling
        grown = meter.level().ceiling - grown_from
        if growth.answer == "open" and grown <= 0:
            return growth
        self._progress("memory grows; resting to see whether it is given back")
        for _ in range(_REST_POLLS):
            yield Rest(rest / _REST_POLLS)
            yield from meter.run(2)
            if meter.level().ceiling < grown_from + (1 - _GIVEN_BACK) * grown:
                return (yield from self._cycles(growth, rest))
        return growth

    def _cycles(self, growth: Growth, rest: float) -> Generator[Step, None, Growth]:
        """Calls and rest in turn: what is left after each rest is what counts."""
        meter, floor = self._meter, self._bounds.min_bytes_per_call
        self._progress("memory is given back after a rest; comparing rested levels")
        x: list[float] = []
        y: list[float] = []
        for _ in range(_CYCLES):
            if meter.seconds + rest > self._bounds.max_seconds:
                break
            yield from meter.run(self._first_block_calls)
            lowest = meter.level().ceiling
            for _ in range(_REST_POLLS):
                yield Rest(rest / _REST_POLLS)
                yield from meter.run(2)
                lowest = min(lowest, meter.level().ceiling)
                if y and lowest <= y[-1]:
                    break
            x.append(meter.calls)
            y.append(lowest)
        if len(y) < _FEWEST_CYCLES:
            return Growth(
                "open",
                "memory is given back after a rest, and too little time was left to see how much",
                growth.blocks,
                True,
            )
        slope = theil_sen(x, y)
        half = len(y) // 2
        raised = (max(y[half:]) - max(y[:half])) / (x[-1] - x[half - 1])
        if raised < floor:
            return Growth(
                "calm", "what the calls keep is given back after a while", growth.blocks, True
            )
        if slope.low > floor:
            return growth
        return Growth("open", "memory is given back only in part", growth.blocks, True)
