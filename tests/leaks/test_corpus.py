"""check_leaks on functions of real shapes: leaks are found and named, clean ones left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.leaks.corpus.cases import CLEAN_MODULES, LEAKY_MODULES, load

PROJECT = Path(__file__).parents[2]
LEAKY = load(LEAKY_MODULES)
CLEAN = load(CLEAN_MODULES)

QUICK_LEAKY = (
    "writes_an_audit_trail_that_nobody_reads",
    "allocates_in_c_and_never_frees",
)
QUICK_CLEAN = (
    "fills_a_bounded_lru_cache",
    "imports_lazily_in_the_first_calls",
    "builds_cycles_for_the_collector",
    "gathers_ten_tasks",
)


def checked(name: str) -> dict[str, Any]:
    """The report on one case, from a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.leaks.measure_corpus", "--one", name],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def names(cases: dict[str, Any], quick: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(name, marks=() if name in quick else pytest.mark.slow, id=name)
        for name in cases
    ]


def test_the_corpus_has_at_least_forty_leaky_and_forty_clean_functions() -> None:
    assert len(LEAKY) >= 40
    assert len(CLEAN) >= 40


@pytest.mark.parametrize("name", names(LEAKY, QUICK_LEAKY))
def test_a_leaky_function_is_found_and_named(name: str) -> None:
    result = checked(name)
    assert result["verdict"] == "leak", result
    assert result["named"] in LEAKY[name].culprit.split("|"), result


@pytest.mark.parametrize("name", names(CLEAN, QUICK_CLEAN))
def test_a_clean_function_is_called_clean(name: str) -> None:
    result = checked(name)
    assert result["verdict"] == "clean", result
