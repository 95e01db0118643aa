from __future__ import annotations

import pytest

from tests.cli.commands import Here


@pytest.fixture
def sdk_monitoring(capfd: pytest.CaptureFixture[str]) -> Here:
    """The command line, in this process."""
    return Here(capfd)
