"""Finds the tools of others that check our files (scripts/interchange-tools.sh fetches them)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


def tool(name: str) -> Path:
    """The file of that name; without it the test is skipped, except in CI, where it fails."""
    default = _ROOT / "build" / "interchange-tools"
    path = Path(os.environ.get("INTERCHANGE_TOOLS", default)) / name
    if not path.exists():
        reason = f"{name} is not there: sh scripts/interchange-tools.sh"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path
