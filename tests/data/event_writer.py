"""A minimal writer of event files, for records that the bundled logs do not have."""

import struct

from data.readers.raw.tfrecord import masked_crc32c


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def block(field: int, body: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(body)) + body


def event(step: int, tag: str, value: bytes, wall: float = 1.0) -> bytes:
    summary = block(1, block(1, tag.encode()) + value)
    return b"\x09" + struct.pack("<d", wall) + b"\x10" + varint(step) + block(5, summary)


def simple(value: float) -> bytes:
    return b"\x15" + struct.pack("<f", value)


def record(payload: bytes) -> bytes:
    head = struct.pack("<Q", len(payload))
    crcs = [struct.pack("<I", masked_crc32c(part)) for part in (head, payload)]
    return head + crcs[0] + payload + crcs[1]
