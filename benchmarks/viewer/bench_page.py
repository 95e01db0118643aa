"""How long the page takes: written by Python, painted, zoomed and searched in Chromium.

    python -m benchmarks.viewer.bench_page [NODES ...]

First paint is the time from the start of the navigation to the first frame that shows the
graph; writing is Python's time on its thread's clock; zoom, pan and search are the time that the script kept its thread busy, the longest of a
few, once the page has come to rest: what it reads ahead while idle is not theirs. Pans are a key,
a sideways wheel, a widening wheel and a drag. Each is the median of several fresh pages. Of the icicle:
``bench_views`` uses all views.
"""

from __future__ import annotations

import ast
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from application_sdk.monitoring import flamegraph, flush
from application_sdk.monitoring.model.call_tree import CallTree
from application_sdk.monitoring.model.profile import (
    CpuProfile,
    ProcessInfo,
    Profile,
    SamplingInfo,
)
from application_sdk.monitoring.renderers.html import render
from tests.viewer.chromium import Browser, Page, chromium, find_chromium

_SIZES = (10_000, 100_000, 500_000, 1_000_000)
_REPEATS = 5
_FIXED_BYTES = 100_000
_WATCH = """
const look = () => {
  const canvas = document.querySelector('canvas');
  if (!canvas || canvas.width < 2) requestAnimationFrame(look);
  else requestAnimationFrame(() => { window.painted = performance.now(); });
};
requestAnimationFrame(look);
"""
_ZOOM = """(() => {
  const canvas = document.querySelector('canvas'), bounds = canvas.getBoundingClientRect();
  canvas.dispatchEvent(new MouseEvent('click', {bubbles: true,
    clientX: bounds.x + bounds.width * %s, clientY: bounds.y + %s * 20 + 10}));
})()"""
_PLACES = ((0.1, 3), (0.2, 2), (0.3, 2), (0.4, 1))
# Others' idle callbacks run in turns with these.
_IDLE_TURNS = """(async () => {
  for (let turn = 0; turn < 10; turn++) await new Promise(done => requestIdleCallback(done));
})()"""
_MOST_LOOKS = 6
_AT_REST_SECONDS = 0.001
ON_CANVAS = """(() => {
  const canvas = document.querySelector('canvas'), bounds = canvas.getBoundingClientRect();
  const x = bounds.x + bounds.width / 2, y = bounds.y + 10;
  const send = (kind, name, more) => canvas.dispatchEvent(
    new kind(name, {bubbles: true, cancelable: true, clientX: x, clientY: y, ...more}));
  %s
})()"""
_WIDEN = ON_CANVAS % "send(WheelEvent, 'wheel', {deltaY: -400, ctrlKey: true});"
PANS = (
    _WIDEN,
    ON_CANVAS % "send(KeyboardEvent, 'keydown', {key: 'ArrowRight', shiftKey: true});",
    ON_CANVAS % "send(WheelEvent, 'wheel', {deltaX: 90});",
    ON_CANVAS
    % """canvas.setPointerCapture = () => 0;
  send(PointerEvent, 'pointerdown', {buttons: 1});
  send(PointerEvent, 'pointermove', {buttons: 1, clientX: x + 60});
  send(PointerEvent, 'pointerup', {});""",
)
_SEARCH = """(() => {
  const field = document.querySelector('input[type=search]');
  field.value = '%s';
  field.dispatchEvent(new Event('input'));
})()"""
_WORDS = ("l", "lo", "load", "batch_1", ".py")


def example(nodes: int) -> Profile:
    """A made-up profile of a deep program with 3,000 functions and three metrics."""
    chance = random.Random(nodes)
    frames = tuple(
        (f"{chance.choice(('load', 'parse', 'write'))}_batch_{number}", number % 60, number % 900)
        for number in range(3000)
    )
    parents, frame_ids, path = [-1], [0], [0]
    while len(parents) < nodes:
        while len(path) > 1 and (chance.random() < 0.45 or len(path) > 60):
            path.pop()
        parents.append(path[-1])
        frame_ids.append(min(int(chance.paretovariate(0.6)) + len(path) * 7 % 50, 2999))
        path.append(len(parents) - 1)
    metrics = ("wall_seconds", "cpu_seconds", "await_seconds")
    tree = CallTree.model_construct(
        metrics=metrics,
        files=tuple(f"/app/package/module_{number}.py" for number in range(60)),
        frames=frames,
        parents=tuple(parents),
        frame_ids=tuple(frame_ids),
        values={
            metric: tuple(round(chance.expovariate(100), 9) for _ in parents) for metric in metrics
        },
    )
    cpu = CpuProfile.model_construct(
        backend="sampler",
        interval_seconds=0.01,
        sample_count=nodes,
        wall_seconds=1.0,
        cpu_seconds=1.0,
        await_seconds=1.0,
        tree=tree,
    )
    return Profile(
        profile_id="benchmark",
        name="benchmark",
        started_at=datetime(2026, 1, 1, tzinfo=UTC),
        duration_seconds=1.0,
        outcome="returned",
        process=ProcessInfo(
            pid=1, hostname="h", python="3", implementation="CPython", monitoring_version="0"
        ),
        sampling=SamplingInfo(mode="adaptive"),
    ).model_copy(update={"cpu": cpu})


def rest(page: Page) -> None:
    """Wait until a page does no more by itself: for ten idle periods it ran no script of its own."""
    page.call("Performance.enable", timeDomain="threadTicks")
    before = script_seconds(page)
    for _ in range(_MOST_LOOKS):
        page.evaluate(_IDLE_TURNS)
        after = script_seconds(page)
        if after - before < _AT_REST_SECONDS:
            break
        before = after


def script_time(page: Page, action: str) -> float:
    """Milliseconds that the page's thread was busy with a script.

    The thread's clock, not the wall's: on a busy machine the latter tells of the others.
    """
    page.call("Performance.enable", timeDomain="threadTicks")
    before = script_seconds(page)
    page.evaluate(action)
    page.settle()
    return 1000 * (script_seconds(page) - before)


def script_seconds(page: Page) -> float:
    """Seconds of scripts so far."""
    metrics = page.call("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "ScriptDuration"))


class Figures(NamedTuple):
    """What one page takes: seconds, bytes, milliseconds."""

    nodes: int
    written: float
    size: int
    paint: float
    zoom: float
    pan: float
    search: float

    @property
    def per_node(self) -> float:
        """Bytes a node beyond what every page may take."""
        return max(0, self.size - _FIXED_BYTES) / self.nodes

    def __str__(self) -> str:
        """One line of the table."""
        return (
            f"{self.nodes:>9,} {self.written:>8.2f} s {self.size / 1e6:>7.2f} MB {self.per_node:>6.2f} B "
            f"{self.paint:>8.0f} ms {self.zoom:>8.1f} ms {self.pan:>8.1f} ms {self.search:>8.1f} ms"
        )


def measure(
    browser: Browser,
    profile: Profile,
    directory: Path,
    repeats: int = _REPEATS,
    of: Callable[[list[float]], float] = statistics.median,
) -> Figures:
    """Write a profile's page and use it in several fresh pages; `of` makes one figure of many."""
    assert profile.cpu is not None
    start = time.thread_time()
    content = render(profile)
    written = time.thread_time() - start
    file = directory / "page.html"
    file.write_bytes(content)
    paints: list[float] = []
    zooms: list[float] = []
    pans: list[float] = []
    searches: list[float] = []
    for _ in range(repeats):
        page = browser.open(file.as_uri(), before=_WATCH)
        page.until("window.painted")
        paints.append(page.evaluate("window.painted"))
        rest(page)
        zooms.append(max(script_time(page, _ZOOM % place) for place in _PLACES))
        page.press("Reset zoom")
        pans.append(max(script_time(page, pan) for pan in PANS))
        searches.append(max(script_time(page, _SEARCH % word) for word in _WORDS))
        page.close()
    nodes = len(profile.cpu.tree)
    return Figures(nodes, written, len(content), of(paints), of(zooms), of(pans), of(searches))


def real() -> Profile:
    """A profile of something real: parsing and compiling the standard library's packages."""
    with tempfile.TemporaryDirectory() as directory:
        with flamegraph(
            name="compile",
            sample_rate=1.0,
            backend="pyinstrument",
            interval=0.001,
            output_dir=directory,
            formats="json",
        ) as run:
            for file in sorted(Path(json.__file__).parent.parent.glob("[a-c]*.py")):
                tree = ast.parse(file.read_text("utf-8"))
                ast.dump(tree)
                ast.unparse(tree)
        # Until then its files are being written, in the directory that goes away here.
        flush()
    assert run.profile is not None
    return run.profile


def main() -> None:
    """Print the table."""
    sizes = [int(size) for size in sys.argv[1:]] or list(_SIZES)
    path = find_chromium()
    if path is None:
        sys.exit("this needs Chromium: apt-get install chromium")
    print("    nodes    written        file   per node  first paint     zoom         pan      search")
    with chromium(path) as browser, tempfile.TemporaryDirectory() as directory:
        print(f"{measure(browser, real(), Path(directory))} (real)", flush=True)
        for nodes in sizes:
            print(measure(browser, example(nodes), Path(directory)), flush=True)


if __name__ == "__main__":
    main()
