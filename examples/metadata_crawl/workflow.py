"""The crawl as a workflow: find, parse, report."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from examples.metadata_crawl.activities import Crawl, Reports, find_sources, parse_sources

LIMIT = timedelta(minutes=5)


@workflow.defn
class MetadataCrawl:
    """Fill a catalogue with what the installed packages define."""

    @workflow.run
    async def run(self, crawl: Crawl) -> dict[str, int]:
        """Run the three activities one after the other."""
        paths = await workflow.execute_activity(find_sources, crawl, start_to_close_timeout=LIMIT)
        await workflow.execute_activity(
            parse_sources, args=[crawl, paths], start_to_close_timeout=LIMIT
        )
        return await workflow.execute_activity_method(
            Reports.summarize, crawl, start_to_close_timeout=LIMIT
        )
