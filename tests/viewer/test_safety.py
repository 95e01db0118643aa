"""Nothing that a program calls its functions can do harm in the page."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from application_sdk.monitoring.renderers.html import render
from application_sdk.monitoring.renderers.html.diff_page import render_diff
from application_sdk.monitoring.renderers.html.index_page import render_index
from application_sdk.monitoring.renderers.html.page import content_hash, policy
from tests.viewer.builders import HOSTILE, hostile_profile
from tests.viewer.chromium import Browser, Page

Open = Callable[..., Page]


def visit_everything(page: Page) -> None:
    for view in ("Icicle", "Flame", "Callers", "Sandwich", "Timeline", "Table"):
        page.press(view)


def assert_harmless(page: Page, requests: int = 0) -> None:
    assert page.dialogs == []
    assert page.problems == []
    assert len(page.requests) == requests


def test_hostile_names_are_shown_and_do_nothing(opened: Open) -> None:
    page = opened(hostile_profile())

    visit_everything(page)

    shown = page.evaluate("[...document.querySelectorAll('.name')].map(b => b.textContent)")
    # A lone surrogate has no form in UTF-8 and shows as a replacement.
    expected = {
        name.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for name in HOSTILE
    }
    assert {name.replace("\ud83d", "\ufffd") for name in shown} == expected
    notes = page.evaluate("[...document.querySelectorAll('.notes li')].map(li => li.textContent)")
    assert len(notes) == len(HOSTILE)
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0
    assert_harmless(page)


def test_hostile_names_do_nothing_in_a_diff_and_are_shown(opened: Open) -> None:
    one, two = hostile_profile(), hostile_profile().model_copy(update={"name": HOSTILE[0]})

    page = opened(render_diff(one, two))
    visit_everything(page)

    assert page.evaluate("document.querySelectorAll('.name').length") == len(HOSTILE)
    assert HOSTILE[0] in page.evaluate("document.querySelector('h1').textContent")
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0
    assert_harmless(page)


class Listed(NamedTuple):
    """An entry of an index page, with text of others wherever there may be some."""

    name: str
    started_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    duration_seconds: float = 1.0
    outcome: str = "raised"
    exception_type: str | None = HOSTILE[1]
    hostname: str = HOSTILE[0]
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    retained_bytes: int | None = None
    path: str = "\"><img src=x onerror=alert(5)>.json"
    page: str | None = "javascript:alert(6)//.html"


def test_hostile_names_do_nothing_in_an_index_and_are_shown(opened: Open) -> None:
    page = opened(render_index([Listed(name) for name in HOSTILE], unreadable=HOSTILE))

    assert page.evaluate("document.querySelectorAll('h2').length") == len(HOSTILE) + 1
    assert page.evaluate("document.querySelectorAll('img, main script').length") == 0
    assert page.evaluate("[...document.links].every(link => link.protocol === 'file:')")
    assert_harmless(page)


def test_pictures_and_files_of_hostile_names_are_well_formed(opened: Open) -> None:
    page = opened(hostile_profile())
    page.evaluate(
        "window.saved = []; URL.createObjectURL = blob => { saved.push(blob); return 'data:,'; };"
        "HTMLAnchorElement.prototype.click = () => 0"
    )
    for what in ("SVG", "speedscope", "collapsed"):
        page.evaluate(
            f"[...document.querySelectorAll('.menu button')]"
            f".find(b => b.textContent === '{what}').click()"
        )
    svg, speedscope, collapsed = page.evaluate("Promise.all(saved.map(blob => blob.text()))")

    titles = [title.text for title in ElementTree.fromstring(svg).iter() if "title" in title.tag]
    frames = [frame["name"] for frame in json.loads(speedscope)["shared"]["frames"]]
    assert HOSTILE[0] in titles
    assert HOSTILE[1] in titles
    assert set(HOSTILE[:5]) <= set(frames)
    assert len(collapsed.splitlines()) == len(HOSTILE) + collapsed.count("\u2028")


@pytest.mark.parametrize("script", [True, False])
def test_without_a_script_the_picture_and_the_summary_are_there(opened: Open, script: bool) -> None:
    page = opened(hostile_profile(), script=script)
    root = page.call("DOM.getDocument", depth=-1)["root"]["nodeId"]
    still = page.call("DOM.querySelector", nodeId=root, selector=".still svg rect")["nodeId"]

    box = page.call("DOM.getBoxModel", nodeId=still) if not script else None

    assert still
    assert box is None or box["model"]["width"] > 100
    assert_harmless(page)


@pytest.mark.parametrize("name", ["viewer.js", "index.js", "viewer.css"])
def test_the_docs_publish_the_hash_that_a_policy_has_to_name(name: str) -> None:
    docs = Path(__file__).parents[2] / "docs" / "viewer.md"

    row = next(line for line in docs.read_text("utf-8").splitlines() if f"| `{name}` |" in line)

    assert f"`{content_hash(name)}`" in row


@pytest.fixture
def serve() -> Iterator[Callable[[bytes, str], str]]:
    """Serve a page with a policy in its headers."""
    content: dict[str, bytes] = {}
    headers: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", headers["policy"])
            self.end_headers()
            self.wfile.write(content["page"])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()

    def start(page: bytes, sent: str) -> str:
        content["page"], headers["policy"] = page, sent
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "sent",
    [
        policy("viewer"),
        "sandbox allow-scripts; " + policy("viewer"),
        "require-trusted-types-for 'script'; trusted-types 'none'",
        "sandbox allow-scripts",
    ],
)
def test_the_page_works_under_policies_of_servers(
    browser: Browser, serve: Callable[[bytes, str], str], sent: str
) -> None:
    page = browser.open(serve(render(hostile_profile()), sent))

    visit_everything(page)

    assert page.evaluate("document.querySelectorAll('.name').length") == len(HOSTILE)
    assert_harmless(page)
    page.close()


def test_the_still_page_shows_under_the_policy_that_forbids_scripts_and_styles(
    browser: Browser, serve: Callable[[bytes, str], str]
) -> None:
    page = browser.open(
        serve(render(hostile_profile()), "sandbox; default-src 'none'"), script=False
    )

    root = page.call("DOM.getDocument", depth=-1)["root"]["nodeId"]
    rect = page.call("DOM.querySelector", nodeId=root, selector=".still svg rect")["nodeId"]

    assert page.call("DOM.getBoxModel", nodeId=rect)["model"]["width"] > 100
    assert page.dialogs == []
    page.close()
