"""Pairs of real work whose difference is known, because the amount of work is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.regressions.corpus import work
from tests.regressions.corpus.work import TwoModes

_NEIGHBOUR = "import json\nrow = list(range(200))\nwhile True: json.loads(json.dumps(row))"


@dataclass(frozen=True)
class Pair:
    """Two amounts of the same work.

    Attributes:
        name: Unique in the corpus.
        change: How much more the candidate does: 0.1 for +10 %.
        baseline: What is called.
        candidate: The same with another amount.
        metric: ``time`` or ``memory``.
        threshold: The threshold to ask with.
        neighbours: Busy processes beside it, as a fraction of the processors.
    """

    name: str
    change: float
    baseline: Callable[[], Any]
    candidate: Callable[[], Any]
    metric: str = "time"
    threshold: float = 0.05
    neighbours: float = 0.0

    @property
    def allowed(self) -> tuple[str, ...]:
        """The verdicts that are right, or at least not wrong."""
        if self.change >= 0.1 or (self.metric == "memory" and self.change > self.threshold):
            return ("regression",)
        if self.change <= -0.1:
            return ("improvement",)
        return ("unchanged", "inconclusive")

    @contextmanager
    def company(self) -> Iterator[None]:
        """Keep the neighbours running meanwhile."""
        count = round(self.neighbours * (os.cpu_count() or 1))
        processes = [subprocess.Popen([sys.executable, "-c", _NEIGHBOUR]) for _ in range(count)]
        try:
            yield
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _more(
    function: Callable[[int], Any], amount: int, change: float, name: str = "", **options: Any
) -> Pair:
    percent = "equal" if change == 0 else f"{change * 100:+.0f} %"
    changed = amount + round(amount * change)
    return Pair(
        f"{name or function.__name__.replace('_', ' ')}, {percent}",
        change,
        partial(function, amount),
        partial(function, changed),
        **options,
    )


def _pairs() -> Iterator[Pair]:
    yield _more(work.serialises, 200, 0.0)
    yield _more(work.matches, 100, 0.0)
    yield _more(work.hashes, 400, 0.0)
    yield _more(work.queries, 1000, 0.0)
    yield _more(work.makes_objects, 1000, 0.0)
    yield _more(work.writes_a_file, 3000, 0.0)
    yield _more(work.parses, 100, 0.03)
    yield _more(work.sorts, 100, 0.03)
    yield _more(work.compiles, 100, 0.03)
    yield _more(work.serialises, 200, 0.10)
    yield _more(work.transforms, 1000, 0.10)
    yield _more(work.packs, 1000, 0.10)
    yield _more(work.compresses, 20, 0.10)
    yield _more(work.queries, 2000, 0.10)
    yield _more(work.reads_csv, 600, 0.15)
    yield _more(work.schedules, 2000, 0.15)
    yield _more(work.adds_money, 1000, 0.15)
    yield _more(work.counts, 20, 0.30)
    yield _more(work.builds_xml, 500, 0.30)
    yield _more(work.writes_a_file, 3000, 0.30)
    yield _more(work.matches, 100, -0.10)
    yield _more(work.sorts, 100, -0.15)
    yield _more(work.hashes, 400, -0.30)
    # Distributions that are not one neat hump.
    yield _more(work.has_a_heavy_tail, 100, 0.0)
    yield _more(work.has_a_heavy_tail, 100, 0.10)
    yield _more(work.has_a_heavy_tail, 100, 0.30)
    yield Pair("two modes, equal", 0.0, TwoModes(100, 1000, 0.2), TwoModes(100, 1000, 0.2))
    yield Pair("two modes, both +10 %", 0.1, TwoModes(100, 1000, 0.2), TwoModes(110, 1100, 0.2))
    yield Pair(
        "the slow mode twice as often, mean +32 %",
        0.32,
        TwoModes(200, 1000, 0.1),
        TwoModes(200, 1000, 0.2),
    )
    # Coroutines, and work that waits.
    yield _more(work.gathers, 100, 0.0)
    yield _more(work.gathers, 100, 0.10)
    yield _more(work.passes_through_a_queue, 100, 0.0)
    yield _more(work.passes_through_a_queue, 100, 0.15)
    yield _more(work.waits, 10, 0.0)
    yield _more(work.waits, 10, 0.30)
    yield _more(work.waits_blocking, 10, 0.10)
    # Beside processes that keep every processor busy.
    busy: dict[str, Any] = {"neighbours": 1.0}
    yield _more(work.transforms, 1000, 0.0, "transforms beside a busy neighbour", **busy)
    yield _more(work.serialises, 200, 0.03, "serialises beside a busy neighbour", **busy)
    yield _more(work.transforms, 1000, 0.10, "transforms beside a busy neighbour", **busy)
    yield _more(work.counts, 20, 0.30, "counts beside a busy neighbour", **busy)
    yield _more(work.packs, 1000, -0.15, "packs beside a busy neighbour", **busy)
    yield _more(work.gathers, 100, 0.15, "gathers beside a busy neighbour", **busy)
    # Bytes hardly vary, so they may be asked about with a small threshold.
    memory: dict[str, Any] = {"metric": "memory"}
    yield _more(work.holds, 1000, 0.0, **memory)
    yield _more(work.holds, 1000, 0.03, "holds, threshold 1 %", threshold=0.01, **memory)
    yield _more(work.holds, 1000, 0.10, **memory)
    yield _more(work.holds_while_waiting, 500, 0.0, **memory)
    yield _more(work.holds_while_waiting, 500, 0.15, **memory)
    yield _more(work.holds, 1000, -0.15, **memory)


PAIRS = {pair.name: pair for pair in _pairs()}
