"""A workflow and an activity that know nothing of monitoring."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
def collatz(limit: int) -> int:
    """The number below the limit whose Collatz sequence is longest."""
    best, longest = 1, 1
    for start in range(1, limit):
        number, steps = start, 1
        while number != 1:
            number = number // 2 if number % 2 == 0 else 3 * number + 1
            steps += 1
        if steps > longest:
            best, longest = start, steps
    return best


@workflow.defn
class Search:
    """One activity."""

    @workflow.run
    async def run(self, limit: int) -> int:
        """Run it."""
        return await workflow.execute_activity(
            collatz, limit, start_to_close_timeout=timedelta(minutes=1)
        )
