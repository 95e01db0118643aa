"""What a capture measures, which calls are sampled, and what never reaches the caller."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from application_sdk.monitoring import (
    Profile,
    configure,
    flamegraph,
    flush,
    load_profile,
    memory_profile,
)
from application_sdk.monitoring.registry import cpu_backends

Finished = Callable[[], list[Profile]]


def burn(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        sum(range(300))


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.3, 0.5, 0.7, 1.0])
def test_a_rate_is_exact(rate: float, profiles: Finished) -> None:
    @memory_profile(sample_rate=rate, backend="rss")
    def quick() -> None: ...

    for _ in range(200):
        quick()
    assert abs(len(profiles()) - 200 * rate) <= 1


def test_a_tiny_rate_spares_the_first_call(profiles: Finished) -> None:
    @memory_profile(sample_rate=1e-9, backend="rss")
    def quick() -> None: ...

    for _ in range(1000):
        quick()
    assert profiles() == []


def test_without_a_rate_the_first_call_is_profiled(profiles: Finished) -> None:
    @memory_profile(backend="rss")
    def quick() -> None: ...

    for _ in range(100):
        quick()
    assert 1 <= len(profiles()) < 100


def test_configure_stops_new_captures_at_once(profiles: Finished) -> None:
    @memory_profile(sample_rate=1.0, backend="rss")
    def quick() -> None: ...

    quick()
    configure(enabled=False)
    quick()
    assert len(profiles()) == 1


@pytest.mark.parametrize("backend", ["sampler", "pyinstrument"])
def test_concurrent_calls_of_one_function_keep_apart(backend: str, profiles: Finished) -> None:
    @flamegraph(sample_rate=1.0, backend=backend)
    async def work(share: float) -> None:
        for _ in range(10):
            burn(share / 10)
            await asyncio.sleep(0.01)

    async def main() -> None:
        await asyncio.gather(*(work(share) for share in (0.1, 0.2, 0.4)))

    asyncio.run(main())
    measured = sorted(p.cpu.cpu_seconds or 0 for p in profiles() if p.cpu)
    assert measured == pytest.approx([0.1, 0.2, 0.4], rel=0.15)


def test_awaiting_is_told_from_running(profiles: Finished) -> None:
    async def fetch() -> None:
        await asyncio.sleep(0.2)

    @flamegraph(sample_rate=1.0, backend="sampler")
    async def work() -> None:
        await fetch()

    asyncio.run(work())
    (profile,) = profiles()
    assert profile.cpu is not None
    assert profile.cpu.await_seconds == pytest.approx(0.2, rel=0.25)
    waiting = {s.function for s in profile.cpu.tree.functions("await_seconds") if s.total_value}
    assert {"work", "fetch", "sleep"} <= waiting


def test_a_generators_consumer_is_not_charged(profiles: Finished) -> None:
    @flamegraph(sample_rate=1.0, backend="sampler")
    def produce() -> Any:
        for i in range(3):
            burn(0.02)
            yield i

    for _ in produce():
        burn(0.1)
    (profile,) = profiles()
    assert profile.cpu is not None
    assert profile.cpu.cpu_seconds == pytest.approx(0.06, rel=0.3)
    assert "consumer" not in {s.function for s in profile.cpu.tree.functions()}


def test_overlapping_calls_get_their_own_allocations_only(profiles: Finished) -> None:
    kept: list[bytearray] = []

    @memory_profile(sample_rate=1.0)
    async def work(size: int) -> None:
        kept.append(bytearray(size))
        await asyncio.sleep(0.02)
        kept.append(bytearray(size))

    async def neighbour() -> None:
        kept.append(bytearray(50_000_000))
        await asyncio.sleep(0.01)

    async def main() -> None:
        sizes = [1_000_000 * n for n in range(1, 9)]
        await asyncio.gather(neighbour(), *(work(size) for size in sizes))

    asyncio.run(main())
    found = sorted(p.memory.retained_bytes or 0 for p in profiles() if p.memory)
    assert found == pytest.approx([2_000_000 * n for n in range(1, 9)], rel=0.05)


def test_the_peak_of_a_call_is_exact_however_short(profiles: Finished) -> None:
    @memory_profile(sample_rate=1.0)
    def spike() -> None:
        bytearray(30_000_000)
        bytearray(10_000_000)

    spike()
    (profile,) = profiles()
    assert profile.memory is not None
    assert profile.memory.peak_bytes == pytest.approx(30_000_000, rel=0.01)
    assert profile.memory.retained_bytes == pytest.approx(0, abs=100_000)


def test_a_nested_call_becomes_part_of_the_outer_profile(profiles: Finished) -> None:
    @flamegraph(sample_rate=1.0, backend="sampler")
    def inner() -> None:
        burn(0.05)

    @flamegraph(sample_rate=1.0, backend="sampler")
    def outer() -> None:
        inner()

    outer()
    (profile,) = profiles()
    assert profile.name.endswith("outer")


def test_a_half_that_the_outer_call_lacks_is_profiled_alone(profiles: Finished) -> None:
    @memory_profile(sample_rate=1.0, backend="rss")
    def inner() -> None: ...

    @flamegraph(sample_rate=1.0, backend="sampler")
    def outer() -> None:
        inner()

    outer()
    assert {(p.cpu is not None, p.memory is not None) for p in profiles()} == {
        (True, False),
        (False, True),
    }


def test_a_block_is_profiled_and_its_profile_is_there_after_flush() -> None:
    kept = []
    with memory_profile(name="load", sample_rate=1.0) as run:
        kept.append(bytearray(5_000_000))
    assert flush(60)
    assert run.profile is not None
    assert run.profile.name == "load"
    assert run.profile.memory is not None
    assert run.profile.memory.retained_bytes == pytest.approx(5_000_000, rel=0.05)


def test_a_decorated_call_inside_a_block_is_part_of_the_block() -> None:
    kept = []

    @memory_profile
    def decorated() -> None:
        kept.append(bytearray(3_000_000))

    with memory_profile(name="load", sample_rate=1.0, backend="memray") as run:
        decorated()
    assert flush(60)
    assert run.profile is not None
    assert run.profile.memory is not None
    tree = run.profile.memory.retained_tree
    assert tree is not None
    kept_by = {stat.function: stat.total_value for stat in tree.functions()}
    assert kept_by["decorated"] == pytest.approx(3_000_000, rel=0.01)
    # Nothing that the monitoring itself calls shows, such as the draw of the next sample.
    name = test_a_decorated_call_inside_a_block_is_part_of_the_block.__name__
    assert set(kept_by) == {name, "decorated"}


def test_an_unsampled_block_has_no_profile() -> None:
    with flamegraph(name="load", sample_rate=0.0) as run:
        pass
    assert flush(60)
    assert run.profile is None


@pytest.mark.parametrize("decorator", [flamegraph, memory_profile])
def test_a_profile_hook_of_the_program_survives(decorator: Any, profiles: Finished) -> None:
    def hook(frame: object, event: str, argument: object) -> None: ...

    def set_hook() -> None:
        sys.setprofile(hook)

    work = decorator(sample_rate=1.0)(set_hook)

    try:
        work()
        assert sys.getprofile() is hook
        work()
        assert sys.getprofile() is hook
    finally:
        sys.setprofile(None)
    _first, second = profiles()
    assert any("profile hook" in note for note in second.notes)


@pytest.mark.parametrize("moment", ["start", "stop", "half", "resume"])
def test_a_backend_that_raises_never_reaches_the_caller(
    moment: str, profiles: Finished, caplog: pytest.LogCaptureFixture
) -> None:
    from application_sdk.monitoring.backends.sampler import SamplerCapture

    class Broken(SamplerCapture):
        backend = "broken"

    def fail(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    setattr(Broken, moment, fail)
    original = cpu_backends.get("sampler")
    cpu_backends.register("sampler", Broken)
    try:

        @flamegraph(sample_rate=1.0, backend="sampler")
        def work() -> int:
            return 7

        assert [work(), work()] == [7, 7]
        profiles()
    finally:
        cpu_backends.register("sampler", original)
    faults = [r for r in caplog.records if "broken on purpose" in r.getMessage()]
    assert len(faults) == 1


def test_an_unwritable_directory_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    configure(output_dir=blocked)

    @flamegraph(sample_rate=1.0)
    def work() -> int:
        return 7

    assert [work(), work()] == [7, 7]
    assert flush(60)
    assert sum("failed while writing" in r.getMessage() for r in caplog.records) == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's /dev/full")
def test_a_full_disk_costs_the_profile_and_nothing_else(
    profiles: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:

    real = os.open
    monkeypatch.setattr(
        os,
        "open",
        lambda path, flags, mode=0o777: (
            real("/dev/full", os.O_WRONLY)
            if str(path).endswith(".tmp")
            else real(path, flags, mode)
        ),
    )

    @flamegraph(sample_rate=1.0)
    def work() -> int:
        return 7

    assert work() == 7
    assert len(profiles()) == 1


def test_files_are_private_named_by_time_and_load_again(tmp_path: Path, profiles: Finished) -> None:
    configure(formats="html,json,summary,speedscope,collapsed,pprof")

    @flamegraph(sample_rate=1.0, name="a/b <script>")
    def work() -> None:
        burn(0.03)

    work()
    (profile,) = profiles()
    files = sorted((tmp_path / "profiles").rglob("*.*"))
    assert {f.name.split(profile.profile_id)[1] for f in files} == {
        ".html",
        ".json",
        ".txt",
        ".speedscope.json",
        ".collapsed.txt",
        ".pprof.pb.gz",
    }
    assert {f.stat().st_mode & 0o777 for f in files} == {0o600}
    assert {f.parent.parent for f in files} == {tmp_path / "profiles"}
    loaded = load_profile(
        next(f for f in files if f.name.endswith("Z_" + profile.profile_id + ".json"))
    )
    assert loaded == profile
    page = next(f for f in files if f.suffix == ".html").read_text()
    assert "a/b <script>" not in page
    assert "a/b &lt;script&gt;" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_only_the_newest_profiles_are_kept(tmp_path: Path) -> None:
    configure(max_stored_profiles=5)
    foreign = tmp_path / "profiles" / "x" / "notes.json"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("{}")

    @memory_profile(sample_rate=1.0, backend="rss")
    def work() -> None: ...

    for _ in range(12):
        work()
    assert flush(60)
    assert len(list((tmp_path / "profiles").rglob("*_*.json"))) == 5
    assert foreign.exists()


def test_flush_covers_callbacks_and_threads(profiles: Finished) -> None:
    @flamegraph(sample_rate=1.0, backend="sampler")
    def work() -> None:
        burn(0.02)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(profiles()) == 8
