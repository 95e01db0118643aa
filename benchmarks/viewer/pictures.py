"""Take a picture of every view, light and dark: to be looked at, and for the docs.

python -m benchmarks.viewer.pictures DIRECTORY
"""

from __future__ import annotations

import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.html import render
from application_sdk.monitoring.renderers.html.diff_page import render_diff
from application_sdk.monitoring.renderers.html.index_page import render_index
from tests.viewer.builders import profile
from tests.viewer.chromium import Browser, Page, chromium, find_chromium

_VIEWS = ("Icicle", "Flame", "Callers", "Sandwich", "Table", "Timeline")
_LIBRARIES = {
    "pandas": ("read_csv", "read", "_concat_same_type", "merge", "factorize", "get_indexer"),
    "pyarrow": ("read_table", "to_pandas", "_table_to_blocks", "cast"),
    "sqlalchemy": ("execute", "_execute_context", "fetchmany", "process_rows"),
    "httpx": ("send", "_send_handling_redirects", "handle_async_request", "iter_raw"),
}
_OWN = (
    "extract_metadata", "list_tables", "load_page", "parse_columns", "normalise", "match_lineage",
    "score", "write_batch", "to_json", "upload", "retry", "validate", "checksum",
)  # fmt: skip


def example_tree(seed: int, metrics: tuple[str, ...], scale: float, slow: str = "") -> CallTree:
    """A tree with the shape of an extraction; `slow` takes three times as long."""
    chance = random.Random(seed)
    frames: list[tuple[str, int, int]] = []
    files: list[str] = []
    known: dict[tuple[str, str], int] = {}

    def frame(function: str, file: str) -> int:
        if file not in files:
            files.append(file)
        if (function, file) not in known:
            known[function, file] = len(frames)
            frames.append((function, files.index(file), 10 + 7 * len(frames)))
        return known[function, file]

    parents, frame_ids, own = [-1], [frame("run", "/app/extractor/main.py")], [0.01]
    open_nodes = [(0, 1.0, 0, "")]
    # Depth first, so that every parent stands before its children and next to its subtree.
    while open_nodes:
        parent, weight, depth, library = open_nodes.pop()
        parts = sorted(
            (chance.paretovariate(0.9) for _ in range(chance.randint(1, 5))), reverse=True
        )
        whole = sum(parts)
        for part in parts:
            share = weight * 0.93 * part / whole
            if share < 0.0006 or depth > 22:
                continue
            inside = library or (
                chance.choice(sorted(_LIBRARIES)) if chance.random() < 0.22 and depth > 1 else ""
            )
            name = chance.choice(_LIBRARIES[inside] if inside else _OWN)
            place = (
                f"/venv/lib/python3.11/site-packages/{inside}/core.py"
                if inside
                else f"/app/extractor/{name[:4]}.py"
            )
            parents.append(parent)
            frame_ids.append(frame(name, place))
            own.append(share * chance.uniform(0.02, 0.6) * (3 if name == slow else 1))
            open_nodes.append((len(parents) - 1, share, depth + 1, inside))
    return _in_preorder(metrics, tuple(files), tuple(frames), parents, frame_ids, own, scale)


def _in_preorder(
    metrics: tuple[str, ...], files: tuple[str, ...], frames: tuple[tuple[str, int, int], ...],
    parents: list[int], frame_ids: list[int], own: list[float], scale: float,
) -> CallTree:  # fmt: skip
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(parents):
        children.setdefault(parent, []).append(node)
    order: list[int] = []
    waiting = [0]
    while waiting:
        order.append(waiting.pop())
        waiting.extend(reversed(children.get(order[-1], [])))
    place = {node: number for number, node in enumerate(order)}
    return CallTree(
        metrics=metrics,
        files=files,
        frames=frames,
        parents=tuple(place[parents[node]] if parents[node] >= 0 else -1 for node in order),
        frame_ids=tuple(frame_ids[node] for node in order),
        values={
            metric: tuple(
                round(own[node] * scale / (1 + number * (1 + node % 3)), 9) for node in order
            )
            for number, metric in enumerate(metrics)
        },
    )


def example(slow: str = "") -> Profile:
    """A profile with both halves."""
    tree = example_tree(11, ("wall_seconds", "cpu_seconds", "await_seconds"), 42.0, slow)
    plain = profile(tree)
    assert plain.memory is not None
    assert plain.cpu is not None
    memory = plain.memory.model_copy(
        update={
            "peak_tree": example_tree(12, ("bytes", "allocations"), 9e8),
            "retained_tree": example_tree(13, ("bytes", "allocations"), 3e7),
            "timeline": _readings(),
            "peak_bytes": 812_000_000,
            "retained_bytes": 21_400_000,
            "allocation_count": 1_204_331,
        }
    )
    seconds = tree.total("wall_seconds")
    cpu = plain.cpu.model_copy(update={"wall_seconds": seconds, "sample_count": 4180})
    return plain.model_copy(update={"cpu": cpu, "memory": memory, "duration_seconds": seconds})


def _readings() -> tuple[tuple[float, int], ...]:
    chance = random.Random(5)
    value, found = 180e6, []
    for number in range(600):
        value += chance.gauss(1.2e6, 9e6) if number < 430 else chance.gauss(-2e6, 5e6)
        found.append((number * 0.07, int(max(value, 150e6))))
    return tuple(found)


class _Entry(NamedTuple):
    """A profile as the index sees it."""

    name: str
    started_at: datetime
    duration_seconds: float
    outcome: str
    exception_type: str | None
    hostname: str
    cpu_seconds: float | None
    peak_bytes: int | None
    retained_bytes: int | None
    path: str
    page: str | None


def _entries() -> list[_Entry]:
    chance = random.Random(3)
    found = []
    for name in (
        "extractor.activities.extract_metadata",
        "extractor.activities.write_batch",
        "extractor.main.run",
    ):
        for number in range(9):
            failed = chance.random() < 0.15
            found.append(
                _Entry(
                    name,
                    datetime(2026, 11, 1, 9, tzinfo=UTC) + timedelta(minutes=17 * number),
                    chance.uniform(3, 9) + number * 0.4,
                    "raised" if failed else "returned",
                    "TimeoutError" if failed else None,
                    f"worker-{number % 3}",
                    chance.uniform(1, 3),
                    None if name.endswith("run") else int(chance.uniform(2e8, 4e8) + number * 2e7),
                    None if name.endswith("run") else int(chance.uniform(1e6, 4e6)),
                    f"{name}/{number}.json",
                    f"{name}/{number}.html",
                )
            )
    return found


def _shoot(page: Page, directory: Path, name: str) -> None:
    page.settle()
    page.screenshot(directory / f"{name}.png")


def _pages(browser: Browser, directory: Path, files: dict[str, Path], theme: str) -> None:
    dark = theme == "dark"
    page = browser.open(files["profile"].as_uri(), dark=dark)
    for view in _VIEWS:
        page.press(view)
        _shoot(page, directory, f"{view.lower()}-{theme}")
    page.press("Icicle")
    page.on("Search", "function() { this.focus(); }")
    page.type("pandas")
    _shoot(page, directory, f"search-{theme}")
    page.choose("Metric", "Peak memory")
    page.press("Hide library frames")
    x, y = page.evaluate(
        "(b => [b.x + b.width * .3, b.y + 50])"
        "(document.querySelector('canvas').getBoundingClientRect())"
    )
    page.move(x, y)
    page.until("!document.querySelector('.tip').hidden")
    _shoot(page, directory, f"memory-{theme}")
    page.close()
    page = browser.open(files["diff"].as_uri(), dark=dark)
    _shoot(page, directory, f"diff-{theme}")
    page.press("Table")
    _shoot(page, directory, f"diff-table-{theme}")
    page.close()
    page = browser.open(files["index"].as_uri(), dark=dark)
    _shoot(page, directory, f"index-{theme}")
    page.close()
    page = browser.open(files["profile"].as_uri(), dark=dark, script=False)
    page.screenshot(directory / f"still-{theme}.png")
    page.close()
    page = browser.open(files["profile"].as_uri(), dark=dark, width=420, height=800)
    page.screenshot(directory / f"narrow-{theme}.png")
    page.close()


def main() -> None:
    """Write the pictures."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    path = find_chromium()
    if path is None:
        sys.exit("this needs Chromium: apt-get install chromium")
    with chromium(path) as browser, tempfile.TemporaryDirectory() as scratch:
        files = {name: Path(scratch) / f"{name}.html" for name in ("profile", "diff", "index")}
        files["profile"].write_bytes(render(example()))
        files["diff"].write_bytes(render_diff(example(), example("load_page")))
        files["index"].write_bytes(render_index(_entries()))
        for theme in ("light", "dark"):
            _pages(browser, directory, files, theme)


if __name__ == "__main__":
    main()
