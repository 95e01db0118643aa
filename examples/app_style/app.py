"""The App: one entry point, two tasks, and blocking work in a thread."""

# The SDK is not there where types are checked.
# mypy: ignore-errors
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false

from __future__ import annotations

from application_sdk.app import App, entrypoint, task
from application_sdk.contracts.base import Input, Output
from application_sdk.monitoring import flamegraph, memory_profile


class Text(Input):
    """What to count words in."""

    words: int = 0


class Counted(Output):
    """How many different words there are."""

    different: int = 0


def count_words(words: int) -> int:
    """Blocking work."""
    return len({f"word{number % 997}" * 3 for number in range(words)})


@memory_profile
@flamegraph
class WordCounter(App):
    """Counts words twice: on the loop, and in a thread."""

    name = "word-counter"

    @task
    async def count(self, given: Text) -> Counted:
        """Count on the event loop."""
        return Counted(different=count_words(given.words))

    @task
    async def count_in_thread(self, given: Text) -> Counted:
        """Count in a thread of the SDK's pool."""
        return Counted(different=await self.run_in_thread(count_words, given.words))

    @entrypoint
    async def count_all(self, given: Text) -> Counted:
        """Run both tasks; this is the workflow."""
        first = await self.count(given)
        second = await self.count_in_thread(given)
        return Counted(different=first.different + second.different)
