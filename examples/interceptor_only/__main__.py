"""Runs the workflow once, on a worker with the interceptor, and lists its profiles."""

from __future__ import annotations

import asyncio
import sys

from application_sdk.monitoring.temporal import InterceptorSettings, MonitoringInterceptor
from examples.interceptor_only.app import Search, collatz
from examples.showing import show
from examples.temporal_server import run_once

if __name__ == "__main__":
    interceptor = MonitoringInterceptor(InterceptorSettings(activities=("collatz",)))
    sys.exit(
        show(
            "python -m examples.interceptor_only",
            lambda: asyncio.run(run_once(Search, 20_000, [collatz], [interceptor])),
        )
    )
