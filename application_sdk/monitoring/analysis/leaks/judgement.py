"""From blocks of readings to an answer: pure arithmetic, no heap in sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from application_sdk.monitoring.analysis.leaks.statistics import BlockTrend

_STEADY_BLOCKS = 3
_FEWEST_STEADY_BLOCKS = 2
_LEAST_RATIO = 0.7
"""A slope below this share of the one before is fading: a cache that fills, a logarithm."""
_MOST_JUMP = 0.5
"""A step beyond this share of a block's growth is a jump: a table resized, a lazy import."""

Answer = Literal["calm", "growing", "open"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the blocks so far say.

    Attributes:
        answer: ``calm`` when no more than the floor is gained, ``growing`` when steadily
            more is, ``open`` when more calls have to tell.
        reason: Why it is open, to complete 'no verdict, because ...'.
    """

    answer: Answer
    reason: str = ""

    @property
    def calm(self) -> bool:
        """Whether no more than the floor is gained."""
        return self.answer == "calm"


def judge(blocks: Sequence[BlockTrend], floor: float, *, last: bool) -> Judgement:
    """Judge blocks of growing length, oldest first.

    Args:
        blocks: What came after the warm-up.
        floor: Growth in bytes per call that is no leak.
        last: Whether no further block can be had.
    """
    if not blocks:
        return Judgement("open", "too few calls could be made in the time given")
    latest = blocks[-1]
    if _calm(blocks, floor):
        return Judgement("calm")
    wanted = _FEWEST_STEADY_BLOCKS if last else _STEADY_BLOCKS
    recent = blocks[-wanted:]
    if len(recent) == wanted and all(_rises(block, floor) for block in recent):
        if all(_keeps_on(a, b) for a, b in pairwise(recent)):
            return Judgement("growing")
        return Judgement(
            "open",
            f"the growth is fading ({recent[0].slope.value:.0f} bytes a call, then "
            f"{latest.slope.value:.0f}): something still fills up or warms up",
        )
    return Judgement("open", _undecided(blocks, floor))


def _undecided(blocks: Sequence[BlockTrend], floor: float) -> str:
    latest = blocks[-1]
    if len(blocks) < _FEWEST_STEADY_BLOCKS:
        return "too few calls could be made in the time given"
    if latest.slope.low > floor and latest.jump_share > _MOST_JUMP:
        return "memory rose in a single jump, not with every call"
    return (
        f"the heap goes up and down too much to tell: between {latest.slope.low:.0f} and "
        f"{latest.slope.high:.0f} bytes a call"
    )


def _calm(blocks: Sequence[BlockTrend], floor: float) -> bool:
    latest = blocks[-1]
    if latest.slope.high >= floor or latest.net >= floor:
        return False
    if len(blocks) == 1:
        return True
    before = blocks[-2]
    calls = before.calls + latest.calls
    return (before.net * before.calls + latest.net * latest.calls) / calls < floor


def _rises(block: BlockTrend, floor: float) -> bool:
    return block.slope.low > floor and block.net > floor and block.jump_share <= _MOST_JUMP


def _keeps_on(before: BlockTrend, after: BlockTrend) -> bool:
    return after.slope.value >= _LEAST_RATIO * before.slope.value
