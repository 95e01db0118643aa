"""Install the built wheel alone and use it as its first user would."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from throwaway import CheckFailedError, Throwaway

USE = """
import pathlib
import application_sdk
import application_sdk.monitoring as monitoring

assert getattr(application_sdk, "__file__", None) is None, "application_sdk is no namespace"
monitoring.configure(output_dir="profiles", sample_rate=1.0)
seen = []
monitoring.on_profile(seen.append)

@monitoring.memory_profile
@monitoring.flamegraph
def work():
    return sum(i * i for i in range(2_000_000))

work()
assert monitoring.flush(timeout=60), "flush did not finish"
(profile,) = seen
assert profile.cpu is not None and profile.memory is not None
assert len(list(pathlib.Path("profiles").rglob("*.html"))) == 1
"""


def main() -> int:
    """Check the wheel that the command line names."""
    wheel = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as directory:
        environment = Throwaway(Path(directory))
        environment.pip("install", wheel)
        environment.pip("check")
        environment.python("a decorated call writes one profile with both halves", USE)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CheckFailedError as failure:
        sys.exit(f"FAILED: {failure}")
