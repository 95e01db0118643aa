"""Many short steps of a call while the profile hook is on: a sample may come anywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]

PROGRAM = """
from application_sdk.monitoring import configure, flamegraph, flush, on_profile

configure(output_dir="profiles", formats="json")
found = []
on_profile(found.append)


@flamegraph(sample_rate=1.0, backend="pyinstrument", interval=0.001)
def steps(count):
    yield from range(count)


# A sample each millisecond falls into the bookkeeping around a step sooner or later.
assert sum(steps(60_000)) == sum(range(60_000))
assert flush(60)
(profile,) = found
print(profile.cpu.backend, profile.cpu.sample_count > 0)
"""


def test_a_sample_amid_the_bookkeeping_of_a_step_never_stops_the_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["pyinstrument", "True"]
