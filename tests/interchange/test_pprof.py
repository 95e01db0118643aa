from __future__ import annotations

import gzip
import importlib.util
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.views import views
from application_sdk.monitoring.renderers import pprof, protobuf
from tests.interchange.builders import both_halves, profile_of, profiles
from tests.interchange.tools import tool


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The class ``Profile`` that protoc makes of pprof's public definition."""
    proto = tool("profile.proto")
    out = tmp_path_factory.mktemp("proto")
    command = [
        sys.executable,
        "-m",
        "grpc_tools.protoc",
        f"-I{proto.parent}",
        f"--python_out={out}",
    ]
    subprocess.run([*command, proto.name], check=True)
    spec = importlib.util.spec_from_file_location("profile_pb2", out / "profile_pb2.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Profile


def decode(decoder: Any, profile: Profile) -> Any:
    message = decoder()
    message.ParseFromString(gzip.decompress(pprof.render(profile)))
    return message


def types_of(message: Any) -> list[tuple[str, str]]:
    return [
        (message.string_table[kind.type], message.string_table[kind.unit])
        for kind in message.sample_type
    ]


def test_both_halves_are_sample_types_of_one_file(decoder: Any) -> None:
    assert types_of(decode(decoder, both_halves())) == [
        ("wall", "nanoseconds"),
        ("cpu", "nanoseconds"),
        ("await", "nanoseconds"),
        ("alloc_space", "bytes"),
        ("alloc_objects", "count"),
        ("inuse_space", "bytes"),
        ("inuse_objects", "count"),
    ]


@settings(deadline=None)
@given(profile=profiles())
def test_totals_agree_with_the_trees_to_the_nanosecond_and_byte(
    decoder: Any, profile: Profile
) -> None:
    message = decode(decoder, profile)
    for place, view in enumerate(views(profile)):
        scale = 1_000_000_000 if view.unit == "seconds" else 1
        exact = sum(round(value * scale) for value in view.tree.self_values(view.metric))
        assert sum(sample.value[place] for sample in message.sample) == exact


def test_a_sample_lists_its_functions_innermost_first(decoder: Any) -> None:
    message = decode(decoder, both_halves())
    strings = message.string_table
    functions = {function.id: function for function in message.function}
    locations = {location.id: location for location in message.location}

    def stack(sample: Any) -> list[tuple[str, str, int, int]]:
        found = []
        for location_id in sample.location_id:
            line = locations[location_id].line[0]
            function = functions[line.function_id]
            names = strings[function.name], strings[function.filename]
            found.append((*names, line.line, function.start_line))
        return found

    samples = {tuple(sample.value): stack(sample) for sample in message.sample}
    assert samples[8_300_000_000, 1, 8_100_000_000, 0, 0, 0, 0] == [
        ("fetch", "/app/orders.py", 40, 40),
        ("main", "/app/main.py", 3, 3),
    ]
    assert samples[0, 0, 0, 0, 0, 2**40 + 1, 7] == [
        ("parse", "/app/orders.py", 12, 12),
        ("main", "/app/main.py", 3, 3),
    ]


def test_the_file_knows_when_how_long_and_how_often(decoder: Any) -> None:
    message = decode(decoder, both_halves())
    strings = message.string_table
    assert message.time_nanos == 1_777_893_753_456_789_000
    assert message.duration_nanos == 12_900_000_000
    assert message.period == 10_000_000
    assert strings[message.period_type.type] == "wall"
    assert strings[message.default_sample_type] == "wall"


def test_every_sample_is_labelled_with_what_the_call_belonged_to(decoder: Any) -> None:
    message = decode(decoder, both_halves())
    strings = message.string_table
    assert message.sample
    for sample in message.sample:
        assert {strings[label.key]: strings[label.str] or label.num for label in sample.label} == {
            "workflow_type": "Orders",
            "attempt": 2,
        }


def test_comments_say_what_the_memory_columns_count_and_hold_the_notes(decoder: Any) -> None:
    message = decode(decoder, both_halves(notes=("memray was busy.",)))
    comments = [message.string_table[index] for index in message.comment]
    assert any("alloc_space" in comment and "alive at its peak" in comment for comment in comments)
    assert comments[-1] == "memray was busy."


def test_equal_profiles_give_equal_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    first = pprof.render(both_halves())
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert pprof.render(both_halves()) == first


def test_a_profile_without_trees_is_still_a_valid_message(decoder: Any) -> None:
    message = decode(decoder, profile_of())
    assert not message.sample
    assert message.string_table[0] == ""


@pytest.mark.parametrize(
    ("metric", "functions"),
    [
        ("wall", {"fetch", "parse", "main"}),
        ("cpu", {"parse", "main"}),
        ("alloc_space", {"parse"}),
        ("inuse_objects", {"parse"}),
    ],
)
def test_gos_pprof_reads_every_sample_type(
    tmp_path: Path, metric: str, functions: set[str]
) -> None:
    program = tool("pprof")
    file = tmp_path / "a.pprof.pb.gz"
    file.write_bytes(pprof.render(both_halves()))
    done = subprocess.run(
        [program, "-top", f"-sample_index={metric}", "-nodefraction=0.001", file],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PPROF_TMPDIR": str(tmp_path)},
    )
    rows = [line.split() for line in done.stdout.split("flat%")[1].splitlines()[1:]]
    assert functions <= {row[-1] for row in rows}
    assert "my_app.orders.load" in done.stdout


def test_profiles_of_one_function_share_a_file_and_keep_their_labels(decoder: Any) -> None:
    spans = ["a" * 16, "b" * 16]
    starts = [both_halves().started_at, both_halves().started_at + timedelta(seconds=60)]
    profiles = [
        both_halves(context={"span_id": span}, started_at=start)
        for span, start in zip(spans, starts, strict=True)
    ]
    message = decoder()
    message.ParseFromString(gzip.decompress(pprof.render_together(profiles)))
    strings = message.string_table
    one = decode(decoder, profiles[0])
    for span in spans:
        own = [s for s in message.sample if strings[s.label[0].str] == span]
        assert [list(s.value) for s in own] == [list(s.value) for s in one.sample]
    assert {strings[sample.label[0].key] for sample in message.sample} == {"profile_id"}
    assert len(message.function) == len(one.function), "frames are shared"
    assert message.time_nanos == one.time_nanos
    assert message.duration_nanos == 60_000_000_000 + one.duration_nanos


def test_gos_pprof_adds_up_the_profiles_of_a_file(tmp_path: Path) -> None:
    program = tool("pprof")
    file = tmp_path / "a.pprof.pb.gz"
    file.write_bytes(pprof.render_together([both_halves(), both_halves()]))
    done = subprocess.run(
        [program, "-raw", file],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PPROF_TMPDIR": str(tmp_path)},
    )
    samples = done.stdout.partition("Samples:")[2].partition("Locations")[0]
    assert "16600000000" in samples, "twice 8.3 s"


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        (0, "00"),
        (1, "01"),
        (300, "ac02"),
        (2**63 - 1, "ffffffffffffffff7f"),
        (-1, "ffffffffffffffffff01"),
        (2**70, "ffffffffffffffffff01"),
    ],
)
def test_numbers_are_encoded_in_base_128(value: int, encoded: str) -> None:
    assert protobuf.varint(value).hex() == encoded
