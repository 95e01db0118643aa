"""``spend`` tells what monitoring costs workers that run, and those that have ended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from application_sdk.monitoring.cli.spend_text import spend_text
from application_sdk.monitoring.exporters.spend import SPEND_DIRECTORY, SpendFile
from application_sdk.monitoring.model.spend import FunctionSpend, Period, Spend
from tests.cli.commands import ROOT, Here

# Settled at once, for a test cannot wait; everything else is as in production.
WORKER = """
import os, sys
from application_sdk.monitoring import configure, flamegraph, flush
from application_sdk.monitoring.engine import spending

spending.SETTLE_SECONDS = spending.IDLE_SECONDS = 0.0
opened_on = set()

def watch(event, arguments):
    if event == "open" and ".spend" in str(arguments[0]):
        import threading
        opened_on.add(threading.current_thread().name)

sys.addaudithook(watch)
configure(output_dir=sys.argv[1], formats="json")

@flamegraph(name="work", sample_rate=1)
def work():
    sum(range(1000))

def work_and_say(word):
    for _ in range(3):
        work()
    assert flush(60)
    print(word, os.getpid(), *sorted(opened_on), flush=True)

work_and_say("ready")
for line in sys.stdin:
    if line == "fork\\n":
        if not os.fork():
            work_and_say("forked")
            os.read(0, 1)
            os._exit(0)
"""

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Worker:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.said = self._line()

    def _line(self) -> list[str]:
        assert self._process.stdout is not None
        return self._process.stdout.readline().split()

    def fork(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write("fork\n")
        self._process.stdin.flush()
        word, pid, *_ = self._line()
        assert word == "forked"
        return int(pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(60)

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(60) == 0


@contextmanager
def worker(directory: Path, **env: str) -> Iterator[Worker]:
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(directory)],
        cwd=ROOT,
        env={**os.environ, **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Worker(process)
        finally:
            process.kill()


def period(**changes: object) -> Period:
    return Period.model_validate(
        {
            "seconds": 300.0,
            "cost_seconds": 6.0,
            "costs": {"calls": 2.0, "capturing": 1.0, "writing": 3.0},
            "profiled_calls": 12,
            "calls": 4_000,
            "functions": (
                FunctionSpend(name="load", cost_seconds=6.0, profiled_calls=12, calls=4_000),
            ),
        }
        | changes
    )


def spend_of(**changes: object) -> Spend:
    return Spend.model_validate(
        {
            "pid": 4242,
            "hostname": "worker-7",
            "began_at": NOW - timedelta(hours=2),
            "as_of": NOW,
            "overhead_budget": 0.05,
            "sample_rate": None,
            "lately": period(),
            "in_all": period(seconds=7200.0),
            "dropped": {"delivery": 0},
        }
        | changes
    )


def test_a_worker_that_runs_is_told_about_while_it_does(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    with worker(tmp_path) as running:
        result = sdk_monitoring("spend", tmp_path)
        assert (result.code, result.err) == (0, "")
        assert f"process {running.pid}: running, since 20" in result.out
        assert "budget     5.0 % of time, for functions without a sample_rate\n" in result.out
        assert "starting, stopping" in result.out
        assert "reading, rendering, writing" in result.out
        assert "3 of 3 calls profiled" in result.out
        assert "work  (3 profiled)" in result.out
        assert "dropped    none" in result.out
        running.end()
        assert f"process {running.pid}: ended" in sdk_monitoring("spend", tmp_path).out


def test_callers_never_write_the_figures(tmp_path: Path) -> None:
    with worker(tmp_path) as running:
        word, _, *threads = running.said
        assert (word, threads) == ("ready", ["monitoring-delivery"])


def test_a_worker_that_was_killed_has_ended_with_its_last_figures(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    with worker(tmp_path) as running:
        running.kill()
        (told,) = json.loads(sdk_monitoring("spend", tmp_path, "--json").out)["workers"]
        assert told["pid"] == running.pid
        assert told["running"] is False
        assert told["ended"] is False, "it had no time to say so"
        assert told["in_all"]["profiled_calls"] == 3
        assert told["lately"]["share"] > 0
        assert told["age_seconds"] >= 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_worker_has_figures_of_its_own_and_outlives_its_parent(
    sdk_monitoring: Here, tmp_path: Path
) -> None:
    with worker(tmp_path) as running:
        child = running.fork()
        running.kill()
        try:
            told = json.loads(sdk_monitoring("spend", tmp_path, "--json").out)["workers"]
            assert {one["pid"]: one["running"] for one in told} == {
                child: True,
                running.pid: False,
            }
            assert [one["in_all"]["profiled_calls"] for one in told] == [3, 3]
            assert [one["in_all"]["calls"] for one in told] == [3, 3]
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_worker_that_is_switched_off_tells_nothing(sdk_monitoring: Here, tmp_path: Path) -> None:
    with worker(tmp_path, ATLAN_MONITORING_ENABLED="false"):
        result = sdk_monitoring("spend", tmp_path)
        assert result.code == 0
        assert result.out.startswith(
            f"No worker has told what monitoring costs it below {tmp_path}"
        )
        assert list(tmp_path.iterdir()) == []


def test_hashed_names_and_hosts_are_hashed_here_too(sdk_monitoring: Here, tmp_path: Path) -> None:
    with worker(tmp_path, ATLAN_MONITORING_REDACT="hosts,names"):
        (told,) = json.loads(sdk_monitoring("spend", tmp_path, "--json").out)["workers"]
        assert told["hostname"].startswith("host-")
        assert told["lately"]["functions"][0]["name"].startswith("name-")
        assert all(file.name.startswith("host-") for file in (tmp_path / SPEND_DIRECTORY).iterdir())


def test_an_empty_directory_says_what_to_expect(sdk_monitoring: Here, tmp_path: Path) -> None:
    result = sdk_monitoring("spend", tmp_path)
    assert (result.code, result.err) == (0, "")
    assert "output_dir" in result.out
    assert json.loads(sdk_monitoring("spend", tmp_path, "--json").out) == {"workers": []}


def test_what_is_no_directory_is_unreadable(sdk_monitoring: Here, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / SPEND_DIRECTORY).symlink_to(tmp_path)
    for name in ("missing", "file", "linked"):
        result = sdk_monitoring("spend", tmp_path / name)
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith(f"sdk-monitoring: cannot read {tmp_path / name}")
        assert result.err.count("\n") == 1


def test_the_figures_are_no_profile_to_other_commands(sdk_monitoring: Here, tmp_path: Path) -> None:
    with worker(tmp_path) as running:
        running.end()
    spent = sorted((tmp_path / SPEND_DIRECTORY).iterdir())
    listed = json.loads(sdk_monitoring("index", tmp_path, "--json").out)
    assert [one["name"] for one in listed["profiles"]] == ["work"] * 3
    assert listed["unreadable"] == []
    assert "nothing to recover" in sdk_monitoring("recover", tmp_path).out
    assert sorted((tmp_path / SPEND_DIRECTORY).iterdir()) == spent
    assert sum(1 for _ in tmp_path.rglob("*.json")) == 3


def test_running_workers_come_first(sdk_monitoring: Here, tmp_path: Path) -> None:
    (tmp_path / SPEND_DIRECTORY).mkdir()
    files = [SpendFile(tmp_path, f"worker-{place}") for place in range(3)]
    for place, file in enumerate(files):
        file.write(spend_of(pid=place, as_of=NOW + timedelta(seconds=place)))
    for place in (0, 2):
        files[place].forget()
    told = json.loads(sdk_monitoring("spend", tmp_path, "--json").out)["workers"]
    files[1].forget()
    assert [one["pid"] for one in told] == [1, 2, 0]


def test_the_shares_are_of_the_window_and_kinds_without_a_cost_are_left_out() -> None:
    text = spend_text(spend_of(), running=True, now=NOW + timedelta(seconds=3))
    assert text == (
        "worker-7, process 4242: running, since 2026-05-04 10:00:00 UTC\n"
        "  budget     5.0 % of time, for functions without a sample_rate\n"
        "  cost       2.0 % of the last 5 min 00 s (6.00 s)\n"
        "    starting, stopping             0.7 %  2.00 s\n"
        "    sampling, tracking             0.3 %  1.00 s\n"
        "    reading, rendering, writing    1.0 %  3.00 s\n"
        "  profiled   12 calls\n"
        "  dropped    none\n"
        "  in all     <0.1 % of 2 h 00 min, 12 of 4,000 calls profiled\n"
        "  costliest    6.00 s  load  (12 profiled)\n"
        "  as of      3.00 s ago\n"
    )


def test_what_is_over_the_budget_dropped_and_stale_is_said() -> None:
    spend = spend_of(
        sample_rate=0.01,
        lately=period(cost_seconds=30.0),
        dropped={"delivery": 3, "pyroscope": 2, "otlp": 0},
    )
    text = spend_text(spend, running=True, now=NOW + timedelta(minutes=12))
    assert "a sample_rate; the process has one: 0.01" in text
    assert "10.0 % of the last 5 min 00 s (30.0 s), which is over the budget" in text
    assert "dropped    3 waiting to be written, 2 waiting to be sent (pyroscope)" in text
    assert "as of      12 min 00 s ago: no profile was finished since" in text
    assert "may have ended" in spend_text(spend, running=None, now=NOW)


def test_hostile_names_stay_on_their_line() -> None:
    name = "a\x1b[31m\nb\u202e"
    text = spend_text(
        spend_of(
            hostname=name,
            lately=period(
                functions=(FunctionSpend(name=name, cost_seconds=1, profiled_calls=1, calls=1),)
            ),
        ),
        running=True,
        now=NOW,
    )
    assert all(line.isprintable() for line in text.splitlines())


def test_without_locks_the_process_id_tells_who_runs(
    sdk_monitoring: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait(60)
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    here = socket.gethostname()
    for hostname, pid in ((here, os.getpid()), (here, ended.pid), ("far-away", os.getpid())):
        SpendFile(tmp_path, hostname).write(spend_of(hostname=hostname, pid=pid))
    told = json.loads(sdk_monitoring("spend", tmp_path, "--json").out)["workers"]
    assert {(one["hostname"], one["pid"]): one["running"] for one in told} == {
        (here, os.getpid()): True,
        (here, ended.pid): False,
        ("far-away", os.getpid()): None,
    }
