<<<<<<< HEAD
"""Generates the JSON Schema of a profile from the model, or checks that it is current."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from application_sdk.monitoring.model.profile import SCHEMA_VERSION, Profile

PUBLISHED = Path(__file__).parents[1] / "docs" / "reference" / "profile.schema.json"


def schema_text() -> str:
    """The schema, as the file holds it."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "x-schema-version": SCHEMA_VERSION,
        **Profile.model_json_schema(),
    }
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


def main() -> int:
    """Write the file, or with ``--check`` compare it; 1 when it is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 if different")
    if not parser.parse_args().check:
        PUBLISHED.parent.mkdir(parents=True, exist_ok=True)
        PUBLISHED.write_text(schema_text(), encoding="utf-8")
        print(f"wrote {PUBLISHED.relative_to(PUBLISHED.parents[2])}")
        return 0
    current = PUBLISHED.exists() and PUBLISHED.read_text(encoding="utf-8") == schema_text()
    print("the schema is current" if current else "the schema is out of date: run `make schema`")
    return 0 if current else 1
=======
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
>>>>>>> interchange


if __name__ == "__main__":
    sys.exit(main())
