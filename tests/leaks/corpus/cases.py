"""What a case of the corpus is, and the two lists of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LEAKY_MODULES = (
    "leaky_caches",
    "leaky_objects",
    "leaky_concurrency",
    "leaky_native",
    "leaky_registries",
    "leaky_in_disguise",
)
CLEAN_MODULES = (
    "clean_bounded",
    "clean_transient",
    "clean_concurrency",
    "clean_warming",
    "clean_registries",
    "clean_late",
)


@dataclass(frozen=True)
class Case:
    """One function to check.

    Attributes:
        name: Unique in the corpus.
        target: What is called.
        culprit: The function that has to be named; empty for a clean case.
    """

    name: str
    target: Callable[[], Any]
    culprit: str = ""


class Collection:
    """Collects the cases of one module."""

    def __init__(self) -> None:
        self.cases: list[Case] = []

    def leaks(self, culprit: str = "") -> Callable[[Callable[[], Any]], Callable[[], Any]]:
        """Mark a leaking function; the culprit is the function itself unless named."""

        def add(target: Callable[[], Any]) -> Callable[[], Any]:
            self.cases.append(Case(target.__name__, target, culprit or target.__name__))
            return target

        return add

    def clean(self, target: Callable[[], Any]) -> Callable[[], Any]:
        """Mark a function that does not leak."""
        self.cases.append(Case(target.__name__, target))
        return target


def load(modules: tuple[str, ...]) -> dict[str, Case]:
    """All cases of some modules, by name."""
    found: dict[str, Case] = {}
    for module in modules:
        loaded = importlib.import_module(f"tests.leaks.corpus.{module}")
        for case in loaded.collection.cases:
            assert case.name not in found, f"{case.name} is there twice"
            found[case.name] = case
    return found
