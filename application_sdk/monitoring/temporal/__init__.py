"""Profiles a Temporal worker with no change to its activities and workflows.

``MonitoringInterceptor`` goes into ``Worker(interceptors=[...])``, ``MonitoringPlugin`` into
``Worker(plugins=[...])``. Each name is loaded when first used, so that a workflow's module
may import this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from application_sdk.monitoring.temporal.interceptor import MonitoringInterceptor
    from application_sdk.monitoring.temporal.plugin import MonitoringPlugin
    from application_sdk.monitoring.temporal.settings import InterceptorSettings

_PACKAGE = "application_sdk.monitoring.temporal"
_HOME = {
    "MonitoringInterceptor": "interceptor",
    "MonitoringPlugin": "plugin",
    "InterceptorSettings": "settings",
}

__all__ = ["InterceptorSettings", "MonitoringInterceptor", "MonitoringPlugin"]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {_PACKAGE!r} has no attribute {name!r}")
    from application_sdk.monitoring.sandbox import load

    value = getattr(load(f"{_PACKAGE}.{home}"), name)
    globals()[name] = value
    return value
