"""Every share in the table, compared as text with what Python computes from the same profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from application_sdk.monitoring.model.profile import Profile
from benchmarks.viewer.bench_page import example, real
from tests.viewer.builders import Node, profile, tree
from tests.viewer.chromium import Page

Open = Callable[..., Page]

MORE = (
    "(() => { const more = [...document.querySelectorAll('.table button')]"
    ".find(b => b.textContent.startsWith('Show ')); more?.click(); return Boolean(more); })()"
)
ROWS = (
    "[...document.querySelectorAll('.table tbody tr')].map(r =>"
    " [r.querySelector('.name').textContent, r.cells[2].textContent, r.cells[4].textContent])"
)


def assert_shares_are_pythons(opened: Open, shown: Profile) -> None:
    assert shown.cpu is not None
    calls = shown.cpu.tree
    used = {calls.frames[frame][0] for frame in set(calls.frame_ids)}
    for metric in calls.metrics:
        whole = calls.total(metric)
        if not whole:
            continue
        expected = Counter(
            (stat.function, f"{stat.self_value / whole:.1%}", f"{stat.total_value / whole:.1%}")
            for stat in calls.functions(metric)
            if stat.function in used
        )

        page = opened(shown, f"#view=table&metric=cpu.{metric}")
        while page.evaluate(MORE):
            pass
        rows = Counter(map(tuple, page.evaluate(ROWS)))

        assert rows - expected == expected - rows == Counter()


def sampled(count: int) -> Profile:
    """So many functions with one sample each, which makes shares that lie between two tenths."""
    frames = tuple((f"f{number}", "/app/f.py", number + 1) for number in range(count))
    nodes: tuple[Node, ...] = tuple((-1, number, 10.0) for number in range(count))
    return profile(tree(frames=frames, nodes=nodes))


@pytest.mark.parametrize("count", [16, 48, 400])
def test_a_share_between_two_tenths_is_rounded_the_way_python_does(
    opened: Open, count: int
) -> None:
    assert_shares_are_pythons(opened, sampled(count))


def test_shares_of_a_real_program_are_pythons(opened: Open) -> None:
    assert_shares_are_pythons(opened, real())


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [10_000, 60_000, 100_000, 500_000])
def test_shares_are_pythons_where_many_rounded_values_add_up(opened: Open, nodes: int) -> None:
    assert_shares_are_pythons(opened, example(nodes))
