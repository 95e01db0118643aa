"""The process and machine that profiles are made on; looked up once a process."""

from __future__ import annotations

import os
import platform
import socket
from functools import lru_cache
from importlib import metadata

import psutil

from application_sdk.monitoring.model.profile import ProcessInfo

DISTRIBUTION = "atlan-application-sdk-monitoring"
_LIBRARIES = (
    "pyinstrument",
    "memray",
    "psutil",
    "pydantic",
    "temporalio",
    "atlan-application-sdk",
    "numpy",
    "pandas",
    "pyarrow",
)


def process_info() -> ProcessInfo:
    """What is known of this process."""
    return _process_info(os.getpid())


@lru_cache(maxsize=2)
def _process_info(pid: int) -> ProcessInfo:
    return ProcessInfo(
        pid=pid,
        hostname=socket.gethostname(),
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        cpu_model=_cpu_model(),
        cpu_count=os.cpu_count(),
        total_memory_bytes=psutil.virtual_memory().total,
        monitoring_version=_version(DISTRIBUTION) or "unknown",
        libraries={name: version for name in _LIBRARIES if (version := _version(name)) is not None},
    )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str | None:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        return platform.processor() or None
    return platform.processor() or None
