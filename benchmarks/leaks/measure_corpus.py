"""Checks every function of the corpus in a process of its own, several times over.

    python -m benchmarks.leaks.measure_corpus --runs 5 -o results.json

Prints what was flagged wrongly or missed, which function was named, and how long the
verdicts took.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_TIMEOUT = 200


def main() -> int:
    """Run the measurement or, in a child, one case of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="checks per function (default 5)")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (default 1)")
    parser.add_argument("-o", "--output", help="write the results as JSON")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(check_one(arguments.one)))
        return 0
    return measure(arguments)


def check_one(name: str) -> dict[str, Any]:
    """The report on one case, shortened."""
    from application_sdk.monitoring import check_leaks
    from tests.leaks.corpus.cases import CLEAN_MODULES, LEAKY_MODULES, load

    case = load((*LEAKY_MODULES, *CLEAN_MODULES))[name]
    report = check_leaks(case.target)
    named = report.sites[0].function if report.sites else None
    return {
        "name": name,
        "leaky": bool(case.culprit),
        "verdict": report.verdict,
        "bytes_per_call": report.bytes_per_call,
        "calls": report.calls,
        "seconds": report.seconds,
        "named": named,
        "right": named in case.culprit.split("|"),
        "explanation": report.explanation,
    }


def measure(arguments: argparse.Namespace) -> int:
    """Check all cases and sum up."""
    from tests.leaks.corpus.cases import CLEAN_MODULES, LEAKY_MODULES, load

    names = [n for n in load((*LEAKY_MODULES, *CLEAN_MODULES)) if arguments.only in n]
    work = [name for _ in range(arguments.runs) for name in names]
    results = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for result in pool.map(_in_child, work):
            results.append(result)
            if not _fine(result):
                print(f"!! {result}", flush=True)
    if arguments.output:
        Path(arguments.output).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    sum_up(results)
    return 0


def _in_child(name: str) -> dict[str, Any]:
    start = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.leaks.measure_corpus", "--one", name]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=_TIMEOUT, check=False
    )
    if done.returncode:
        return {
            "name": name,
            "verdict": "failed",
            "explanation": done.stderr[-600:],
            "seconds": 0.0,
            "leaky": None,
            "right": False,
            "named": None,
        }
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    result["process_seconds"] = time.perf_counter() - start
    return result


def _fine(result: dict[str, Any]) -> bool:
    if result["leaky"]:
        return result["verdict"] == "leak" and bool(result["right"])
    return bool(result["verdict"] == "clean")


def sum_up(results: list[dict[str, Any]]) -> None:
    """Print the error rates and times."""
    leaky = [r for r in results if r["leaky"]]
    clean = [r for r in results if r["leaky"] is False]
    found = [r for r in leaky if r["verdict"] == "leak"]
    flagged = [r for r in clean if r["verdict"] == "leak"]
    print(f"leaky: {len({r['name'] for r in leaky})} functions, {len(leaky)} checks")
    missed = sorted({r["name"] for r in leaky if r not in found})
    print(f"  missed: {len(leaky) - len(found)} {missed}")
    print(f"  right function named: {sum(r['right'] for r in found)} of {len(found)}")
    print(f"clean: {len({r['name'] for r in clean})} functions, {len(clean)} checks")
    print(f"  flagged: {len(flagged)} {sorted({r['name'] for r in flagged})}")
    print(f"  inconclusive: {sum(r['verdict'] == 'inconclusive' for r in clean)}")
    failed = [r for r in results if r["leaky"] is None]
    print(f"failed: {len(failed)}")
    for title, group in (("leak", found), ("clean", clean)):
        seconds = [r["seconds"] for r in group]
        if seconds:
            print(
                f"seconds to a {title} verdict: median {statistics.median(seconds):.1f}, "
                f"largest {max(seconds):.1f}"
            )


if __name__ == "__main__":
    sys.exit(main())
