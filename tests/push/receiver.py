"""A small real HTTP server that profiles are pushed to, and that can be told to misbehave."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit


class Post(NamedTuple):
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    def parts(self) -> dict[str, bytes]:
        """The files of a multipart form."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser().parsebytes(head + self.body)
        found: dict[str, bytes] = {}
        for part in message.get_payload():
            name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
            found[str(name)] = part.get_payload(decode=True)  # type: ignore[union-attr,assignment]
        return found


class Receiver:
    """Keeps what was posted; answers each request with the next planned status, else 200.

    The status 0 cuts the connection instead of an answer.

    Attributes:
        asked: Requests that have come, answered or not.
        open: While it is not set, no request is answered.
        answer: The content of answers.
    """

    def __init__(self, port: int = 0, tls: tuple[Path, Path] | None = None) -> None:
        self.posts: list[Post] = []
        self.statuses: list[int] = []
        self.refused = self.asked = 0
        self.open = threading.Event()
        self.open.set()
        self.answer = b""
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver._take(self, body)
                if status == 0:
                    self.close_connection = True
                    return
                with suppress(OSError):  # who asked may have given up meanwhile
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(receiver.answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._scheme = "http" if tls is None else "https"
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://localhost:{self.port}"

    def _take(self, handler: BaseHTTPRequestHandler, body: bytes) -> int:
        parts = urlsplit(handler.path)
        headers = {key.lower(): value for key, value in handler.headers.items()}
        with self._changed:
            self.asked += 1
            self._changed.notify_all()
        self.open.wait()
        with self._changed:
            status = self.statuses.pop(0) if self.statuses else 200
            if status == 200:
                self.posts.append(Post(parts.path, parse_qs(parts.query), headers, body))
            else:
                self.refused += 1
            self._changed.notify_all()
        return status

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, 30)

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
