"""What a forked child forgets: none of the parent's threads and captures goes on in it."""

from __future__ import annotations

import os
import sys

from application_sdk.monitoring.engine import parts, termination
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.profile_hook import profile_hook
from application_sdk.monitoring.ticker import ticker

_registered = False


def forget_on_fork() -> None:
    """See to it, once a process, that a forked child starts with nothing captured."""
    global _registered
    if not _registered and hasattr(os, "register_at_fork"):
        _registered = True
        # A child of a process that memray is on in can start no tracker of its own.
        os.register_at_fork(before=profile_hook.end_idle, after_in_child=_forget)


def _forget() -> None:
    parts.reset_after_fork()
    termination.reset_after_fork()
    budget.reset()
    delivery.reset()
    ticker.reset()
    profile_hook.reset()
    for name, reset in (
        ("sampler", "reset_after_fork"),
        ("pyinstrument", "reset_after_fork"),
        ("workflow_slices", "reset_after_fork"),
    ):
        module = sys.modules.get(f"application_sdk.monitoring.backends.{name}")
        if module is not None:
            getattr(module, reset)()
    spending = sys.modules.get("application_sdk.monitoring.engine.spending")
    if spending is not None:
        spending.spend_publisher.reset()
    runs = sys.modules.get("application_sdk.monitoring.engine.workflow_runs")
    if runs is not None:
        runs.workflow_runs.reset()
    leak_watch = sys.modules.get("application_sdk.monitoring.engine.leak_watch.watch")
    if leak_watch is not None:
        leak_watch.watch.reset()
    durations = sys.modules.get("application_sdk.monitoring.engine.duration_watch.watch")
    if durations is not None:
        durations.reset_after_fork()
    client = sys.modules.get("application_sdk.monitoring.helper.client")
    if client is not None:
        client.helper.reset()
    tracker = sys.modules.get("application_sdk.monitoring.backends.tracker")
    if tracker is not None:
        tracker.shared_tracker.reset()
