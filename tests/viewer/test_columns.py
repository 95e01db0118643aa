from __future__ import annotations

from application_sdk.monitoring.renderers.html.columns import differences


def test_what_changed_little_is_told_by_its_changes() -> None:
    assert differences([1000, 1000, 7, 7], [1000, 1001, 6, 7]) == [0, 2, 1, 0]


def test_what_has_little_in_common_is_told_by_itself() -> None:
    assert differences([1000, 0, 900], [0, 1000, 0]) is None


def test_changes_that_a_viewer_cannot_tell_exactly_are_not_used() -> None:
    large = 1 << 52

    assert differences([0, *[large] * 20], [large, *[large] * 20]) is None
    assert differences([1, *[large] * 20], [large, *[large] * 20]) is not None


def test_nothing_has_no_changes() -> None:
    assert differences([], []) is None
