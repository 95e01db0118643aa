"""Finds leaks: by calling a function again and again, and by watching a process."""

from __future__ import annotations

from application_sdk.monitoring.analysis.leaks.check import check_leaks
from application_sdk.monitoring.analysis.leaks.report import LeakReport, LeakSite
from application_sdk.monitoring.analysis.leaks.trend import LeakTrend, LeakVerdict

__all__ = ["LeakReport", "LeakSite", "LeakTrend", "LeakVerdict", "check_leaks"]
