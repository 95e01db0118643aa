"""The running sums of the two halves of profiles that are merged."""

from __future__ import annotations

import sys
from collections import Counter

from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.profile import CpuProfile, MemoryProfile
from application_sdk.monitoring.model.stack_table import StackTable

_UNLIMITED = sys.maxsize


class _TreeSum:
    """Trees added up per call path, in the metrics that all of them have."""

    def __init__(self) -> None:
        self.count = 0
        self._table: StackTable | None = None
        self._in_all: set[str] = set()
        self._in_any: dict[str, None] = {}

    def add(self, tree: CallTree) -> None:
        if self._table is None:
            self._table = StackTable(tree.metrics, _UNLIMITED)
            self._in_all = set(tree.metrics)
        self.count += 1
        self._in_all &= set(tree.metrics)
        self._in_any.update(dict.fromkeys(tree.metrics))
        if not self._in_all:
            raise InvalidArgumentError(
                "these profiles cannot be merged: no metric is in all of them "
                f"({', '.join(self._in_any)})"
            )
        self._table.add_tree(tree)

    @property
    def left_out(self) -> list[str]:
        """Metrics that only some of the trees have: their sum would be of some calls only."""
        return [metric for metric in self._in_any if metric not in self._in_all]

    def result(self) -> CallTree | None:
        if self._table is None:
            return None
        # A table's keys are the frames themselves: there is nothing to look up.
        whole = self._table.tree(lambda key: key if isinstance(key, Frame) else Frame("?", "", 0))
        kept = tuple(metric for metric in whole.metrics if metric in self._in_all)
        if kept == whole.metrics:
            return whole
        values = {metric: whole.values[metric] for metric in kept}
        return whole.model_copy(update={"metrics": kept, "values": values})


class _Total:
    """A sum that knows in how many profiles its value was known."""

    def __init__(self) -> None:
        self.value: float = 0
        self.known = 0

    def add(self, value: float | None) -> None:
        if value is not None:
            self.value += value
            self.known += 1

    def whole(self) -> int | None:
        return int(self.value) if self.known else None


class MergedCpu:
    """The sum of CPU halves."""

    def __init__(self) -> None:
        self._count = 0
        self._backends: Counter[str] = Counter()
        self._intervals: set[float] = set()
        self._samples = 0
        self._wall, self._cpu, self._await = _Total(), _Total(), _Total()
        self._tree = _TreeSum()

    def add(self, cpu: CpuProfile) -> None:
        """Add one profile's CPU half."""
        self._count += 1
        self._backends[cpu.backend] += 1
        self._intervals.add(cpu.interval_seconds)
        self._samples += cpu.sample_count
        self._wall.add(cpu.wall_seconds)
        self._cpu.add(cpu.cpu_seconds)
        self._await.add(cpu.await_seconds)
        self._tree.add(cpu.tree)

    def result(self) -> CpuProfile | None:
        """The sum; None where no profile had a CPU half."""
        tree = self._tree.result()
        if tree is None:
            return None
        return CpuProfile(
            backend=", ".join(sorted(self._backends)),
            interval_seconds=max(self._intervals),
            sample_count=self._samples,
            wall_seconds=self._wall.value,
            cpu_seconds=self._of_all(self._cpu),
            await_seconds=self._of_all(self._await),
            tree=tree,
        )

    def notes(self, profiles: int) -> list[str]:
        """What the sum does not say by itself, in sentences."""
        notes = []
        if 0 < self._count < profiles:
            notes.append(f"{self._count:,} of {profiles:,} profiles have a CPU half")
        if self._tree.left_out:
            notes.append(
                f"{', '.join(self._tree.left_out)} was not measured in every profile and is "
                "left out"
            )
        if len(self._intervals) > 1:
            notes.append("the intervals between samples differed; the longest one is shown")
        return notes

    def _of_all(self, total: _Total) -> float | None:
        return total.value if total.known == self._count else None


class MergedMemory:
    """The sum of memory halves."""

    def __init__(self) -> None:
        self._count = 0
        self._backends: Counter[str] = Counter()
        self._own = 0
        self._rss_peak: int | None = None
        self._peak, self._retained, self._allocations = _Total(), _Total(), _Total()
        self._peak_tree, self._retained_tree = _TreeSum(), _TreeSum()

    def add(self, memory: MemoryProfile) -> None:
        """Add one profile's memory half."""
        self._count += 1
        self._backends[memory.backend] += 1
        self._own += memory.scope == "call"
        known = [peak for peak in (self._rss_peak, memory.rss_peak_bytes) if peak is not None]
        self._rss_peak = max(known, default=None)
        self._peak.add(memory.peak_bytes)
        self._retained.add(memory.retained_bytes)
        self._allocations.add(memory.allocation_count)
        if memory.peak_tree is not None:
            self._peak_tree.add(memory.peak_tree)
        if memory.retained_tree is not None:
            self._retained_tree.add(memory.retained_tree)

    def result(self) -> MemoryProfile | None:
        """The sum; None where no profile had a memory half."""
        if not self._count:
            return None
        return MemoryProfile(
            backend=", ".join(sorted(self._backends)),
            scope="call" if self._own else "process",
            # Resident sizes of different moments have no sum that means anything.
            rss_before_bytes=None,
            rss_after_bytes=None,
            rss_peak_bytes=self._rss_peak,
            peak_bytes=self._peak.whole(),
            retained_bytes=self._retained.whole(),
            allocation_count=self._allocations.whole(),
            peak_tree=self._peak_tree.result(),
            retained_tree=self._retained_tree.result(),
        )

    def notes(self, profiles: int) -> list[str]:
        """What the sum does not say by itself, in sentences."""
        if not self._count:
            return []
        notes = []
        if self._count < profiles:
            notes.append(f"{self._count:,} of {profiles:,} profiles have a memory half")
        if self._peak.known:
            notes.append(
                "peak memory is the sum of each call's own peak, which they reached at "
                "different times"
            )
        if 0 < self._own < self._count:
            notes.append(
                f"{self._count - self._own:,} profiles know only their whole process's memory "
                "and add nothing to what calls had allocated"
            )
        if self._rss_peak is not None:
            notes.append("the resident set size is the largest of all; it is not added up")
        return notes
