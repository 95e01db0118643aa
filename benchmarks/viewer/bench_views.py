"""How long each interaction keeps the page's thread, in every view of large trees.

    python -m benchmarks.viewer.bench_views [NODES ...]

A profile of 3,000 functions, half of them of libraries, and a diff in which every value differs,
in every view, with library frames hidden and with recursion folded. Times are of scripts on the
thread's own clock. *Whole* is all that one interaction causes until the page rests, *block* the
longest stretch in which the page could not answer: large trees are added up in several frames.
Each figure is the median and the worst of several interactions on one page that came to rest, before
each zoom as well: what it reads ahead meanwhile is the last column, as the most that it took at once.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.renderers.html import render
from application_sdk.monitoring.renderers.html.diff_page import render_diff
from benchmarks.viewer.bench_page import ON_CANVAS, PANS, example, rest, script_seconds
from tests.viewer.chromium import Browser, Page, chromium, find_chromium

SIZES = (100_000, 500_000, 1_000_000)
VIEWS = ("Icicle", "Flame", "Callers", "Sandwich")
MOST_BLOCK = 16
_TRIES = 3
OPTIONS = ("", "hide=1", "fold=1")
_SCRIPT = ("FunctionCall", "EvaluateScript", "FireAnimationFrame", "FireIdleCallback", "TimerFire")
# The page begins to read ahead when nothing was asked of it for a while.
_PAUSE = "new Promise(done => setTimeout(done, 400))"
_DONE = "document.querySelector('canvas')?.ariaBusy !== 'true'"
_PRESS = "[...document.querySelectorAll('button')].find(b => b.textContent === '%s').click()"
# What the protocol evaluates itself is in no event.
_IN_FRAME = "new Promise(done => requestAnimationFrame(() => { %s; done(); }))"
_PLACES = ((0.02, 1), (0.1, 3), (0.3, 4), (0.45, 2))
_CLICK = ON_CANVAS % (
    "const z = {clientX: bounds.x + bounds.width * %s, clientY: %s}; send(%s, z);"
)
_EVENTS = (("hover", "PointerEvent, 'pointermove'"), ("zoom", "MouseEvent, 'click'"))


def with_libraries(profile: Profile) -> Profile:
    """The same with every other file in a library."""
    assert profile.cpu is not None
    tree = profile.cpu.tree
    files = tuple(
        file if number % 2 else f"/venv/lib/python3.11/site-packages/lib{number}/core.py"
        for number, file in enumerate(tree.files)
    )
    changed = profile.cpu.model_copy(update={"tree": tree.model_copy(update={"files": files})})
    return profile.model_copy(update={"cpu": changed})


def with_noise(profile: Profile, most: float = 0.2, share: float = 1.0) -> Profile:
    """The same with a share of its values off by up to a part of each."""
    assert profile.cpu is not None
    chance = random.Random(3)
    tree = profile.cpu.tree
    values = {
        metric: tuple(
            value * (1 + chance.uniform(-most, most)) if chance.random() < share else value
            for value in column
        )
        for metric, column in tree.values.items()
    }
    changed = profile.cpu.model_copy(update={"tree": tree.model_copy(update={"values": values})})
    return profile.model_copy(update={"cpu": changed})


class Took(NamedTuple):
    """Milliseconds of script: all of one interaction, and its longest block."""

    whole: float
    block: float


class Watched:
    """A page on which interactions are timed one by one."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self.page: Page = browser.open(address)
        self.page.until(_DONE)
        rest(self.page)
        # A page that does not work is quick.
        assert not self.page.problems, self.page.problems

    def took(self, action: str) -> Took:
        """Do something and wait until all is there."""
        whole = 0.0

        def act() -> None:
            nonlocal whole
            before = script_seconds(self.page)
            self.page.evaluate(_IN_FRAME % action)
            self.page.settle()
            self.page.until(_DONE)
            self.page.settle()
            whole = 1000 * (script_seconds(self.page) - before)

        events = self._browser.trace(act, "devtools.timeline")
        blocks = [event.get("tdur", 0) for event in events if event["name"] in _SCRIPT]
        return Took(whole, max(blocks, default=0) / 1000)

    def press(self, name: str) -> Took:
        """Press a control."""
        return self.took(_PRESS % name)

    def rest(self) -> Took:
        """What the page does by itself before it rests."""
        before = script_seconds(self.page)
        self.page.evaluate(_PAUSE)
        rest(self.page)
        return Took(1000 * (script_seconds(self.page) - before), 0)


def measure(
    browser: Browser, address: str, view: str, options: str, *, resting: bool = False
) -> dict[str, list[Took]]:
    """Open a view from another one and use it, at once or when it has come to rest."""
    other = "Flame" if view == "Icicle" else "Icicle"
    watched = Watched(browser, f"{address}#view={other.lower()}&{options}")
    watched.page.call("Performance.enable", timeDomain="threadTicks")
    found: dict[str, list[Took]] = {"open": [watched.press(view)], "hover": [], "zoom": [], "pan": [], "rest": []}
    for across, row in _PLACES:
        below = "bounds.y + %d" if view != "Flame" else "bounds.bottom - %d"
        # Twice: once more from where that led to.
        for kind, event in 2 * _EVENTS:
            if resting and kind == "zoom":
                found["rest"].append(watched.rest())
            found[kind].append(watched.took(_CLICK % (across, below % (20 * row + 10), event)))
        found["pan"].extend(watched.took(pan) for pan in PANS[:3])
        found["zoom"].append(watched.press("Reset zoom"))
    watched.page.close()
    return found


def longest_block(browser: Browser, address: str, view: str, options: str) -> float:
    """The longest block of any interaction in a view; of a few fresh pages if it is too long."""
    longest = math.inf
    for _ in range(_TRIES):
        found = measure(browser, address, view, options)
        longest = min(longest, max(took.block for times in found.values() for took in times))
        if longest <= MOST_BLOCK:
            break
    return longest


def line(times: list[Took]) -> str:
    """Median and worst of the whole, and the worst block."""
    wholes = [each.whole for each in times]
    return (
        f"{statistics.median(wholes):>6.1f} {max(wholes):>6.1f} "
        f"{max(each.block for each in times):>6.1f}"
    )


def main() -> None:
    """Print the table."""
    sizes = [int(size) for size in sys.argv[1:]] or list(SIZES)
    path = find_chromium()
    if path is None:
        sys.exit("this needs Chromium: apt-get install chromium")
    print("milliseconds: median, worst, longest block")
    print(f"{'page':<18}{'view':<18}{'open':<22}{'hover':<22}{'zoom':<22}{'pan':<22}ahead")
    for nodes in sizes:
        profile = with_libraries(example(nodes))
        pages = {"profile": render(profile), "diff": render_diff(profile, with_noise(profile))}
        # Only then, for a browser that nobody talks to for long hangs up.
        with chromium(path) as browser, tempfile.TemporaryDirectory() as directory:
            for kind, content in pages.items():
                file = Path(directory) / f"{kind}.html"
                file.write_bytes(content)
                for view, options in itertools.product(VIEWS, OPTIONS):
                    found = measure(browser, file.as_uri(), view, options, resting=True)
                    ahead = max(took.whole for took in found.pop("rest"))
                    print(
                        f"{kind:<8}{nodes:>9,} {view:<9}{options:<8}",
                        *map(line, found.values()),
                        f"{ahead:>6.1f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
