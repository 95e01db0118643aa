"""Containers with a bound: they fill up, go round, or are emptied now and then."""

from __future__ import annotations

import collections
import functools
import heapq
import itertools
import random
import re
import time

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)

ring: collections.deque[bytes] = collections.deque(maxlen=3_000)


@collection.clean
def writes_to_a_ring_buffer() -> None:
    ring.append(bytes(150))


@functools.lru_cache(maxsize=2_048)
def described(number: int) -> str:
    return f"asset number {number} of the catalogue"


@collection.clean
def fills_a_bounded_lru_cache() -> None:
    described(next(numbers))


batch: list[dict[str, int]] = []


@collection.clean
def flushes_its_batch_every_thousand_rows() -> None:
    batch.append({"row": next(numbers)})
    if len(batch) >= 1_000:
        batch.clear()


big_batch: list[bytes] = []


@collection.clean
def flushes_a_batch_of_seven_thousand() -> None:
    big_batch.append(bytes(90))
    if len(big_batch) >= 7_000:
        big_batch.clear()


domain = [f"country-{i}" for i in range(240)]
populations: dict[str, list[int]] = {}


@collection.clean
def learns_a_limited_set_of_keys() -> None:
    populations.setdefault(random.choice(domain), [1, 2, 3])


large_domain: dict[int, bytes] = {}


@collection.clean
def memoises_four_thousand_random_keys() -> None:
    key = random.randrange(4_000)
    if key not in large_domain:
        large_domain[key] = bytes(120)


expiring: collections.OrderedDict[int, tuple[float, bytes]] = collections.OrderedDict()


@collection.clean
def caches_with_a_time_to_live() -> None:
    now = time.monotonic()
    expiring[next(numbers)] = (now + 0.3, bytes(100))
    while expiring:
        key = next(iter(expiring))
        if expiring[key][0] > now:
            break
        del expiring[key]


slow_expiring: collections.OrderedDict[int, tuple[float, bytes]] = collections.OrderedDict()


@collection.clean
def caches_for_more_than_a_second() -> None:
    now = time.monotonic()
    slow_expiring[next(numbers)] = (now + 1.4, bytes(100))
    while slow_expiring:
        key = next(iter(slow_expiring))
        if slow_expiring[key][0] > now:
            break
        del slow_expiring[key]


swept: dict[int, float] = {}
last_sweep = [0.0]


@collection.clean
def sweeps_its_sessions_twice_a_second() -> None:
    now = time.monotonic()
    swept[next(numbers)] = now
    if now - last_sweep[0] > 0.5:
        last_sweep[0] = now
        swept.clear()


top: list[float] = []


@collection.clean
def keeps_the_hundred_best_scores() -> None:
    heapq.heappush(top, random.random())
    if len(top) > 100:
        heapq.heappop(top)


reservoir: list[str] = []
offered = itertools.count(1)


@collection.clean
def samples_into_a_reservoir() -> None:
    number = next(offered)
    if len(reservoir) < 500:
        reservoir.append(f"row {number}")
    else:
        place = random.randrange(number)
        if place < 500:
            reservoir[place] = f"row {number}"


double: list[list[bytes]] = [[], []]


@collection.clean
def swaps_two_buffers() -> None:
    front = double[0]
    front.append(bytes(64))
    if len(front) == 2_500:
        double.reverse()
        double[0].clear()


sessions: dict[int, dict[str, int]] = {}


@collection.clean
def opens_and_closes_sessions_at_random() -> None:
    if random.random() < 0.5 and len(sessions) < 400:
        sessions[next(numbers)] = {"opened": 1}
    elif sessions:
        sessions.pop(next(iter(sessions)))


powers: list[int] = []


@collection.clean
def keeps_one_sample_per_power_of_two() -> None:
    number = next(offered)
    if number & (number - 1) == 0:
        powers.append(number)


latest: dict[str, bytes] = {}


@collection.clean
def replaces_a_last_result_of_changing_size() -> None:
    latest["result"] = bytes(random.randrange(1_000, 60_000))


trimmed: list[str] = []


@collection.clean
def trims_its_log_to_half_when_full() -> None:
    trimmed.append(f"line {next(numbers)}")
    if len(trimmed) > 4_000:
        del trimmed[:2_000]


@collection.clean
def uses_the_regular_expression_cache() -> None:
    re.match(f"a{next(numbers) % 900}b", "a5b")
