"""Numbers and names as people read them."""

from __future__ import annotations

_MINUTE = 60
_HOUR = 3600
_STEP = 1000
_SMALLEST_PERCENT = 0.1
_DIGITS_AND_POINT = len("1.23")
# Decimal, as on the page: one amount must not read as two.
_BYTE_UNITS = ("kB", "MB", "GB", "TB")
_SECOND_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def human_seconds(seconds: float) -> str:
    """A duration: ``2 h 05 min``, ``3 min 20 s``, ``12.3 s``, ``4.56 ms``, ``7 ns``."""
    if seconds < 0:
        return "-" + human_seconds(-seconds)
    if seconds >= _HOUR:
        minutes = round(seconds / _MINUTE)
        return f"{minutes // 60:,} h {minutes % 60:02} min"
    if seconds >= _MINUTE:
        whole = round(seconds)
        return human_seconds(_HOUR) if whole == _HOUR else f"{whole // 60} min {whole % 60:02} s"
    if seconds == 0:
        return "0 s"
    for size, unit in _SECOND_UNITS:
        if seconds >= size:
            return f"{_three_digits(seconds / size)} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def human_bytes(count: float) -> str:
    """An amount of memory: ``17 B``, ``1.50 kB``, ``12.3 MB``."""
    if count < 0:
        return "-" + human_bytes(-count)
    if count < _STEP:
        return f"{count:.0f} B"
    value, units = count / _STEP, list(_BYTE_UNITS)
    while value >= _STEP and len(units) > 1:
        value /= _STEP
        units.pop(0)
    return f"{_three_digits(value)} {units[0]}"


def human_count(count: float) -> str:
    """A plain number with separators between thousands."""
    return f"{count:,.0f}"


def share(part: float, whole: float) -> str:
    """A part of a whole in percent; empty when there is no whole."""
    if not whole:
        return ""
    percent = 100 * part / whole
    return "<0.1 %" if 0 < percent < _SMALLEST_PERCENT else f"{percent:.1f} %"


def one_line(text: str) -> str:
    """Text that cannot break a line, a log or a terminal: what does not print is escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _three_digits(value: float) -> str:
    for decimals in (2, 1):
        text = f"{value:.{decimals}f}"
        if len(text) <= _DIGITS_AND_POINT:
            return text
    return f"{value:,.0f}"
