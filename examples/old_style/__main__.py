"""Runs the workflow once and lists its profiles."""

from __future__ import annotations

import asyncio
import sys

from examples.old_style.app import Activities, CountWords, Order
from examples.showing import show
from examples.temporal_server import run_once

if __name__ == "__main__":
    activities = Activities()
    sys.exit(
        show(
            "python -m examples.old_style",
            lambda: asyncio.run(
                run_once(CountWords, Order(20_000), [activities.fetch, activities.count])
            ),
        )
    )
