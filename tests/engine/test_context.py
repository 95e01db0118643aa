"""Where a call belongs is looked up in what the program has loaded, and null when unknown."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from application_sdk.monitoring.containment import logger
from application_sdk.monitoring.engine.context import call_context


def module(monkeypatch: pytest.MonkeyPatch, name: str, **attributes: Any) -> None:
    """Stands for a module of the SDK, which is tested for real in .ci/run."""
    made = ModuleType(name)
    vars(made).update(attributes)
    monkeypatch.setitem(sys.modules, name, made)


def test_everything_is_null_outside_of_all() -> None:
    assert set(call_context("a" * 32).model_dump().values()) == {None}


def test_the_sdks_tenant_and_correlation_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    module(monkeypatch, "application_sdk.constants", APP_TENANT_ID="default")
    module(
        monkeypatch,
        "application_sdk.observability.correlation",
        get_correlation_context=lambda: SimpleNamespace(correlation_id="c-1"),
    )
    found = call_context("a" * 32)
    assert (found.tenant_id, found.correlation_id) == ("default", "c-1")


def test_the_executions_own_context_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    module(monkeypatch, "application_sdk.constants", APP_TENANT_ID="default")
    module(
        monkeypatch,
        "application_sdk.observability.correlation",
        get_correlation_context=lambda: None,
    )
    module(
        monkeypatch,
        "application_sdk.observability.context",
        get_execution_context=lambda: SimpleNamespace(tenant_id="t-2", correlation_id="c-2"),
    )
    found = call_context("a" * 32)
    assert (found.tenant_id, found.correlation_id) == ("t-2", "c-2")


def test_a_source_that_fails_costs_only_its_own_fields(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        raise RuntimeError("not set up")

    module(monkeypatch, "application_sdk.observability.correlation", get_correlation_context=broken)
    assert call_context("a" * 32).correlation_id is None
    assert "not set up" in caplog.text


def test_a_logger_of_the_sdk_that_cannot_be_loaded_is_said_and_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(name: str) -> Any:
        raise RuntimeError("no handlers")

    name = "application_sdk.observability.logger_adaptor"
    module(monkeypatch, name, get_logger=broken, __spec__=SimpleNamespace())
    logger().warning("still heard")
    assert "could not be loaded" in caplog.text
    assert "still heard" in caplog.text
