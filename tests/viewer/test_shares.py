from __future__ import annotations

from application_sdk.monitoring.renderers.html.shares import FunctionSums

# main calls f, which calls itself, and g; f is called once more.
PARENTS = (-1, 0, 1, 0, 0)
FRAMES = (0, 1, 1, 2, 1)


def test_a_recursion_counts_once_in_a_total() -> None:
    sums = FunctionSums(PARENTS, FRAMES)

    assert sums.corrections([1.0, 3.3, 3.3, 1.4, 1.0], [1, 3, 3, 2, 1]) == [
        1, 0.6, 0.6, 2, -0.6, -0.6,
    ]  # fmt: skip


def test_what_shows_right_needs_nothing() -> None:
    sums = FunctionSums(PARENTS, FRAMES)

    assert sums.corrections([1000, 3000, 3000, 2000, 1000], [1, 3, 3, 2, 1]) == []


def test_nothing_has_no_shares() -> None:
    assert FunctionSums(PARENTS, FRAMES).corrections([0.0] * 5, [0] * 5) == []


def test_a_sum_between_two_tenths_is_put_to_the_side_where_its_last_bit_is() -> None:
    sums = FunctionSums((-1, -1), (0, 1))

    found = sums.corrections([625.0000001, 9375], [625, 9375])

    (first, own, total), (second, other, _) = found[:3], found[3:]
    assert (first, second) == (0, 1)
    assert f"{(625 + own) / 10_000:.1%}" == f"{(625 + total) / 10_000:.1%}" == "6.3%"
    assert f"{(9375 + other) / 10_000:.1%}" == "93.7%"
