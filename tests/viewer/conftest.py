from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from application_sdk.monitoring.renderers.html import render
from tests.viewer.chromium import Browser, Page, chromium, find_chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; each page gets a profile of its own."""
    path = find_chromium()
    if path is None:
        reason = "these tests need Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with chromium(path) as running:
        yield running


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Open a profile's page, or HTML as it is, from a file."""
    pages: list[Page] = []

    def open_page(content: Any, fragment: str = "", **options: Any) -> Page:
        file = tmp_path / f"page{len(pages)}.html"
        file.write_bytes(content if isinstance(content, bytes) else render(content))
        pages.append(browser.open(file.as_uri() + fragment, **options))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()
