"""How long importing takes, in a fresh interpreter each, as a share of importing pydantic-settings.

Goal: the package itself at most 1.15. The decorators load pydantic-settings and the engine when
they are first used; their share is shown beside it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

ROUNDS = 15
REFERENCE = "import pydantic_settings"
OURS = {
    "the package (1.15)": "import application_sdk.monitoring",
    "with both decorators": "from application_sdk.monitoring import flamegraph, memory_profile",
}


def seconds(statement: str) -> float:
    """How long a fresh interpreter takes to run a statement, and to start and end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - began


def main() -> None:
    """Print the ratios, each the median of pairs measured in turn."""
    for label, statement in OURS.items():
        ratios = [seconds(statement) / seconds(REFERENCE) for _ in range(ROUNDS)]
        print(f"{label:22} {median(ratios):.2f} of pydantic-settings")


if __name__ == "__main__":
    main()
