"""What monitoring costs a process: plain data that the process publishes and others read."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

CostKind = Literal["calls", "capturing", "writing", "sending", "watching"]
"""What a cost arises from: starting and stopping captures in callers; sampling and tracking;
reading, rendering and writing; sending; watching for leaks and slow-downs."""

COST_KINDS: tuple[CostKind, ...] = get_args(CostKind)

OTHER_FUNCTIONS = "(other)"
"""The name under which functions beyond a bound are added up."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class FunctionSpend(_Frozen):
    """What profiling one function has cost.

    Attributes:
        name: The profile's name.
        cost_seconds: What its profiles cost, from start to delivery.
        profiled_calls: Its calls that were profiled and delivered.
        calls: Since the beginning: its calls. Lately: those that the profiled ones stand for, which
            are counted with the next profile.
    """

    name: str
    cost_seconds: float
    profiled_calls: int
    calls: int


class Period(_Frozen):
    """What monitoring has cost over some time.

    Attributes:
        seconds: How long that was.
        cost_seconds: What monitoring cost: wall time of callers, CPU time of other work.
        costs: The same by kind.
        profiled_calls: Calls that were profiled and delivered.
        calls: Calls of the functions that were profiled, as for each of them.
        functions: The functions that cost most, largest first.
    """

    seconds: float
    cost_seconds: float
    costs: dict[CostKind, float]
    profiled_calls: int
    calls: int
    functions: tuple[FunctionSpend, ...] = ()

    @property
    def share(self) -> float:
        """The part of the time that monitoring cost; 0 where no time has passed."""
        return self.cost_seconds / self.seconds if self.seconds > 0 else 0.0


class Spend(_Frozen):
    """What one process has published of its spending.

    Attributes:
        pid: The process.
        hostname: Its machine.
        began_at: Since when its monitoring counts.
        as_of: When these figures were published.
        overhead_budget: The share of time that adaptive profiling may cost.
        sample_rate: The given rate, which the budget does not bound; None where it does.
        lately: The sliding window.
        in_all: Everything since ``began_at``.
        dropped: Profiles that were dropped, by the queue that was full.
        ended: Whether the process said that it ends.
    """

    pid: int
    hostname: str
    began_at: datetime
    as_of: datetime
    overhead_budget: float
    sample_rate: float | str | None
    lately: Period
    in_all: Period
    dropped: dict[str, int]
    ended: bool = False
