"""Text for the page: escaping of foreign names, and values the way people read them."""

from __future__ import annotations

import html
import re

# Characters that an HTML file must not hold, and lone surrogates, which UTF-8 cannot.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """Make any text safe as HTML or SVG text and as an attribute's value."""
    return html.escape(_FORBIDDEN.sub("\ufffd", text), quote=True)


def format_value(value: float, unit: str) -> str:
    """A value with its unit: ``1.25 s``, ``340 ms``, ``12.5 MB`` (1 MB = 1,000,000 bytes), ``1,024``."""
    if unit == "s":
        return format_seconds(value)
    if unit == "B":
        return format_bytes(value)
    return f"{value:,.0f}"


def format_seconds(value: float) -> str:
    """Seconds in the unit that fits them."""
    size = abs(value)
    if size >= 120:
        minutes, seconds = divmod(round(size), 60)
        return f"{'-' if value < 0 else ''}{minutes} min {seconds} s"
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if size >= factor:
            return f"{_three_digits(value / factor)} {unit}"
    return f"{value * 1e9:.0f} ns" if size else "0 s"


def format_bytes(value: float) -> str:
    """Bytes in decimal units."""
    size = abs(value)
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= factor:
            return f"{_three_digits(value / factor)} {unit}"
    return f"{value:.0f} B"


def _three_digits(value: float) -> str:
    size = abs(value)
    return f"{value:.2f}" if size < 10 else f"{value:.1f}" if size < 100 else f"{value:.0f}"
