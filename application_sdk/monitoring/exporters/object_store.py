"""Uploads finished files to an object store.

Keys read ``application/date/function/run/file``. What is to be uploaded is written down
first (``upload_journal``), so what a process could not upload, the next one does.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import os
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from application_sdk.monitoring.containment import contained
from application_sdk.monitoring.exporters.files import safe_name
from application_sdk.monitoring.exporters.labels import service_name
from application_sdk.monitoring.exporters.outbox import Outbox, RejectedError
from application_sdk.monitoring.exporters.upload_journal import UploadJournal
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.settings import MonitoringSettings

SDK = "sdk"
_SDK_STORAGE = "application_sdk.storage"
_MOST_JOURNALS = 64

_lock = threading.Lock()
_journals: dict[tuple[int, Path], UploadJournal] = {}


def queue(
    profile: Profile, files: Sequence[Path], settings: MonitoringSettings, outbox: Outbox
) -> None:
    """Queue a profile's files, and once a process what earlier ones have left behind."""
    url = settings.upload_url
    if not files or url is None:
        return
    keep = settings.upload_keep_local
    output_dir = files[0].parent.parent
    with _lock:
        # By process, too: a forked child looks for itself.
        place = (os.getpid(), output_dir)
        journal = _journals.get(place)
        is_first = journal is None
        if journal is None:
            journal = _journals[place] = UploadJournal(output_dir)
            if len(_journals) > _MOST_JOURNALS:
                del _journals[next(iter(_journals))]
    if is_first:
        with contained("looking for earlier uploads"):
            if journal.left_behind():
                outbox.put(partial(_upload_left_behind, journal, url, keep))
    folder = key_folder(profile, service_name(settings.application_name))
    entry = journal.add(profile.profile_id, folder, files)
    # Without room in the queue the entry stays, for the next process that starts here.
    outbox.put(partial(_upload_entry, journal, entry, url, keep))


def key_folder(profile: Profile, service: str) -> str:
    """Where a profile's files go: application, date, function and run."""
    run = profile.context.workflow_run_id or f"{profile.process.hostname}-{profile.process.pid}"
    parts = (service, f"{profile.started_at:%Y-%m-%d}", profile.name, run)
    return "/".join(safe_name(part) for part in parts)


def _upload_left_behind(journal: UploadJournal, url: str, keep: bool) -> None:
    # One job for all of them, so that they take no room in the queue from what is new.
    for entry in journal.left_behind():
        _upload_entry(journal, entry, url, keep)


def _upload_entry(journal: UploadJournal, entry: Path, url: str, keep: bool) -> None:
    # What retention has deleted meanwhile is gone.
    present = [(path, key) for path, key in journal.read(entry) if _is_own(path)]
    for path, key in present:
        upload(path, key, url)
    if not keep:
        for path, _ in present:
            path.unlink(missing_ok=True)
    journal.remove(entry)


def _is_own(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def upload(path: Path, key: str, url: str) -> None:
    """Upload one file; it appears under its key whole or not at all.

    Raises:
        OSError: If another try may succeed.
        RejectedError: If what it takes is not installed.
    """
    if url == SDK:
        _upload_through_sdk(path, key)
        return
    try:
        import obstore
        from obstore.exceptions import BaseError
    except ImportError as error:
        raise RejectedError(
            "upload_url needs an extra: pip install 'atlan-application-sdk-monitoring[upload]'"
        ) from error

    try:
        obstore.put(store_at(url), key, path)
    except FileNotFoundError:
        if path.exists():
            raise
    except BaseError as error:
        raise ConnectionError(f"{type(error).__name__}") from error


def _upload_through_sdk(path: Path, key: str) -> None:
    try:
        storage = importlib.import_module(_SDK_STORAGE)
    except ImportError as error:
        raise RejectedError("upload_url=sdk needs atlan-application-sdk") from error
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
