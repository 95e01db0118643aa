"""Where a finished profile goes: its files, the log, and whoever asked to be called back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from application_sdk.monitoring.containment import contained, logger, report_fault
from application_sdk.monitoring.engine.budget import budget
from application_sdk.monitoring.engine.plan import Resolved
from application_sdk.monitoring.errors import InvalidArgumentTypeError
from application_sdk.monitoring.exporters.outward import deliver_outward
from application_sdk.monitoring.exporters.writing import Writing, write_files
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.redaction import redacted
from application_sdk.monitoring.renderers.paragraph import summary_paragraph
from application_sdk.monitoring.sandbox import in_sandbox

_callbacks: list[Callable[[Profile], None]] = []


def on_profile(callback: Callable[[Profile], None]) -> Callable[[], None]:
    """Call back with each finished profile, on the background thread that writes them.

    Args:
        callback: Called with the profile; what it raises is logged once and contained.

    Returns:
        Undoes the registration.

    Raises:
        InvalidArgumentTypeError: If the callback cannot be called.
    """
    if not callable(callback):
        raise InvalidArgumentTypeError(
            f"on_profile(callback={callback!r}) is a {type(callback).__name__}; "
            "it must be a function that takes a profile"
        )
    if in_sandbox():
        # A workflow's module is imported anew for each run; once, outside, has been enough.
        return _nothing_to_undo
    _callbacks.append(callback)

    def undo() -> None:
        if callback in _callbacks:
            _callbacks.remove(callback)

    return undo


def _nothing_to_undo() -> None:
    """What a registration inside the sandbox gives back."""


def write(profile: Profile, resolved: Resolved) -> Writing:
    """Write a profile's files; a fault is logged once for each directory."""
    with contained(f"writing a profile below {resolved.output_dir}"):
        return write_files(
            profile,
            resolved.output_dir,
            resolved.formats,
            resolved.process.max_stored_profiles,
            resolved.process.max_stored_bytes,
        )
    return Writing([], 0.0)


def publish(profile: Profile, resolved: Resolved) -> list[Path]:
    """Write and send a profile that is none of a call; a fault is logged and contained.

    What it counts is no call's, so it adds nothing to the metrics of calls.
    """
    with contained(f"publishing a profile below {resolved.output_dir}"):
        shown = redacted(profile, resolved.process.redact, resolved.output_dir)
        files, elsewhere = write(shown, resolved)
        budget.spend(elsewhere, "writing")
        settings = resolved.process.model_copy(update={"metrics": False})
        deliver_outward(shown, files, settings, costs=budget)
        return files
    return []


def announce(profile: Profile, files: list[Path]) -> None:
    """Log one paragraph about a profile."""
    with contained("logging the summary of a profile"):
        logger().info("%s", summary_paragraph(profile, files))


def call_back(profile: Profile) -> None:
    """Hand a profile to every callback, also to those after one that undoes itself or exits."""
    for callback in tuple(_callbacks):
        try:
            callback(profile)
        except BaseException:
            # There is no program above this thread's calls that an exit could reach.
            report_fault("calling back with a profile")
