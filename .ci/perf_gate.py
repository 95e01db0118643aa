"""Measures this project's own hot paths against the commit that a change is based on.

python .ci/perf_gate.py [--base REVISION] [--seconds 170]

Red only when a path is slower by more than the threshold in two comparisons, each of which has
confirmed itself. What cannot be decided is said and accepted, and so is what the base cannot run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import hot_paths

THRESHOLD = 0.10
LONGEST = 45.0
SHORTEST = 6.0
FINE, FINDING, UNUSABLE, INCONCLUSIVE = range(4)


def git(*arguments: str) -> str | None:
    """What git says; None when it cannot."""
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - whichever git there is
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def find_base() -> str | None:
    """Where the change leaves the main branch; on that branch, the commit before."""
    head = git("rev-parse", "HEAD")
    for branch in ("origin/main", "main"):
        common = git("merge-base", "HEAD", branch)
        if common and common != head:
            return common
    return git("rev-parse", "--verify", "--quiet", "HEAD^1^{commit}")


def compare(base: str, name: str, seconds: float, path: Path) -> tuple[int, dict[str, Any], str]:
    """One comparison: the exit code, the report, and what was said on stderr."""
    environment = {**os.environ, "PYTHONPATH": str(path)}
    environment["ATLAN_MONITORING_OUTPUT_DIR"] = str(path / "profiles")
    command = [sys.executable, "-m", "application_sdk.monitoring", "compare", "--base", base]
    command += ["--threshold", str(THRESHOLD), "--max-seconds", f"{seconds:.0f}", "--json"]
    done = subprocess.run(
        [*command, f"hot_paths:{name}"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    report: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
    return done.returncode, report, done.stderr.strip()


def judge(base: str, name: str, seconds: float, path: Path) -> bool:
    """Whether a path may pass; says why."""
    code, report, said = compare(base, name, seconds, path)
    if code == FINDING:
        code, report, said = compare(base, name, seconds, path)
    explanation = report.get("explanation", "")
    if code == UNUSABLE:
        last = said.splitlines()[-1] if said else "no reason given"
        print(f"  {name}: left out, it cannot be compared: {last}", flush=True)
        return True
    words = {FINE: "fine", FINDING: "SLOWER", INCONCLUSIVE: "undecided, accepted"}
    print(f"  {name}: {words.get(code, f'exit code {code}')}: {explanation or said}", flush=True)
    return code in (FINE, INCONCLUSIVE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", help="left out, where the change leaves main")
    parser.add_argument("--only", choices=[path.__name__ for path in hot_paths.ALL])
    parser.add_argument("--seconds", type=float, default=170.0, help="the most to spend in all")
    arguments = parser.parse_args()
    ends = time.monotonic() + arguments.seconds
    for path in hot_paths.ALL:
        path()  # what does not run here at all is a failure, whatever the base does
    base = arguments.base or find_base()
    if base is None:
        print("no commit to compare with (a single commit, a shallow clone or no git): passed")
        return 0
    print(f"against {base[:12]}, threshold {THRESHOLD:.0%}", flush=True)
    passed = True
    with tempfile.TemporaryDirectory() as directory:
        # Both sides do the same work, which a base that lacks it can do too: a copy from outside.
        shutil.copy(hot_paths.__file__, directory)
        names = [path.__name__ for path in hot_paths.ALL]
        names = [name for name in names if arguments.only in (None, name)]
        for number, name in enumerate(names):
            # Room for a second opinion on each of those that are left.
            share = (ends - time.monotonic()) / (len(names) - number) / 1.2
            if share < SHORTEST:
                print(f"  {name}: left out, the time is up", flush=True)
                continue
            passed = judge(base, name, min(LONGEST, share), Path(directory)) and passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
