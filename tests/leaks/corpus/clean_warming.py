"""Work that costs memory only at first."""

from __future__ import annotations

import functools
import importlib
import itertools
import random
import time
from collections import OrderedDict

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)

lazily = ["xml.dom.minidom", "http.client", "email.mime.text", "wave", "plistlib"]


@collection.clean
def imports_lazily_in_the_first_calls() -> None:
    number = next(numbers) - 10_000
    if number < 60 and number % 10 == 0 and number // 10 < 5:
        importlib.import_module(lazily[number // 10])


buffers: list[bytearray] = []
free: list[bytearray] = []


@collection.clean
def reuses_a_pool_of_buffers() -> None:
    wanted = [free.pop() if free else bytearray(4_096) for _ in range(random.randrange(1, 60))]
    free.extend(wanted)


connections: OrderedDict[int, dict[str, bytes]] = OrderedDict()


@collection.clean
def warms_a_connection_pool_slowly() -> None:
    number = next(numbers) - 10_000
    if number % 20 == 0 and len(connections) < 50:
        connections[number] = {"buffer": bytes(8_192)}


@functools.cache
def fibonacci(n: int) -> int:
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


@collection.clean
def memoises_a_recursion() -> None:
    fibonacci(random.randrange(90))


@collection.clean
def takes_a_millisecond_and_keeps_nothing() -> None:
    until = time.perf_counter() + 0.001
    while time.perf_counter() < until:
        sum(range(10))


seen_words: dict[str, int] = {}
vocabulary = [f"w{i}" for i in range(2_000)]


@collection.clean
def learns_a_skewed_vocabulary() -> None:
    word = vocabulary[int(2_000 * random.random() ** 3)]
    seen_words[word] = seen_words.get(word, 0) + 1


plan_cache: dict[int, list[int]] = {}


@collection.clean
def caches_plans_up_to_a_limit() -> None:
    number = next(numbers)
    if len(plan_cache) < 6_000:
        plan_cache[number] = [number] * 8


grown: list[int] = []


@collection.clean
def grows_a_scratch_list_to_the_largest_input() -> None:
    size = int(random.paretovariate(1.5))
    if size > len(grown):
        grown.extend([0] * (min(size, 50_000) - len(grown)))
