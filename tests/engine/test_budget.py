"""What monitoring costs counts against the budget, and the budget decides what is profiled."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from application_sdk.monitoring import configure, flamegraph, flush, memory_profile
from application_sdk.monitoring.decorators import Recorder
from application_sdk.monitoring.engine.budget import budget

BURNT_SECONDS = 0.2


def burn() -> None:
    until = time.thread_time() + BURNT_SECONDS
    while time.thread_time() < until:
        sum(range(100))


@pytest.mark.parametrize(
    "profiled",
    [memory_profile(backend="memray", sample_rate=1), flamegraph(backend="pyinstrument")],
    ids=["memray", "pyinstrument"],
)
def test_what_a_capture_slows_the_program_by_counts_against_the_budget(
    tmp_path: Path, profiled: Recorder
) -> None:
    configure(output_dir=str(tmp_path), formats="json")
    call = profiled(burn)
    before = budget.spent_seconds
    call()
    assert flush(60)
    assert budget.spent_seconds - before > BURNT_SECONDS / 2


def test_after_a_costly_first_call_the_next_ones_run_plain(tmp_path: Path) -> None:
    configure(output_dir=str(tmp_path), formats="json", overhead_budget=0.001)
    call = memory_profile(backend="memray")(burn)
    for _ in range(3):
        call()
        assert flush(60)
    assert len(list(tmp_path.rglob("*.json"))) == 1
