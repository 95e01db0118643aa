"""A Temporal worker with six activities, one of which may leak; run as a program.

    python -m tests.leaks.leaky_worker SECONDS [--leak] [--speed N]

Nothing is configured but where profiles go. The watch's clock runs faster, so that hours
of it pass in seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sysconfig
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from application_sdk.monitoring import configure, flush, memory_profile
    from application_sdk.monitoring.engine.leak_watch.watch import watch

LIMIT = timedelta(seconds=60)
LEAK_BYTES_PER_SECOND = 3_000_000

leaking = False
seen: list[bytes] = []
last = [time.monotonic()]


def remember_page(number: int) -> None:
    """Keep a page for later: this is the leak."""
    now = time.monotonic()
    size = int((now - last[0]) * LEAK_BYTES_PER_SECOND)
    last[0] = now
    seen.append(b"p" * min(size, 3 * LEAK_BYTES_PER_SECOND))


@activity.defn
@memory_profile
def list_pages(number: int) -> list[int]:
    return [number * 10 + i for i in range(10)]


@activity.defn
@memory_profile
async def fetch_page(number: int) -> str:
    await asyncio.sleep(0.001)
    if leaking:
        remember_page(number)
    return f"page {number} " * 50


@activity.defn
@memory_profile
def parse_page(text: str) -> dict[str, int]:
    words: dict[str, int] = {}
    for word in text.split():
        words[word] = words.get(word, 0) + 1
    return words


@activity.defn
@memory_profile
def sort_words(words: dict[str, int]) -> list[str]:
    return sorted(words, key=lambda word: -words[word])


@activity.defn
@memory_profile
async def dump_words(words: list[str]) -> int:
    return len(json.dumps(words * 100))


@activity.defn
@memory_profile
def summarize(size: int) -> str:
    return f"{len(bytearray(size * 10))} bytes"


@workflow.defn
class Crawl:
    @workflow.run
    async def run(self, number: int) -> str:
        async def do(name: Any, argument: Any) -> Any:
            return await workflow.execute_activity(name, argument, start_to_close_timeout=LIMIT)

        pages = await do(list_pages, number)
        text = await do(fetch_page, pages[0])
        words = await do(sort_words, await do(parse_page, text))
        result: str = await do(summarize, await do(dump_words, words))
        return result


async def serve(seconds: float) -> int:
    server = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
    done = 0
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(server)
    ) as environment:
        with ThreadPoolExecutor(4) as threads:
            worker = Worker(
                environment.client,
                task_queue="crawl",
                workflows=[Crawl],
                activities=[list_pages, fetch_page, parse_page, sort_words, dump_words, summarize],
                activity_executor=threads,
            )
            async with worker:
                until = time.monotonic() + seconds
                while time.monotonic() < until:
                    await environment.client.execute_workflow(
                        Crawl.run, done, id=f"crawl-{uuid4().hex}", task_queue="crawl"
                    )
                    done += 1
    return done


def main() -> NoReturn:
    global leaking
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=float)
    parser.add_argument("--leak", action="store_true")
    parser.add_argument("--speed", type=float, default=900.0)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    leaking = arguments.leak
    watch.clock = lambda: time.monotonic() * arguments.speed
    configure(output_dir=arguments.output)
    done = asyncio.run(serve(arguments.seconds))
    flush(60)
    print(done, "workflows", flush=True)  # noqa: T201 - a program
    # temporalio's threads give no sign when they are done with the interpreter, and abort a
    # process whose interpreter ends before, with or without monitoring (temporalio/sdk-python
    # issue 300). Nothing is left to do here.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    # Imported under its own name, so that the workflow's sandbox finds the same module.
    from tests.leaks import leaky_worker

    leaky_worker.main()
