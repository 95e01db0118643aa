from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import memray
import pyinstrument
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application_sdk.monitoring import compare_profiles
from application_sdk.monitoring.analysis.difference import difference
from application_sdk.monitoring.backends.source_lines import first_line
from application_sdk.monitoring.errors import UnreadableProfileError
from application_sdk.monitoring.importers.assembly import Wishes
from application_sdk.monitoring.importers.reading import import_profile
from application_sdk.monitoring.model.call_tree import Frame
from application_sdk.monitoring.model.profile import Profile
from application_sdk.monitoring.model.views import View, views
from application_sdk.monitoring.registry import EXTENSIONS, renderers
from application_sdk.monitoring.renderers import collapsed
from tests.interchange.builders import FETCH, MAIN, PARSE, both_halves, profiles

Values = Counter[tuple[Frame, ...]]


def imported(content: bytes, path: Path, wishes: Wishes | None = None) -> Profile:
    path.write_bytes(content)
    return import_profile(path, wishes or Wishes(), first_line)


def values(view: View) -> dict[tuple[Frame, ...], float]:
    """What a view holds at each call path, without empty ones."""
    found: dict[tuple[Frame, ...], float] = {}
    path: list[Frame] = []
    for node, own in zip(view.tree.walk(), view.tree.self_values(view.metric), strict=True):
        path[node.depth :] = [node.frame]
        if own:
            found[tuple(path)] = own
    return found


def all_values(profile: Profile) -> dict[str, dict[tuple[Frame, ...], float]]:
    return {view.key: values(view) for view in views(profile)}


@pytest.mark.parametrize("name", ["speedscope", "pprof"])
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(original=profiles())
def test_a_file_of_ours_comes_back_equal_in_values_and_names(
    name: str, original: Profile, tmp_path: Path
) -> None:
    path = tmp_path / f"a{EXTENSIONS[name]}"
    if not views(original):
        with pytest.raises(UnreadableProfileError):
            imported(renderers.get(name)(original), path)
        return
    back = imported(renderers.get(name)(original), path)
    assert back.name == original.name
    assert all_values(back) == all_values(original)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(original=profiles(), data=st.data())
def test_collapsed_stacks_come_back_to_the_microsecond_and_the_byte(
    original: Profile, data: st.DataObject, tmp_path: Path
) -> None:
    known = views(original)
    if not known:
        return
    view = data.draw(st.sampled_from(known))
    content = collapsed.render(original, view.key)
    # The format cannot tell such a name from a name and its place; Python has none.
    if not content or any(" (" in frame[0] for frame in view.tree.frames):
        return
    back = imported(content, tmp_path / "a.collapsed.txt", Wishes(metric=view.key))
    # What rounding took from one line it gave to the next: each is off by less than one.
    allowed = 1.000001e-6 if view.unit == "seconds" else 0
    before, after = values(view), all_values(back)[view.key]
    for path in before.keys() | after.keys():
        assert abs(before.get(path, 0) - after.get(path, 0)) <= allowed


def test_pprof_keeps_time_interval_and_context(tmp_path: Path) -> None:
    original = both_halves()
    back = imported(renderers.get("pprof")(original), tmp_path / "a.pprof.pb.gz")
    assert back.started_at == original.started_at
    assert back.duration_seconds == original.duration_seconds
    assert back.context == original.context
    assert back.cpu is not None
    assert back.cpu.interval_seconds == 0.01


def test_importing_a_file_twice_gives_the_same_profile(tmp_path: Path) -> None:
    content = renderers.get("pprof")(both_halves())
    first, second = (imported(content, tmp_path / "a.pprof.pb.gz") for _ in range(2))
    assert first == second


def test_an_imported_profile_differs_in_nothing_from_its_original(tmp_path: Path) -> None:
    original = both_halves()
    back = imported(renderers.get("speedscope")(original), tmp_path / "a.speedscope.json")
    found = difference(original, back)
    assert all(item.change == 0 for view in found.views for item in view.functions)
    assert (found.only_in_base, found.only_in_candidate) == ((), ())


def test_stacks_of_other_tools_are_samples_of_an_interval(tmp_path: Path) -> None:
    # As py-spy and perf write them.
    text = b"main;parse (orders.py:12) 3\nmain;wait 1\n"
    profile = imported(text, tmp_path / "spy.txt", Wishes(interval_seconds=0.01))
    assert profile.name == "spy"
    assert profile.cpu is not None
    assert profile.cpu.sample_count == 4
    assert profile.cpu.wall_seconds == pytest.approx(0.04)
    assert profile.cpu.tree.frame(1) == Frame("parse", "orders.py", 12)


@pytest.mark.parametrize("outermost", ["{closure}", "memray_start", "[thread]"])
def test_stacks_are_known_by_their_numbers_and_not_by_their_first_word(
    outermost: str, tmp_path: Path
) -> None:
    profile = imported(f"{outermost};work 5\n".encode(), tmp_path / "a.txt")
    assert profile.cpu is not None
    assert profile.cpu.tree.frame(0).function == outermost


def test_sampled_speedscope_profiles_of_several_threads_stand_side_by_side(tmp_path: Path) -> None:
    def thread(name: str, weight: float) -> dict[str, object]:
        return {
            "type": "sampled",
            "name": name,
            "unit": "milliseconds",
            "startValue": 0,
            "endValue": weight,
            "samples": [[0, 1]],
            "weights": [weight],
        }

    data = {
        "shared": {"frames": [{"name": "main"}, {"name": "work", "file": "a.py", "line": 4}]},
        "profiles": [thread("one", 20), thread("two", 30)],
    }
    profile = imported(json.dumps(data).encode(), tmp_path / "a.json")
    (view,) = views(profile)
    work = Frame("work", "a.py", 4)
    assert values(view) == {
        (Frame("one", "", 0), Frame("main", "", 0), work): 0.02,
        (Frame("two", "", 0), Frame("main", "", 0), work): 0.03,
    }


def test_a_pyinstrument_session_keeps_its_time(tmp_path: Path) -> None:
    def burn() -> int:
        return sum(len(str(number)) for number in range(150_000))

    profiler = pyinstrument.Profiler(interval=0.001)
    with profiler:
        burn()
    session = profiler.last_session
    assert session is not None
    content = json.dumps(session.to_json()).encode()
    profile = imported(content, tmp_path / "s.pyisession")
    assert profile.cpu is not None
    recorded = sum(seconds for _, seconds in session.frame_records)
    assert profile.cpu.wall_seconds == pytest.approx(recorded)
    assert profile.cpu.cpu_seconds == session.cpu_time
    total = {stat.function: stat.total_value for stat in profile.cpu.tree.functions()}
    assert total["burn"] == pytest.approx(recorded, rel=0.2)
    (stat,) = [stat for stat in profile.cpu.tree.functions() if stat.function == "burn"]
    assert (stat.file, stat.line) == (burn.__code__.co_filename, burn.__code__.co_firstlineno)


def test_a_pyinstrument_sessions_awaiting_is_a_metric_of_its_own(tmp_path: Path) -> None:
    records = [
        [["main\x00a.py\x001", "[await]\x00<await>\x000"], 0.5],
        [["main\x00a.py\x001\x01l3"], 0.25],
    ]
    data = {
        "start_time": 1.0,
        "duration": 0.75,
        "sample_count": 2,
        "cpu_time": 0.2,
        "frame_records": records,
    }
    profile = imported(json.dumps(data).encode(), tmp_path / "s.json")
    main = (Frame("main", "a.py", 1),)
    assert all_values(profile) == {
        "wall_seconds": {main: 0.75},
        "await_seconds": {main: 0.5},
    }


def test_a_memray_capture_keeps_its_peak_and_what_was_left(tmp_path: Path) -> None:
    capture = tmp_path / "c.capture"
    program = (
        "import memray\n"
        "def hold(): return bytearray(5 << 20)\n"
        "def pass_by(): bytearray(9 << 20)\n"
        f"with memray.Tracker({str(capture)!r}):\n"
        "    kept = hold()\n"
        "    pass_by()\n"
    )
    script = tmp_path / "program.py"
    script.write_text(program)
    subprocess.run([sys.executable, str(script)], check=True)
    profile = import_profile(capture, Wishes(), first_line)
    memory = profile.memory
    assert memory is not None
    with memray.FileReader(capture) as reader:
        records = list(reader.get_high_watermark_allocation_records(merge_threads=True))
        assert memory.peak_bytes == sum(record.size for record in records)
        assert profile.process.pid == reader.metadata.pid
    assert memory.scope == "process"
    assert memory.peak_tree is not None
    assert memory.retained_tree is not None
    peak = {stat.function: stat for stat in memory.peak_tree.functions()}
    assert peak["pass_by"].total_value == pytest.approx(9 << 20, rel=0.01)
    assert peak["pass_by"].line == 3
    retained = {stat.function: stat.total_value for stat in memory.retained_tree.functions()}
    assert retained["hold"] == pytest.approx(5 << 20, rel=0.01)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02",
        b"{}",
        b'{"shared": {}, "profiles": [{}]}',
        b'{"frame_records": [1]}',
        b"memray\x00",
        b"stack without number x\n",
        b"\x1f\x8b broken",
        gzip.compress(b"\x0a\x02\x08\x63", mtime=0),
        b"\x0a\xff\xff\xff\xff\xff",
    ],
)
def test_a_damaged_file_is_unreadable_and_says_which(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableProfileError, match="damaged_file"):
        imported(content, tmp_path / "damaged_file")


@given(noise=st.binary(max_size=200), cut=st.integers(0, 3000))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_cut_off_or_garbled_pprof_file_never_ends_in_another_error(
    noise: bytes, cut: int, tmp_path: Path
) -> None:
    whole = gzip.decompress(renderers.get("pprof")(both_halves()))
    path = tmp_path / "a.pb"
    for content in (whole[: cut % len(whole)], whole[: cut % len(whole)] + noise, noise):
        try:
            imported(content, path)
        except UnreadableProfileError:
            continue


def test_frames_are_those_of_the_original(tmp_path: Path) -> None:
    back = imported(renderers.get("pprof")(both_halves()), tmp_path / "a.pb.gz")
    assert back.cpu is not None
    assert {back.cpu.tree.frame(node.node) for node in back.cpu.tree.walk()} == {MAIN, PARSE, FETCH}


def test_the_regression_verdict_serves_the_profiles_of_another_tool(tmp_path: Path) -> None:
    def sampled(name: str, load: int) -> Profile:
        path = tmp_path / name
        path.write_text(
            f"main (app.py:1);parse (app.py:10) 1000\nmain (app.py:1);load (app.py:20) {load}\n"
        )
        return import_profile(path, Wishes(interval_seconds=0.01), first_line)

    comparison = compare_profiles(sampled("before.txt", 1000), sampled("after.txt", 1700))
    assert comparison.verdict == "regression"
    assert [function.function for function in comparison.functions][:1] == ["load"]
    assert compare_profiles(sampled("a.txt", 1000), sampled("b.txt", 1010)).verdict == "unchanged"
