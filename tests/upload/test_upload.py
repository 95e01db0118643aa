from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import obstore
import pytest

from application_sdk.monitoring import configure, flamegraph, flush, load_profile
from application_sdk.monitoring.exporters import object_store
from application_sdk.monitoring.exporters.object_store import store_at
from application_sdk.monitoring.exporters.outbox import Outbox
from application_sdk.monitoring.exporters.outward import outboxes
from application_sdk.monitoring.exporters.upload_journal import JOURNAL, UploadJournal
from tests.interchange.builders import both_halves

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def nothing_queued() -> Iterator[None]:
    store_at.cache_clear()
    object_store._journals.clear()
    outboxes["upload"]._start_anew()
    yield
    outboxes["upload"].close()


@flamegraph(name="my_app.load", sample_rate=1.0)
def work() -> None:
    sum(range(1000))


def stored(url: str) -> list[str]:
    return sorted(item["path"] for batch in obstore.list(store_at(url)) for item in batch)


def uploaded() -> None:
    assert flush(60)
    assert outboxes["upload"].flush(60)


@pytest.mark.parametrize("where", ["s3", "file"])
def test_finished_files_arrive_under_application_date_function_and_run(
    where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = request.getfixturevalue("s3") if where == "s3" else f"file://{tmp_path}/store"
    configure(upload_url=url, application_name="crawler", formats="json,summary")
    work()
    uploaded()
    keys = stored(url)
    assert len(keys) == 2
    application, date, function, run, file = keys[0].split("/")
    assert (application, function) == ("crawler", "my_app.load")
    assert len(date) == len("2026-05-04")
    assert run.endswith(f"-{os.getpid()}")
    (local,) = (tmp_path / "profiles" / "my_app.load").glob("*.json")
    assert file == local.name
    content = bytes(obstore.get(store_at(url), keys[0]).bytes())
    assert content == local.read_bytes()
    assert list((tmp_path / "profiles" / JOURNAL).iterdir()) == []


def test_the_local_copy_goes_when_it_is_not_to_be_kept(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/store"
    configure(upload_url=url, upload_keep_local=False)
    work()
    uploaded()
    assert len(stored(url)) == 1
    assert list((tmp_path / "profiles" / "my_app.load").glob("*.json")) == []


def test_a_failed_upload_is_retried_on_the_next_start(tmp_path: Path) -> None:
    # A file stands where the store's directory would be.
    blocked = tmp_path / "store"
    blocked.write_text("in the way")
    program = (
        "from application_sdk.monitoring import configure, flamegraph, flush\n"
        f"configure(upload_url='file://{blocked}/x', output_dir={str(tmp_path / 'profiles')!r}, "
        "formats='json')\n"
        "flamegraph(name='lost', sample_rate=1.0)(len)([])\n"
        "flush()\n"
        "import os; os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True)
    (entry,) = (tmp_path / "profiles" / JOURNAL).glob("*.json")
    blocked.unlink()
    url = f"file://{tmp_path}/store"
    configure(upload_url=url)
    work()
    uploaded()
    assert [key.split("/")[2] for key in stored(url)] == ["lost", "my_app.load"]
    assert not entry.exists()


def test_a_kill_in_mid_upload_leaves_no_half_object(tmp_path: Path) -> None:
    big = tmp_path / "big.json"
    big.write_bytes(b"x" * (200 << 20))
    program = (
        "from pathlib import Path\n"
        "from application_sdk.monitoring.exporters.object_store import upload\n"
        "print('ready', flush=True)\n"
        f"upload(Path({str(big)!r}), 'a/big.json', 'file://{tmp_path}/store')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while not list((tmp_path / "store").rglob("*big*")) and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    found = obstore.list(store_at(f"file://{tmp_path}/store"))
    assert all(item["size"] == 200 << 20 for batch in found for item in batch)


class Narrow:
    """Passes a client's first bytes on to a server and then holds back, as a stalled network."""

    def __init__(self, target: str, most: int) -> None:
        self.held_back = threading.Event()
        self._most = most
        parts = urlsplit(target)
        self._target = (str(parts.hostname), int(parts.port or 80))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._passed = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            server = socket.create_connection(self._target)
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with source, sink, suppress(OSError):
            while data := source.recv(65536):
                if self._passed + len(data) > self._most:
                    self.held_back.set()
                    continue
                self._passed += len(data)
                sink.sendall(data)

    def _answer(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize("size", [1 << 20, 32 << 20])
def test_a_kill_in_mid_upload_to_a_server_leaves_no_half_object(
    s3: str, tmp_path: Path, size: int
) -> None:
    before = stored(s3)
    big = tmp_path / "big.json"
    big.write_bytes(b"x" * size)
    narrow = Narrow(os.environ["AWS_ENDPOINT_URL"], size // 2)
    program = (
        "from pathlib import Path\n"
        "from application_sdk.monitoring.exporters.object_store import upload\n"
        f"upload(Path({str(big)!r}), 'a/big.json', {s3!r})\n"
    )
    environment = {**os.environ, "AWS_ENDPOINT_URL": narrow.url}
    try:
        with subprocess.Popen(
            [sys.executable, "-c", program], cwd=ROOT, env=environment
        ) as process:
            assert narrow.held_back.wait(60), "half of it is on its way"
            process.send_signal(signal.SIGKILL)
    finally:
        narrow.close()
    assert stored(s3) == before


def test_a_process_that_lives_keeps_its_entries_and_one_that_was_killed_does_not(
    tmp_path: Path,
) -> None:
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from application_sdk.monitoring.exporters.upload_journal import UploadJournal\n"
        "place = Path(sys.argv[1])\n"
        "UploadJournal(place).add('1', 'app/run', [place / 'f' / 'a.json'])\n"
        "print('noted', flush=True)\n"
        "sys.stdin.read()\n"
    )
    journal = UploadJournal(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"noted\n"
        assert journal.left_behind() == []
        process.kill()
    (entry,) = journal.left_behind()
    assert journal.read(entry) == [(tmp_path / "f" / "a.json", "app/run/a.json")]
    journal.remove(entry)
    assert list((tmp_path / JOURNAL).iterdir()) == []


def test_what_others_left_behind_takes_no_room_in_the_queue_from_what_is_new(
    tmp_path: Path,
) -> None:
    place = tmp_path / "profiles"
    (place / "f").mkdir(parents=True)
    (place / JOURNAL).mkdir()
    for number in range(20):
        (place / "f" / f"{number}.json").write_text("{}")
        listed = {"files": [[f"f/{number}.json", f"app/{number}.json"]]}
        (place / JOURNAL / f"dead.{number}.json").write_text(json.dumps(listed))
    (place / "f" / "new.json").write_text("{}")
    settings = configure(upload_url=f"file://{tmp_path}/store")
    box = Outbox("upload", most=2)
    object_store.queue(both_halves(), [place / "f" / "new.json"], settings, box)
    assert box.flush(60)
    assert (len(stored(f"file://{tmp_path}/store")), box.dropped) == (21, 0)


def test_an_entry_sends_nothing_away_from_outside_of_the_directory(tmp_path: Path) -> None:
    place = tmp_path / "profiles"
    (place / JOURNAL).mkdir(parents=True)
    (tmp_path / "secret").write_text("not a profile")
    (place / "link.json").symlink_to(tmp_path / "secret")
    paths = ["../secret", str(tmp_path / "secret"), "link.json"]
    listed = {"files": [[path, "key"] for path in paths]}
    (place / JOURNAL / "dead.1.json").write_text(json.dumps(listed))
    settings = configure(upload_url=f"file://{tmp_path}/store")
    box = Outbox("upload")
    (place / "f").mkdir()
    (place / "f" / "new.json").write_text("{}")
    object_store.queue(both_halves(), [place / "f" / "new.json"], settings, box)
    assert box.flush(60)
    (key,) = stored(f"file://{tmp_path}/store")
    assert key.endswith("/new.json")


def test_a_journal_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / JOURNAL).symlink_to(tmp_path / "elsewhere")
    journal = UploadJournal(tmp_path)
    with pytest.raises(OSError, match="symbolic link"):
        journal.add("1", "app", [tmp_path / "f" / "a.json"])
    assert journal.left_behind() == []
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_a_cut_off_entry_says_is_not_trusted(tmp_path: Path) -> None:
    journal = tmp_path / "profiles" / JOURNAL
    journal.mkdir(parents=True)
    (journal / "broken.json").write_text('{"pid": 1, "files": [["/etc/pass')
    configure(upload_url=f"file://{tmp_path}/store")
    work()
    uploaded()
    assert len(stored(f"file://{tmp_path}/store")) == 1
    assert list(journal.iterdir()) == []


def test_a_profile_that_was_uploaded_reads_back_equal(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/store"
    configure(upload_url=url)
    work()
    uploaded()
    (local,) = (tmp_path / "profiles" / "my_app.load").glob("*.json")
    (key,) = stored(url)
    assert load_profile(tmp_path / "store" / key) == load_profile(local)
    assert json.loads((tmp_path / "store" / key).read_bytes())["name"] == "my_app.load"
