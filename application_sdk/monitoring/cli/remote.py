"""Profiles in an object store, by their URL."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from application_sdk.monitoring.errors import MonitoringError, UnreadableProfileError

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def is_url(text: str) -> bool:
    """Whether an argument names something in an object store, not a local file."""
    return _URL.match(text) is not None


def read(url: str) -> bytes:
    """The content of one object.

    Raises:
        UnreadableProfileError: If it cannot be read.
        MonitoringError: If the extra ``upload`` is not installed.
    """
    folder, _, name = url.rpartition("/")
    obstore, store = _open(folder, url)
    try:
        return bytes(obstore.get(store, name).bytes())
    except (OSError, obstore.exceptions.BaseError) as error:
        raise _unreadable(url, error) from error


def list_below(url: str) -> list[str]:
    """The URLs of all objects below one, in order.

    Raises:
        UnreadableProfileError: If it cannot be listed.
        MonitoringError: If the extra ``upload`` is not installed.
    """
    base = url.rstrip("/")
    obstore, store = _open(base, url)
    try:
        return sorted(f"{base}/{item['path']}" for batch in obstore.list(store) for item in batch)
    except (OSError, obstore.exceptions.BaseError) as error:
        raise _unreadable(url, error) from error


def _open(base: str, url: str) -> tuple[Any, Any]:
    try:
        import obstore
        import obstore.exceptions
    except ImportError as error:
        raise MonitoringError(
            f"{url} needs an extra: pip install 'atlan-application-sdk-monitoring[upload]'"
        ) from error
    try:
        return obstore, _store(base)
    except (ValueError, OSError, obstore.exceptions.BaseError) as error:
        raise _unreadable(url, error) from error


@lru_cache(maxsize=8)
def _store(base: str) -> Any:
    # Kept, with its connections: a merge reads thousands of objects of one folder.
    from obstore.store import from_url

    return from_url(base)


def _unreadable(url: str, error: Exception) -> UnreadableProfileError:
    # The libraries' texts go on for many lines, with answers of servers in them.
    first = str(error).strip().partition("\n")[0][:200]
    return UnreadableProfileError(f"cannot read {url}: {first}")
