"""A process publishes what its monitoring costs: seldom, privately, and nobody waits for it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from application_sdk.monitoring import configure
from application_sdk.monitoring.engine import spending
from application_sdk.monitoring.engine.spending import (
    BUSY_SECONDS,
    IDLE_SECONDS,
    SETTLE_SECONDS,
    SpendPublisher,
)
from application_sdk.monitoring.exporters.spend import (
    LOCK_SUFFIX,
    SPEND_DIRECTORY,
    SPEND_SUFFIX,
    SpendFile,
    read_spends,
)
from application_sdk.monitoring.model.spend import Spend
from tests.engine.test_ledger import Clock
from tests.interchange.builders import profile_of


class Publisher:
    """A publisher with a clock of its own, and what it has published."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = Clock()
        self.publisher = SpendPublisher(self.clock)

    def deliver(self, later: float = 0.0, directory: Path | None = None) -> None:
        self.clock.now += later
        self.publisher.delivered(profile_of(), directory or self.directory)

    def published(self) -> list[Spend]:
        return [one.spend for one in read_spends(self.directory)]


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    found = Publisher(tmp_path)
    yield found
    found.publisher.reset()


def settled(publisher: Publisher) -> Path:
    publisher.deliver()
    publisher.deliver(SETTLE_SECONDS)
    (file,) = (publisher.directory / SPEND_DIRECTORY).glob(f"*{SPEND_SUFFIX}")
    return file


def files_of(directory: Path, suffix: str) -> list[Path]:
    return sorted((directory / SPEND_DIRECTORY).glob(f"*{suffix}"))


def test_the_profiles_of_a_short_script_are_all_that_it_leaves(publisher: Publisher) -> None:
    publisher.deliver()
    publisher.deliver(SETTLE_SECONDS - 1)
    publisher.publisher.end()
    assert list(publisher.directory.iterdir()) == []


def test_a_worker_publishes_when_it_has_settled(publisher: Publisher) -> None:
    file = settled(publisher)
    (spend,) = publisher.published()
    assert (spend.pid, spend.hostname, spend.ended) == (os.getpid(), "worker-7", False)
    assert spend.overhead_budget == 0.05
    assert file.name.startswith(f"worker-7-{os.getpid()}-")


def test_the_file_is_its_owners_alone(publisher: Publisher) -> None:
    file = settled(publisher)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_it_is_written_again_after_a_pause_only(publisher: Publisher) -> None:
    first = settled(publisher).read_bytes()
    publisher.deliver(IDLE_SECONDS / 2)
    assert files_of(publisher.directory, SPEND_SUFFIX)[0].read_bytes() == first
    publisher.deliver(IDLE_SECONDS)
    assert files_of(publisher.directory, SPEND_SUFFIX)[0].read_bytes() != first


def test_the_pause_is_longer_while_profiles_wait(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy:
        waiting, dropped = 3, 0

    first = settled(publisher).read_bytes()
    monkeypatch.setattr(spending, "delivery", Busy)
    publisher.deliver(IDLE_SECONDS)
    assert files_of(publisher.directory, SPEND_SUFFIX)[0].read_bytes() == first
    publisher.deliver(BUSY_SECONDS)
    assert files_of(publisher.directory, SPEND_SUFFIX)[0].read_bytes() != first


def test_a_process_that_ends_says_so(publisher: Publisher) -> None:
    settled(publisher)
    publisher.publisher.end()
    (spend,) = publisher.published()
    assert spend.ended


def test_nothing_is_written_once_monitoring_is_off(publisher: Publisher) -> None:
    publisher.deliver()
    configure(enabled=False)
    publisher.deliver(SETTLE_SECONDS)
    publisher.publisher.end()
    assert list(publisher.directory.iterdir()) == []


def test_a_directory_that_was_deleted_is_not_made_again(
    publisher: Publisher, tmp_path: Path
) -> None:
    publisher.deliver(directory=tmp_path / "gone")
    publisher.deliver(SETTLE_SECONDS, directory=tmp_path / "gone")
    assert not (tmp_path / "gone").exists()


def test_what_was_deleted_meanwhile_is_written_and_locked_again(publisher: Publisher) -> None:
    file = settled(publisher)
    for left in file.parent.iterdir():
        left.unlink()
    file.parent.rmdir()
    publisher.deliver(IDLE_SECONDS)
    (published,) = read_spends(publisher.directory)
    assert published.running


def test_a_symbolic_link_is_not_followed(
    publisher: Publisher, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    output = tmp_path / "output"
    output.mkdir()
    (output / SPEND_DIRECTORY).symlink_to(elsewhere)
    for _ in range(3):
        publisher.deliver(SETTLE_SECONDS, directory=output)
    assert list(elsewhere.iterdir()) == []
    (told,) = caplog.records
    assert "is a symbolic link" in told.getMessage()
    with pytest.raises(OSError, match="symbolic link"):
        read_spends(output)


def test_directories_beyond_a_number_take_turns(publisher: Publisher, tmp_path: Path) -> None:
    for place in range(20):
        (tmp_path / str(place)).mkdir()
        publisher.deliver(directory=tmp_path / str(place))
    publisher.clock.now += SETTLE_SECONDS
    for place in range(20):
        publisher.deliver(directory=tmp_path / str(place))
    assert len(list(tmp_path.glob(f"*/{SPEND_DIRECTORY}"))) <= 8


def test_figures_of_ended_processes_are_removed_when_they_are_old_or_many(
    publisher: Publisher, tmp_path: Path
) -> None:
    settled(publisher)
    (spend,) = publisher.published()
    for place in range(60):
        other = SpendFile(tmp_path, f"other-{place}")
        other.write(spend)
        other.forget()
    place_of = tmp_path / SPEND_DIRECTORY
    (place_of / "mine.txt").write_text("not the monitoring's")
    old = files_of(tmp_path, SPEND_SUFFIX)[3]
    long_ago = time.time() - 100_000
    os.utime(old, (long_ago, long_ago))
    newcomer = SpendFile(tmp_path, "newcomer")
    newcomer.write(spend)
    newcomer.forget()
    assert not old.exists()
    left = files_of(tmp_path, SPEND_SUFFIX)
    assert len(left) <= 52
    assert any(file.name.startswith("worker-7-") for file in left), "it runs"
    assert (place_of / "mine.txt").exists()
    assert len(files_of(tmp_path, LOCK_SUFFIX)) == 2


def test_a_file_of_someone_else_is_no_figure(publisher: Publisher) -> None:
    file = settled(publisher)
    (file.parent / f"broken{SPEND_SUFFIX}").write_text("{")
    (file.parent / f"link{SPEND_SUFFIX}").symlink_to(file)
    (file.parent / f"folder{SPEND_SUFFIX}").mkdir()
    assert len(publisher.published()) == 1


def test_a_writing_that_fails_leaves_nothing_half_done(publisher: Publisher) -> None:
    file = settled(publisher)
    file.unlink()
    file.mkdir()
    publisher.deliver(IDLE_SECONDS)
    assert sorted(left.suffix for left in file.parent.iterdir()) == [LOCK_SUFFIX, SPEND_SUFFIX]
