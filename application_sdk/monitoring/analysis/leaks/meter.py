"""Makes blocks of calls and reads the heap between them."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

from application_sdk.monitoring.analysis.leaks.readings import HeapReader, Level, Readings
from application_sdk.monitoring.analysis.leaks.statistics import BlockTrend, block_trend
from application_sdk.monitoring.analysis.leaks.steps import Calls, Step

MOST_READINGS = 24
FEWEST_READINGS = 12


@dataclass(frozen=True, slots=True)
class Block:
    """One block of calls, as each of the signals saw it.

    Attributes:
        calls: Calls made in it.
        seconds: How long they took, readings included.
        call_seconds: How long they took without the readings.
        ceiling: The most bytes that live can be, see ``Level.ceiling``.
        blocks: Small objects.
        native: Bytes of the C heap.
    """

    calls: int
    seconds: float
    call_seconds: float
    ceiling: BlockTrend
    blocks: BlockTrend
    native: BlockTrend


class Meter:
    """Counts calls and time, and reads the heap.

    Args:
        reader: Reads the heap.
    """

    def __init__(self, reader: HeapReader) -> None:
        self._reader = reader
        self.calls = 0
        self.call_seconds = 0.0
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the check began."""
        return time.perf_counter() - self._began

    def run(self, count: int) -> Generator[Step, None, float]:
        """Make calls; returns the seconds that they took."""
        start = time.perf_counter()
        yield Calls(count)
        took = time.perf_counter() - start
        self.calls += count
        self.call_seconds += took
        return took

    def level(self) -> Level:
        """The live heap now."""
        return self._reader.read()

    def block(self, calls: int, until: float) -> Generator[Step, None, Block | None]:
        """Make about so many calls, in equal parts, with a reading after each part.

        Args:
            calls: How many.
            until: When to end early, in ``seconds``: calls may turn out slower than before.

        Returns:
            What the readings tell, None when they are too few to tell anything.
        """
        parts = min(MOST_READINGS, max(FEWEST_READINGS, calls))
        per_part = max(1, round(calls / parts))
        start, called_before = time.perf_counter(), self.call_seconds
        readings = Readings(parts + 1)
        readings.add(self.calls, self.level())
        for _ in range(parts):
            if self.seconds >= until:
                break
            yield from self.run(per_part)
            readings.add(self.calls, self.level())
        count = len(readings)
        if count <= FEWEST_READINGS // 2:
            return None
        x = list(readings.calls)[:count]
        return Block(
            calls=(count - 1) * per_part,
            seconds=time.perf_counter() - start,
            call_seconds=self.call_seconds - called_before,
            ceiling=block_trend(x, readings.ceilings()),
            blocks=block_trend(x, list(readings.blocks)[:count]),
            native=block_trend(x, list(readings.native)[:count]),
        )
