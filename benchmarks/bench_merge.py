"""Merging 10,000 profiles: how memory and time grow with their number.

Each profile has a tree of its own, drawn from the call paths that the program has, so the sum
stops growing once all paths have come. Prints the largest resident set of ``sdk-monitoring
merge`` for each number of profiles, above that of merging one, and what the files held. The
ratio to look at is the last column: 1.0 means that the number of profiles costs no memory.

    python benchmarks/bench_merge.py [MOST]        MOST: 10000
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from application_sdk.monitoring.model.call_tree import CallTree, Frame
from application_sdk.monitoring.model.profile import (
    CpuProfile,
    MemoryProfile,
    ProcessInfo,
    Profile,
    SamplingInfo,
)
from application_sdk.monitoring.model.stack_table import StackTable

_PATHS = 4_000
_PATHS_A_PROFILE = 150
_CPU = ("wall_seconds", "cpu_seconds", "await_seconds")
_MEMORY = ("bytes", "allocations")
_MIB = 1 << 20


def main() -> None:
    """Make the profiles, merge more and more of them, and print what that took."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        made = list(make(directory / "profiles", most))
        print(f"{len(made):,} profiles, {sum(path.stat().st_size for path in made) / _MIB:.0f} MiB")
        one, _ = measure(made[:1], directory)
        known: int | None = None
        print(f"{'profiles':>9} {'seconds':>8} {'a profile':>10} {'grown by':>10} {'ratio':>6}")
        for count in sorted({min(most, n) for n in (100, 1_000, most)}):
            peak, seconds = measure(made[:count], directory)
            if known is None:
                known = max(peak - one, 1)
            print(
                f"{count:>9,} {seconds:>8.1f} {1000 * seconds / count:>7.2f} ms "
                f"{(peak - one) / _MIB:>6.1f} MiB {(peak - one) / known:>6.2f}"
            )


def measure(paths: list[Path], directory: Path) -> tuple[int, float]:
    """The largest resident set in bytes, and the seconds, of one merge in a process of its own."""
    listed = directory / "listed"
    listed.write_text("\n".join(map(str, paths)))
    program = (
        "import resource, sys, time; from pathlib import Path; "
        "from application_sdk.monitoring.cli.main import main; "
        "paths = Path(sys.argv[1]).read_text().split(); began = time.perf_counter(); "
        "assert main(['merge', *paths, '-o', sys.argv[2]]) == 0; "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter() - began)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(listed), str(directory / "sum.json")],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    peak, seconds = done.stdout.split()
    return int(peak) * (1 if sys.platform == "darwin" else 1024), float(seconds)


def make(directory: Path, count: int) -> list[Path]:
    """Write that many different profiles."""
    directory.mkdir()
    chance = random.Random(8)
    frames = [Frame(f"function_{n}", f"/app/module_{n % 40}.py", n) for n in range(600)]
    paths = [chance.sample(frames, chance.randint(3, 25)) for _ in range(_PATHS)]
    process = ProcessInfo(
        pid=7, hostname="worker", python="3.11.7", implementation="CPython", monitoring_version="0"
    )
    made = []
    for number in range(count):
        drawn = chance.sample(paths, _PATHS_A_PROFILE)
        cpu, memory = tree(drawn, _CPU, chance), tree(drawn[:50], _MEMORY, chance)
        profile = Profile(
            profile_id=f"{number:032x}",
            name="my_app.activities.extract",
            started_at=datetime.fromtimestamp(1_777_000_000 + number, UTC),
            duration_seconds=1.5,
            outcome="returned",
            process=process,
            sampling=SamplingInfo(mode="adaptive", calls_since_previous=9),
            cpu=CpuProfile(
                backend="sampler",
                interval_seconds=0.01,
                sample_count=150,
                wall_seconds=cpu.total(),
                cpu_seconds=cpu.total("cpu_seconds"),
                await_seconds=cpu.total("await_seconds"),
                tree=cpu,
            ),
            memory=MemoryProfile(
                backend="memray",
                scope="call",
                rss_before_bytes=1 << 28,
                rss_after_bytes=1 << 28,
                rss_peak_bytes=1 << 29,
                peak_bytes=int(memory.total()),
                peak_tree=memory,
            ),
        )
        path = directory / f"{number}.json"
        path.write_text(profile.model_dump_json())
        made.append(path)
    return made


def tree(paths: list[list[Frame]], metrics: tuple[str, ...], chance: random.Random) -> CallTree:
    """A tree of these paths with values of its own."""
    table = StackTable(metrics, sys.maxsize)
    for path in paths:
        table.add(path, [chance.randint(1, 1000) for _ in metrics])
    return table.tree(lambda key: key if isinstance(key, Frame) else Frame("?", "", 0))


if __name__ == "__main__":
    main()
