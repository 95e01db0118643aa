"""Which backend captures a half of a call: the wanted one, else what can stand in for it."""

from __future__ import annotations

from typing import Any

from application_sdk.monitoring.containment import contained, report_fault
from application_sdk.monitoring.engine.plan import Resolved
from application_sdk.monitoring.protocols import BackendUnavailable, ProfiledCall

_CPU_ORDER = {"pyinstrument": ("pyinstrument", "sampler"), "sampler": ("sampler",)}
_MEMORY_ORDER = {"auto": ("memray", "rss"), "memray": ("memray", "rss"), "rss": ("rss",)}


def memory_order(resolved: Resolved) -> tuple[str, ...]:
    """The memory backends to try, first to last."""
    wanted = resolved.memory_backend
    return _MEMORY_ORDER.get(wanted, (wanted, "rss"))


def cpu_order(resolved: Resolved, memory: bool) -> tuple[str, ...]:
    """The CPU backends to try, first to last.

    Args:
        resolved: The settings that hold for the call.
        memory: Whether memory is captured beside it.
    """
    wanted = resolved.cpu_backend
    if wanted == "auto":
        rate = resolved.sample_rate
        sampler = memory or rate == "trace" or (rate is not None and rate < 1)
        wanted = "sampler" if sampler else "pyinstrument"
    return _CPU_ORDER.get(wanted, (wanted, "sampler"))


def first_available(registry: Any, names: tuple[str, ...], call: ProfiledCall) -> Any:
    """The started capture of the first backend that can; None where none can.

    Why another one was not used is added to the call's notes.
    """
    for name in names:
        capture = None
        try:
            capture = registry.get(name)(call)
            capture.start()
            return capture
        except BackendUnavailable as reason:
            call.note(f"{name} was not used because {reason}")
        except ImportError as error:
            call.note(f"{name} was not used because it cannot be imported: {error}")
        except Exception as error:
            report_fault(f"starting {name}")
            call.note(f"{name} was not used because it failed to start: {error}")
        if capture is not None:
            with contained(f"giving up {name}"):
                capture.abandon()
    return None
