"""Profiles for the pages that the tests look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import (
    CallContext,
    CpuProfile,
    MemoryProfile,
    ProcessInfo,
    Profile,
    SamplingInfo,
)

Node = tuple[int, int, float]

HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "line\u2028separator",
    "right\u202eto left",
    "n" * 10_000,
    "😀 smile \ud83d",
    "<!-- <svg onload=alert(3)>",
    "`${alert(4)}` & 'quotes'",
)

FRAMES = (
    ("main", "/app/main.py", 1),
    ("load", "/app/load.py", 10),
    ("parse", "/app/load.py", 30),
    ("read_csv", "/venv/lib/python3.11/site-packages/pandas/io.py", 5),
    ("tokenize", "/venv/lib/python3.11/site-packages/pandas/parser.py", 7),
    ("write", "/app/write.py", 3),
)
# Parent, frame and self milliseconds of each node.
NODES: tuple[Node, ...] = (
    (-1, 0, 20),
    (0, 1, 80),
    (1, 3, 100),
    (2, 4, 200),
    (3, 2, 150),
    (0, 5, 450),
)


def tree(
    metrics: tuple[str, ...] = ("wall_seconds", "cpu_seconds", "await_seconds"),
    frames: tuple[tuple[str, str, int], ...] = FRAMES,
    nodes: tuple[Node, ...] = NODES,
    scale: float = 0.001,
) -> CallTree:
    """A call tree; further metrics are fractions of the first."""
    files = tuple(dict.fromkeys(file for _, file, _ in frames))
    return CallTree(
        metrics=metrics,
        files=files,
        frames=tuple((name, files.index(file), line) for name, file, line in frames),
        parents=tuple(parent for parent, _, _ in nodes),
        frame_ids=tuple(frame for _, frame, _ in nodes),
        values={
            metric: tuple(round(own * scale / (number + 1), 9) for _, _, own in nodes)
            for number, metric in enumerate(metrics)
        },
    )


def profile(cpu: CallTree | None = None, *, memory: bool = True, **fields: Any) -> Profile:
    """A profile with both halves."""
    allocated = tree(("bytes", "allocations"), scale=1000)
    readings = tuple((k * 0.1, 50_000_000 + k * (20 - k) * 100_000) for k in range(20))
    half = MemoryProfile(
        backend="memray",
        scope="call",
        rss_before_bytes=50_000_000,
        rss_after_bytes=51_900_000,
        rss_peak_bytes=60_000_000,
        peak_bytes=1_000_000,
        retained_bytes=1_000_000,
        allocation_count=7,
        timeline=readings,
        peak_tree=allocated,
        retained_tree=allocated,
    )
    values: dict[str, Any] = {
        "profile_id": "0123456789abcdef",
        "name": "app.activities.extract",
        "started_at": datetime(2026, 11, 1, 12, tzinfo=UTC),
        "duration_seconds": 1.0,
        "outcome": "returned",
        "process": ProcessInfo(
            pid=7,
            hostname="worker-1",
            python="3.11.7",
            implementation="CPython",
            monitoring_version="0.1.0",
        ),
        "context": CallContext(workflow_id="wf-7", workflow_run_id="run-7"),
        "sampling": SamplingInfo(mode="adaptive"),
        "cpu": CpuProfile(
            backend="sampler",
            interval_seconds=0.01,
            sample_count=100,
            wall_seconds=1.0,
            cpu_seconds=0.5,
            await_seconds=0.3,
            tree=cpu or tree(),
        ),
        "memory": half if memory else None,
        "notes": ("The sampler ran, because memory was captured beside it.",),
    }
    return Profile(**{**values, **fields})


def hostile_profile() -> Profile:
    """Every name, file, note and context that could do harm, did the page let it."""
    frames = tuple((name, f"/app/{name}.py", number + 1) for number, name in enumerate(HOSTILE))
    nodes = tuple((number - 1, number, 100.0) for number in range(len(frames)))
    return profile(
        tree(frames=frames, nodes=nodes),
        name="".join(name[:60] for name in HOSTILE),
        notes=HOSTILE,
        exception_type=HOSTILE[1],
        outcome="raised",
        context=CallContext(workflow_id=HOSTILE[0], tenant_id=HOSTILE[3]),
    )


def deep_profile(depth: int) -> Profile:
    """A function that calls itself so many times."""
    nodes = tuple((number - 1, 0 if number == 0 else 1, 1.0) for number in range(depth))
    return profile(tree(nodes=nodes), memory=False)
