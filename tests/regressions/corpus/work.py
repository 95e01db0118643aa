"""Real work in a given amount: what programs do all day, with the amount as the argument."""

from __future__ import annotations

import ast
import asyncio
import csv
import hashlib
import heapq
import io
import json
import random
import re
import sqlite3
import string
import struct
import tempfile
import time
import zlib
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree as ET

_RANDOM = random.Random(20)
_WORDS = ["".join(_RANDOM.choices(string.ascii_lowercase, k=7)) for _ in range(5000)]
_NUMBERS = [_RANDOM.random() for _ in range(20_000)]
_ROWS = [
    {"id": number, "name": word, "price": number * 1.5, "tags": [word[:3], word[3:]]}
    for number, word in enumerate(_WORDS)
]
_LINE = re.compile(r"(?P<name>\w+)=(?P<value>\d+);?")


def serialises(amount: int) -> int:
    """Rows to JSON, one by one."""
    return sum(len(json.dumps(row)) for row in _ROWS[:amount])


def parses(amount: int) -> int:
    """JSON back to rows."""
    return len(json.loads(json.dumps(_ROWS[:amount])))


def matches(amount: int) -> int:
    """Searches lines with a regular expression."""
    line = ";".join(f"{word}={len(word)}" for word in _WORDS[:20])
    return sum(len(_LINE.findall(line)) for _ in range(amount))


def sorts(amount: int) -> float:
    """Sorts short lists with a key."""
    return sum(
        sorted(_NUMBERS[start : start + 100], key=lambda x: -x)[50]
        for start in range(0, amount * 10, 10)
    )


def compresses(amount: int) -> int:
    """Compresses blocks of text."""
    block = " ".join(_WORDS[:300]).encode()
    return sum(len(zlib.compress(block, 6)) for _ in range(amount))


def hashes(amount: int) -> str:
    """Hashes short keys."""
    digest = ""
    for word in _WORDS[:amount]:
        digest = hashlib.sha256((digest + word).encode()).hexdigest()
    return digest


def counts(amount: int) -> int:
    """Counts the words of a text."""
    return sum(Counter(word[:2] for word in _WORDS[:500]).total() for _ in range(amount))


def transforms(amount: int) -> int:
    """Filters, renames and groups rows, as an import does."""
    groups: dict[str, list[dict[str, object]]] = {}
    for row in _ROWS[:amount]:
        renamed = {f"c_{key}": value for key, value in row.items() if key != "tags"}
        groups.setdefault(str(row["name"])[0], []).append(renamed)
    return len(groups)


def reads_csv(amount: int) -> float:
    """Writes and reads a table."""
    file = io.StringIO()
    csv.writer(file).writerows((row["id"], row["name"], row["price"]) for row in _ROWS[:amount])
    file.seek(0)
    return sum(float(row[2]) for row in csv.reader(file))


def queries(amount: int) -> int:
    """Inserts into a table and reads from it."""
    with sqlite3.connect(":memory:") as database:
        database.execute("create table item (id integer primary key, name text)")
        for number, word in enumerate(_WORDS[:amount]):
            database.execute("insert into item values (?, ?)", (number, word))
        (count,) = database.execute("select count(*) from item where name > 'm'").fetchone()
    database.close()
    return int(count)


def adds_money(amount: int) -> Decimal:
    """Adds decimals up."""
    return sum((Decimal(number) / 100 for number in range(amount)), Decimal(0))


@dataclass
class _Item:
    name: str
    price: float
    count: int = 1

    def total(self) -> float:
        return self.price * self.count


def makes_objects(amount: int) -> float:
    """Makes objects and calls their methods."""
    return sum(_Item(word, 2.5, len(word)).total() for word in _WORDS[:amount])


def schedules(amount: int) -> float:
    """Pushes to a heap and pops from it."""
    heap: list[float] = []
    for number in _NUMBERS[:amount]:
        heapq.heappush(heap, number)
        if len(heap) > 50:
            heapq.heappop(heap)
    return heap[0]


def builds_xml(amount: int) -> int:
    """Builds and writes XML elements."""
    root = ET.Element("items")
    for word in _WORDS[:amount]:
        ET.SubElement(root, "item", name=word).text = word
    return len(ET.tostring(root))


def packs(amount: int) -> int:
    """Packs and unpacks records."""
    record = struct.Struct("<Id16s")
    total = 0
    for number, word in enumerate(_WORDS[:amount]):
        total += int(record.unpack(record.pack(number, 1.5, word.encode()))[0])
    return total


def compiles(amount: int) -> int:
    """Parses Python code."""
    code = "def f(a, b):\n    return [a * i + b for i in range(10) if i % 2]\n"
    return sum(len(ast.parse(code).body) for _ in range(amount))


def writes_a_file(amount: int) -> int:
    """Writes lines to a file and reads them back."""
    with tempfile.TemporaryFile("w+") as file:
        for word in _WORDS[:amount]:
            file.write(f"{word}\n")
        file.seek(0)
        return sum(1 for _ in file)


def has_a_heavy_tail(amount: int) -> int:
    """Requests of very different sizes: most are small and a few a hundred times as large."""
    size = min(40.0, random.paretovariate(1.3))
    return transforms(int(amount * size))


class TwoModes:
    """Answers mostly from a cache, else does the whole work.

    Args:
        hit: Amount of work of a hit.
        miss: Amount of work of a miss.
        misses: Their fraction.
    """

    def __init__(self, hit: int, miss: int, misses: float) -> None:
        self._hit, self._miss, self._misses = hit, miss, misses

    def __call__(self) -> int:
        return transforms(self._miss if random.random() < self._misses else self._hit)


async def gathers(amount: int) -> int:
    """Ten tasks that work and give way."""

    async def one() -> int:
        done = transforms(amount)
        await asyncio.sleep(0)
        return done

    return sum(await asyncio.gather(*(one() for _ in range(10))))


async def passes_through_a_queue(amount: int) -> int:
    """A producer and a consumer."""
    queue: asyncio.Queue[str | None] = asyncio.Queue(16)

    async def produce() -> None:
        for word in _WORDS[:amount]:
            await queue.put(json.dumps(word))
        await queue.put(None)

    producer = asyncio.create_task(produce())
    total = 0
    while (item := await queue.get()) is not None:
        total += len(json.loads(item))
    await producer
    return total


async def waits(milliseconds: float) -> None:
    """Waits for an answer, and does little else."""
    await asyncio.sleep(milliseconds / 1000)
    transforms(50)


def waits_blocking(milliseconds: float) -> None:
    """Waits for an answer in the calling thread."""
    time.sleep(milliseconds / 1000)
    transforms(50)


def holds(amount: int) -> int:
    """Holds rows in memory."""
    return len([bytes(400) for _ in range(amount)])


async def holds_while_waiting(amount: int) -> int:
    """Holds rows while others may run."""
    kept = [{"id": number, "body": bytes(300)} for number in range(amount)]
    await asyncio.sleep(0)
    return len(kept)
