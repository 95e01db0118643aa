"""Which methods of a class are profiled, and how a class that is a workflow already stays one."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from application_sdk.monitoring.containment import contained

_RUN = "__temporal_workflow_run"
_DEFINITION = "__temporal_workflow_definition"
_ENTRY_POINT = "_entrypoint_metadata"
_APP = "_app_registered"
_FUNCTIONS = (FunctionType, staticmethod, classmethod)


def default_methods(cls: type) -> list[str]:
    """The methods that a class decorator profiles when it is not told which.

    Of a workflow: its ``run``, for nothing else of it is profiled by itself. Of any other
    class: every public method that its body defines, and what an ``App`` inherits and
    runs as a workflow.
    """
    own = [
        name
        for name, value in vars(cls).items()
        if not name.startswith("_") and isinstance(value, _FUNCTIONS)
    ]
    runs = [name for name in own if _is_run(vars(cls)[name])]
    if runs:
        return runs  # the usual workflow; the sandbox asks this for every run
    inherited = [name for name in dir(cls) if name not in vars(cls) and _is_entry(cls, name)]
    runs = [name for name in inherited if _is_run(inspect.getattr_static(cls, name))]
    return runs or [*own, *inherited]


def redefine_workflow(cls: type, wrapped: Mapping[str, Any]) -> None:
    """Let a class that ``@workflow.defn`` has seen already run the wrapped ``run``.

    The definition holds the function itself, so a changed attribute of the class alone
    would silently do nothing.
    """
    definition = vars(cls).get(_DEFINITION)
    if definition is None:
        return
    with contained(f"redefining the workflow {cls.__qualname__}"):
        run = wrapped.get(definition.run_fn.__name__)
        if run is not None:
            changed = dataclasses.replace(definition, run_fn=run)
            setattr(run, _DEFINITION, changed)
            setattr(cls, _DEFINITION, changed)


def _is_run(member: Any) -> bool:
    return bool(getattr(member, _RUN, False))


def _is_entry(cls: type, name: str) -> bool:
    member = inspect.getattr_static(cls, name, None)
    if not inspect.isfunction(member):
        return False
    return (
        _is_run(member)
        or hasattr(member, _ENTRY_POINT)
        or (name == "run" and bool(vars(cls).get(_APP, False)))
    )
