"""``python -m application_sdk.monitoring`` is ``sdk-monitoring``."""

from __future__ import annotations

import sys

from application_sdk.monitoring.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
