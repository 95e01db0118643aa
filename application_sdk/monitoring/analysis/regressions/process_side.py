"""A version of some work as a side whose every measurement is a fresh process."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from application_sdk.monitoring.analysis.regressions import clock
from application_sdk.monitoring.analysis.regressions.clock import Reading
from application_sdk.monitoring.analysis.regressions.worktree import Checkout
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.registry import MEASURED_PROCESS

_SECONDS = 0.1
_LONGEST = 3600.0
_TAIL = 600


class Work(Protocol):
    """Something that can be measured in a process of its own, in any checkout of the project."""

    @property
    def profiled_as(self) -> str | None:
        """The name of its profiles; None where it cannot be profiled."""
        ...

    def answer(self, side: Checkout, role: str, mode: str, seconds: float) -> dict[str, Any]:
        """What one fresh process has measured."""
        ...


@dataclass
class CallableWork:
    """A callable ``module:function``.

    Attributes:
        target: Its name.
        calls: How many calls one slot has, the same on both sides; None until the first process
            has found out.
    """

    target: str
    calls: int | None = None

    @property
    def profiled_as(self) -> str | None:
        """The target's name."""
        return self.target

    def answer(self, side: Checkout, role: str, mode: str, seconds: float) -> dict[str, Any]:
        """What one fresh process has measured.

        Raises:
            MonitoringError: If the target is not there, raises or ends the process.
        """
        # -P keeps the program's own directory off the import path.
        command = [sys.executable, "-P", str(MEASURED_PROCESS)]
        answer = ask(command, side, role, request(side, mode, seconds, self.calls, self.target))
        self.calls = answer.get("calls", self.calls) if mode == "time" else self.calls
        return answer


@dataclass
class CommandWork:
    """A whole command, from its start to its end.

    Attributes:
        command: As a shell would read it; no shell is involved.
    """

    command: str

    @property
    def profiled_as(self) -> str | None:
        """None: what a command starts is not sampled."""
        return None

    def answer(self, side: Checkout, role: str, mode: str, seconds: float) -> dict[str, Any]:
        """Run the command once.

        Raises:
            MonitoringError: If it cannot be run or fails.
        """
        if not hasattr(os, "wait4"):
            raise MonitoringError("whole commands can be compared on Linux and macOS only")
        words = shlex.split(self.command)
        if words and words[0] in ("python", "python3"):
            words[0] = sys.executable
        begun = time.perf_counter()
        with tempfile.TemporaryFile() as log:
            try:
                process = subprocess.Popen(  # noqa: S603  (what the user wants to have measured)
                    words,
                    cwd=side.directory,
                    env=_environment(side),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            except OSError as error:
                raise MonitoringError(f"{self.command!r} cannot be run: {error}") from error
            with _ended_with_us(process):
                usage = _wait(process)
            wall = time.perf_counter() - begun
            if process.returncode != 0:
                raise MonitoringError(
                    f"the {role}'s command ended with exit code {process.returncode}: {_end(log)}"
                )
        cpu = usage.ru_utime + usage.ru_stime
        unit = 1 if sys.platform == "darwin" else 1024
        return {"reading": [wall, cpu, None], "peak_bytes": usage.ru_maxrss * unit}


class ProcessSide:
    """One side of an interleaved comparison.

    Args:
        work: What is measured.
        checkout: The version of the project.
        role: ``baseline`` or ``candidate``.
        metric: ``time`` or ``memory``.
        told: Is called before each measurement.
    """

    def __init__(
        self, work: Work, checkout: Checkout, role: str, metric: str, told: Callable[[], None]
    ) -> None:
        self.work = work
        self.checkout = checkout
        self.role = role
        self._metric = metric
        self._told = told

    def measure(self) -> Reading:
        """What one fresh process says.

        Raises:
            MonitoringError: If the work fails.
        """
        self._told()
        answer = self.work.answer(self.checkout, self.role, self._metric, _SECONDS)
        if self._metric == "memory":
            peak = max(1.0, float(answer["peak_bytes"]))
            return Reading(wall=peak, cpu=peak, waited=0.0)
        wall, cpu, waited = answer["reading"]
        return Reading(wall, cpu, waited)


def request(
    side: Checkout, mode: str, seconds: float, calls: int | None, target: str = ""
) -> dict[str, Any]:
    """What a measured process is asked; see ``backends/measured_process.py``."""
    return {
        "target": target,
        "root": str(side.root),
        "top": str(side.top),
        "directory": str(side.directory),
        "clock": clock.__file__,
        "mode": mode,
        "seconds": seconds,
        "calls": calls,
    }


def ask(
    command: Sequence[str],
    side: Checkout,
    role: str,
    question: dict[str, Any],
    variable: str | None = None,
) -> dict[str, Any]:
    """Start a process that measures, and wait for its answer.

    Args:
        command: The program and its arguments.
        side: Where it runs.
        role: ``baseline`` or ``candidate``, for messages.
        question: The request.
        variable: The environment variable that carries it; None for the last argument.

    Raises:
        MonitoringError: If the target is not there, raises or ends the process.
    """
    with tempfile.TemporaryDirectory(prefix="perf-answer-") as directory:
        file = Path(directory) / "answer.json"
        text = json.dumps({**question, "answer": str(file)})
        environment = _environment(side)
        words = [*command]
        if variable is None:
            words.append(text)
        else:
            environment[variable] = text
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(  # noqa: S603  (our own program, or the user's tests)
                words,
                cwd=side.directory if side.directory.is_dir() else side.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            with _ended_with_us(process):
                process.wait(_LONGEST)
            answer = _read(file)
            if answer is None:
                raise MonitoringError(
                    f"the {role}'s process ended with exit code {process.returncode} and without "
                    f"an answer: {_end(log)}"
                )
    if "missing" in answer:
        raise MonitoringError(f"the {role} ({_version(side)}) cannot be run: {answer['missing']}")
    if "raised" in answer:
        raise MonitoringError(f"the {role} ({_version(side)}) raised {answer['raised']}")
    return answer


class _ended_with_us:  # noqa: N801  (used as a statement)
    """Leaves no process behind when something, such as Ctrl-C, ends the wait for it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def __enter__(self) -> None:
        return

    def __exit__(self, *exception: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()


def _wait(process: subprocess.Popen[bytes]) -> Any:
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def _environment(side: Checkout) -> dict[str, str]:
    environment = dict(os.environ)
    paths = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    if side.root != side.top:
        environment["PYTHONPATH"] = os.pathsep.join(_moved(path, side) for path in paths)
        if not paths:
            del environment["PYTHONPATH"]
    return environment


def _moved(path: str, side: Checkout) -> str:
    try:
        return str(side.root / Path(path).resolve().relative_to(side.top))
    except ValueError:
        return path


def _read(file: Path) -> dict[str, Any] | None:
    try:
        answer: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return answer


def _end(log: Any) -> str:
    log.seek(0)
    lines: str = log.read().decode(errors="replace").strip()
    return lines[-_TAIL:] or "it printed nothing"


def _version(side: Checkout) -> str:
    return "the working tree" if side.root == side.top else side.commit[:12]
