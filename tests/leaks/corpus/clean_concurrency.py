"""Threads, tasks and queues that are looked after."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import itertools
import queue
import threading

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)

pool = concurrent.futures.ThreadPoolExecutor(8)


@collection.clean
def submits_to_a_pool_that_warms_up() -> None:
    pool.submit(sum, range(50)).result()


@collection.clean
def joins_each_thread_it_starts() -> None:
    thread = threading.Thread(target=sum, args=(range(20),))
    thread.start()
    thread.join()


background: set[asyncio.Task[None]] = set()


async def short_job() -> None:
    await asyncio.sleep(0.01)


@collection.clean
async def tracks_background_tasks_until_they_end() -> None:
    task = asyncio.create_task(short_job())
    background.add(task)
    task.add_done_callback(background.discard)
    await asyncio.sleep(0)


@collection.clean
async def gathers_ten_tasks() -> None:
    await asyncio.gather(*(asyncio.sleep(0, index) for index in range(10)))


@collection.clean
async def hands_work_to_threads() -> None:
    await asyncio.to_thread(sum, range(10))


@collection.clean
async def times_out_and_goes_on() -> None:
    try:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)
    except TimeoutError:
        pass


jobs: queue.Queue[bytes] = queue.Queue()
consumed = threading.Semaphore(0)


def consume() -> None:
    while True:
        jobs.get()
        consumed.release()


@collection.clean
def feeds_a_worker_and_waits() -> None:
    if not started:
        started.append(threading.Thread(target=consume, daemon=True))
        started[0].start()
    jobs.put(bytes(200))
    consumed.acquire()


started: list[threading.Thread] = []

backlog: queue.Queue[bytes] = queue.Queue()
drainers: list[threading.Thread] = []


def drain() -> None:
    while True:
        backlog.get()


@collection.clean
def feeds_a_worker_without_waiting() -> None:
    if not drainers:
        drainers.append(threading.Thread(target=drain, daemon=True))
        drainers[0].start()
    backlog.put(bytes(200))


@collection.clean
async def cancels_the_timers_it_sets() -> None:
    handle = asyncio.get_running_loop().call_later(60, print)
    handle.cancel()


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")


@collection.clean
def sets_and_resets_a_context_variable() -> None:
    token = variable.set(f"value {next(numbers)}")
    variable.reset(token)


bounded: asyncio.Queue[bytes] = asyncio.Queue(maxsize=50)


@collection.clean
async def drops_the_oldest_of_a_full_queue() -> None:
    if bounded.full():
        bounded.get_nowait()
    bounded.put_nowait(bytes(300))
