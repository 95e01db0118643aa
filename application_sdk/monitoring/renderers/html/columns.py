"""Columns of numbers as bytes that compress well and decode in a loop of a few lines.

A column of ``n`` non-negative whole numbers is a plane of ``n`` bytes, 255 standing for
"255 or more", followed by what those entries exceed 255 by, as byte planes of their own
(all low bytes, then all second bytes, ...). Most values of a flamegraph fit the first plane,
and everything here runs at the speed of C.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import sub
from typing import NamedTuple

_ESCAPE = 255

# What a node's values may cost in bits before compression, all metrics together, and a
# fixed allowance beside it that leaves pages of a few thousand nodes exact.
_BITS_PER_NODE = 12.0
_SPARE_BITS = 200_000.0
# A total is never told to less than this many steps, however many nodes share it. The sums of
# functions add up what many nodes are off by, so those are corrected (``shares``).
_FINE_STEPS = 1 << 20
_LEAST_STEPS = 230_000
_USUAL_COLUMNS = 3


class Column(NamedTuple):
    """An encoded column: its bytes and the two numbers needed to read it back."""

    data: bytes
    overflow: int
    planes: int


def encode(values: Sequence[int]) -> Column:
    """Encode non-negative whole numbers below 2**53."""
    # A call of min for each would take twice as long.
    first = bytes([value if value < _ESCAPE else _ESCAPE for value in values])  # noqa: FURB136
    over = [value - _ESCAPE for value in values if value >= _ESCAPE]
    if not over:
        return Column(first, 0, 0)
    planes = (max(over).bit_length() + 7) // 8 or 1
    wide = array("Q", over)
    if wide.itemsize != 8:  # pragma: no cover - no such platform is known
        raise AssertionError("unsigned long long is not 8 bytes here")
    raw = wide.tobytes()
    offsets = range(planes) if _LITTLE_ENDIAN else range(7, 7 - planes, -1)
    return Column(first + b"".join(raw[k::8] for k in offsets), len(over), planes)


def differences(before: Sequence[int], after: Sequence[int]) -> list[int] | None:
    """What to add to ``before`` to get ``after``, as non-negative numbers, if that takes less room.

    A change of ``d`` is ``2 * d``, or ``-2 * d - 1`` where it is negative: small stays small.

    Returns:
        The column, or None where ``after`` itself is the smaller one.
    """
    found = [2 * change if change >= 0 else -2 * change - 1 for change in map(sub, after, before)]
    bits = sum(map(int.bit_length, found))
    # Numbers beyond this are not exact in a viewer.
    if bits >= sum(map(int.bit_length, after)) or max(found) >= 1 << 53:
        return None
    return found


def steps(values: Sequence[float], quantum: float) -> list[int]:
    """Values as multiples of ``quantum``, rounded so that every subtree's total stays right.

    Not the values but their running sum is rounded. A subtree is a contiguous run of the
    column, so its total is off by one quantum at most, however many nodes it has.
    """
    if quantum == 1 and all(type(value) is int for value in values):
        exact: list[int] = list(values)  # type: ignore[arg-type]
        return [max(0, value) for value in exact] if exact and min(exact) < 0 else exact
    scale = 1.0 / quantum
    ends = [int(end * scale + 0.5) for end in accumulate(map(float, values))]
    if not ends:
        return []
    result = list(map(sub, ends, [0, *ends[:-1]]))
    return [max(0, step) for step in result] if min(result) < 0 else result


def choose_quantum(values: Sequence[float], unit: float, columns: int) -> float:
    """The step to tell a column's values to: ``unit``, or a multiple where nodes are many.

    Args:
        values: The column.
        unit: The finest step that means anything: a nanosecond, a byte.
        columns: How many columns share the room of one node.
    """
    count = len(values)
    filled = count - values.count(0)
    total = sum(values)
    if not filled or not total > 0:
        return unit
    share = filled / count
    # Saying which nodes have a value at all costs the entropy of that yes-or-no question.
    which = 0.0 if share == 1 else -(share * math.log2(share) + (1 - share) * math.log2(1 - share))
    bits = (_BITS_PER_NODE + _SPARE_BITS / count) / columns
    allowed = 2.0 ** min(50.0, max(0.0, (bits - which) / share - 1.5))
    mean = total / unit / filled
    least = _FINE_STEPS if columns <= _USUAL_COLUMNS else _LEAST_STEPS
    coarser = min(mean / allowed, total / unit / least)
    return unit if coarser <= 1 else unit * math.ceil(coarser)


_LITTLE_ENDIAN = array("H", [1]).tobytes()[0] == 1
