"""The protobuf wire format, as far as logs need it: fields of a message, without their schema."""

from __future__ import annotations

from collections.abc import Iterator


def fields(buffer: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: an int for varints, else the raw bytes.

    Raises:
        IndexError: a length points outside the buffer, or a wire type is unknown.
    """
    position, end = 0, len(buffer)
    while position < end:
        key, position = varint(buffer, position)
        wire = key & 7
        if wire == 0:
            number, position = varint(buffer, position)
            yield key >> 3, number
            continue
        if wire == 2:
            length, position = varint(buffer, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise IndexError(wire)
        if position + length > end:
            raise IndexError(length)
        yield key >> 3, buffer[position : position + length]
        position += length


def varint(buffer: bytes, position: int) -> tuple[int, int]:
    """An unsigned varint of at most ten bytes, and the position after it."""
    result = buffer[position]
    if result < 0x80:
        return result, position + 1
    result &= 0x7F
    for count in range(1, 10):
        byte = buffer[position + count]
        result |= (byte & 0x7F) << (7 * count)
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, position + count + 1
    raise IndexError(position)
