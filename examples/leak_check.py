"""Two functions to check for leaks: `sdk-monitoring leaks examples.leak_check:FUNCTION`.

`describe_tables` is clean; `remember_tables` is the same with a leak in it.
"""

from __future__ import annotations

import json
from functools import lru_cache

history: list[str] = []


@lru_cache(maxsize=256)
def column(number: int) -> dict[str, str]:
    """Describe a column; the cache is bounded, and so is no leak."""
    return {"name": f"column_{number}", "type": "varchar"}


def describe_tables(tables: int = 5) -> str:
    """Describe some tables as JSON."""
    return json.dumps(
        [{"name": f"table_{t}", "columns": [column(c) for c in range(20)]} for t in range(tables)]
    )


def remember_tables(tables: int = 5) -> None:
    """Describe them, and keep every description: the leak."""
    history.append(describe_tables(tables))
