"""A virtual environment to install into and throw away."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


class CheckFailedError(Exception):
    """A check did not hold; the message says which and shows the output."""


class Throwaway:
    """A fresh virtual environment below a directory that the caller removes.

    Args:
        directory: Where to make it; programs run in ``directory/work``, outside of the
            checkout, so that only what is installed can be imported.
    """

    def __init__(self, directory: Path) -> None:
        self._work = directory / "work"
        self._work.mkdir()
        environment = directory / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        self._bin = environment / "bin"

    def pip(self, *arguments: str) -> None:
        """Run pip quietly."""
        self._run([str(self._bin / "python"), "-m", "pip", "--quiet", *arguments])

    def tools(self, *requirements: str) -> None:
        """Install what a check needs beside its subject: with uv where CI has one."""
        uv, python = os.environ.get("UV"), str(self._bin / "python")
        if uv:
            try:
                self._run([uv, "pip", "install", "--python", python, *requirements])
            except CheckFailedError as failure:
                print(f"  pip instead of uv: {failure}", flush=True)
            else:
                return
        self.pip("install", *requirements)

    def python(self, what: str, program: str, *arguments: str) -> str:
        """Run a program in the environment and say that it went well."""
        output = self._run([str(self._bin / "python"), "-c", program, *arguments])
        print(f"  ok: {what}", flush=True)
        return output

    def command(self, what: str, *arguments: str) -> str:
        """Run a console script of the environment and say that it went well."""
        output = self._run([str(self._bin / arguments[0]), *arguments[1:]])
        print(f"  ok: {what}", flush=True)
        return output

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(command, cwd=self._work, capture_output=True, text=True, check=False)
        if done.returncode:
            shown = " ".join(command)
            raise CheckFailedError(f"{shown}\n{done.stdout}{done.stderr}")
        return done.stdout
