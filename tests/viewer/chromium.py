"""A real Chromium, driven through the DevTools protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from websockets.sync.client import connect
from websockets.sync.connection import Connection

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    """The path of a Chromium on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One running Chromium."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._pages: dict[str, Page] = {}
        self._traced: list[dict[str, Any]] = []
        self._tracing = False

    def open(self, url: str, *, width: int = 1280, height: int = 800, **options: Any) -> Page:
        """A new page in a profile of its own, watched from before it loads."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = self._pages[session["sessionId"]] = Page(
            self, session["sessionId"], target["targetId"]
        )
        page.begin(url, width, height, **options)
        return page

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events go to their pages meanwhile."""
        self._last += 1
        number = self._last
        message = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        self._connection.send(json.dumps(message))
        while number not in self._answers:
            self.receive(60)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def trace(self, action: Callable[[], object], category: str) -> list[dict[str, Any]]:
        """The events of one category while something is done."""
        self._traced = []
        config = {"includedCategories": [category]}
        self.call("Tracing.start", traceConfig=config, transferMode="ReportEvents")
        self._tracing = True
        action()
        self.call("Tracing.end")
        while self._tracing:
            self.receive(60)
        return self._traced

    def receive(self, timeout: float) -> None:
        """Take in one message."""
        message = json.loads(self._connection.recv(timeout))
        if "id" in message:
            self._answers[message["id"]] = message
        elif message["method"] == "Tracing.dataCollected":
            self._traced.extend(message["params"]["value"])
        elif message["method"] == "Tracing.tracingComplete":
            self._tracing = False
        elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
            page.take(message["method"], message["params"])


class Page:
    """One page: what it does is recorded from its first request on.

    Attributes:
        requests: Address of every request but for the page itself and ``data:``.
        problems: Console errors, exceptions, log entries and policy violations.
        dialogs: Texts of alerts: hostile code would make some.
    """

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.dialogs: list[str] = []
        self.events: list[tuple[str, str]] = []
        self._url = ""

    def begin(
        self,
        url: str,
        width: int,
        height: int,
        *,
        script: bool = True,
        dark: bool = False,
        before: str = "",
    ) -> None:
        """Load an address and wait until the page has settled."""
        self._url = url
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        self.resize(width, height)
        self.dark(dark)
        if not script:
            self.call("Emulation.setScriptExecutionDisabled", value=True)
        if before:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        loader = self.call("Page.navigate", url=url)["loaderId"]
        # An empty document stands in until the file is parsed, so it has to be this one's event.
        self.wait_for_event("load" if script else "networkIdle", loader)
        if script:
            self.until("!document.getElementById('app') || document.querySelector('.bar, .wrong')")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command for this page."""
        return self._browser.call(method, self._session, **parameters)

    def take(self, method: str, event: dict[str, Any]) -> None:
        """Record an event."""
        if method == "Network.requestWillBeSent":
            url = event["request"]["url"]
            if url != self._url and not url.startswith(("data:", "blob:")):
                self.requests.append(url)
        elif method == "Runtime.exceptionThrown":
            details = event["exceptionDetails"]
            thrown = details.get("exception", {}).get("description", "")
            self.problems.append(f"{details['text']} {thrown}")
        elif method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning"):
            self.problems.append(str(event["args"]))
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.problems.append(event["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.dialogs.append(event["message"])
            # Not through call(): that would wait inside of what it waits for.
            self._browser.call("Page.handleJavaScriptDialog", self._session, accept=True)
        elif method == "Page.lifecycleEvent":
            self.events.append((event["loaderId"], event["name"]))

    def wait_for_event(self, name: str, loader: str) -> None:
        """Wait for a lifecycle event of one load of the page."""
        until = time.monotonic() + 60
        while (loader, name) not in self.events:
            self._browser.receive(until - time.monotonic())

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, awaited if it is a promise."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until an expression is true, looking at it at every frame."""
        self.evaluate(
            f"new Promise((done, fail) => {{ const end = performance.now() + 30000;"
            f" const look = () => {{ if ({condition}) done(1);"
            " else if (performance.now() > end)"
            f" fail(new Error('never: ' + {json.dumps(condition)}));"
            " else requestAnimationFrame(look); }; look(); })"
        )

    def settle(self) -> None:
        """Wait until what was asked for is painted."""
        self.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def resize(self, width: int, height: int) -> None:
        """Give the page a size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def dark(self, on: bool) -> None:
        """What the system prefers."""
        value = "dark" if on else "light"
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": value}],
        )

    def named(self, name: str) -> dict[str, Any]:
        """The one control with exactly this accessible name, as the accessibility tree has it."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        found = [
            node
            for node in self.call("Accessibility.queryAXTree", nodeId=root, accessibleName=name)[
                "nodes"
            ]
            if not node["ignored"] and node["role"]["value"] not in ("StaticText", "LabelText")
        ]
        assert len(found) == 1, f"{len(found)} elements are named {name!r}: {found}"
        element: dict[str, Any] = found[0]
        return element

    def object_of(self, name: str) -> str:
        """The remote object of a control."""
        node = self.named(name)["backendDOMNodeId"]
        resolved = self.call("DOM.resolveNode", backendNodeId=node)
        object_id: str = resolved["object"]["objectId"]
        return object_id

    def on(self, name: str, function: str, *arguments: Any) -> Any:
        """Call a function, written in JavaScript, on a control."""
        answer = self.call(
            "Runtime.callFunctionOn",
            objectId=self.object_of(name),
            functionDeclaration=function,
            arguments=[{"value": argument} for argument in arguments],
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, name: str) -> None:
        """Click in the middle of a control, with the mouse, once it stands still."""
        x, y = self.on(
            name,
            "async function() { this.scrollIntoView({block: 'nearest'});"
            " const frame = () => new Promise(requestAnimationFrame);"
            " const middle = () => { const b = this.getBoundingClientRect();"
            "   return [b.x + b.width / 2, b.y + b.height / 2]; };"
            " for (let before = ''; ; await frame()) { const place = middle();"
            "   if (String(place) === before) return place;"
            "   before = String(place); } }",
        )
        self.click(x, y)

    def click(self, x: float, y: float) -> None:
        """Click at a place."""
        self.move(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.settle()

    def move(self, x: float, y: float) -> None:
        """Point at a place."""
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def type(self, text: str) -> None:
        """Type text where the focus is."""
        self.call("Input.insertText", text=text)
        self.settle()

    def key(self, key: str, *, shift: bool = False) -> None:
        """Press a key."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                text=text if kind == "keyDown" else "",
                windowsVirtualKeyCode=_CODES.get(key, 0),
                modifiers=8 if shift else 0,
            )
        self.settle()

    def choose(self, name: str, value: str) -> None:
        """Choose an option by its text."""
        self.on(
            name,
            "function(text) { const option = [...this.options].find(o => o.text === text);"
            " if (!option) throw new Error([...this.options].map(o => o.text).join());"
            " this.value = option.value;"
            " this.dispatchEvent(new Event('change', {bubbles: true})); }",
            value,
        )
        self.settle()

    def screenshot(self, path: Path) -> None:
        """Save what is in sight as PNG."""
        import base64

        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        """Close the page."""
        self._browser.call("Target.closeTarget", targetId=self._target)


_CODES = {
    "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
    "ArrowDown": 40, "Tab": 9, "Backspace": 8, "Home": 36,
}  # fmt: skip


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A Chromium with an empty profile, gone afterwards."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [path, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "HOME": profile},
        )
        try:
            with connect(
                # A busy machine keeps a browser from answering pings in time.
                _address(process), max_size=None, open_timeout=60, ping_interval=None
            ) as connection:
                yield Browser(connection)
        finally:
            process.terminate()
            process.wait(30)


def _address(process: subprocess.Popen[bytes]) -> str:
    """Where it listens, which it says among its first lines."""
    assert process.stderr is not None
    seen: list[str] = []
    for raw in process.stderr:
        line = raw.decode(errors="replace").strip()
        seen.append(line)
        if line.startswith("DevTools listening on "):
            # A full pipe would stop the browser, so the rest is read and let go.
            drain = threading.Thread(target=_drain, args=(process.stderr,), daemon=True)
            drain.start()
            return line.removeprefix("DevTools listening on ")
    raise RuntimeError("Chromium did not start:\n" + "\n".join(seen[-10:]))


def _drain(stream: IO[bytes]) -> None:
    for _ in stream:
        pass
