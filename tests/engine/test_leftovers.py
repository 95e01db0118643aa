"""What a writer that was killed half-way leaves behind is overwritten, and deleted in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from application_sdk.monitoring import Profile, configure, flamegraph, flush

PROJECT = Path(__file__).parents[2]
Finished = Callable[[], list[Profile]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")

KILLED_WRITER = """
    import resource, signal, sys
    from pathlib import Path
    from application_sdk.monitoring import load_profile
    from application_sdk.monitoring.exporters.files import render_files

    profile = load_profile(sys.argv[1])
    # The kernel kills the process in the middle of its write.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    render_files(profile, Path(sys.argv[2]), ["json"], print)
"""


def burn() -> None:
    sum(range(1_000))


def killed_while_writing(file: Path, output: Path) -> Path:
    """Have a process killed while it writes a profile; gives back what it left."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED_WRITER), str(file), str(output)],
        cwd=PROJECT,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGXFSZ
    (left,) = output.rglob(".*.tmp")
    assert left.stat().st_size == 100
    return left


def one_profile(output: Path) -> Path:
    flamegraph(burn, sample_rate=1.0, backend="sampler", output_dir=output, formats="json")()
    assert flush(60)
    (file,) = output.rglob("*.json")
    return file


def test_a_profile_is_written_although_its_last_writer_was_killed(tmp_path: Path) -> None:
    from application_sdk.monitoring import load_profile
    from application_sdk.monitoring.exporters.files import render_files

    file = one_profile(tmp_path / "first")
    output = tmp_path / "second"
    left = killed_while_writing(file, output)
    ((_, written, _),) = render_files(load_profile(file), output, ["json"], print)
    assert load_profile(written) == load_profile(file)
    assert not left.exists()


def test_half_written_files_are_deleted_when_they_are_old_and_nothing_else_is(
    tmp_path: Path,
) -> None:
    file = one_profile(tmp_path / "first")
    output = tmp_path / "second"
    left = killed_while_writing(file, output)
    recent = left.with_name(left.name.replace(left.name[1:9], "20990101"))
    recent.write_text("still being written")
    foreign = [
        left.parent / ".notes.tmp",
        left.parent / "notes.tmp",
        left.parent / left.name[1:],
        output / left.name,
    ]
    for other in foreign:
        other.write_text("not ours")
    link = left.with_name(left.name.replace(left.name[1:9], "20980101"))
    link.symlink_to(foreign[0])
    two_hours_ago = time.time() - 7_200
    for other in (left, *foreign):
        os.utime(other, (two_hours_ago, two_hours_ago))
    os.utime(link, (two_hours_ago, two_hours_ago), follow_symlinks=False)
    configure(output_dir=output)
    flamegraph(burn, sample_rate=1.0, backend="sampler", formats="json")()
    assert flush(60)
    try:
        assert not left.exists()
        assert recent.exists()
        assert link.is_symlink()
        assert all(other.exists() for other in foreign)
    finally:
        for other in (recent, link, *foreign):
            other.unlink(missing_ok=True)
