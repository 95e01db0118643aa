"""Containers that only ever gain."""

from __future__ import annotations

import array
import bisect
import collections
import fnmatch
import functools
import itertools
import string
import sys
import uuid
from typing import Any

from tests.leaks.corpus.cases import Collection

collection = Collection()
numbers = itertools.count(10_000)

responses: dict[str, dict[str, Any]] = {}


@collection.leaks()
def caches_responses_by_unique_request_id() -> None:
    request = uuid.uuid4().hex
    responses[request] = {"status": 200, "body": "x" * 40}


@functools.cache
def normalised(name: str) -> str:
    return name.strip().lower() + "_normalised"


@collection.leaks("looks_up_fresh_names_in_an_unbounded_cache|normalised")
def looks_up_fresh_names_in_an_unbounded_cache() -> None:
    normalised(f"  Column {next(numbers)} ")


class Tokenizer:
    @functools.lru_cache(maxsize=None)  # noqa: B019, UP033 - this is the leak
    def tokens(self, text: str) -> list[str]:
        return text.split()


@collection.leaks("caches_instances_through_a_cached_method|tokens")
def caches_instances_through_a_cached_method() -> None:
    Tokenizer().tokens("select a from b")


audit_log: list[tuple[int, str, str]] = []


def append_audit_entry(action: str) -> None:
    audit_log.append((next(numbers), "crawler", f"{action} at {next(numbers)}"))


@collection.leaks("append_audit_entry")
def writes_an_audit_trail_that_nobody_reads() -> None:
    append_audit_entry("listed tables")


seen_urls: set[str] = set()


@collection.leaks()
def remembers_every_url_it_visited() -> None:
    seen_urls.add(f"https://example.org/assets/{next(numbers)}?page=1")


history: collections.deque[bytes] = collections.deque()


@collection.leaks()
def keeps_payloads_in_an_unbounded_deque() -> None:
    history.append(bytes(700))


latencies: dict[str, list[float]] = collections.defaultdict(list)


@collection.leaks()
def collects_latencies_per_tenant_and_call() -> None:
    latencies[f"tenant-{next(numbers)}"].append(0.25 + next(numbers))


sorted_events: list[tuple[float, str]] = []


@collection.leaks()
def inserts_into_a_sorted_index() -> None:
    if len(sorted_events) < 20_000:
        bisect.insort(sorted_events, (float(next(numbers)), "event"))
    else:
        sorted_events.append((float(next(numbers)), "event"))


@collection.leaks()
def counts_words_that_never_repeat() -> None:
    for part in range(3):
        word_counts[f"word-{next(numbers)}-{part}"] += 1


word_counts: collections.Counter[str] = collections.Counter()


graph: dict[int, list[int]] = {}


def link(parent: int, child: int) -> None:
    graph.setdefault(parent, []).append(child)


@collection.leaks("link")
def adds_edges_to_a_lineage_graph() -> None:
    node = next(numbers)
    link(node, node + 1)


interned: list[str] = []


@collection.leaks()
def interns_column_names_for_ever() -> None:
    interned.append(sys.intern(f"catalog.schema.table.column_{next(numbers)}"))


buffer = bytearray()


@collection.leaks()
def extends_a_buffer_without_flushing() -> None:
    buffer.extend(b"0123456789abcdef" * 12)


samples = array.array("d")


@collection.leaks()
def stores_measurements_in_an_array() -> None:
    samples.extend(float(i) for i in range(16))


class Registry:
    instances: list[Registry] = []  # noqa: RUF012 - shared on purpose: this is the leak

    def __init__(self, name: str) -> None:
        self.name = name
        self.options = {"retries": 3}
        Registry.instances.append(self)


@collection.leaks("registers_each_client_in_a_class_attribute|__init__")
def registers_each_client_in_a_class_attribute() -> None:
    Registry(f"client-{next(numbers)}")


def with_default(row: dict[str, int], seen: list[dict[str, int]] = []) -> int:  # noqa: B006 - this is the leak
    seen.append(row)
    return len(seen)


@collection.leaks("gathers_rows_in_a_mutable_default|with_default")
def gathers_rows_in_a_mutable_default() -> None:
    with_default({"id": next(numbers), "size": next(numbers)})


templates: dict[int, string.Template] = {}


@collection.leaks()
def caches_templates_by_object_identity() -> None:
    template = string.Template(f"hello $name {next(numbers)}")
    templates[id(template)] = template


lru: collections.OrderedDict[int, bytes] = collections.OrderedDict()


@collection.leaks()
def evicts_from_its_lru_only_on_a_condition_never_met() -> None:
    lru[next(numbers)] = b"v" * 100
    if len(lru) > 10**9:
        lru.popitem(last=False)


rare: list[bytes] = []


@collection.leaks()
def leaks_only_every_hundredth_call() -> None:
    number = next(numbers)
    if number % 100 == 0:
        rare.append(bytes(20_000))


patterns: dict[str, str] = {}


@collection.leaks("translates_and_keeps_patterns")
def translates_and_keeps_patterns() -> None:
    name = f"*_{next(numbers)}.parquet"
    patterns[name] = fnmatch.translate(name) + "$"
