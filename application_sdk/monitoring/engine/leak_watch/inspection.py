"""One bounded look at every allocation of the process.

It tells which lines keep growing, and under which decorated function.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FunctionType

from application_sdk.monitoring.analysis.leaks.own_code import OwnCode
from application_sdk.monitoring.analysis.leaks.report import LeakSite
from application_sdk.monitoring.analysis.leaks.retained import retained_profile
from application_sdk.monitoring.analysis.leaks.sites import find_sites
from application_sdk.monitoring.calls.wrapper import WRAPPER_FILE
from application_sdk.monitoring.engine.leak_watch.suspects import calls_of
from application_sdk.monitoring.engine.plan import Plan
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.protocols import GrowthTracer, TracedFrame, TracedGrowth
from application_sdk.monitoring.registry import growth_tracers

BLOCKS = 5
_FEWEST_CALLS = 4
_LEAST_SECONDS = 1.0
_MOST_SECONDS = 12.0
_MOST_RECORDED_BYTES = 48 * 2**20
_PACKAGE = str(Path(__file__).parents[2]) + os.sep
_TRACED_SHARE = 0.75
"""What of the time that is traced counts as cost: a call takes about four times as long."""


@dataclass(frozen=True)
class Finding:
    """What an inspection found.

    Attributes:
        plan: The decorated function that the largest site is under; None when under none.
        sites: The sites that keep growing, largest first.
        profile: Their retained flamegraph.
    """

    plan: Plan | None
    sites: Sequence[LeakSite]
    profile: Profile


class Inspection:
    """Traces a few blocks of calls, from one tick of the watch to the next.

    Args:
        plans: The decorated functions.
        clock: Seconds, by which blocks are long enough.
    """

    def __init__(self, plans: Sequence[Plan], clock: Callable[[], float] = time.monotonic) -> None:
        self._plans = list(plans)
        self._clock = clock
        self._tracer: GrowthTracer = growth_tracers.get("memray")()
        self._began_at = datetime.now(UTC)
        self._began = self._block_began = self._clock()
        self._calls = [0] * len(self._plans)
        self._first_calls = 0
        self._marks = 0
        self.cost_seconds = 0.0

    def start(self) -> None:
        """Begin.

        Raises:
            BackendUnavailable: If allocations cannot be traced now.
        """
        self._tracer.start()
        self._began = self._clock()
        self._mark()

    def step(self) -> bool:
        """End a block if it has lasted long enough; whether the last one has ended."""
        lasted = self._clock() - self._block_began
        made = [
            calls_of(plan) - calls for plan, calls in zip(self._plans, self._calls, strict=True)
        ]
        enough = lasted >= _LEAST_SECONDS and max(made, default=0) >= _FEWEST_CALLS
        full = self._tracer.recorded_bytes() > _MOST_RECORDED_BYTES
        if enough or full or lasted >= _MOST_SECONDS:
            self._mark()
        return self._marks > BLOCKS or full

    def stop(self) -> None:
        """End the trace."""
        self._tracer.stop()
        self.cost_seconds += (self._clock() - self._began) * _TRACED_SHARE

    def discard(self) -> None:
        """Give the trace up, once it is stopped."""
        self._tracer.discard()

    def read(self) -> Finding | None:
        """What keeps growing; None when nothing does. Takes seconds: not on a caller's path."""
        growth = self._tracer.read()
        if self._marks <= BLOCKS:
            return None
        names = {_code_key(plan): plan for plan in self._plans}
        own = OwnCode()
        calls = max(1, sum(map(calls_of, self._plans)) - self._first_calls)
        found = find_sites(_without_ours(growth, own), calls, own)
        if not found.sites:
            return None
        plan = next((names[key] for key in reversed(_keys(found.sites[0])) if key in names), None)
        name = "leaks" if plan is None else plan.name
        seconds = self._clock() - self._began
        profile = retained_profile(name, self._began_at, seconds, found.tree)
        return Finding(plan, found.sites, profile)

    def _mark(self) -> None:
        # Cycles that wait for the collector would look like growth.
        began = time.thread_time()
        gc.collect()
        self.cost_seconds += time.thread_time() - began
        self._tracer.mark()
        self._marks += 1
        self._block_began = self._clock()
        self._calls = [calls_of(plan) for plan in self._plans]
        if self._marks == 2:  # the first block is not judged
            self._first_calls = sum(self._calls)


def _without_ours(growth: TracedGrowth, is_own: OwnCode) -> TracedGrowth:
    """The growth without what the monitoring keeps itself, and without its frames."""
    stacks = []
    for stack in growth.stacks:
        innermost = next((f for f, _ in reversed(stack.frames) if is_own(f.file)), None)
        if innermost is None or _is_ours(innermost.file):
            continue
        frames: tuple[TracedFrame, ...] = tuple(
            (frame, line) for frame, line in stack.frames if not _is_ours(frame.file)
        )
        stacks.append(replace(stack, frames=frames))
    return replace(growth, stacks=tuple(stacks))


def _is_ours(file: str) -> bool:
    return file == WRAPPER_FILE or file.startswith(_PACKAGE)


def _code_key(plan: Plan) -> tuple[str, str]:
    target = plan.target
    if isinstance(target, FunctionType):
        return target.__code__.co_filename, target.__code__.co_name
    return "", plan.name


def _keys(site: LeakSite) -> list[tuple[str, str]]:
    """File and function of each frame of a site's path."""
    keys = []
    for entry in site.stack:
        place, _, function = entry.rpartition(" ")
        keys.append((place.rpartition(":")[0], function))
    return keys
