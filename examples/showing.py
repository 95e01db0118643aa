"""What each example prints at its end: its profiles and where they are."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from application_sdk.monitoring import Profile, configure, flush, on_profile


def show(program: str, main: Callable[[], object]) -> int:
    """Run an example with every call profiled, and list what was written."""
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--output", default="demo-profiles", help="directory for the profiles")
    arguments = parser.parse_args()
    configure(output_dir=arguments.output, sample_rate=1.0)
    profiles: list[Profile] = []
    on_profile(profiles.append)
    print("result:", main())
    flush()
    for profile in profiles:
        halves = [
            name
            for name, half in (("cpu", profile.cpu), ("memory", profile.memory))
            if half is not None
        ]
        print(f"{profile.name}: {profile.duration_seconds:.3f} s, {' and '.join(halves)}")
        for page in Path(arguments.output).rglob(f"*{profile.profile_id}.html"):
            print("   ", page)
    return 0
