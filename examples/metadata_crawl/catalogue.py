"""A SQLite catalogue of the modules, classes, functions and imports of Python packages."""

from __future__ import annotations

import ast
import sqlite3
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS module (path TEXT PRIMARY KEY, lines INTEGER);
CREATE TABLE IF NOT EXISTS item (module TEXT, kind TEXT, name TEXT, line INTEGER);
"""

Item = tuple[str, str, str, int]

parsed_sources: list[bytes] = []
"""The planted leak: every source that was ever parsed stays here, and nobody reads it."""


def source_files(package_root: Path, most: int) -> list[Path]:
    """The Python files of installed packages, in a stable order."""
    return sorted(package_root.rglob("*.py"))[:most]


def remember_source(source: str) -> None:
    """Keep a source for 'later': this is what leaks."""
    parsed_sources.append(source.encode("utf-32"))


def items_of(path: Path) -> tuple[int, list[Item]]:
    """How many lines a file has, and the classes, functions and imports that it defines."""
    source = path.read_text(encoding="utf-8", errors="replace")
    remember_source(source)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return source.count("\n"), []  # a template or a test of broken code: nothing to list
    found: list[Item] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found.append((str(path), "class", node.name, node.lineno))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append((str(path), "function", node.name, node.lineno))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = ",".join(alias.name for alias in node.names)
            found.append((str(path), "import", names, node.lineno))
    return source.count("\n"), found


class Catalogue:
    """The database file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, modules: list[tuple[str, int]], items: list[Item]) -> None:
        """Add modules and what they define."""
        with sqlite3.connect(self._path) as connection:
            connection.executescript(SCHEMA)
            connection.executemany("INSERT OR REPLACE INTO module VALUES (?, ?)", modules)
            connection.executemany("INSERT INTO item VALUES (?, ?, ?, ?)", items)

    def counts(self) -> dict[str, int]:
        """How many items of each kind there are."""
        with sqlite3.connect(self._path) as connection:
            rows = connection.execute("SELECT kind, count(*) FROM item GROUP BY kind").fetchall()
        return {str(kind): int(count) for kind, count in rows}
