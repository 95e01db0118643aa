"""Lets this package's code run beneath Temporal's workflow sandbox without being reloaded in it.

The sandbox imports a workflow's modules anew for every run, with its own ``sys.modules``
and ``__import__``, and with restricted builtins. What it must share with the process
(settings, sampling, profilers) is therefore imported past it. Nothing here is imported
from ``temporalio``: if a workflow runs, its module is loaded already.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


def _unsafe() -> Any:
    workflow = sys.modules.get("temporalio.workflow")
    return None if workflow is None else workflow.unsafe


def in_sandbox() -> bool:
    """Whether this thread runs inside Temporal's workflow sandbox."""
    unsafe = _unsafe()
    return unsafe is not None and bool(unsafe.in_sandbox())


@contextmanager
def outside_sandbox() -> Iterator[None]:
    """Lift the sandbox's restrictions, on this thread; does nothing where there is none.

    For bookkeeping only: what happens inside must not decide what the workflow does.
    """
    unsafe = _unsafe()
    if unsafe is None or not unsafe.in_sandbox():
        yield
        return
    with unsafe.sandbox_unrestricted(), unsafe.imports_passed_through():
        yield


def load(name: str) -> ModuleType:
    """Import a module; from inside the sandbox, the process's own and not a copy.

    Raises:
        ImportError: If it cannot be imported.
    """
    if not in_sandbox():
        return importlib.import_module(name)
    with outside_sandbox():
        # importlib.import_module would go around the sandbox's importer, which is what
        # passes modules through; the statement's function does not.
        return __import__(name, fromlist=("__name__",))
