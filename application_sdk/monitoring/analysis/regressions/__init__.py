"""Performance regressions: verdicts on callables, on stored profiles and on histories."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from application_sdk.monitoring.analysis.regressions.callables import compare_callables
    from application_sdk.monitoring.analysis.regressions.profiles import compare_profiles
    from application_sdk.monitoring.analysis.regressions.verdicts import Comparison, FunctionVerdict

__all__ = ["Comparison", "FunctionVerdict", "compare_callables", "compare_profiles"]

# Resolved on first use (PEP 562), so that importing this package costs nothing.
_HOMES = {
    "Comparison": "verdicts",
    "FunctionVerdict": "verdicts",
    "compare_callables": "callables",
    "compare_profiles": "profiles",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
