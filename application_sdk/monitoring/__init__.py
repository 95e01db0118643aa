"""Shows where CPU time goes and where memory stays, in production, at little cost.

Importing this package imports nothing else: each public name is loaded when first used,
and inside Temporal's workflow sandbox it is the process's own, not a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from application_sdk.monitoring.analysis.leaks.check import check_leaks
    from application_sdk.monitoring.analysis.leaks.report import LeakReport, LeakSite
    from application_sdk.monitoring.analysis.leaks.trend import LeakTrend, LeakVerdict
    from application_sdk.monitoring.analysis.regressions.callables import compare_callables
    from application_sdk.monitoring.analysis.regressions.profiles import compare_profiles
    from application_sdk.monitoring.analysis.regressions.verdicts import Comparison
    from application_sdk.monitoring.decorators import flamegraph, memory_profile
    from application_sdk.monitoring.engine.delivery import flush
    from application_sdk.monitoring.engine.outlets import on_profile
    from application_sdk.monitoring.errors import MonitoringError
    from application_sdk.monitoring.model.call_tree import CallTree, FunctionStat
    from application_sdk.monitoring.model.files import load_profile
    from application_sdk.monitoring.model.profile import Profile
    from application_sdk.monitoring.settings import MonitoringSettings, configure, get_settings

_PACKAGE = "application_sdk.monitoring"
_HOME = {
    "flamegraph": "decorators",
    "memory_profile": "decorators",
    "configure": "settings",
    "get_settings": "settings",
    "MonitoringSettings": "settings",
    "flush": "engine.delivery",
    "on_profile": "engine.outlets",
    "Profile": "model.profile",
    "load_profile": "model.files",
    "CallTree": "model.call_tree",
    "FunctionStat": "model.call_tree",
    "MonitoringError": "errors",
    "compare_callables": "analysis.regressions.callables",
    "compare_profiles": "analysis.regressions.profiles",
    "Comparison": "analysis.regressions.verdicts",
    "check_leaks": "analysis.leaks.check",
    "LeakReport": "analysis.leaks.report",
    "LeakSite": "analysis.leaks.report",
    "LeakTrend": "analysis.leaks.trend",
    "LeakVerdict": "analysis.leaks.trend",
}

__all__ = [
    "CallTree",
    "Comparison",
    "FunctionStat",
    "LeakReport",
    "LeakSite",
    "LeakTrend",
    "LeakVerdict",
    "MonitoringError",
    "MonitoringSettings",
    "Profile",
    "check_leaks",
    "compare_callables",
    "compare_profiles",
    "configure",
    "flamegraph",
    "flush",
    "get_settings",
    "load_profile",
    "memory_profile",
    "on_profile",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
    from application_sdk.monitoring.sandbox import load

    value = getattr(load(f"{_PACKAGE}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
