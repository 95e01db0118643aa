"""The trend page in a browser: nothing is asked for, nothing of a name is run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from application_sdk.monitoring.renderers.html.trend_page import (
    TrendChange,
    TrendHistory,
    TrendRun,
    TrendSeries,
    render_trend,
)
from tests.viewer.builders import HOSTILE
from tests.viewer.chromium import Page

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("dark", [False, True])
def test_the_trend_page_asks_for_nothing_and_hostile_names_do_nothing(
    opened: Callable[..., Page], dark: bool
) -> None:
    runs = [TrendRun(BEGIN, 1.0 + number % 2, name) for number, name in enumerate(HOSTILE)]
    histories = [
        TrendHistory(name, [TrendSeries(name, "s", runs, [TrendChange(1, 1.0, 2.0)])])
        for name in HOSTILE
    ]
    page = opened(render_trend("\n".join(HOSTILE), histories), dark=dark)
    assert page.evaluate("document.querySelectorAll('svg').length") == len(HOSTILE)
    assert page.evaluate("document.querySelectorAll('img, script').length") == 0
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == ("rgb(27, 26, 24)" if dark else "rgb(251, 250, 248)")
    assert page.requests == page.problems == page.dialogs == []
