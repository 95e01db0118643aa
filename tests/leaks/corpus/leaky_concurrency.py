"""Threads, tasks, queues and futures that never end or are never read."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import itertools
import queue
import threading
from typing import Any

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)

never = threading.Event()


@collection.leaks()
def starts_threads_that_wait_for_ever() -> None:
    threading.Thread(target=never.wait, daemon=True).start()


pending: set[asyncio.Task[None]] = set()


async def wait_for_ever() -> None:
    await asyncio.Event().wait()


@collection.leaks("spawns_tasks_that_never_finish|wait_for_ever")
async def spawns_tasks_that_never_finish() -> None:
    pending.add(asyncio.create_task(wait_for_ever()))
    await asyncio.sleep(0)


@collection.leaks()
async def schedules_timers_far_in_the_future() -> None:
    asyncio.get_running_loop().call_later(86_400, print, f"reminder {next(numbers)}")


results: asyncio.Queue[dict[str, int]] = asyncio.Queue()


@collection.leaks()
async def fills_an_async_queue_without_a_reader() -> None:
    results.put_nowait({"row": next(numbers)})


work: queue.Queue[bytes] = queue.Queue()


@collection.leaks()
def fills_a_queue_without_a_worker() -> None:
    work.put(bytes(180))


futures: list[concurrent.futures.Future[int]] = []


@collection.leaks()
def keeps_finished_futures() -> None:
    future: concurrent.futures.Future[int] = concurrent.futures.Future()
    future.set_result(next(numbers))
    futures.append(future)


finished: list[asyncio.Task[str]] = []


async def fetch() -> str:
    await asyncio.sleep(0)
    return f"page {next(numbers)}" * 8


@collection.leaks("keeps_finished_tasks_and_their_results|fetch")
async def keeps_finished_tasks_and_their_results() -> None:
    task = asyncio.create_task(fetch())
    await task
    finished.append(task)


contexts: list[contextvars.Context] = []
request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id")


@collection.leaks()
def saves_contexts_per_request() -> None:
    request_id.set(f"request-{next(numbers)}")
    contexts.append(contextvars.copy_context())


locks: dict[str, threading.RLock] = {}


def lock_for(key: str) -> threading.RLock:
    if key not in locks:
        locks[key] = threading.RLock()
    return locks[key]


@collection.leaks("makes_a_lock_per_key|lock_for")
def makes_a_lock_per_key() -> None:
    with lock_for(f"asset:{next(numbers)}"):
        pass


waiters: list[asyncio.Future[None]] = []


@collection.leaks()
async def collects_waiters_that_nobody_wakes() -> None:
    waiter = asyncio.get_running_loop().create_future()
    waiter.add_done_callback(lambda _: None)
    waiters.append(waiter)


streams: list[Any] = []


async def numbers_forever():  # type: ignore[no-untyped-def]  # noqa: ANN201 - a user's code
    page = list(range(100))
    for number in page:
        yield number


@collection.leaks("leaves_async_generators_open|numbers_forever")
async def leaves_async_generators_open() -> None:
    stream = numbers_forever()  # type: ignore[no-untyped-call]
    await stream.__anext__()
    streams.append(stream)
