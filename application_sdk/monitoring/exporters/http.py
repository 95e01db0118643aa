"""Posts bytes to a server, and says whether another try may help."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, NoReturn

from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.exporters.outbox import RejectedError, patience

TIMEOUT_SECONDS = 10.0
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_OF_AN_ERROR = 300
_MOST_OF_AN_ANSWER = 65_536


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token must not follow to wherever an answer points."""

    def redirect_request(
        self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any
    ) -> None:
        return None


def post(url: str, body: bytes, headers: Mapping[str, str], token: str | None) -> bytes:
    """Post once.

    Args:
        url: An ``http`` or ``https`` URL.
        body: The content.
        headers: Its headers.
        token: A bearer token; never part of an error's text.

    Returns:
        The answer's content, as far as anybody would read it.

    Raises:
        RejectedError: If the server refuses this content.
        OSError: If another try may succeed.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")  # noqa: S310 - checked_url
    if token is not None:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        # An opener keeps the certificates that it was built with, from 3.12 on: a new one each
        # time sees those that were put in place meanwhile.
        opener = urllib.request.build_opener(_NoRedirects)
        with opener.open(request, timeout=patience(TIMEOUT_SECONDS)) as answer:
            content: bytes = answer.read(_MOST_OF_AN_ANSWER)
            return content
    except urllib.error.HTTPError as error:
        _refuse(error)
    except http.client.HTTPException as error:
        raise ConnectionError(f"no valid answer: {type(error).__name__}") from error


def checked_url(setting: str, url: str) -> str:
    """The URL without a slash at its end.

    Raises:
        InvalidArgumentError: If it is none that can be posted to.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgumentError(f"{setting} must be an http:// or https:// URL")
    if parts.username is not None or parts.password is not None:
        raise InvalidArgumentError(f"{setting} must not hold a password; set push_token")
    return url.rstrip("/")


def checked_token(token: str | None) -> str | None:
    """The token as it is.

    Raises:
        InvalidArgumentError: If no header can hold it; its text is not in the error's.
    """
    if token is not None and not (token.isascii() and token.isprintable()):
        raise InvalidArgumentError("push_token holds characters that no header may hold")
    return token


def _refuse(error: urllib.error.HTTPError) -> NoReturn:
    with error:
        said = error.read(_MOST_OF_AN_ERROR).decode("utf-8", "replace").strip()
    if error.code in _TRY_AGAIN:
        raise ConnectionError(f"HTTP {error.code}") from None
    raise RejectedError(f"HTTP {error.code} {said}") from None
