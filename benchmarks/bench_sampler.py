"""How much the sampler slows call-heavy programs, beside plain runs of the same program.

Goal: at most 1.05 times the plain program.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from application_sdk.monitoring import configure, flamegraph, flush

ROUNDS = 9


def fibonacci(n: int) -> int:
    """Call-heavy: nothing but calls."""
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def calls() -> None:
    """Half a second or so of calls."""
    fibonacci(27)


def json_round_trips() -> None:
    """Native code in small pieces."""
    data = [{"id": i, "name": f"name {i}", "tags": ["a", "b"]} for i in range(1000)]
    for _ in range(60):
        json.loads(json.dumps(data))


def rows() -> None:
    """Dictionaries by the hundred thousand."""
    table = [{"key": i % 97, "value": i} for i in range(150_000)]
    groups: dict[int, int] = {}
    for row in table:
        groups[row["key"]] = groups.get(row["key"], 0) + row["value"]


def cpu_seconds(program: Callable[[], Any]) -> float:
    """CPU time of the process, the sampler's thread included."""
    began = time.process_time()
    program()
    return time.process_time() - began


def main() -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as directory:
        configure(output_dir=directory, formats="json")
        for program in (calls, json_round_trips, rows):
            sampled = flamegraph(sample_rate=1.0, backend="sampler")(program)
            ratios = []
            for _ in range(ROUNDS):
                plain = cpu_seconds(program)
                ours = cpu_seconds(sampled)
                flush()
                ratios.append(ours / plain)
            print(f"{program.__name__:18} {median(ratios):.3f} of plain (1.05)")


if __name__ == "__main__":
    main()
