"""Every test starts and ends with nothing captured, and writes below its own directory."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, configure, flush, on_profile
from application_sdk.monitoring.containment import forget_warnings
from application_sdk.monitoring.engine.leak_watch.watch import watch
from application_sdk.monitoring.profile_hook import profile_hook
from application_sdk.monitoring.settings import reset_settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell; what the tests start would ignore Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _ours() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("monitoring-")]


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path: Path) -> Iterator[None]:
    """No tracker, profile hook, thread or spool is left by any test."""
    forget_warnings()
    configure(output_dir=tmp_path / "profiles", formats="json")
    yield
    assert flush(60)
    watch.stop()  # it goes on for as long as a profiled function is there
    client = sys.modules.get("application_sdk.monitoring.helper.client")
    if client is not None:
        client.helper.close()  # it would end by itself after a while
        assert client.helper.pid is None
    for thread in threading.enumerate():
        if thread.name.startswith("monitoring-"):
            thread.join(10)
    assert _ours() == []
    assert profile_hook.holder is None
    assert list(tmp_path.rglob("*.bin")) == []
    assert list(tmp_path.rglob("*.tmp")) == []
    reset_settings()


@pytest.fixture
def profiles() -> Iterator[Callable[[], list[Profile]]]:
    """All profiles finished so far, once everything is flushed."""
    found: list[Profile] = []
    undo = on_profile(found.append)

    def finished() -> list[Profile]:
        assert flush(60)
        return found

    yield finished
    undo()
