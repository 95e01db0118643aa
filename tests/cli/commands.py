"""Runs the command line as its users do, and makes the files that it is given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from application_sdk.monitoring.cli.main import main
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers import json as json_renderer

ROOT = Path(__file__).parents[2]


class Result(NamedTuple):
    code: int
    out: str
    err: str


class Here:
    """Commands in this process: quick, for all that does not need a process of its own."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, *argv: str | Path) -> Result:
        code = main([str(argument) for argument in argv])
        captured = self._capfd.readouterr()
        return Result(int(code), captured.out, captured.err)


def start(
    *argv: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "application_sdk.monitoring", *map(str, argv)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def command(*argv: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Result:
    """A command in a process of its own, waited for."""
    with start(*argv, cwd=cwd, env=env) as process:
        out, err = process.communicate(timeout=120)
    return Result(process.returncode, out, err)


def saved(profile: Profile, path: Path) -> Path:
    """The profile as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(json_renderer.render(profile))
    return path
