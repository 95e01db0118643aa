"""Puts together a profile of what a file of another tool says."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.profile import (
    CallContext,
    CpuProfile,
    MemoryProfile,
    ProcessInfo,
    Profile,
    SamplingInfo,
)
from application_sdk.monitoring.model.stack_table import StackTable
from application_sdk.monitoring.model.views import TITLES

# The keys of each of a profile's trees, in the order of its metrics.
CPU_KEYS = ("wall_seconds", "cpu_seconds", "await_seconds")
PEAK_KEYS = ("peak_bytes", "peak_allocations")
RETAINED_KEYS = ("retained_bytes", "retained_allocations")
KEYS = tuple(TITLES)


@dataclass(frozen=True)
class Wishes:
    """What whoever imports a file knows and the file does not say.

    Attributes:
        name: The profile's name.
        metric: What the file's numbers are, as the key of a view.
        interval_seconds: Time between samples, where the numbers count samples.
    """

    name: str | None = None
    metric: str | None = None
    interval_seconds: float | None = None


@dataclass
class Draft:
    """A profile in the making: stacks under the key of the view that they belong to."""

    tool: str
    name: str
    started_at: datetime
    duration_seconds: float | None = None
    sample_count: int = 0
    interval_seconds: float | None = None
    cpu_seconds: float | None = None
    pid: int = 0
    context: CallContext = field(default_factory=CallContext)
    notes: list[str] = field(default_factory=list)
    timeline: tuple[tuple[float, int], ...] = ()
    whole_process: bool = False
    _tables: dict[tuple[str, ...], StackTable] = field(default_factory=dict)
    _keys: dict[str, None] = field(default_factory=dict)

    def has(self, key: str) -> None:
        """Say that the file measures a view, whether or not any stack follows."""
        self._keys[key] = None

    def add(self, key: str, stack: Sequence[Frame], value: float) -> None:
        """Add a value to the last frame of a stack, outermost first."""
        self.has(key)
        keys = _group(key)
        table = self._tables.get(keys)
        if table is None:
            table = self._tables[keys] = StackTable(keys, sys.maxsize)
        values = [0.0] * len(keys)
        values[keys.index(key)] = value
        table.add(stack, values)

    def profile(self, content: bytes) -> Profile:
        """The profile; equal content gives an equal one.

        Raises:
            UnreadableProfileError: If the file held nothing that a profile can hold.
        """
        if not self._keys:
            raise UnreadableProfileError(f"this {self.tool} file holds no samples")
        cpu, memory = self._cpu(), self._memory()
        wall = 0.0 if cpu is None else cpu.wall_seconds
        return Profile(
            profile_id=hashlib.sha256(content).hexdigest()[:32],
            name=self.name,
            started_at=self.started_at,
            duration_seconds=wall if self.duration_seconds is None else self.duration_seconds,
            outcome="returned",
            process=ProcessInfo(
                pid=self.pid,
                hostname="",
                python="",
                implementation="",
                monitoring_version="",
            ),
            context=self.context,
            sampling=SamplingInfo(mode="fixed"),
            cpu=cpu,
            memory=memory,
            notes=(
                f"imported from {self.tool}: machine, Python and outcome are not known",
                *self.notes,
            ),
        )

    def _cpu(self) -> CpuProfile | None:
        tree = self._tree(CPU_KEYS)
        if tree is None:
            return None
        if "wall_seconds" in tree.metrics:
            wall = tree.total("wall_seconds")
        else:
            wall = tree.total()
            self.notes.append(f"elapsed time was not recorded: {tree.metrics[0]} stands for it")
        if self.interval_seconds is None:
            self.notes.append("the time between samples is not known: 0 stands for it")
        return CpuProfile(
            backend=self.tool,
            interval_seconds=self.interval_seconds or 0.0,
            sample_count=self.sample_count,
            wall_seconds=wall,
            cpu_seconds=_total(tree, "cpu_seconds", self.cpu_seconds),
            await_seconds=_total(tree, "await_seconds", None),
            tree=tree,
        )

    def _memory(self) -> MemoryProfile | None:
        peak, retained = self._tree(PEAK_KEYS), self._tree(RETAINED_KEYS)
        if peak is None and retained is None:
            return None
        rss = [size for _, size in self.timeline]
        return MemoryProfile(
            backend=self.tool,
            scope="process" if self.whole_process else "call",
            rss_before_bytes=rss[0] if rss else None,
            rss_after_bytes=rss[-1] if rss else None,
            rss_peak_bytes=max(rss, default=None),
            peak_bytes=_bytes(peak),
            retained_bytes=_bytes(retained),
            timeline=self.timeline,
            peak_tree=peak,
            retained_tree=retained,
        )

    def _tree(self, keys: tuple[str, ...]) -> CallTree | None:
        measured = tuple(key for key in keys if key in self._keys)
        if not measured:
            return None
        table = self._tables.get(keys) or StackTable(keys, sys.maxsize)
        whole = table.tree(lambda key: key if isinstance(key, Frame) else Frame("?", "", 0))
        return CallTree(
            metrics=tuple(_metric(key) for key in measured),
            files=whole.files,
            frames=whole.frames,
            parents=whole.parents,
            frame_ids=whole.frame_ids,
            values={_metric(key): whole.values[key] for key in measured},
        )


def at(seconds: float) -> datetime:
    """The moment that many seconds after the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


def _group(key: str) -> tuple[str, ...]:
    return next(keys for keys in (CPU_KEYS, PEAK_KEYS, RETAINED_KEYS) if key in keys)


def _metric(key: str) -> str:
    return key.removeprefix("peak_").removeprefix("retained_")


def _total(tree: CallTree, metric: str, otherwise: float | None) -> float | None:
    return tree.total(metric) if metric in tree.metrics else otherwise


def _bytes(tree: CallTree | None) -> int | None:
    return int(tree.total("bytes")) if tree is not None and "bytes" in tree.metrics else None
