"""A SIGTERM waits a little for profiles that are queued, and ends the process as ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from application_sdk.monitoring import Profile, flamegraph, load_profile
from application_sdk.monitoring.engine import termination
from application_sdk.monitoring.engine.delivery import delivery
from application_sdk.monitoring.engine.recovery import recover

PROJECT = Path(__file__).parents[2]
Finished = Callable[[], list[Profile]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")

START = """
    import asyncio, os, signal, sys, threading
    from application_sdk.monitoring import configure, flamegraph, flush, memory_profile
    from application_sdk.monitoring.engine import termination
    from application_sdk.monitoring.engine.delivery import delivery

    configure(output_dir=sys.argv[1], sample_rate=1.0, formats="json")
    kept = []

    @memory_profile(name="remembers")
    def remembers():
        kept.append(bytearray(3_000_000))

    @flamegraph(name="works", backend="sampler")
    def works():
        return sum(range(1_000))

    def terminate():
        os.kill(os.getpid(), signal.SIGTERM)
"""


def run(source: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(START) + textwrap.dedent(source), str(directory)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def written(directory: Path) -> list[str]:
    return sorted(load_profile(path).name for path in directory.rglob("*.json"))


def test_what_is_queued_is_written_and_the_process_dies_of_the_signal(tmp_path: Path) -> None:
    source = """
        remembers()
        works()
        terminate()
        print("not reached")
    """
    done = run(source, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGTERM, "", "")
    assert written(tmp_path) == ["remembers", "works"]


def test_the_wait_is_bounded_and_what_was_not_written_can_be_recovered(tmp_path: Path) -> None:
    source = """
        termination.FLUSH_SECONDS = 0.2
        delivery.put(threading.Event().wait)
        remembers()
        terminate()
    """
    assert run(source, tmp_path).returncode == -signal.SIGTERM
    assert written(tmp_path) == []
    ((profile, _),) = recover(tmp_path)
    assert profile.memory is not None
    assert profile.memory.retained_bytes is not None
    assert profile.memory.retained_bytes >= 3_000_000


def test_the_capture_of_a_running_call_can_be_recovered(tmp_path: Path) -> None:
    source = """
        @memory_profile(name="grows")
        def grows():
            works()
            kept.append(bytearray(3_000_000))
            terminate()

        grows()
    """
    assert run(source, tmp_path).returncode == -signal.SIGTERM
    assert written(tmp_path) == ["works"]
    ((profile, _),) = recover(tmp_path)
    assert profile.name == "grows"
    assert profile.memory is not None
    assert profile.memory.retained_bytes is not None
    assert profile.memory.retained_bytes >= 3_000_000


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    source = """
        import time

        termination.FLUSH_SECONDS = 600.0

        def insist():
            while signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
                time.sleep(0.01)
            terminate()

        works()
        delivery.put(insist)
        terminate()
    """
    assert run(source, tmp_path).returncode == -signal.SIGTERM


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_handler_of_the_program_is_the_one_that_is_called(when: str, tmp_path: Path) -> None:
    source = """
        def own(number, frame):
            print("own handler", flush=True)
            sys.exit(7)

        when = "{when}"
        if when == "before":
            signal.signal(signal.SIGTERM, own)
        works()
        if when == "after":
            signal.signal(signal.SIGTERM, own)
        terminate()
    """
    done = run(source.replace("{when}", when), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (7, "own handler\n", "")
    assert written(tmp_path) == ["works"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_handlers_of_an_event_loop_work_as_ever(when: str, tmp_path: Path) -> None:
    source = """
        async def main():
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()
            when = "{when}"
            if when == "before":
                loop.add_signal_handler(signal.SIGTERM, stop.set)
            works()
            if when == "after":
                loop.add_signal_handler(signal.SIGTERM, stop.set)
            terminate()
            await asyncio.wait_for(stop.wait(), 30)
            print("stopped", flush=True)

        asyncio.run(main())
    """
    done = run(source.replace("{when}", when), tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")
    assert written(tmp_path) == ["works"]


def test_a_waiting_event_loop_is_interrupted(tmp_path: Path) -> None:
    source = """
        async def main():
            works()
            threading.Timer(0.2, terminate).start()
            await asyncio.Event().wait()

        asyncio.run(main())
    """
    assert run(source, tmp_path).returncode == -signal.SIGTERM
    assert written(tmp_path) == ["works"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_handles_the_signal_for_itself_alone(tmp_path: Path) -> None:
    source = """
        import time

        remembers()  # still queued in the parent when the child dies
        child = os.fork()
        if not child:
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            works()
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
            terminate()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert flush(60)
    """
    done = run(source, tmp_path)
    assert done.returncode == 0, done.stderr
    assert written(tmp_path) == ["remembers", "works"]


@pytest.fixture
def own_handlers() -> Iterator[list[int]]:
    """Lets a test have SIGTERM for itself; what came of it is collected."""
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    termination.reset_after_fork()
    yield seen
    signal.signal(signal.SIGTERM, before)
    termination.reset_after_fork()


@flamegraph(sample_rate=1.0, backend="sampler")
def works() -> int:
    return sum(range(1_000))


@pytest.mark.usefixtures("own_handlers")
def test_calls_in_other_threads_leave_the_signal_to_a_call_in_the_main_thread() -> None:
    thread = threading.Thread(target=works)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    works()
    assert callable(signal.getsignal(signal.SIGTERM))


def test_a_handler_that_calls_the_one_before_it_decides_how_the_process_ends(
    own_handlers: list[int], profiles: Finished
) -> None:
    works()
    before = signal.getsignal(signal.SIGTERM)
    assert callable(before)

    def own(number: int, frame: FrameType | None) -> None:
        before(number, frame)
        own_handlers.append(number)

    signal.signal(signal.SIGTERM, own)
    may_go_on = threading.Event()

    def hold() -> None:
        may_go_on.wait(30)

    delivery.put(hold)
    works()
    threading.Timer(0.05, may_go_on.set).start()
    os.kill(os.getpid(), signal.SIGTERM)
    assert own_handlers == [signal.SIGTERM]
    assert may_go_on.is_set()  # the one before has waited for the queue
    assert len(profiles()) == 2
