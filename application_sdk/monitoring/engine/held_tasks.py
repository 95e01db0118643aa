"""Names in the log whoever holds a workflow task for long, before the deadlock detector does."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import CodeType

from application_sdk.monitoring.backends.stacks import line_of, own_files, running_places
from application_sdk.monitoring.containment import logger
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.ticker import Tick, ticker

LIMIT_SECONDS = 0.2

_TICK_SECONDS = 0.05
_LINGER_SECONDS = 0.2


@dataclass
class Slice:
    """A workflow's turn to run, from one await of its ``run`` to the next.

    Attributes:
        workflow_type: What the workflow is called.
        workflow_id: The workflow's id.
        run_id: The run's id.
        began: When the turn began, in the clock of ``time.monotonic``.
        told: Whether the log has it already.
    """

    workflow_type: str
    workflow_id: str
    run_id: str
    began: float = 0.0
    told: bool = False


class HeldTasks:
    """Watches the slices that run now, from a tick that lingers between them.

    Args:
        marker: Code of the frame that every slice runs below.
    """

    def __init__(self, marker: CodeType) -> None:
        self._marker = marker
        self._lock = threading.Lock()
        self._running: dict[int, Slice] = {}
        self._tick: Tick | None = None
        self._last_used = 0.0

    def enter(self, turn: Slice) -> None:
        """A slice begins, on this thread."""
        turn.told = False
        with self._lock:  # the tick must not go while a slice comes
            turn.began = self._last_used = time.monotonic()
            self._running[threading.get_ident()] = turn
            if self._tick is None:
                self._tick = ticker.add(self._look, _TICK_SECONDS)

    def leave(self) -> None:
        """The slice of this thread has ended."""
        self._running.pop(threading.get_ident(), None)

    def _look(self) -> None:
        now = time.monotonic()
        for thread, turn in list(self._running.items()):
            if now - turn.began > LIMIT_SECONDS and not turn.told:
                turn.told = True
                places = running_places(thread)
                if self._running.get(thread) is turn:
                    self._tell(turn, now - turn.began, places)
        if not self._running and now - self._last_used > _LINGER_SECONDS:
            with self._lock:
                if self._tick is not None and not self._running:
                    ticker.remove(self._tick)
                    self._tick = None

    def _tell(self, turn: Slice, seconds: float, places: list[tuple[CodeType, int]]) -> None:
        stack = self._format(places)

        def log() -> None:
            logger().warning(
                "The workflow task of %s (workflow %s, run %s) has been held for %d ms by the "
                "workflow's own code, and Temporal's deadlock detector fails it after 2 s: move "
                "this work into an activity\n%s",
                turn.workflow_type,
                turn.workflow_id,
                turn.run_id,
                round(seconds * 1000),
                stack,
            )

        # Off the ticker's thread: the first message may have to import the SDK's logger.
        delivery.put(log)

    def _format(self, places: list[tuple[CodeType, int]]) -> str:
        lines: list[str] = []
        for code, instruction in places:
            if code is self._marker:
                break
            if not own_files[code.co_filename]:
                line = line_of(code, instruction)
                lines.append(f'  File "{code.co_filename}", line {line}, in {code.co_qualname}')
        return "\n".join(reversed(lines))
