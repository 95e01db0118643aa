"""Puts the two phases together: how many bytes a call, and which of them have a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application_sdk.monitoring.analysis.leaks.meter import Block
from application_sdk.monitoring.analysis.leaks.sites import GrowingSites
from application_sdk.monitoring.analysis.leaks.trace import Trace

TYPICAL_OBJECT_BYTES = 64
"""What a small object counts for while it has not been traced."""

_LEAST_UNEXPLAINED = 16.0
_LEAST_UNEXPLAINED_SHARE = 0.1
_LEAST_SEEN_AGAIN = 0.4


@dataclass(frozen=True, slots=True)
class Estimate:
    """Live heap gained per call, in bytes.

    Attributes:
        value: The best estimate.
        low: Lower end of the 98 % interval.
        high: Upper end.
        native: The C heap's part of it.
        native_steady: The part of that which every call adds; the rest came in jumps, as
            a list or a table makes when it outgrows its memory.
    """

    value: float
    low: float
    high: float
    native: float
    native_steady: float


def estimate(blocks: Sequence[Block], object_bytes: float = TYPICAL_OBJECT_BYTES) -> Estimate:
    """Growth per call over the last two blocks.

    Args:
        blocks: The blocks of phase one; at least one.
        object_bytes: What a small object counts for.
    """
    last, recent = blocks[-1], blocks[-2:]
    calls = sum(block.calls for block in recent)
    small = last.blocks.slope
    native = sum(block.native.net * block.calls for block in recent) / calls
    bound = last.native.slope
    value = max(0.0, small.value * object_bytes) + max(0.0, native)
    low = max(0.0, small.low * object_bytes) + max(0.0, min(bound.low, native))
    high = max(0.0, small.high * object_bytes) + max(0.0, bound.high, native)
    return Estimate(value, min(low, value), max(high, value), native, last.native.steady)


def object_size(trace: Trace) -> float:
    """The mean size of the small objects that the trace saw stay."""
    count = trace.growth.small_count[-1] - trace.growth.small_count[1]
    size = trace.growth.small_bytes[-1] - trace.growth.small_bytes[1]
    return size / count if count > 0 and size > 0 else TYPICAL_OBJECT_BYTES


def unexplained(found: Estimate, sites: GrowingSites) -> float:
    """Native bytes per call that no allocation site accounts for.

    What came in jumps is not counted: it is the memory of a container whose items are
    named, not memory of a library.
    """
    left = found.native_steady - sites.large_bytes_per_call
    least = max(_LEAST_UNEXPLAINED, _LEAST_UNEXPLAINED_SHARE * found.value)
    return left if left >= least else 0.0


def seen_again(blocks: Sequence[Block], trace: Trace, sites: GrowingSites) -> bool:
    """Whether the traced calls grew the heap too: an independent second look.

    Args:
        blocks: The blocks of phase one.
        trace: Phase two.
        sites: What it named.
    """
    last = blocks[-1]
    small = last.blocks.slope.value
    if small * TYPICAL_OBJECT_BYTES >= last.native.net / 2 and small > 0:
        return trace.blocks_per_call >= _LEAST_SEEN_AGAIN * small
    # The C heap cannot be read while the tracer uses it, so the records have to tell;
    # steady growth that they cannot know of stands on phase one alone.
    if last.native.steady >= _LEAST_SEEN_AGAIN * last.native.net:
        return True
    traced = sum(site.bytes_per_call for site in sites.sites)
    return traced >= _LEAST_SEEN_AGAIN * last.native.net
