"""check_leaks on functions of real shapes: leaks are found and named, clean ones left alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.leaks.corpus.cases import CLEAN_MODULES, LEAKY_MODULES, Case, load

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

FOR_THE_BENCHMARK = ("leaky_registries", "leaky_in_disguise", "clean_registries", "clean_late")
"""Modules of which CI checks a part: all of them would take longer than the rest of its tests."""
IN_CI_TOO = (
    "defines_a_step_class_per_run",
    "writes_a_report_that_is_never_reset",
    "leaks_a_little_below_large_noise",
    "leaks_beside_a_bounded_cache",
    "lets_a_worker_thread_keep_the_results",
    "inserts_into_a_database_in_memory",
    "deletes_one_of_two_entries_it_adds",
    "fills_a_large_lru_cache_at_half_a_millisecond_a_call",
    "fills_a_cache_of_ten_thousand_entries_at_a_fifth_of_a_millisecond",
    "grows_a_buffer_to_a_megabyte_and_trims_it",
    "puts_buffers_of_random_size_into_two_hundred_slots",
    "dispatches_on_short_lived_classes",
    "cancels_each_timer_it_sets",
    "queues_up_and_down_in_a_random_walk",
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


def names(cases: dict[str, Case], quick: tuple[str, ...]) -> list[Any]:
    return [
        pytest.param(name, marks=() if name in quick else pytest.mark.slow, id=name)
        for name, case in cases.items()
        if name in IN_CI_TOO or case.target.__module__.split(".")[-1] not in FOR_THE_BENCHMARK
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
