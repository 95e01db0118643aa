"""Containers that say themselves how much they may hold: while one fills up, growth has an end."""

from __future__ import annotations

import functools
import gc
import sys
import weakref
from collections import deque
from dataclasses import dataclass
from typing import Any

_LRU_CACHE = type(functools.lru_cache(len))
_MOST_ENTRIES = 1_000_000
"""A bound beyond this is none: no process lives to see it reached."""
_LEAST_GAIN = 0.02
"""Entries per call; what gains less is not what fills memory with every call."""


@dataclass(frozen=True, slots=True)
class Filling:
    """A bounded container that gained entries, and is full by now at the most.

    Attributes:
        name: What it is, for a sentence.
        size: Entries in it.
        limit: The most that it may hold.
        calls_left: Calls until it is full, at the rate at which it gained.
    """

    name: str
    size: int
    limit: int
    calls_left: int

    def __str__(self) -> str:
        """Completes 'no verdict, because ...'."""
        return (
            f"{self.name} still fills up: it holds {self.size} of at most {self.limit} entries; "
            "give more seconds, or fill it before"
        )


class BoundedContainers:
    """The ``lru_cache``s, ``deque``s with a ``maxlen`` and ``cachetools`` caches of the process.

    Make it before the heap is frozen: a frozen object is no longer listed.
    """

    def __init__(self) -> None:
        self._known: dict[int, weakref.ref[Any]] = {}
        self._sizes: dict[int, int] = {}
        self._find()
        self.mark()

    def mark(self) -> None:
        """Remember how much each holds now."""
        for key, reference in self._known.items():
            container = reference()
            self._sizes[key] = 0 if container is None else _measure(container)[0]

    def filling(self, calls: int) -> Filling | None:
        """The fullest one that gained with the calls since the last mark, when it was not full.

        Args:
            calls: Calls made since then.
        """
        self._find()
        found: list[Filling] = []
        for key, reference in self._known.items():
            container = reference()
            if container is None:
                continue
            size, limit = _measure(container)
            gained = size - self._sizes.get(key, 0)
            if limit is not None and size - gained < limit and gained > _LEAST_GAIN * calls:
                left = int((limit - size) * calls / gained)
                found.append(Filling(_name(container), size, limit, left))
        return max(found, key=lambda filling: filling.size, default=None)

    def _find(self) -> None:
        kinds = _kinds()
        for thing in gc.get_objects():
            if isinstance(thing, kinds) and id(thing) not in self._known:
                limit = _measure(thing)[1]
                if limit is not None and limit <= _MOST_ENTRIES:
                    self._known[id(thing)] = weakref.ref(thing)


def _kinds() -> tuple[type, ...]:
    cachetools = sys.modules.get("cachetools")
    cache = getattr(cachetools, "Cache", None)
    return (_LRU_CACHE, deque, *((cache,) if isinstance(cache, type) else ()))


def _measure(container: Any) -> tuple[int, int | None]:
    if isinstance(container, deque):
        return len(container), container.maxlen
    if isinstance(container, _LRU_CACHE):
        info: Any = container.cache_info()
        return info.currsize, info.maxsize
    return int(container.currsize), int(container.maxsize)


def _name(container: Any) -> str:
    if isinstance(container, _LRU_CACHE):
        wrapped: Any = getattr(container, "__wrapped__", container)
        return f"the lru_cache of {getattr(wrapped, '__qualname__', 'a function')}"
    return f"a {type(container).__name__} with a bound"
