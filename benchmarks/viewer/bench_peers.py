"""First paint of other viewers beside ours: the same made-up tree, the same browser.

    npm install --prefix PEERS speedscope d3-flame-graph d3
    python -m benchmarks.viewer.bench_peers PEERS [NODES ...]

Each viewer gets the tree in the form that it takes, with one metric; ours holds three.
First paint is the time from the start of the navigation to the first frame that shows the
tree, the median of three fresh pages.
"""

from __future__ import annotations

import io
import json
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.renderers import speedscope
from application_sdk.monitoring.renderers.html import render
from benchmarks.viewer.bench_page import example
from tests.viewer.chromium import Browser, chromium, find_chromium

_SIZES = (10_000, 100_000)
_REPEATS = 3
_SECONDS = 120
_CANVAS = "document.querySelector('.graph canvas')?.width > 2"
_FRAMES = "document.querySelector('svg g.frame, svg .frame')"
_TITLED = "document.title.includes('benchmark')"


class Site(NamedTuple):
    """A page to time: its file, its size with its data, and how it shows that it is painted."""

    name: str
    address: str
    size: int
    painted: str


def ours(tree: Any, directory: Path, _: Path) -> Site:
    """Our own page."""
    content = render(tree)
    (directory / "ours.html").write_bytes(content)
    return Site("this page", "ours.html", len(content), _CANVAS)


def speedscope_site(profile: Any, directory: Path, peers: Path) -> Site:
    """Speedscope as npm ships it, told to load a profile."""
    release = peers / "node_modules/speedscope/dist/release"
    target = directory / "speedscope"
    if not target.exists():
        target.symlink_to(release.resolve())
    content = speedscope.render(profile)
    (directory / "profile.speedscope.json").write_bytes(content)
    code = sum(file.stat().st_size for file in release.glob("speedscope-*"))
    address = "speedscope/index.html#profileURL=/profile.speedscope.json"
    return Site("speedscope", address, code + len(content), _TITLED)


def d3_site(profile: Any, directory: Path, peers: Path) -> Site:
    """A page of d3-flame-graph with its scripts and data inside."""
    modules = peers / "node_modules"
    scripts = [
        (modules / name).read_text(encoding="utf-8")
        for name in ("d3/dist/d3.min.js", "d3-flame-graph/dist/d3-flamegraph.umd.min.js")
    ]
    data = json.dumps(_nested(profile.cpu.tree))
    chart = (
        f"d3.select('#chart').datum({data}).call(flamegraph.default().width(1240).cellHeight(18))"
    )
    content = "<!doctype html><meta charset=utf-8><div id=chart></div>" + "".join(
        f"<script>{script}</script>" for script in (*scripts, chart)
    )
    (directory / "d3.html").write_text(content, encoding="utf-8")
    return Site("d3-flame-graph", "d3.html", len(content), _FRAMES)


def memray_site(profile: Any, directory: Path, _: Path) -> Site:
    """Memray's own page, from records that make the same tree."""
    from memray import FileFormat, Metadata
    from memray.reporters.flamegraph import FlameGraphReporter

    reporter = FlameGraphReporter.from_snapshot(
        list(_records(profile.cpu.tree)),  # type: ignore[arg-type]
        memory_records=[],
        native_traces=False,
    )
    now = datetime.now(UTC)
    metadata = Metadata(
        start_time=now,
        end_time=now,
        total_allocations=1,
        total_frames=1,
        peak_memory=1,
        command_line="benchmark",
        pid=1,
        main_thread_id=1,
        python_allocator="pymalloc",
        has_native_traces=False,
        trace_python_allocators=False,
        file_format=FileFormat.ALL_ALLOCATIONS,
    )
    out = io.StringIO()
    reporter.render(
        out, metadata, show_memory_leaks=False, merge_threads=True, inverted=False, no_web=True
    )
    content = out.getvalue()
    (directory / "memray.html").write_text(content, encoding="utf-8")
    return Site("memray --no-web", "memray.html", len(content), _FRAMES)


class _Record(NamedTuple):
    """An allocation as memray's reporter takes it."""

    size: int
    n_allocations: int
    tid: int
    frames: list[tuple[str, str, int]]
    thread_name: str = "main"

    def stack_trace(self, max_stacks: int | None = None) -> list[tuple[str, str, int]]:
        """The stack, innermost frame first."""
        return self.frames[:max_stacks]


def _records(tree: CallTree) -> Iterator[_Record]:
    stacks: list[list[tuple[str, str, int]]] = []
    for parent, frame, own in zip(
        tree.parents, tree.frame_ids, tree.values["wall_seconds"], strict=True
    ):
        name, file, line = tree.frames[frame]
        above = stacks[parent] if parent >= 0 else []
        stacks.append([(name, tree.files[file], line), *above])
        yield _Record(max(1, int(own * 1e6)), 1, 1, stacks[-1])


def _nested(tree: CallTree) -> dict[str, Any]:
    made: list[dict[str, Any]] = []
    values = tree.values["wall_seconds"]
    totals = list(values)
    for node in range(len(totals) - 1, 0, -1):
        totals[tree.parents[node]] += totals[node]
    for node, (parent, frame) in enumerate(zip(tree.parents, tree.frame_ids, strict=True)):
        made.append({"name": tree.frames[frame][0], "value": totals[node], "children": []})
        if parent >= 0:
            made[parent]["children"].append(made[-1])
    return made[0]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


@contextmanager
def serving(directory: Path) -> Iterator[str]:
    """The address of a server of a directory: speedscope does not load from a file."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def first_paint(browser: Browser, address: str, painted: str) -> float:
    """Milliseconds until the tree is on the screen."""
    watch = (
        f"const look = () => {{ if ({painted}) requestAnimationFrame(() => {{"
        " window.painted = performance.now(); }); else requestAnimationFrame(look); };"
        " requestAnimationFrame(look);"
    )
    page = browser.open(address, before=watch)
    page.evaluate(
        f"new Promise((done, fail) => {{ const end = performance.now() + {_SECONDS * 1000};"
        " const look = () => { if (window.painted) done(1);"
        " else if (performance.now() > end) fail(new Error('never painted'));"
        " else setTimeout(look, 50); }; look(); })"
    )
    elapsed: float = page.evaluate("window.painted")
    page.close()
    return elapsed


_SITES: Iterable[Callable[[Any, Path, Path], Site]] = (ours, speedscope_site, memray_site, d3_site)


def main() -> None:
    """Print the table."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    peers, sizes = Path(sys.argv[1]), [int(size) for size in sys.argv[2:]] or list(_SIZES)
    path = find_chromium()
    if path is None:
        sys.exit("this needs Chromium: apt-get install chromium")
    print("    nodes  viewer                  size  first paint")
    for nodes in sizes:
        profile = example(nodes)
        with tempfile.TemporaryDirectory() as name, serving(Path(name)) as root:
            for make in _SITES:
                site = make(profile, Path(name), peers)
                with chromium(path) as browser:
                    times = [
                        first_paint(browser, root + site.address, site.painted)
                        for _ in range(_REPEATS)
                    ]
                shown = f"{statistics.median(times):>8,.0f} ms"
                print(
                    f"{nodes:>9,}  {site.name:<16} {site.size / 1e6:>8.2f} MB {shown}", flush=True
                )


if __name__ == "__main__":
    main()
