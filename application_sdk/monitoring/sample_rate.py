"""What a sampling rate may be: a fraction of calls, or a word for who else decides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

SampleRate = float | Literal["trace"]
"""A fraction of calls, or ``trace``: those inside a span that is itself sampled."""


def _parse(value: object) -> object:
    if value == "trace":
        return value
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if not 0 <= number <= 1:
        raise ValueError("must be a number from 0 to 1, or 'trace'")
    return number


Rate = Annotated[SampleRate, BeforeValidator(_parse)]
