"""Writes docs/reference/profile.schema.json: run it through `make schema`."""

from __future__ import annotations

import sys
from pathlib import Path

from application_sdk.monitoring.model.schema import profile_schema

TARGET = Path(__file__).parent.parent / "docs" / "reference" / "profile.schema.json"


def main() -> int:
    """Write the schema and say where."""
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(profile_schema(), encoding="utf-8")
    print(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main())
