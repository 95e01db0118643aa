"""Many short steps of a call while the profile hook is on: a sample may come anywhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyinstrument.stack_sampler import StackSampler

from application_sdk.monitoring import Profile, flamegraph

Finished = Callable[[], list[Profile]]
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
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["pyinstrument", "True"]


def test_a_sample_amid_the_end_of_a_capture_does_not_lose_it(
    monkeypatch: pytest.MonkeyPatch, profiles: Finished
) -> None:
    class Interrupted(list[Any]):
        """pyinstrument's subscribers, with its hook's next sample amid the removal of one."""

        sampled = False

        def remove(self, subscriber: Any) -> None:
            if not self.sampled:
                self.sampled = True
                subscriber.target(["work\x00work.py\x001"], 0.001, None)
            super().remove(subscriber)

    original = StackSampler.unsubscribe

    def unsubscribe(self: StackSampler, subscriber: Any) -> None:
        if not isinstance(self.subscribers, Interrupted):
            self.subscribers = Interrupted(self.subscribers)
        original(self, subscriber)

    monkeypatch.setattr(StackSampler, "unsubscribe", unsubscribe)

    @flamegraph(sample_rate=1.0, backend="pyinstrument")
    def work() -> int:
        return sum(range(100_000))

    work()
    (profile,) = profiles()
    assert profile.cpu is not None
    assert profile.cpu.backend == "pyinstrument"
