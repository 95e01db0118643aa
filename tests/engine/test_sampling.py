"""How many calls are profiled, and which."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import CellType

import pytest

from application_sdk.monitoring.engine.gate import Gate


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """The interpreter changes threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-7)
    yield
    sys.setswitchinterval(before)


@pytest.mark.parametrize(
    ("rate", "fewest", "most"), [(1.0, 40_000, 40_000), (0.5, 19_999, 20_001), (0.01, 399, 401)]
)
@pytest.mark.usefixtures("hasty_threads")
def test_a_given_rate_is_exact_when_threads_call_at_once(
    rate: float, fewest: int, most: int
) -> None:
    cell = CellType(1)
    gate = Gate(cell, rate)
    found: list[object] = []

    def call_often() -> None:
        for _ in range(5_000):
            cell.cell_contents -= 1  # what a generated wrapper does
            if cell.cell_contents <= 0:
                found.append(gate.ask())

    threads = [threading.Thread(target=call_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gate.calls == 40_000
    assert fewest <= len([each for each in found if each is not None]) <= most
