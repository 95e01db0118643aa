"""Whatever keeps the watch from naming the line, the leak itself is told once, with the reason."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from types import CellType

import pytest

from application_sdk.monitoring import flush
from application_sdk.monitoring.calls.kinds import Kind
from application_sdk.monitoring.engine.gate import Gate
from application_sdk.monitoring.engine.leak_watch.inspection import Finding, Inspection
from application_sdk.monitoring.engine.leak_watch.watch import LeakWatch
from application_sdk.monitoring.engine.plan import Options, Plan
from application_sdk.monitoring.protocols import BackendUnavailable

STEP = 2 * 2**20


class MadeUp(Inspection):
    """A look at allocations that goes as the test says."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        super().__init__(plans)
        self.ended = False

    def start(self) -> None:
        pass

    def step(self) -> bool:
        return True

    def stop(self) -> None:
        self.ended = True

    def discard(self) -> None:
        pass

    def read(self) -> Finding | None:
        return None


class Taken(MadeUp):
    tried = False

    def start(self) -> None:
        Taken.tried = True
        raise BackendUnavailable("another profiler has the hook")


class Raising(MadeUp):
    def start(self) -> None:
        raise OSError("no space left")


class Unreadable(MadeUp):
    def read(self) -> Finding | None:
        raise ValueError("cut off")


class Endless(MadeUp):
    def step(self) -> bool:
        return False


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[type[Inspection]], list[str]]]:
    """The first thing said of a process that grows steadily, a reading each quarter hour."""
    monkeypatch.setattr(f"{LeakWatch.__module__}.READING_SECONDS", 3600.0)
    logger = logging.getLogger("application_sdk.monitoring")
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    clock = [0.0]
    plan = Plan(lambda: None, Kind.SYNC, "app.load", Options(memory=True))
    plan.gate = Gate(CellType(1), 0.0)
    watches: list[LeakWatch] = []

    def until_said(inspection: type[Inspection]) -> list[str]:
        watch = LeakWatch(lambda: clock[0], settle_seconds=0, inspect=inspection)
        watches.append(watch)
        watch.join(plan)
        kept = []
        for _ in range(300):
            # Once a look is tried, it is tried again with each reading, at their true distance.
            if getattr(inspection, "tried", False):
                clock[0] += 1
            else:
                kept.append(b"p" * STEP)
                clock[0] += 900
            watch.read()
            assert flush(60)
            if any("Memory leak" in text for text in said):
                break
        return [text for text in said if "Memory leak" in text]

    yield until_said
    for watch in watches:
        watch.stop()
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    ("inspection", "reason"),
    [
        (MadeUp, "nothing kept growing while allocations were traced"),
        (Taken, "another profiler has the hook"),
        (Raising, "looking for it failed: no space left"),
        (Unreadable, "the trace could not be read: cut off"),
        (Endless, "the growth was decided about before it could be looked at"),
    ],
)
def test_the_reason_stands_where_the_line_would(
    watching: Callable[[type[Inspection]], list[str]], inspection: type[Inspection], reason: str
) -> None:
    said = watching(inspection)
    assert said[0].startswith("Memory leak suspected: ")
    assert said[0].endswith(f"no line is named because {reason}")


def test_a_look_that_is_given_up_is_ended(
    watching: Callable[[type[Inspection]], list[str]],
) -> None:
    made: list[MadeUp] = []

    class Kept(Endless):
        def __init__(self, plans: Sequence[Plan]) -> None:
            super().__init__(plans)
            made.append(self)

    watching(Kept)
    assert [inspection.ended for inspection in made] == [True]
