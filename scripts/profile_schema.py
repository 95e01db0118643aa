"""Writes docs/reference/profile.schema.json (`make schema`), or checks that it is current."""

from __future__ import annotations

import sys
from pathlib import Path

from application_sdk.monitoring.model.schema import profile_schema

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "profile.schema.json"


def main() -> int:
    """Write the schema and say where; with --check only compare."""
    if sys.argv[1:] == ["--check"]:
        if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == profile_schema():
            print(f"{TARGET.name} is current")
            return 0
        print(f"{TARGET.name} does not describe today's model: run `make schema`", file=sys.stderr)
        return 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(profile_schema(), encoding="utf-8")
    print(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
