"""Writes docs/reference/profile.schema.json (`make schema`), or checks that it is current."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from application_sdk.monitoring.model.schema import profile_schema

PROJECT = Path(__file__).parent.parent
TARGET = PROJECT / "docs" / "reference" / "profile.schema.json"


def main() -> int:
    """Write the schema, or with ``--check`` compare it and return 1 if it differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare the file")
    if parser.parse_args().check:
        current = TARGET.exists() and TARGET.read_text(encoding="utf-8") == profile_schema()
        print("the schema is current" if current else "the schema is stale: run `make schema`")
        return 0 if current else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(profile_schema(), encoding="utf-8")
    print("wrote", TARGET.relative_to(PROJECT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
