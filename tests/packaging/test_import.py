"""Importing the package is free of effects; what it needs comes when first used."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def _run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_no_profiler_no_temporal_and_no_sdk() -> None:
    loaded = _run(
        """
        import sys
        import application_sdk.monitoring
        heavy = ("pyinstrument", "memray", "psutil", "temporalio", "opentelemetry", "rich",
                 "application_sdk.observability")
        print([name for name in heavy if name in sys.modules])
        """
    )
    assert loaded == "[]"


def test_importing_the_package_starts_no_thread_and_registers_no_handler() -> None:
    changed = _run(
        """
        import atexit, signal, sys, threading
        import pydantic, pydantic_settings, logging, concurrent.futures.thread

        def state():
            return (
                threading.active_count(),
                atexit._ncallbacks(),
                [signal.getsignal(number) for number in signal.valid_signals()],
                sys.getprofile(),
                threading.getprofile(),
            )

        before = state()
        import application_sdk.monitoring
        print([(a, b) for a, b in zip(before, state()) if a != b])
        """
    )
    assert changed == "[]"


def test_importing_the_package_reads_no_file_but_modules() -> None:
    opened = _run(
        """
        import sys
        import pydantic, pydantic_settings, logging

        opened = []

        def watch(event, arguments):
            if event == "open" and not str(arguments[0]).endswith((".py", ".pyc")):
                opened.append(arguments[0])

        sys.addaudithook(watch)
        import application_sdk.monitoring
        print(opened)
        """
    )
    assert opened == "[]"


def test_every_public_name_can_be_imported() -> None:
    missing = _run(
        """
        import application_sdk.monitoring as monitoring
        names = '''
            flamegraph memory_profile configure get_settings MonitoringSettings flush on_profile
            Profile load_profile CallTree FunctionStat
            MonitoringError
            compare_callables compare_profiles Comparison
            check_leaks LeakReport LeakSite LeakTrend LeakVerdict
        '''.split()
        print([name for name in names if not hasattr(monitoring, name)])
        print(sorted(set(names) - set(dir(monitoring))))
        """
    )
    assert missing.splitlines() == ["[]", "[]"]
