"""The settings of what is watched while a process runs; part of ``MonitoringSettings``."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from application_sdk.monitoring.delivery_settings import DeliverySettings


class WatchSettings(DeliverySettings):
    """Whether the process watches itself, and what it compares with, beside where profiles go."""

    leak_detection: bool = Field(True, description="Watch for leaks while the process runs.")
    regression_detection: bool = Field(True, description="Watch for functions becoming slower.")
    duration_baseline: Path | None = Field(
        None,
        description="JSON file of durations to compare with (`sdk-monitoring baseline durations`).",
    )
