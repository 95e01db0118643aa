"""Imports go down only: the package's shape, read from its sources."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = "application_sdk.monitoring"
SOURCES = Path(__file__).parents[2] / "application_sdk" / "monitoring"

# Each part of the package (a module or a subpackage directly below the root) and its
# layer. A new part has to be placed here before it can be merged.
LAYERS = {
    "errors": 0,
    "calls": 0,
    "sandbox": 0,
    "model": 0,
    "names": 0,
    "sample_rate": 0,
    "settings": 1,
    "delivery_settings": 1,
    "watch_settings": 1,
    "config_file": 1,
    "profile_hook": 1,
    "pace": 1,
    "switch_interval": 1,
    "ticker": 1,
    "containment": 1,
    "helper": 1,
    "protocols": 1,
    "redaction": 1,
    "registry": 1,
    "analysis": 2,
    "backends": 2,
    "exporters": 2,
    "importers": 2,
    "renderers": 2,
    "engine": 3,
    "decorator_options": 4,
    "decorators": 4,
    "workflow_classes": 4,
    "temporal": 4,
    "wrapping": 4,
    "cli": 5,
    "pytest_plugin": 5,
    "__main__": 6,
}
# Parts of these layers stand side by side and know nothing of each other.
SEPARATE_LAYERS = {2, 5}
# The profilers are known only where their data becomes our model, and rich only at a terminal.
ONLY_IN = {
    "memray": {"backends", "importers"},
    "pyinstrument": {"backends"},
    "rich": {"cli"},
}


class Import(NamedTuple):
    """One import statement: who imports what, and where that is written."""

    importer: str
    imported: str
    where: str


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SOURCES.rglob("*.py")):
        parts = path.relative_to(SOURCES).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


@cache
def _imports() -> tuple[Import, ...]:
    return tuple(_read_imports())


def _read_imports() -> Iterator[Import]:
    for module, path in _modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path.relative_to(SOURCES)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(module, alias.name, where)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{where}: a relative import; write the full name"
                yield Import(module, node.module or "", where)
                if node.module == ROOT:
                    for alias in node.names:
                        yield Import(module, f"{ROOT}.{alias.name}", where)


def _part(module: str) -> str:
    return module.removeprefix(ROOT).lstrip(".").partition(".")[0]


def _own_imports() -> Iterator[tuple[Import, str, str]]:
    for item in _imports():
        # The root's __init__ is the facade: it may name anything, and nothing names it.
        if item.imported.startswith(f"{ROOT}.") and item.importer:
            yield item, _part(item.importer), _part(item.imported)


def test_every_part_of_the_package_has_a_layer() -> None:
    parts = {_part(module) for module, _ in _modules()} - {""}
    assert parts - LAYERS.keys() == set()


def test_no_import_points_up() -> None:
    wrong = [
        f"{item.where}: {importer} (layer {LAYERS[importer]}) imports "
        f"{imported} (layer {LAYERS[imported]})"
        for item, importer, imported in _own_imports()
        if imported in LAYERS and LAYERS[imported] > LAYERS[importer]
    ]
    assert wrong == []


def test_backends_renderers_exporters_and_analysis_never_import_each_other() -> None:
    wrong = [
        f"{item.where}: {importer} imports {imported}"
        for item, importer, imported in _own_imports()
        if imported in LAYERS
        and importer != imported
        and LAYERS[importer] == LAYERS[imported]
        and LAYERS[importer] in SEPARATE_LAYERS
    ]
    assert wrong == []


def test_nothing_inside_imports_the_facade() -> None:
    public = {_part(module) for module, _ in _modules()}
    wrong = [
        item.where
        for item in _imports()
        if item.importer
        and item.imported.startswith(f"{ROOT}.")
        and _part(item.imported) not in public
    ]
    assert wrong == []


def test_the_model_needs_nothing_but_pydantic_and_the_standard_library() -> None:
    allowed = {*sys.stdlib_module_names, "pydantic", "pydantic_core", "application_sdk"}
    wrong = [
        f"{item.where}: {item.imported}"
        for item in _imports()
        if LAYERS.get(_part(item.importer)) == 0 and item.imported.partition(".")[0] not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_the_profilers_and_rich_are_known_only_where_they_belong(library: str) -> None:
    wrong = [
        item.where
        for item in _imports()
        if item.imported.partition(".")[0] == library
        and _part(item.importer) not in ONLY_IN[library]
    ]
    assert wrong == []


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lengths = {
        str(path.relative_to(SOURCES)): len(path.read_text(encoding="utf-8").splitlines())
        for _, path in _modules()
    }
    assert {name: length for name, length in lengths.items() if length > 300} == {}
