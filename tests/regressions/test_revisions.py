"""Comparing the working tree with a revision: real git, real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from application_sdk.monitoring.analysis.regressions.process_side import CallableWork, CommandWork
from application_sdk.monitoring.analysis.regressions.revisions import compare_revisions
from application_sdk.monitoring.errors import MonitoringError
from tests.regressions.conftest import Shop

PROJECT = Path(__file__).parents[2]


def test_a_slower_working_tree_is_a_regression_and_names_the_function(shop: Shop) -> None:
    told: list[str] = []
    found = compare_revisions(
        CallableWork("shop.cart:checkout"),
        "HEAD",
        directory=shop.root,
        max_seconds=20,
        progress=told.append,
    )
    comparison = found.comparison
    assert comparison.verdict == "regression", comparison.explanation
    assert comparison.ratio == pytest.approx(2.0, rel=0.25)
    assert comparison.functions[0].function == "<genexpr>"
    assert comparison.functions[0].verdict == "regression"
    assert "cart.py" in comparison.explanation
    assert found.commit == shop.git("rev-parse", "HEAD").strip()
    assert found.baseline is not None
    assert found.candidate is not None
    # Both are told with the paths of the working tree, so that they can be laid on each other.
    files = {*found.baseline.cpu.tree.files, *found.candidate.cpu.tree.files}  # type: ignore[union-attr]
    assert {file for file in files if "cart" in file} == {str(shop.root / "src/shop/cart.py")}
    assert "round 1" in told
    assert shop.worktrees() == 1


FUNCTION = """
def function_{number}():
    total = 0
    for i in range({amount}):
        total += i * i
    return total
"""
MAIN = """
ALL = [globals()[f"function_{number}"] for number in range(200)]

def main():
    for function in ALL:
        function()
"""


def program_of_200(hot: int) -> list[str]:
    """The functions, the hot one first."""
    return [FUNCTION.format(number=n, amount=40 if n else hot) for n in range(200)]


@pytest.mark.slow
@pytest.mark.alone
def test_a_doubled_function_of_200_ranks_first_as_the_only_regression(shop: Shop) -> None:
    program = shop.root / "program.py"
    program.write_text("".join(program_of_200(1500)) + MAIN)
    shop.git("add", "program.py")
    shop.git("commit", "--quiet", "-m", "program")
    program.write_text("".join(program_of_200(3000)) + MAIN)
    found = compare_revisions(CallableWork("program:main"), "HEAD", directory=shop.root)
    comparison = found.comparison
    assert comparison.verdict == "regression", comparison.explanation
    regressed = [f.function for f in comparison.functions if f.verdict == "regression"]
    assert regressed == ["function_0"]
    assert comparison.functions[0].function == "function_0"


@pytest.mark.slow
@pytest.mark.alone
def test_a_hot_function_moved_to_another_module_is_no_regression(shop: Shop) -> None:
    program = shop.root / "program.py"
    hot, *others = program_of_200(1500)
    program.write_text("".join([hot, *others]) + MAIN)
    shop.git("add", "program.py")
    shop.git("commit", "--quiet", "-m", "program")
    (shop.root / "helpers.py").write_text(hot)
    program.write_text("from helpers import function_0\n" + "".join(others) + MAIN)
    found = compare_revisions(
        CallableWork("program:main"), "HEAD", directory=shop.root, always_profile=True
    )
    comparison = found.comparison
    assert comparison.verdict == "unchanged", comparison.explanation
    assert not [f for f in comparison.functions if f.verdict == "regression"]


@pytest.mark.slow
def test_memory_and_coroutine_functions_are_compared_too(shop: Shop) -> None:
    more = compare_revisions(
        CallableWork("shop.cart:hold"), "HEAD", directory=shop.root, metric="memory"
    ).comparison
    assert more.verdict == "regression", more.explanation
    assert more.ratio == pytest.approx(1.2, abs=0.02)
    same = compare_revisions(
        CallableWork("shop.cart:order"), "HEAD", directory=shop.root, metric="memory"
    ).comparison
    assert same.verdict == "unchanged", same.explanation


@pytest.mark.slow
@pytest.mark.alone
def test_a_whole_command_is_compared_from_the_directory_that_it_is_started_in(shop: Shop) -> None:
    command = 'python -c "import shop.cart as c; [c.checkout() for _ in range(3000)]"'
    comparison = compare_revisions(
        CommandWork(command), "HEAD", directory=shop.root / "src", max_seconds=60
    ).comparison
    assert comparison.verdict == "regression", comparison.explanation


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("shop.cart:broken", r"the baseline \(\w+\) raised KeyError: 'lost'"),
        ("shop.cart:come", r"the baseline \(\w+\) cannot be run: .* no attribute 'come'"),
        ("shop.cart:gone", r"the candidate \(the working tree\) cannot be run"),
        ("shop.till:ring", "no module named shop.till"),
        ("shop.cart:os._exit", "cannot be run"),
    ],
)
def test_a_side_that_cannot_be_run_is_named_with_the_reason(
    shop: Shop, target: str, message: str
) -> None:
    with pytest.raises(MonitoringError, match=message):
        compare_revisions(CallableWork(target), "HEAD", directory=shop.root)
    assert shop.worktrees() == 1


def test_a_command_that_fails_is_told_with_the_end_of_its_output(shop: Shop) -> None:
    with pytest.raises(MonitoringError, match="exit code 3: the till is empty"):
        compare_revisions(
            CommandWork("python -c \"print('the till is empty'); raise SystemExit(3)\""),
            "HEAD",
            directory=shop.root,
        )


def test_an_unknown_revision_and_a_directory_without_git_are_refused(
    shop: Shop, tmp_path: Path
) -> None:
    with pytest.raises(MonitoringError, match="does not know the revision 'nowhere'"):
        compare_revisions(CallableWork("shop.cart:checkout"), "nowhere", directory=shop.root)
    with pytest.raises(MonitoringError, match="git rev-parse failed"):
        compare_revisions(CallableWork("shop.cart:checkout"), "HEAD", directory=tmp_path)


def test_code_of_the_working_tree_never_stands_in_for_the_baselines(shop: Shop) -> None:
    # The base revision imports what only the working tree has, by an absolute path.
    (shop.root / "extra.py").write_text("def work(): pass\n")
    (shop.root / "bench.py").write_text(
        f"import sys; sys.path.insert(0, {str(shop.root)!r}); import extra\nwork = extra.work\n"
    )
    shop.git("add", "bench.py")
    shop.git("commit", "--quiet", "-m", "bench")
    with pytest.raises(MonitoringError, match=r"imported extra from .* other side"):
        compare_revisions(CallableWork("bench:work"), "HEAD", directory=shop.root)


def is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_leaves_neither_worktree_nor_process(shop: Shop) -> None:
    program = """
        from application_sdk.monitoring.analysis.regressions.process_side import CallableWork
        from application_sdk.monitoring.analysis.regressions.revisions import compare_revisions
        compare_revisions(CallableWork("shop.cart:order"), "HEAD", max_seconds=600,
                          progress=lambda text: print(text, flush=True))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=shop.root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("round 2"):
            break
    assert shop.worktrees() == 2
    # As a terminal does it: to all processes of the group.
    os.killpg(process.pid, signal.SIGINT)
    process.stdout.close()
    assert process.wait(60) != 0
    assert shop.worktrees() == 1
    deadline = time.monotonic() + 30
    while is_alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)  # nothing tells when a process of another parent is gone
    assert not is_alive(process.pid)
