"""Uploads through the SDK's own storage: `.ci/beside_the_sdk.py` runs this beside the wheel."""

# The SDK is not there where types are checked.
# mypy: ignore-errors
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

if importlib.util.find_spec("application_sdk.storage") is None:
    pytest.skip("atlan-application-sdk is not installed: .ci/run does", allow_module_level=True)

from application_sdk.infrastructure.context import (
    InfrastructureContext,
    clear_infrastructure,
    set_infrastructure,
)
from application_sdk.monitoring import configure, flamegraph, flush
from application_sdk.monitoring.exporters.outward import outboxes
from application_sdk.storage import create_local_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    """The directory of the store that the SDK's infrastructure names."""
    set_infrastructure(InfrastructureContext(storage=create_local_store(tmp_path / "store")))
    yield tmp_path / "store"
    clear_infrastructure()


def test_profiles_go_to_the_store_of_the_sdks_infrastructure(store: Path, tmp_path: Path) -> None:
    configure(upload_url="sdk", output_dir=tmp_path / "profiles", formats="json")
    flamegraph(name="my_app.load", sample_rate=1.0)(sorted)([3, 1, 2])
    assert flush(60)
    assert outboxes["upload"].flush(60)
    (local,) = (tmp_path / "profiles" / "my_app.load").glob("*.json")
    (uploaded,) = store.rglob(local.name)
    assert uploaded.read_bytes() == local.read_bytes()
    assert uploaded.parts[-3] == "my_app.load"


def test_without_a_store_the_entry_waits_for_the_next_start(tmp_path: Path) -> None:
    clear_infrastructure()
    configure(upload_url="sdk", output_dir=tmp_path / "profiles", formats="json")
    flamegraph(name="my_app.load", sample_rate=1.0)(sorted)([3, 1, 2])
    assert flush(60)
    assert not outboxes["upload"].flush(0.3)
    assert list((tmp_path / "profiles" / ".uploads").glob("*.json"))
    assert outboxes["upload"].close() == 1
