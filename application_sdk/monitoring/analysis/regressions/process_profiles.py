"""Profiles of both versions, from stacks that fresh processes sampled."""

from __future__ import annotations

import os
import platform
import socket
import uuid
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from typing import Any

from application_sdk.monitoring.analysis.regressions.worktree import Checkout
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import (
    CpuProfile,
    ProcessInfo,
    Profile,
    SamplingInfo,
)
from application_sdk.monitoring.model.stack_table import StackTable

_MAX_NODES = 25_000


def profile_of(
    answers: Sequence[dict[str, Any]],
    costs: Sequence[float],
    clock: str,
    side: Checkout,
    name: str,
) -> Profile:
    """One profile of all the processes of one side.

    Each process's time is scaled to one call, so that sides that made different numbers of calls
    compare. Paths of the base revision are told as those of the working tree.

    Args:
        answers: What the processes answered to ``stacks``.
        costs: What each of them cost as a whole, in seconds.
        clock: What a cost is, in words.
        side: Whose they are.
        name: The profile's name.
    """
    table = StackTable(("wall_seconds",), _MAX_NODES)
    samples, total = 0, 0.0
    for answer, cost in zip(answers, costs, strict=True):
        frames = [_frame(frame, side) for frame in answer["frames"]]
        count = sum(count for _, count in answer["stacks"])
        if not count:
            continue
        seconds = cost / answer["calls"] / len(answers)
        samples += count
        total += seconds
        for stack, hits in answer["stacks"]:
            table.add([frames[number] for number in stack], [seconds * hits / count])
    tree = table.tree(_itself)
    return Profile(
        profile_id=uuid.uuid4().hex,
        name=name,
        started_at=datetime.now(UTC),
        duration_seconds=total,
        outcome="returned",
        process=_this_machine(),
        sampling=SamplingInfo(mode="fixed", rate=1.0),
        cpu=CpuProfile(
            backend="timer",
            interval_seconds=0.001,
            sample_count=samples,
            wall_seconds=total,
            cpu_seconds=None,
            await_seconds=None,
            tree=tree,
        ),
        notes=(_note(len(answers), clock),),
    )


def _note(processes: int, clock: str) -> str:
    return (
        f"the mean of one call in {clock}, sampled in {processes} fresh processes; "
        "only the main thread is seen"
    )


def _frame(frame: Sequence[Any], side: Checkout) -> Frame:
    function, file, line = frame
    root = f"{side.root}{os.sep}"
    if side.root != side.top and file.startswith(root):
        file = f"{side.top}{os.sep}{file[len(root) :]}"
    return Frame(function, file, line)


def _itself(key: Hashable) -> Frame:
    assert isinstance(key, Frame)
    return key


def _this_machine() -> ProcessInfo:
    return ProcessInfo(
        pid=os.getpid(),
        hostname=socket.gethostname(),
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        cpu_count=os.cpu_count(),
        monitoring_version="unknown",
    )
