"""A test that is compared with itself over a git revision's code, each time in a fresh pytest."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from application_sdk.monitoring.analysis.regressions.process_side import ask, request
from application_sdk.monitoring.analysis.regressions.revisions import (
    RevisionComparison,
    compare_revisions,
)
from application_sdk.monitoring.analysis.regressions.worktree import Checkout
from application_sdk.monitoring.errors import MonitoringError
from application_sdk.monitoring.pytest_plugin import PERF_REQUEST


def compare_with_revision(
    item: pytest.Function, base: str, keywords: dict[str, Any], *, always_profile: bool
) -> RevisionComparison:
    """Measure a test over the revision's code and over the working tree's, A B B A.

    The test, the conftests around it and pytest's configuration are the working tree's on both
    sides: only the code that they import differs.

    Args:
        item: The test.
        base: The revision, as git understands it.
        keywords: Those of ``compare_revisions``.
        always_profile: Whether to profile both whatever the verdict.

    Raises:
        MonitoringError: If git does not know the revision, or the test cannot be run on one side.
    """
    root = item.config.rootpath
    if not item.path.resolve().is_relative_to(root.resolve()):
        raise MonitoringError(f"{item.path} is outside of pytest's rootdir {root}")
    work = TestWork(item.nodeid, _options(item.config), _files(item))
    return compare_revisions(work, base, directory=root, always_profile=always_profile, **keywords)


@dataclass
class TestWork:
    """One test, run by a pytest of its own.

    Attributes:
        nodeid: The test, as pytest names it from its rootdir.
        options: Options of the pytest.
        files: What both sides take from the working tree.
        calls: How many calls one slot has; None until the first process has found out.
    """

    __test__ = False

    nodeid: str
    options: Sequence[str]
    files: Sequence[Path]
    calls: int | None = None
    _ready: set[Path] = field(default_factory=set)

    @property
    def profiled_as(self) -> str | None:
        """The test."""
        return self.nodeid

    def answer(self, side: Checkout, role: str, mode: str, seconds: float) -> dict[str, Any]:
        """What one fresh process has measured.

        Raises:
            MonitoringError: If the test cannot be collected, raises or ends the process.
        """
        self._prepare(side)
        command = [sys.executable, "-m", "pytest", self.nodeid, *self.options]
        command += ["--rootdir", str(side.directory)]
        question = request(side, mode, seconds, self.calls)
        try:
            answer = ask(command, side, role, question, variable=PERF_REQUEST)
        except MonitoringError as error:
            if side.root == side.top:
                raise
            raise MonitoringError(
                f"{error}\nThe test, its conftests and pytest's configuration are the working "
                f"tree's; what they import is that of {side.commit[:12]} and has to be there"
            ) from error
        self.calls = answer.get("calls", self.calls) if mode == "time" else self.calls
        return answer

    def _prepare(self, side: Checkout) -> None:
        if side.root == side.top or side.root in self._ready:
            return
        for file in self.files:
            there = side.root / file.resolve().relative_to(side.top)
            if there.name == "__init__.py" and there.exists():
                continue  # It may be code that is compared.
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, there)
        self._ready.add(side.root)


def _files(item: pytest.Function) -> list[Path]:
    """The test's file, the conftests and packages around it, and pytest's configuration."""
    root = item.config.rootpath.resolve()
    directories = [item.path.resolve().parent]
    while directories[-1] != root:
        directories.append(directories[-1].parent)
    around = [each / name for each in directories for name in ("conftest.py", "__init__.py")]
    configuration = [item.config.inipath] if item.config.inipath else []
    return [item.path, *(file for file in [*around, *configuration] if file.is_file())]


def _options(config: pytest.Config) -> list[str]:
    """What lets the other pytest run this one test as this one would, and nothing beside it."""
    options = ["-q", "--no-header", "--no-summary", "-p", "no:cacheprovider", "-m", "", "-k", ""]
    options += ["--import-mode", str(config.getoption("importmode"))]
    for plugin in config.getoption("plugins") or ():
        options += ["-p", plugin]
    manager = config.pluginmanager
    if manager.hasplugin("xdist"):
        options += ["-n", "0"]
    if manager.hasplugin("pytest_cov"):
        options.append("--no-cov")
    return options
