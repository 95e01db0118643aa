"""The workflow and its activities, as they stood before, with one decorator on each class."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow

from application_sdk.monitoring import flamegraph, memory_profile

LIMIT = timedelta(minutes=1)


@dataclass
class Order:
    """How many words to count."""

    words: int


@memory_profile
@flamegraph
class Activities:
    """What touches the world."""

    @activity.defn
    async def fetch(self, order: Order) -> list[str]:
        """Make up a text."""
        words = [f"word{number % 997}" for number in range(order.words)]
        await asyncio.sleep(0.01)
        return words

    @activity.defn
    def count(self, words: list[str]) -> int:
        """Count the different words, in a thread."""
        return len(Counter(words))


@flamegraph
@workflow.defn
class CountWords:
    """Fetch, then count; nothing is passed through the sandbox."""

    @workflow.run
    async def run(self, order: Order) -> int:
        """Run both activities."""
        words = await workflow.execute_activity_method(
            Activities.fetch, order, start_to_close_timeout=LIMIT
        )
        return await workflow.execute_activity_method(
            Activities.count, words, start_to_close_timeout=LIMIT
        )
