from __future__ import annotations

import gzip
import json
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, configure, flamegraph, flush
from application_sdk.monitoring.backends.source_lines import first_line
from application_sdk.monitoring.errors import InvalidArgumentError
from application_sdk.monitoring.exporters import otlp
from application_sdk.monitoring.exporters.http import checked_url
from application_sdk.monitoring.exporters.outbox import Outbox, RejectedError, Shipment
from application_sdk.monitoring.exporters.outward import outboxes
from application_sdk.monitoring.importers.assembly import Wishes
from application_sdk.monitoring.importers.reading import import_profile
from application_sdk.monitoring.model.views import views
from tests.interchange.builders import both_halves
from tests.push.receiver import Post, Receiver, unused_port

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


both = pytest.mark.parametrize("destination", ["pyroscope", "otlp"])


@flamegraph(name="my_app.load", sample_rate=1.0)
def work() -> int:
    return sum(range(1000))


def sent(name: str) -> Outbox:
    assert flush(60)
    assert outboxes[name].flush(60)
    return outboxes[name]


def profiles_in(post: Post) -> int:
    """How many profiles a request to Pyroscope or an OTLP receiver holds."""
    if post.path == "/ingest":
        return gzip.decompress(post.parts()["profile"]).count(b" of my_app.load")
    from opentelemetry.proto.collector.profiles.v1development import profiles_service_pb2

    request = profiles_service_pb2.ExportProfilesServiceRequest.FromString(post.body)
    wall = list(request.dictionary.string_table).index("wall_seconds")
    return sum(
        profile.sample_type.type_strindex == wall
        for resource in request.resource_profiles
        for scope in resource.scope_profiles
        for profile in scope.profiles
    )


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
    pyroscope.push([both_halves(context=context)], receiver.url, "app", None)
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
    otlp.push([profile], receiver.url, "app", None)
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
    assert otlp.encode([both_halves()], "app") == otlp.encode([both_halves()], "app")


@both
@pytest.mark.parametrize("status", [408, 429, 500, 503, 0])
def test_a_refusal_that_may_pass_is_tried_again(
    receiver: Receiver, status: int, destination: str
) -> None:
    configure(**{f"{destination}_url": receiver.url})
    receiver.statuses = [status, status]
    work()
    box = sent(destination)
    assert len(receiver.posts) == 1
    assert (box.sent, box.failed_tries, box.dropped) == (1, 2, 0)


@both
def test_a_refusal_for_good_is_counted_and_does_not_hold_up_the_next(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, destination: str
) -> None:
    configure(**{f"{destination}_url": receiver.url}, push_token=TOKEN)
    receiver.statuses = [401]
    with caplog.at_level(logging.DEBUG):
        work()
        sent(destination)
        work()
        box = sent(destination)
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


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f" {TOKEN} ", TOKEN.encode()])
def test_space_around_a_token_is_not_sent(receiver: Receiver, token: object) -> None:
    configure(pyroscope_url=receiver.url, push_token=token)
    work()
    sent("pyroscope")
    assert receiver.posts[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("token", [f"{TOKEN}\nX-Other: 1", f"{TOKEN}\u2026"])
def test_a_token_that_no_header_can_hold_is_refused_without_being_shown(
    receiver: Receiver, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    configure(pyroscope_url=receiver.url, push_token=token)
    work()
    sent("pyroscope")
    assert receiver.asked == 0
    assert "push_token holds characters" in caplog.text
    assert TOKEN not in caplog.text


def test_a_token_of_the_wrong_type_is_not_shown_either(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "4711" not in repr(configure(push_token=4711))
    monkeypatch.setenv("ATLAN_MONITORING_PUSH_TOKEN", "")
    assert configure(push_token=None).push_token is None


def test_a_redirect_is_not_followed_with_the_token(receiver: Receiver) -> None:
    from application_sdk.monitoring.exporters.http import post

    receiver.statuses = [302]
    with pytest.raises(RejectedError, match="302"):
        post(f"{receiver.url}/ingest", b"x", {}, TOKEN)


@both
def test_nothing_that_the_queue_can_hold_is_lost_while_the_server_restarts(
    destination: str,
) -> None:
    port = unused_port()
    configure(**{f"{destination}_url": f"http://localhost:{port}"})
    for _ in range(20):
        work()
    assert flush(60)
    box = outboxes[destination]
    assert box.sent == 0
    server = Receiver(port)
    try:
        assert box.flush(60)
        assert (sum(map(profiles_in, server.posts)), box.sent, box.dropped) == (20, 20, 0)
        assert len(server.posts) < 20, "what has gathered goes together"
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


@both
def test_a_server_that_answers_late_keeps_no_caller_waiting_and_gets_everything(
    receiver: Receiver, destination: str
) -> None:
    configure(**{f"{destination}_url": receiver.url})
    receiver.open.clear()
    work()
    assert flush(60)
    receiver.wait_for(lambda: receiver.asked == 1)
    for _ in range(5):
        work()
    assert flush(60), "local files do not wait for a server"
    assert outboxes[destination].sent == 0
    receiver.open.set()
    assert sent(destination).sent == 6
    assert [profiles_in(post) for post in receiver.posts] == [1, 5]


@both
def test_a_server_that_does_not_answer_in_time_is_asked_again(
    receiver: Receiver, destination: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("application_sdk.monitoring.exporters.http.TIMEOUT_SECONDS", 0.2)
    configure(**{f"{destination}_url": receiver.url})
    receiver.open.clear()
    work()
    assert flush(60)
    receiver.wait_for(lambda: receiver.asked == 2)
    assert outboxes[destination].failed_tries > 0
    receiver.open.set()
    assert sent(destination).sent == 1


def test_what_is_refused_together_is_sent_one_by_one() -> None:
    first_may_go = threading.Event()
    went: list[list[str]] = []

    def send(items: Sequence[str]) -> None:
        assert first_may_go.wait(30)
        if "bad" in items:
            raise RejectedError("bad")
        went.append(list(items))

    box = Outbox("mixed")
    for item in ("first", "a", "bad", "b"):
        box.put(Shipment(send, item, kind=None))
    first_may_go.set()
    assert box.flush(60)
    assert (box.sent, box.rejected, box.dropped) == (3, 1, 0)
    assert [item for items in went for item in items] == ["first", "a", "b"]
    box.close()


def test_a_request_that_failed_is_repeated_with_fewer_profiles() -> None:
    sizes: list[int] = []
    gathered = threading.Event()

    def send(items: Sequence[int]) -> None:
        assert gathered.wait(30)
        sizes.append(len(items))
        if len(items) > 4:
            raise TimeoutError("too large")

    box = Outbox("slow")
    box.put(gathered.wait)  # type: ignore[arg-type]  # its result is nobody's
    for item in range(40):
        box.put(Shipment(send, item, kind=None))
    gathered.set()
    assert box.flush(60)
    assert sizes[:4] == [32, 16, 8, 4]
    assert (box.sent, box.failed_tries) == (41, sum(size > 4 for size in sizes))
    box.close()


def test_only_shipments_of_one_kind_go_together_and_each_kind_keeps_its_order() -> None:
    gathered = threading.Event()
    went: list[list[str]] = []
    box = Outbox("kinds")
    box.put(gathered.wait)  # type: ignore[arg-type]  # its result is nobody's
    send = went.append
    for item in ("a1", "b1", "a2", "b2"):
        box.put(Shipment(send, item, kind=item[0]))  # type: ignore[arg-type]
    gathered.set()
    assert box.flush(60)
    assert went == [["a1", "a2"], ["b1", "b2"]]
    box.close()


def test_profiles_that_an_otlp_receiver_takes_in_part_are_counted_and_not_repeated(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    from opentelemetry.proto.collector.profiles.v1development import profiles_service_pb2

    response = profiles_service_pb2.ExportProfilesServiceResponse()
    response.partial_success.rejected_profiles = 2
    response.partial_success.error_message = "no room"
    receiver.answer = response.SerializeToString()
    configure(otlp_url=receiver.url)
    work()
    box = sent("otlp")
    assert (len(receiver.posts), box.sent, box.rejected) == (1, 0, 1)
    assert "2 OTLP profiles: no room" in caplog.text


def test_what_sending_costs_counts_as_cost_of_monitoring(receiver: Receiver) -> None:
    from application_sdk.monitoring.engine.budget import budget

    work()
    assert flush(60)
    before = budget.spent_seconds
    charged: list[float] = []
    box = Outbox("charged")
    box.charge = charged.append
    box.put(lambda: None)
    assert box.flush(60)
    box.close()
    assert len(charged) == 1
    assert charged[0] >= 0
    configure(pyroscope_url=receiver.url)
    work()
    assert sent("pyroscope").charge == budget.spend
    assert budget.spent_seconds > before


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
    assert box.flush(60)
    assert order == ["slow", "next"]
    box.close()


@both
def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, destination: str) -> None:
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
        configure(**{f"{destination}_url": server.url})
        work()
        assert flush(60)
        box = outboxes[destination]
        assert not box.flush(0.3)
        assert box.failed_tries > 0
        assert server.posts == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert box.flush(60)
        assert len(server.posts) == 1
    finally:
        server.close()


@pytest.mark.parametrize(
    "url",
    ["localhost:4040", "ftp://server", "file:///etc", "https://", "https://me:secret@host"],
)
def test_an_url_that_cannot_be_posted_to_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="pyroscope_url") as caught:
        checked_url("pyroscope_url", url)
    assert "secret" not in str(caught.value)


def test_a_bad_url_never_reaches_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    configure(pyroscope_url="nonsense")
    assert work() == sum(range(1000))
    assert flush(60)
    assert "pyroscope_url must be" in caplog.text


@both
def test_a_program_that_ends_at_once_has_pushed_its_profile(
    receiver: Receiver, destination: str, tmp_path: Path
) -> None:
    program = (
        "import sys\n"
        "from application_sdk.monitoring import configure, flamegraph\n"
        "configure(output_dir=sys.argv[2], **{sys.argv[3]: sys.argv[1]})\n"
        "flamegraph(name='my_app.load', sample_rate=1.0)(len)([])\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, receiver.url, str(tmp_path), f"{destination}_url"],
        cwd=Path(__file__).parents[2],
        check=True,
    )
    assert [profiles_in(post) for post in receiver.posts] == [1]


@pytest.mark.slow
def test_the_end_of_the_process_waits_once_for_all_that_do_not_answer(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from application_sdk.monitoring import configure, flamegraph\n"
        "url = sys.argv[1]\n"
        "configure(pyroscope_url=url, otlp_url=url, output_dir=sys.argv[2], formats='json')\n"
        "flamegraph(sample_rate=1.0)(len)([])\n"
        "began = time.monotonic()\n"
        "import atexit\n"
        "atexit._run_exitfuncs()\n"
        "print(time.monotonic() - began)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-c", program, url, str(tmp_path)],
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
        )
    assert 5 <= float(done.stdout) < 10, "and not 5 s for each of the two"
    assert done.stderr.count("were not sent before the process ended") == 2
