"""A profile: everything that was learnt about one call."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from application_sdk.monitoring.model.call_tree import CallTree

SCHEMA_VERSION = "1.0"

Outcome = Literal["returned", "raised", "cancelled", "closed"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class CpuProfile(_Frozen):
    """Where the time of one call went.

    Attributes:
        backend: The CPU backend that ran: ``pyinstrument`` or ``sampler``.
        interval_seconds: The intended time between two samples.
        sample_count: How many samples were taken of this call.
        wall_seconds: Elapsed time that the tree accounts for, awaiting included.
        cpu_seconds: Time that the call's thread burnt on a CPU; None when not measured.
        await_seconds: Time that the call's coroutine was suspended; None when not measured.
        tree: Call tree with the metrics ``wall_seconds``, ``cpu_seconds``,
            ``await_seconds``, without those that were not measured.
    """

    backend: str
    interval_seconds: float
    sample_count: int
    wall_seconds: float
    cpu_seconds: float | None
    await_seconds: float | None
    tree: CallTree


class MemoryProfile(_Frozen):
    """What one call did to memory, in bytes.

    Attributes:
        backend: The memory backend that ran: ``memray`` or ``rss``.
        scope: ``call`` when the trees hold only the call's own allocations,
            ``process`` when all that is known is the whole process's memory.
        rss_before_bytes: Resident set size of the process when the call began.
        rss_after_bytes: Resident set size when it ended.
        rss_peak_bytes: The largest resident set size seen in between.
        peak_bytes: The call's own live bytes when they were most.
        retained_bytes: Allocated by the call and not freed when its capture ended.
        allocation_count: How many allocations the call made.
        timeline: Pairs of seconds since the call began and resident bytes.
        peak_tree: Call tree of the live bytes at the peak.
        retained_tree: Call tree of the retained bytes.
    """

    backend: str
    scope: Literal["call", "process"]
    rss_before_bytes: int | None
    rss_after_bytes: int | None
    rss_peak_bytes: int | None
    peak_bytes: int | None = None
    retained_bytes: int | None = None
    allocation_count: int | None = None
    timeline: tuple[tuple[float, int], ...] = ()
    peak_tree: CallTree | None = None
    retained_tree: CallTree | None = None


class ProcessInfo(_Frozen):
    """The process and machine that a profile was made on: what comparisons call the environment."""

    pid: int
    hostname: str
    python: str
    implementation: str
    cpu_model: str | None = None
    cpu_count: int | None = None
    total_memory_bytes: int | None = None
    monitoring_version: str
    libraries: dict[str, str] = Field(default_factory=dict)


class CallContext(_Frozen):
    """Where a call belongs in the system around it; each None when unknown."""

    workflow_id: str | None = None
    workflow_run_id: str | None = None
    workflow_type: str | None = None
    activity_id: str | None = None
    activity_type: str | None = None
    attempt: int | None = None
    task_queue: str | None = None
    tenant_id: str | None = None
    correlation_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


class SamplingInfo(_Frozen):
    """How it came that this call was profiled.

    Attributes:
        mode: ``fixed`` when a rate was given, ``trace`` when the span of the call decided,
            ``adaptive`` when the overhead budget decides.
        rate: The given fraction of calls; None in the other modes.
        calls_since_previous: Calls of this function since the previous profiled one, this
            one included: how many calls this profile stands for; None when not known.
    """

    mode: Literal["fixed", "adaptive", "trace"]
    rate: float | None = None
    calls_since_previous: int | None = None


class Profile(_Frozen):
    """Everything that was learnt about one call.

    Attributes:
        schema_version: Version of this layout; files of older versions keep loading.
        profile_id: Unique among all profiles.
        name: ``module.qualname`` of the target, or what ``name=`` said.
        started_at: When the call began, in UTC.
        duration_seconds: From call to return; for a generator the sum of its own steps.
        outcome: How the call ended; ``closed`` is a generator that was not run to its end.
        exception_type: Qualified name of the exception, None when there was none.
        process: The environment.
        context: Workflow, activity and trace that the call belongs to.
        sampling: Why this call was profiled.
        cpu: The CPU half, None when not captured.
        memory: The memory half, None when not captured.
        overhead: Seconds that monitoring itself cost this call.
        notes: Every degradation and its reason, in sentences.
    """

    schema_version: str = SCHEMA_VERSION
    profile_id: str
    name: str
    started_at: datetime
    duration_seconds: float
    outcome: Outcome
    exception_type: str | None = None
    process: ProcessInfo
    context: CallContext = CallContext()
    sampling: SamplingInfo
    cpu: CpuProfile | None = None
    memory: MemoryProfile | None = None
    overhead: float = 0.0
    notes: tuple[str, ...] = ()
