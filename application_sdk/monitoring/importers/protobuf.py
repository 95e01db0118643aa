"""Reads the protocol buffers wire format."""

from __future__ import annotations

from collections.abc import Iterator

_MORE_FOLLOWS = 0x80
_LOW_SEVEN_BITS = 0x7F
_LONGEST_VARINT = 70
_FIXED = {1: 8, 5: 4}


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message in their order: number, and an integer or the bytes.

    Raises:
        ValueError: If it is not a message.
    """
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ValueError("a field without a number")
        if kind == 0:
            value, position = _varint(message, position)
            yield number, value
            continue
        if kind == 2:
            length, position = _varint(message, position)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise ValueError(f"unknown wire type {kind}")
        if position + length > len(message):
            raise ValueError("a field ends beyond its message")
        yield number, message[position : position + length]
        position += length


def integers(value: int | bytes) -> Iterator[int]:
    """The numbers of one occurrence of a repeated field, packed or not, as signed ones."""
    if isinstance(value, int):
        yield signed(value)
        return
    position = 0
    while position < len(value):
        number, position = _varint(value, position)
        yield signed(number)


def signed(value: int) -> int:
    """The signed number that an unsigned 64-bit one stands for."""
    return value - 2**64 if value >= 2**63 else value


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(message) or shift >= _LONGEST_VARINT:
            raise ValueError("a number is cut off")
        digit = message[position]
        position += 1
        value |= (digit & _LOW_SEVEN_BITS) << shift
        if not digit & _MORE_FOLLOWS:
            return value & (2**64 - 1), position
        shift += 7
