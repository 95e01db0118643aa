"""Writes what a ``perf_check`` found, for pipelines and pull requests."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from application_sdk.monitoring.analysis.regressions import Comparison
from application_sdk.monitoring.analysis.regressions.formats import comparison_markdown
from application_sdk.monitoring.exporters.files import safe_name
from application_sdk.monitoring.model.profile import Profile


def write_report(
    directory: Path, nodeid: str, comparison: Comparison, pages: tuple[Profile, Profile] | None
) -> None:
    """Write the comparison as JSON and Markdown, and as a page where both sides were profiled.

    Args:
        directory: Where to; it is made.
        nodeid: The test.
        comparison: What was found.
        pages: A profile of each side; None when there is none.

    Raises:
        OSError: If a file cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # Two tests must not share a file because their names look alike once made safe.
    stem = f"{safe_name(nodeid)}-{sha256(nodeid.encode()).hexdigest()[:8]}"
    _write(directory / f"{stem}.json", comparison.model_dump_json(indent=2) + "\n")
    _write(directory / f"{stem}.md", comparison_markdown(comparison, nodeid))
    if pages is not None:
        from application_sdk.monitoring.renderers.html.diff_page import render_diff

        (directory / f"{stem}.html").write_bytes(render_diff(*pages))


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
