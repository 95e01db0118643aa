"""The profile of what leaks: the retained call tree of only the growing sites."""

from __future__ import annotations

import os
import platform
import socket
import uuid
from datetime import datetime
from importlib import metadata

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import (
    MemoryProfile,
    ProcessInfo,
    Profile,
    SamplingInfo,
)

_DISTRIBUTION = "atlan-application-sdk-monitoring"
LEAKS_NOTE = (
    "a leak check: the tree holds only what keeps growing from call to call, summed over the "
    "traced calls"
)
"""Stands in the notes of a profile that shows leaks and nothing else."""


def retained_profile(name: str, started_at: datetime, seconds: float, tree: CallTree) -> Profile:
    """Make a profile of a tree of leaked memory.

    Args:
        name: What was checked.
        started_at: When the check began, in UTC.
        seconds: How long it took.
        tree: Bytes and allocations that stayed alive.
    """
    return Profile(
        profile_id=uuid.uuid4().hex,
        name=name,
        started_at=started_at,
        duration_seconds=seconds,
        outcome="returned",
        process=_process_info(),
        sampling=SamplingInfo(mode="fixed", rate=1.0),
        memory=MemoryProfile(
            backend="memray",
            scope="call",
            rss_before_bytes=None,
            rss_after_bytes=None,
            rss_peak_bytes=None,
            retained_bytes=round(tree.total("bytes")),
            allocation_count=round(tree.total("allocations")),
            retained_tree=tree,
        ),
        notes=(LEAKS_NOTE,),
    )


def _process_info() -> ProcessInfo:
    try:
        version = metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        version = "unknown"
    return ProcessInfo(
        pid=os.getpid(),
        hostname=socket.gethostname(),
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        cpu_count=os.cpu_count(),
        monitoring_version=version,
    )
