"""A small git repository whose working tree differs from its first commit."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

BEFORE = """
import asyncio

def price(count):
    return sum(i * i for i in range(count))

def checkout():
    return price(2000) + tax(2000)

def tax(count):
    return sum(i % 7 for i in range(count))

async def order():
    await asyncio.sleep(0)
    return price(2000)

def hold():
    return [bytes(100) for _ in range(500)]

def gone():
    return None

def broken():
    raise KeyError("lost")
"""
AFTER = (
    BEFORE.replace("return price(2000) + tax", "return price(6000) + tax")
    .replace("range(500)", "range(600)")
    .replace("def gone", "def come")
)


@dataclass(frozen=True)
class Shop:
    """A project with one module."""

    root: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments],  # noqa: S607
            cwd=self.root,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def worktrees(self) -> int:
        return len(self.git("worktree", "list").splitlines())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    root = tmp_path / "shop"
    (root / "src" / "shop").mkdir(parents=True)
    module = root / "src" / "shop" / "cart.py"
    (root / "src" / "shop" / "__init__.py").touch()
    module.write_text(BEFORE)
    project = Shop(root)
    project.git("init", "--quiet", "--initial-branch=main")
    project.git("add", ".")
    project.git("commit", "--quiet", "-m", "first")
    module.write_text(AFTER)
    return project
