"""The three activities of the crawl, each with both decorators."""

from __future__ import annotations

import asyncio
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from temporalio import activity

from application_sdk.monitoring import flamegraph, memory_profile
from examples.metadata_crawl.catalogue import Catalogue, Item, items_of, source_files


@dataclass
class Crawl:
    """What to crawl and where the catalogue is."""

    database: str
    most_files: int


@memory_profile(sample_rate=1.0)
@flamegraph(sample_rate=1.0)
@activity.defn
def find_sources(crawl: Crawl) -> list[str]:
    """List the Python files of this environment's packages (sync, in a thread)."""
    root = Path(sysconfig.get_paths()["purelib"])
    return [str(path) for path in source_files(root, crawl.most_files)]


@activity.defn
@memory_profile(sample_rate=1.0)
@flamegraph(sample_rate=1.0)
async def parse_sources(crawl: Crawl, paths: list[str]) -> int:
    """Parse each file and store what it defines (async)."""
    catalogue = Catalogue(Path(crawl.database))
    modules: list[tuple[str, int]] = []
    items: list[Item] = []
    for number, path in enumerate(paths, start=1):
        lines, found = items_of(Path(path))
        modules.append((path, lines))
        items.extend(found)
        if number % 50 == 0:
            print(f"  parsed {number} of {len(paths)} files", flush=True)
            await asyncio.sleep(0.01)
    catalogue.write(modules, items)
    return len(items)


@memory_profile(sample_rate=1.0)
@flamegraph(sample_rate=1.0)
class Reports:
    """Activities that read the catalogue."""

    @activity.defn
    def summarize(self, crawl: Crawl) -> dict[str, int]:
        """Count what the catalogue holds."""
        return Catalogue(Path(crawl.database)).counts()
