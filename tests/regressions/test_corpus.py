"""compare_callables on pairs of real work; benchmarks/bench_verdicts.py asks all of them."""

from __future__ import annotations

import time

import pytest

from application_sdk.monitoring import compare_callables
from tests.regressions.corpus.pairs import PAIRS

QUICK = ("serialises, +10 %", "hashes, -30 %")
SOME = (
    *QUICK,
    "matches, equal",
    "sorts, +3 %",
    "reads csv, +15 %",
    "has a heavy tail, +30 %",
    "two modes, both +10 %",
    "the slow mode twice as often, mean +32 %",
    "passes through a queue, equal",
    "gathers, +10 %",
    "waits blocking, +10 %",
    "transforms beside a busy neighbour, equal",
    "transforms beside a busy neighbour, +10 %",
    "holds, threshold 1 %, +3 %",
    "holds while waiting, equal",
)

SLOW = (pytest.mark.slow, pytest.mark.alone)


def test_the_corpus_has_pairs_of_every_kind() -> None:
    assert len(PAIRS) >= 24
    changes = [pair.change for pair in PAIRS.values()]
    for change in (0.0, 0.03, 0.1, 0.15, 0.3, -0.1, -0.15, -0.3):
        assert change in changes
    for kind in ("heavy tail", "two modes", "gathers", "neighbour", "holds"):
        assert any(kind in name for name in PAIRS)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else SLOW) for name in SOME],
)
def test_a_pair_of_real_work_gets_the_right_verdict_within_a_minute(name: str) -> None:
    pair = PAIRS[name]
    begun = time.monotonic()
    with pair.company():
        comparison = compare_callables(
            pair.baseline, pair.candidate, threshold=pair.threshold, metric=pair.metric
        )
    assert comparison.verdict in pair.allowed, comparison.explanation
    assert time.monotonic() - begun < 60
