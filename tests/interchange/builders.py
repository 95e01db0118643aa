"""Profiles to test with: by hand where the numbers matter, by hypothesis where all do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from hypothesis import strategies as st

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

CPU_METRICS = ("wall_seconds", "cpu_seconds", "await_seconds")
MEMORY_METRICS = ("bytes", "allocations")

MAIN = Frame("main", "/app/main.py", 3)
PARSE = Frame("parse", "/app/orders.py", 12)
FETCH = Frame("fetch", "/app/orders.py", 40)

Stacks = Iterable[tuple[Sequence[Frame], Sequence[float]]]


def tree_of(metrics: Sequence[str], stacks: Stacks) -> CallTree:
    table = StackTable(metrics, 25_000)
    for stack, values in stacks:
        table.add(stack, values)
    return table.tree(lambda key: key)  # type: ignore[arg-type,return-value]


def cpu_of(tree: CallTree) -> CpuProfile:
    return CpuProfile(
        backend="sampler",
        interval_seconds=0.01,
        sample_count=1240,
        wall_seconds=tree.total("wall_seconds"),
        cpu_seconds=tree.total("cpu_seconds") if "cpu_seconds" in tree.metrics else None,
        await_seconds=tree.total("await_seconds") if "await_seconds" in tree.metrics else None,
        tree=tree,
    )


def memory_of(peak: CallTree | None, retained: CallTree | None) -> MemoryProfile:
    return MemoryProfile(
        backend="memray",
        scope="call",
        rss_before_bytes=128 << 20,
        rss_after_bytes=160 << 20,
        rss_peak_bytes=400 << 20,
        peak_bytes=None if peak is None else int(peak.total("bytes")),
        retained_bytes=None if retained is None else int(retained.total("bytes")),
        allocation_count=101,
        timeline=((0.0, 128 << 20), (1.5, 400 << 20)),
        peak_tree=peak,
        retained_tree=retained,
    )


def profile_of(
    cpu: CallTree | None = None,
    peak: CallTree | None = None,
    retained: CallTree | None = None,
    **changes: object,
) -> Profile:
    fields: dict[str, object] = {
        "profile_id": "0b5c",
        "name": "my_app.orders.load",
        "started_at": datetime(2026, 5, 4, 11, 22, 33, 456789, tzinfo=UTC),
        "duration_seconds": 12.9,
        "outcome": "returned",
        "process": ProcessInfo(
            pid=4242,
            hostname="worker-7",
            python="3.11.7",
            implementation="CPython",
            monitoring_version="0.1.0",
        ),
        "context": CallContext(workflow_type="Orders", attempt=2),
        "sampling": SamplingInfo(mode="adaptive", calls_since_previous=412),
        "cpu": None if cpu is None else cpu_of(cpu),
        "memory": memory_of(peak, retained) if peak is not None or retained is not None else None,
        "overhead": 0.012,
    }
    return Profile.model_validate(fields | changes)


def both_halves(**changes: object) -> Profile:
    return profile_of(
        tree_of(
            CPU_METRICS,
            [
                ((MAIN,), (0.5, 0.4, 0.0)),
                ((MAIN, PARSE), (4.123456789, 2.1, 0.0)),
                ((MAIN, PARSE, PARSE), (1.0, 1.0, 0.0)),
                ((MAIN, FETCH), (8.3, 0.000000001, 8.1)),
            ],
        ),
        tree_of(MEMORY_METRICS, [((MAIN, PARSE), (123_456, 100)), ((MAIN, FETCH), (99, 1))]),
        tree_of(MEMORY_METRICS, [((MAIN, PARSE), (2**40 + 1, 7))]),
        **changes,
    )


_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_frames = st.builds(Frame, _names, st.one_of(st.just(""), _names), st.integers(0, 2**31 - 1))
# Whole nanoseconds up to some weeks, so that every format can say them exactly.
_nanoseconds = st.integers(0, 2**51).map(lambda value: value / 1_000_000_000)
# Sums of a few stay exact in a float.
_counts = st.integers(0, 2**45).map(float)


def _stacks(values: st.SearchStrategy[float], width: int) -> st.SearchStrategy[Stacks]:
    pool = st.lists(_frames, min_size=1, max_size=5, unique=True)
    return pool.flatmap(
        lambda frames: st.lists(
            st.tuples(
                st.lists(st.sampled_from(frames), min_size=1, max_size=6),
                st.lists(values, min_size=width, max_size=width),
            ),
            max_size=12,
            unique_by=lambda stack: tuple(stack[0]),
        )
    )


def cpu_trees(metrics: Sequence[str] = CPU_METRICS) -> st.SearchStrategy[CallTree]:
    return _stacks(_nanoseconds, len(metrics)).map(lambda stacks: tree_of(metrics, stacks))


def memory_trees() -> st.SearchStrategy[CallTree]:
    return _stacks(_counts, 2).map(lambda stacks: tree_of(MEMORY_METRICS, stacks))


def profiles() -> st.SearchStrategy[Profile]:
    return st.builds(
        profile_of,
        st.one_of(st.none(), cpu_trees(), cpu_trees(CPU_METRICS[:1])),
        st.one_of(st.none(), memory_trees()),
        st.one_of(st.none(), memory_trees()),
        name=_names,
    )
