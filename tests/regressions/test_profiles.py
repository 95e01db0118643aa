"""What comparing stored profiles finds, and what it leaves alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from application_sdk.monitoring.analysis.regressions import compare_profiles
from application_sdk.monitoring.errors import (
    InvalidArgumentError,
    InvalidArgumentTypeError,
    UnreadableProfileError,
)
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import (
    CpuProfile,
    MemoryProfile,
    ProcessInfo,
    Profile,
    SamplingInfo,
)
from application_sdk.monitoring.model.stack_table import StackTable

Stack = tuple[Frame, ...]

MAIN = Frame("main", "/app/main.py", 1)


def profile(
    costs: Mapping[Stack, float],
    *,
    samples: int = 4000,
    seed: int | None = 1,
    half: str = "cpu",
    **process: object,
) -> Profile:
    """A profile whose samples fall on the stacks by chance, in proportion to their seconds."""
    chance = random.Random(seed)
    unit = 10.0 / samples
    table = StackTable(("wall_seconds",) if half == "cpu" else ("bytes",), 25_000)
    count = 0
    for stack, cost in costs.items():
        expected = cost / unit
        hits = max(0, round(chance.gauss(expected, (1.5 * expected) ** 0.5)))
        count += hits
        table.add(stack, [hits * unit if half == "cpu" else cost])
    tree = table.tree(lambda key: key)  # type: ignore[arg-type, return-value]
    cpu = CpuProfile(
        backend="sampler",
        interval_seconds=unit,
        sample_count=count,
        wall_seconds=count * unit,
        cpu_seconds=None,
        await_seconds=None,
        tree=tree,
    )
    memory = MemoryProfile(
        backend="memray",
        scope="call",
        rss_before_bytes=None,
        rss_after_bytes=None,
        rss_peak_bytes=None,
        peak_tree=tree,
    )
    info: dict[str, object] = {
        "pid": 1,
        "hostname": "a",
        "python": "3.11.7",
        "implementation": "CPython",
        "cpu_model": "One",
        "cpu_count": 2,
        "monitoring_version": "0",
        **process,
    }
    return Profile(
        profile_id="0",
        name="program",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        duration_seconds=10,
        outcome="returned",
        process=ProcessInfo.model_validate(info),
        sampling=SamplingInfo(mode="fixed", rate=1.0),
        cpu=cpu if half == "cpu" else None,
        memory=memory if half == "memory" else None,
    )


def program(
    root: str = "/app", module: Callable[[int], str] = lambda _: "work.py"
) -> dict[Stack, float]:
    """200 functions below main, the first of them hot."""
    costs: dict[Stack, float] = {}
    for number in range(200):
        function = Frame(f"function_{number}", f"{root}/{module(number)}", 10 * number + 1)
        costs[(MAIN, function)] = 1.0 if number == 0 else 9.0 / 199
    return costs


def named(costs: Mapping[Stack, float], name: str) -> Stack:
    return next(stack for stack in costs if stack[-1].function == name)


def test_a_doubled_function_among_two_hundred_ranks_first_as_the_only_regression() -> None:
    for seed in range(20):
        before = program()
        after = dict(before)
        after[named(after, "function_0")] *= 2
        comparison = compare_profiles(profile(before, seed=seed), profile(after, seed=seed + 100))
        assert comparison.verdict == "regression"
        first = comparison.functions[0]
        assert first.function == "function_0"
        assert first.ratio == pytest.approx(2.0, rel=0.3)
        assert [f.function for f in comparison.functions if f.verdict == "regression"] == [
            "function_0"
        ]
        assert "function_0" in comparison.explanation


def test_two_runs_of_the_same_code_are_unchanged() -> None:
    for seed in range(40):
        comparison = compare_profiles(
            profile(program(), seed=seed), profile(program(), seed=seed + 100)
        )
        assert comparison.verdict == "unchanged", comparison.explanation


def moody(costs: Mapping[Stack, float], seed: int, samples: int = 4000) -> list[Profile]:
    """Three runs, each of them slowed by something else on the machine."""
    runs = []
    for number in range(seed, seed + 3):
        mood = random.Random(number).lognormvariate(0, 0.5)
        slowed = {stack: cost * mood for stack, cost in costs.items()}
        runs.append(profile(slowed, seed=number, samples=samples))
    return runs


def test_runs_on_a_moody_machine_hide_no_doubled_function_and_make_none() -> None:
    doubled = program()
    doubled[named(doubled, "function_0")] *= 2
    for seed in range(0, 80, 10):
        before = moody(program(), seed)
        found = compare_profiles(before, moody(doubled, seed + 1000))
        hits = [f.function for f in found.functions if f.verdict == "regression"]
        assert hits == ["function_0"], found.explanation
        assert found.functions[0].ratio == pytest.approx(2.0, rel=0.3)
        same = compare_profiles(before, moody(program(), seed + 2000))
        assert same.verdict == "unchanged", same.explanation


def test_a_doubled_function_of_which_little_was_seen_is_a_finding_or_inconclusive() -> None:
    doubled = program()
    doubled[named(doubled, "function_0")] *= 2
    verdicts = []
    for seed in range(0, 200, 10):
        found = compare_profiles(
            moody(program(), seed, samples=500), moody(doubled, seed + 1000, samples=500)
        )
        verdicts.append(found.verdict)
        if found.verdict == "inconclusive":
            assert "function_0 may cost x" in found.explanation
    assert verdicts.count("unchanged") <= 2
    assert "inconclusive" in verdicts


def test_a_generally_slower_machine_makes_no_function_a_regression() -> None:
    slower = {stack: cost * 1.3 for stack, cost in program().items()}
    comparison = compare_profiles(profile(program()), profile(slower, seed=2))
    assert not [f for f in comparison.functions if f.verdict == "regression"]


def test_moving_a_function_to_another_module_is_no_regression() -> None:
    moved = program(module=lambda number: "helpers.py" if number == 0 else "work.py")
    comparison = compare_profiles(profile(program()), profile(moved, seed=2))
    assert comparison.verdict == "unchanged"
    assert comparison.functions


def test_a_function_moved_and_doubled_is_one() -> None:
    moved = program(module=lambda number: "helpers.py" if number == 0 else "work.py")
    moved[named(moved, "function_0")] *= 2
    comparison = compare_profiles(profile(program()), profile(moved, seed=2))
    assert comparison.verdict == "regression"
    assert comparison.functions[0].file == "/app/helpers.py"


def test_checkouts_in_two_directories_are_the_same_program() -> None:
    after = program(root="/elsewhere/app")
    after[named(after, "function_3")] *= 4
    comparison = compare_profiles(profile(program()), profile(after, seed=2))
    assert [f.function for f in comparison.functions if f.verdict == "regression"] == ["function_3"]


def test_work_split_off_into_a_new_helper_is_no_regression() -> None:
    before = program()
    hot = named(before, "function_0")
    after = dict(before)
    after[hot] = 0.3
    after[(*hot, Frame("helper", "/app/work.py", 5000))] = 0.7
    comparison = compare_profiles(profile(before), profile(after, seed=2))
    assert comparison.verdict == "unchanged", comparison.explanation


def test_a_split_that_also_costs_more_is_one() -> None:
    before = program()
    hot = named(before, "function_0")
    after = dict(before)
    after[hot] = 0.3
    after[(*hot, Frame("helper", "/app/work.py", 5000))] = 2.7
    comparison = compare_profiles(profile(before), profile(after, seed=2))
    assert comparison.verdict == "regression"
    assert comparison.functions[0].function == "helper"
    assert comparison.functions[0].ratio is None


def test_lines_that_shift_do_not_make_another_function() -> None:
    shifted: dict[Stack, float] = {
        (main, Frame(leaf.function, leaf.file, leaf.line + 37)): cost
        for (main, leaf), cost in program().items()
    }
    comparison = compare_profiles(profile(program()), profile(shifted, seed=2))
    assert comparison.verdict == "unchanged"


def test_another_machine_warns_and_never_finds_a_regression() -> None:
    after = program()
    after[named(after, "function_0")] *= 3
    comparison = compare_profiles(
        profile(program()), profile(after, seed=2, cpu_model="Two", libraries={"new": "1"})
    )
    assert comparison.verdict == "inconclusive"
    assert comparison.environment_mismatch == ("CPU model: One -> Two",)
    assert "One -> Two" in comparison.explanation


def test_another_library_version_is_another_environment() -> None:
    comparison = compare_profiles(
        profile(program(), libraries={"orjson": "3.1"}),
        profile(program(), seed=2, libraries={"orjson": "3.2"}, hostname="b"),
    )
    assert comparison.environment_mismatch == ("orjson: 3.1 -> 3.2",)
    assert comparison.verdict == "unchanged"


def test_equal_code_on_a_slower_machine_is_unchanged_however_many_runs_there_are() -> None:
    before = [profile(program(), seed=seed) for seed in range(6)]
    slower = {stack: cost * 1.4 for stack, cost in program().items()}
    after = [profile(slower, seed=seed + 50, cpu_model="Two") for seed in range(6)]
    comparison = compare_profiles(before, after)
    assert comparison.verdict == "unchanged", comparison.explanation
    assert comparison.environment_mismatch
    assert "One -> Two" in comparison.explanation


@pytest.mark.parametrize("runs", [1, 3, 6])
def test_equal_code_on_two_fingerprints_is_never_a_regression(runs: int) -> None:
    for seed in range(0, 300, 30):
        chance = random.Random(seed)
        # The other machine is slower, and not equally so for all that a program does.
        there = {
            stack: cost * 1.4 * chance.lognormvariate(0, 0.4) for stack, cost in program().items()
        }
        comparison = compare_profiles(
            [profile(program(), seed=seed + run) for run in range(runs)],
            [profile(there, seed=seed + 10 + run, cpu_model="Two") for run in range(runs)],
        )
        assert comparison.verdict in ("unchanged", "inconclusive"), comparison.explanation
        assert comparison.environment_mismatch == ("CPU model: One -> Two",)


def test_several_runs_a_side_judge_the_whole_too() -> None:
    before = [profile(program(), seed=seed) for seed in range(6)]
    slower = {stack: cost * 1.3 for stack, cost in program().items()}
    after = [profile(slower, seed=seed + 50) for seed in range(6)]
    comparison = compare_profiles(before, after)
    assert comparison.verdict == "regression"
    assert comparison.ratio == pytest.approx(1.3, rel=0.05)
    assert comparison.confidence_interval is not None
    low, high = comparison.confidence_interval
    assert comparison.ratio is not None
    assert 1.2 < low <= comparison.ratio <= high < 1.4
    assert "whole" in comparison.explanation


def test_memory_profiles_are_compared_by_the_bytes_at_their_peak() -> None:
    after = {stack: cost * 1e6 for stack, cost in program().items()}
    before = dict(after)
    after[named(after, "function_7")] *= 5
    comparison = compare_profiles(profile(before, half="memory"), profile(after, half="memory"))
    assert [f.function for f in comparison.functions if f.verdict == "regression"] == ["function_7"]


def test_a_handful_of_samples_is_inconclusive_and_no_finding() -> None:
    after = program()
    after[named(after, "function_0")] *= 2
    comparison = compare_profiles(profile(program(), samples=100), profile(after, samples=100))
    assert comparison.functions[0].verdict != "regression"


def test_a_profile_and_its_file_compare_alike(tmp_path: Path) -> None:
    path = tmp_path / "base.json"
    path.write_text(profile(program()).model_dump_json())
    assert compare_profiles(path, [str(path)]).verdict == "unchanged"


def test_what_cannot_be_compared_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="no half in common"):
        compare_profiles(profile(program()), profile(program(), half="memory"))
    with pytest.raises(InvalidArgumentError, match="baseline is empty"):
        compare_profiles([], profile(program()))
    with pytest.raises(UnreadableProfileError, match="cannot read"):
        compare_profiles(tmp_path / "none.json", profile(program()))
    with pytest.raises(InvalidArgumentError, match="threshold"):
        compare_profiles(profile(program()), profile(program()), threshold=0)
    with pytest.raises(InvalidArgumentTypeError, match="threshold"):
        compare_profiles(profile(program()), profile(program()), threshold="x")  # type: ignore[arg-type]


def test_an_empty_profile_is_inconclusive() -> None:
    comparison = compare_profiles(profile({}), profile(program()))
    assert comparison.verdict == "inconclusive"
    assert comparison.ratio is None
