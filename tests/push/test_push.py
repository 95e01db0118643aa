from __future__ import annotations

import gzip
import json
import logging
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, configure, flamegraph, flush
from application_sdk.monitoring.backends.source_lines import first_line
from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.exporters import otlp
from application_sdk.monitoring.exporters.http import checked_url
from application_sdk.monitoring.exporters.outbox import Outbox, RejectedError
from application_sdk.monitoring.exporters.outward import outboxes
from application_sdk.monitoring.importers.assembly import Wishes
from application_sdk.monitoring.importers.reading import import_profile
from application_sdk.monitoring.model.views import views
from tests.interchange.builders import both_halves
from tests.push.receiver import Receiver, unused_port

TOKEN = "a-token-that-must-not-leak"  # noqa: S105 - made up


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def nothing_queued() -> Iterator[None]:
    for box in outboxes.values():
        box._start_anew()
    yield
    for box in outboxes.values():
        box.close()


@flamegraph(name="my_app.load", sample_rate=1.0)
def work() -> int:
    return sum(range(1000))


def sent(name: str) -> Outbox:
    assert flush(30)
    assert outboxes[name].flush(30)
    return outboxes[name]


def test_a_profile_is_pushed_as_pprof_with_bounded_labels(
    receiver: Receiver, profiles: Callable[[], list[Profile]], tmp_path: Path
) -> None:
    configure(pyroscope_url=receiver.url, application_name="crawler")
    work()
    sent("pyroscope")
    (post,) = receiver.posts
    assert post.path == "/ingest"
    assert post.query["name"] == ["crawler{function=my_app.load,outcome=returned}"]
    assert post.query["format"] == ["pprof"]
    parts = post.parts()
    assert set(parts) == {"profile", "sample_type_config"}
    assert json.loads(parts["sample_type_config"])["wall"]["units"] == "nanoseconds"
    path = tmp_path / "pushed.pb.gz"
    path.write_bytes(parts["profile"])
    back = import_profile(path, Wishes(), first_line)
    (original,) = profiles()
    assert {view.key: view.total for view in views(back)} == pytest.approx(
        {view.key: view.total for view in views(original)}
    )


def test_ids_that_never_end_are_no_labels(receiver: Receiver) -> None:
    from application_sdk.monitoring.exporters import pyroscope

    context = {
        "workflow_id": "w-1",
        "workflow_run_id": "r-1",
        "trace_id": "f" * 32,
        "span_id": "e" * 16,
        "workflow_type": "Orders",
    }
    pyroscope.push(both_halves(context=context), receiver.url, "app", None)
    body = gzip.decompress(receiver.posts[0].parts()["profile"])
    assert b"w-1" not in body
    assert b"r-1" not in body
    assert b"f" * 32 not in body
    assert b"profile_id" in body, "by this label Pyroscope finds the profile of a span"
    assert b"e" * 16 in body
    assert "workflow_type=Orders" in receiver.posts[0].query["name"][0]


def test_otlp_carries_every_view_and_adds_up(receiver: Receiver) -> None:
    from opentelemetry.proto.collector.profiles.v1development import profiles_service_pb2

    profile = both_halves(context={"trace_id": "0" * 31 + "1", "span_id": "0" * 15 + "2"})
    otlp.push(profile, receiver.url, "app", None)
    (post,) = receiver.posts
    assert (post.path, post.headers["content-type"]) == (otlp.PATH, "application/x-protobuf")
    request = profiles_service_pb2.ExportProfilesServiceRequest.FromString(post.body)
    strings = request.dictionary.string_table
    (resource,) = request.resource_profiles
    names = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert names["service.name"] == "app"
    found = {
        strings[part.sample_type.type_strindex]: sum(sample.values[0] for sample in part.samples)
        for part in resource.scope_profiles[0].profiles
    }
    assert found == {
        view.key: round(view.total * (1e9 if view.unit == "seconds" else 1))
        for view in views(profile)
    }
    first = resource.scope_profiles[0].profiles[0].samples[-1]
    stack = request.dictionary.stack_table[first.stack_index]
    functions = [
        strings[
            request.dictionary.function_table[
                request.dictionary.location_table[index].lines[0].function_index
            ].name_strindex
        ]
        for index in stack.location_indices
    ]
    assert functions == ["fetch", "main"], "innermost first"
    assert request.dictionary.link_table[first.link_index].span_id.hex() == "0" * 15 + "2"


def test_equal_profiles_give_equal_otlp_bytes() -> None:
    assert otlp.encode(both_halves(), "app") == otlp.encode(both_halves(), "app")


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_refusal_that_may_pass_is_tried_again(receiver: Receiver, status: int) -> None:
    configure(pyroscope_url=receiver.url)
    receiver.statuses = [status, status]
    work()
    box = sent("pyroscope")
    assert len(receiver.posts) == 1
    assert (box.sent, box.failed_tries, box.dropped) == (1, 2, 0)


def test_a_refusal_for_good_is_counted_and_does_not_hold_up_the_next(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    configure(pyroscope_url=receiver.url, push_token=TOKEN)
    receiver.statuses = [401]
    with caplog.at_level(logging.DEBUG):
        work()
        work()
        box = sent("pyroscope")
    assert (box.sent, box.rejected) == (1, 1)
    assert "HTTP 401" in caplog.text


def test_the_token_is_sent_and_appears_in_no_log_file_or_settings_text(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    settings = configure(pyroscope_url=receiver.url, push_token=TOKEN)
    receiver.statuses = [500, 403]
    with caplog.at_level(logging.DEBUG):
        work()
        work()
        sent("pyroscope")
    assert receiver.posts[-1].headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(settings)
    assert TOKEN not in settings.model_dump_json()
    for file in (tmp_path / "profiles").rglob("*"):
        assert file.is_dir() or TOKEN.encode() not in file.read_bytes()


def test_a_redirect_is_not_followed_with_the_token(receiver: Receiver) -> None:
    from application_sdk.monitoring.exporters.http import post

    receiver.statuses = [302]
    with pytest.raises(RejectedError, match="302"):
        post(f"{receiver.url}/ingest", b"x", {}, TOKEN)


def test_nothing_that_the_queue_can_hold_is_lost_while_the_server_restarts() -> None:
    port = unused_port()
    configure(pyroscope_url=f"http://localhost:{port}")
    for _ in range(20):
        work()
    assert flush(30)
    box = outboxes["pyroscope"]
    assert box.sent == 0
    server = Receiver(port)
    try:
        assert box.flush(30)
        assert (len(server.posts), box.dropped) == (20, 0)
    finally:
        server.close()


def test_a_dead_endpoint_costs_callers_nothing_but_a_counter() -> None:
    box = Outbox("dead", most=3)

    def refuse() -> None:
        raise ConnectionRefusedError("nobody there")

    assert [box.put(refuse) for _ in range(5)] == [True, True, True, False, False]
    assert box.dropped == 2
    assert box.close() == 3
    assert box.dropped == 5


def test_a_slow_server_delays_only_what_is_queued_behind() -> None:
    answered = threading.Event()
    order: list[str] = []

    def slow() -> None:
        assert answered.wait(30)
        order.append("slow")

    box = Outbox("slow")
    box.put(slow)
    box.put(lambda: order.append("next"))
    assert not box.flush(0.05)
    answered.set()
    assert box.flush(30)
    assert order == ["slow", "next"]
    box.close()


def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    asked = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost "
        "-addext subjectAltName=DNS:localhost "
        "-addext keyUsage=critical,digitalSignature,keyCertSign"
    )
    subprocess.run(
        ["openssl", *asked.split(), "-keyout", str(key), "-out", str(certificate)],  # noqa: S607
        check=True,
        capture_output=True,
    )
    server = Receiver(tls=(certificate, key))
    try:
        configure(pyroscope_url=server.url)
        work()
        assert flush(30)
        box = outboxes["pyroscope"]
        assert not box.flush(0.3)
        assert box.failed_tries > 0
        assert server.posts == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert box.flush(30)
        assert len(server.posts) == 1
    finally:
        server.close()


@pytest.mark.parametrize("url", ["localhost:4040", "ftp://server", "file:///etc", "https://"])
def test_an_url_that_cannot_be_posted_to_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="pyroscope_url"):
        checked_url("pyroscope_url", url)


def test_a_bad_url_never_reaches_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    configure(pyroscope_url="nonsense")
    assert work() == sum(range(1000))
    assert flush(30)
    assert "pyroscope_url must be" in caplog.text
