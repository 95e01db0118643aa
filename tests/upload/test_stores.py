"""Uploads through the SDK's own storage, and stores that cannot be reached."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from application_sdk.monitoring import MonitoringError
from application_sdk.monitoring.cli import remote
from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.exporters.object_store import SDK, upload


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """What the SDK's storage was asked to upload."""
    asked: list[tuple[str, Path]] = []

    async def upload_file(key: str, path: Path) -> None:
        if path.name == "refused.json":
            raise KeyError("secret text of a server")
        asked.append((key, path))

    module = ModuleType("application_sdk.storage")
    module.upload_file = upload_file  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


def test_the_sdks_storage_uploads_where_it_is_asked_to(
    storage: list[tuple[str, Path]], tmp_path: Path
) -> None:
    file = tmp_path / "a.json"
    file.write_text("{}")
    upload(file, "app/a.json", SDK)
    assert storage == [("app/a.json", file)]


def test_a_failure_of_the_sdks_storage_is_worth_another_try_and_keeps_its_text_to_itself(
    storage: list[tuple[str, Path]], tmp_path: Path
) -> None:
    with pytest.raises(ConnectionError, match=r"failed: KeyError$"):
        upload(tmp_path / "refused.json", "app/a.json", SDK)
    assert storage == []


def test_a_store_that_refuses_is_worth_another_try(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text("{}")
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "in-the-way").write_text("a file where a directory has to be")
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the store
        upload(file, "in-the-way/a.json", f"file://{tmp_path}/store")


def test_a_file_that_is_gone_before_its_upload_is_no_error(tmp_path: Path) -> None:
    upload(tmp_path / "gone.json", "a.json", f"file://{tmp_path}/store")
    assert not (tmp_path / "store" / "a.json").exists()


@pytest.mark.parametrize("read", [remote.read, remote.list_below])
@pytest.mark.parametrize("url", ["gopher://host/a.json", "s3:///a.json"])
def test_a_url_that_is_no_store_is_unreadable_in_one_line(
    read: Callable[[str], object], url: str
) -> None:
    with pytest.raises(UnreadableProfileError, match=f"cannot read {url}") as caught:
        read(url)
    assert "\n" not in str(caught.value)


def test_an_object_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(UnreadableProfileError, match="cannot read file://"):
        remote.read(f"file://{tmp_path}/absent.json")


def test_without_the_extra_the_command_to_install_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(MonitoringError, match=r"pip install '.*\[upload\]'"):
        remote.list_below("s3://bucket/team")
