"""What a pytest does that another pytest has started to measure one test."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from application_sdk.monitoring.backends import measured_process
from application_sdk.monitoring.pytest_plugin import PERF_REQUEST, body
from application_sdk.monitoring.pytest_plugin.gathered import bounded_logs, silent_warnings

_REQUEST = pytest.StashKey[dict[str, Any]]()


def prepare(config: pytest.Config) -> None:
    """Take the request, and look for the project's code in this side's checkout.

    Before any conftest is loaded: those import what is to be measured.
    """
    # Not for the processes that the test itself may start.
    told = json.loads(os.environ.pop(PERF_REQUEST))
    config.stash[_REQUEST] = told
    sys.path[:] = measured_process.search_path(
        sys.path, Path(told["directory"]), Path(told["root"]), Path(told["top"])
    )


def requested(config: pytest.Config) -> bool:
    """Whether this pytest only measures, for another one."""
    return _REQUEST in config.stash


def run(item: pytest.Function, target: Callable[[], Any]) -> None:
    """Measure the test's body and answer."""
    told = item.config.stash[_REQUEST]
    try:
        with silent_warnings(), bounded_logs(item):
            answer = measured_process.answer_for(target, told)
        measured_process.check_origin(Path(told["root"]), Path(told["top"]))
        _forget_binding(answer)
    except measured_process.NotOnThisSide as error:
        answer = {"missing": str(error)}
    except BaseException as error:
        _write(told, {"raised": f"{type(error).__name__}: {error}"})
        raise
    _write(told, answer)


def _forget_binding(answer: dict[str, Any]) -> None:
    """The frame that binds a test's fixtures is not the test's."""
    binding = [file == body.__file__ for _, file, _ in answer.get("frames", ())]
    for stack in answer.get("stacks", ()):
        stack[0] = [number for number in stack[0] if not binding[number]]
    if "stacks" in answer:
        answer["stacks"] = [stack for stack in answer["stacks"] if stack[0]]


def _write(told: dict[str, Any], answer: dict[str, Any]) -> None:
    Path(told["answer"]).write_text(json.dumps(answer), encoding="utf-8")
