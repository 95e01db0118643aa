"""Writes the protocol buffers wire format: the few kinds of field that profiles need.

A field that has its type's default value (0, an empty string) is left out, as proto3 does.
"""

from __future__ import annotations

from collections.abc import Iterable

_VARINT = 0
_LENGTH_DELIMITED = 2
_LOW_SEVEN_BITS = 0x7F
_MORE_FOLLOWS = 0x80
_ONE_DIGIT = [bytes((digit,)) for digit in range(_LOW_SEVEN_BITS + 1)]
_INT64_MAX = 2**63 - 1
_INT64_MIN = -(2**63)


def varint(value: int) -> bytes:
    """A number in base 128, lowest digits first; beyond 64 bits, the nearest that fits."""
    if 0 <= value <= _LOW_SEVEN_BITS:
        return _ONE_DIGIT[value]
    value = min(max(value, _INT64_MIN), 2 * _INT64_MAX + 1)
    # A negative number is its two's complement in 64 bits: always ten bytes.
    value &= 2**64 - 1
    digits = bytearray()
    while value > _LOW_SEVEN_BITS:
        digits.append(value & _LOW_SEVEN_BITS | _MORE_FOLLOWS)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def int64(value: int) -> int:
    """The nearest number that a signed 64-bit field holds."""
    return min(max(value, _INT64_MIN), _INT64_MAX)


def number(field: int, value: int) -> bytes:
    """A field that holds one integer or boolean."""
    return varint(field << 3 | _VARINT) + varint(value) if value else b""


def block(field: int, content: bytes) -> bytes:
    """A field that holds a message or bytes; written even when empty."""
    return varint(field << 3 | _LENGTH_DELIMITED) + varint(len(content)) + content


def packed(field: int, values: Iterable[int]) -> bytes:
    """A repeated field of integers; zeros among them are kept."""
    content = b"".join(map(varint, values))
    return block(field, content) if content else b""


def text(field: int, value: str) -> bytes:
    """An entry of a repeated field of strings; written even when empty."""
    return block(field, value.encode("utf-8", "replace"))
