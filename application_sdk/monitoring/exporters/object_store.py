"""Uploads finished files to an object store, and remembers what is still to be uploaded.

Keys read ``application/date/function/run/file``. Before a profile is queued its files are
written down in ``<output_dir>/.uploads``; the entry goes when they have arrived. So what a
process could not upload, another one does after the next start.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
import os
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from application_sdk.monitoring.containment import contained
from application_sdk.monitoring.exporters.files import safe_name
from application_sdk.monitoring.exporters.labels import service_name
from application_sdk.monitoring.exporters.outbox import Outbox
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.settings import MonitoringSettings

JOURNAL = ".uploads"
SDK = "sdk"
_SDK_STORAGE = "application_sdk.storage"

_lock = threading.Lock()
_searched: set[tuple[int, Path]] = set()


def queue(
    profile: Profile, files: Sequence[Path], settings: MonitoringSettings, outbox: Outbox
) -> None:
    """Queue a profile's files, and once a process what earlier ones have left behind."""
    url = settings.upload_url
    if not files or url is None:
        return
    output_dir = files[0].parent.parent
    keep = settings.upload_keep_local
    with contained("looking for earlier uploads"):
        _queue_leftovers(output_dir, url, keep, outbox)
    folder = key_folder(profile, service_name(settings.application_name))
    entry = _write_entry(output_dir, profile.profile_id, folder, files)
    if not outbox.put(partial(_upload_entry, entry, url, keep)):
        return  # the entry stays: the next start uploads it


def key_folder(profile: Profile, service: str) -> str:
    """Where a profile's files go: application, date, function and run."""
    run = profile.context.workflow_run_id or f"{profile.process.hostname}-{profile.process.pid}"
    parts = (service, f"{profile.started_at:%Y-%m-%d}", profile.name, run)
    return "/".join(safe_name(part) for part in parts)


def _write_entry(output_dir: Path, identity: str, folder: str, files: Sequence[Path]) -> Path:
    journal = output_dir / JOURNAL
    journal.mkdir(mode=0o700, exist_ok=True)
    entry = journal / f"{identity}.json"
    temporary = entry.with_suffix(".tmp")
    content = {
        "pid": os.getpid(),
        "files": [[str(file.absolute()), f"{folder}/{file.name}"] for file in files],
    }
    temporary.write_text(json.dumps(content), encoding="utf-8", errors="surrogateescape")
    os.replace(temporary, entry)
    return entry


def _queue_leftovers(output_dir: Path, url: str, keep: bool, outbox: Outbox) -> None:
    with _lock:
        place = (os.getpid(), output_dir)
        if place in _searched:
            return
        _searched.add(place)
    for entry in sorted((output_dir / JOURNAL).glob("*.json")):
        # What a living process has queued is its own to send.
        if not psutil.pid_exists(_read_entry(entry)[0]):
            outbox.put(partial(_upload_entry, entry, url, keep))


def _read_entry(entry: Path) -> tuple[int, list[tuple[str, str]]]:
    try:
        content = json.loads(entry.read_text(encoding="utf-8", errors="surrogateescape"))
        return int(content["pid"]), [(str(path), str(key)) for path, key in content["files"]]
    except FileNotFoundError:
        return 0, []
    except (ValueError, KeyError, TypeError):
        return 0, []  # cut off by a kill: nothing in it can be trusted


def _upload_entry(entry: Path, url: str, keep: bool) -> None:
    _, files = _read_entry(entry)
    # What retention has deleted meanwhile is gone.
    present = [(Path(path), key) for path, key in files if os.path.exists(path)]
    for path, key in present:
        upload(path, key, url)
    if not keep:
        for path, _ in present:
            path.unlink(missing_ok=True)
    entry.unlink(missing_ok=True)


def upload(path: Path, key: str, url: str) -> None:
    """Upload one file; it appears under its key whole or not at all.

    Raises:
        OSError: If another try may succeed.
        ImportError: If the extra ``upload`` is not installed.
    """
    if url == SDK:
        _upload_through_sdk(path, key)
        return
    import obstore
    from obstore.exceptions import BaseError

    try:
        obstore.put(store_at(url), key, path)
    except FileNotFoundError:
        if path.exists():
            raise
    except BaseError as error:
        raise ConnectionError(f"{type(error).__name__}") from error


def _upload_through_sdk(path: Path, key: str) -> None:
    storage = importlib.import_module(_SDK_STORAGE)
    try:
        asyncio.run(storage.upload_file(key, path))
    except Exception as error:
        raise ConnectionError(f"the SDK's storage failed: {type(error).__name__}") from error


@functools.lru_cache(maxsize=8)
def store_at(url: str) -> Any:
    """The object store that a URL names; credentials come from the environment.

    Raises:
        ImportError: If the extra ``upload`` is not installed.
    """
    from obstore.store import from_url

    if url.startswith("file://"):
        return from_url(url, mkdir=True)
    return from_url(url)
