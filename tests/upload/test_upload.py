from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import obstore
import pytest
from moto.server import ThreadedMotoServer

from application_sdk.monitoring import configure, flamegraph, flush, load_profile
from application_sdk.monitoring.exporters import object_store
from application_sdk.monitoring.exporters.object_store import JOURNAL, store_at
from application_sdk.monitoring.exporters.outward import outboxes

ROOT = Path(__file__).parents[2]
BUCKET = "profiles-of-tests"


@pytest.fixture(autouse=True)
def nothing_queued() -> Iterator[None]:
    store_at.cache_clear()
    outboxes["upload"]._start_anew()
    yield
    outboxes["upload"].close()


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A real S3-compatible server, with an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_REGION": "us-east-1",
    }.items():
        patch.setenv(name, value)
    import urllib.request

    request = urllib.request.Request(f"http://{host}:{port}/{BUCKET}", method="PUT")
    urllib.request.urlopen(request).close()  # noqa: S310
    yield f"s3://{BUCKET}/team"
    patch.undo()
    server.stop()


@flamegraph(name="my_app.load", sample_rate=1.0)
def work() -> None:
    sum(range(1000))


def stored(url: str) -> list[str]:
    return sorted(item["path"] for batch in obstore.list(store_at(url)) for item in batch)


def uploaded() -> None:
    assert flush(30)
    assert outboxes["upload"].flush(30)


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
    object_store._searched.clear()
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


def test_what_a_cut_off_entry_says_is_not_trusted(tmp_path: Path) -> None:
    journal = tmp_path / "profiles" / JOURNAL
    journal.mkdir(parents=True)
    (journal / "broken.json").write_text('{"pid": 1, "files": [["/etc/pass')
    object_store._searched.clear()
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
