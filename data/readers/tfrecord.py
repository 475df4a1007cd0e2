"""TFRecord framing: the payloads of a file up to its last whole record, with both CRCs checked.

A record is ``length u64, masked crc32c of the length u32, payload, masked crc32c of it u32``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from data.columns import LogError

MAX_RECORD = 64 << 20  # bytes; larger records are images or graphs: stepped over, never held
BATCH = 8 << 20  # bytes of payload whose CRCs are computed at a time
FEW = 8  # records of one length from which on computing them side by side pays
_HEADER = struct.Struct("<QI")


def records(file: BinaryIO, size: int, notes: list[str], name: str) -> Iterator[bytes]:
    """The whole, undamaged payloads of a TFRecord file.

    Args:
        file: open at its start.
        size: its length in bytes: no stated length is believed beyond it.
        notes: gets a sentence where the framing ends early, or where payloads are damaged.
        name: the file's name for messages.

    Raises:
        LogError: already the first record is damaged, so this is no such file.
    """
    batch: list[bytes] = []
    held = damaged = 0
    for body in _bodies(file, size, notes, name):
        batch.append(body)
        held += len(body)
        if held >= BATCH:
            sound = _sound(batch)
            damaged += len(batch) - len(sound)
            yield from sound
            batch, held = [], 0
    sound = _sound(batch)
    damaged += len(batch) - len(sound)
    if damaged:
        notes.append(f"{name}: {damaged} damaged records (wrong checksum) were left out")
    yield from sound


def _bodies(file: BinaryIO, size: int, notes: list[str], name: str) -> Iterator[bytes]:
    """Payload and checksum of each record; ends, with a note, where the framing does."""
    position = 0
    checked: set[bytes] = set()  # headers repeat (few lengths), so their CRC is computed once
    while position < size:
        header = file.read(12)
        if len(header) < 12:
            notes.append(f"{name}: ends in a partial record at byte {position}; read up to there")
            return
        if header not in checked:
            length, crc = _HEADER.unpack(header)
            if masked_crc32c(header[:8]) != crc:
                if position == 0:
                    raise LogError(f"{name} is not an event file: its first record is damaged")
                notes.append(f"{name}: damaged record at byte {position}; read up to there")
                return
            checked.add(header)
        else:
            length = _HEADER.unpack(header)[0]
        if length > size - position - 16:
            notes.append(f"{name}: ends in a partial record at byte {position}; read up to there")
            return
        if length > MAX_RECORD:
            file.seek(length + 4, 1)
        else:
            body = file.read(length + 4)
            if len(body) < length + 4:  # the file shrank under us
                return
            yield body
        position += length + 16


def _sound(bodies: list[bytes]) -> list[bytes]:
    """The payloads whose checksum is right, in their order."""
    by_length: dict[int, list[int]] = {}
    for index, body in enumerate(bodies):
        by_length.setdefault(len(body), []).append(index)
    bad: set[int] = set()
    for length, indices in by_length.items():
        if len(indices) < FEW:
            bad.update(i for i in indices if not _is_sound(bodies[i]))
        else:
            table = np.frombuffer(b"".join([bodies[i] for i in indices]), dtype=np.uint8)
            wrong = np.flatnonzero(~_are_sound(table.reshape(len(indices), length)))
            bad.update(indices[i] for i in wrong.tolist())
    if not bad:
        return [body[:-4] for body in bodies]
    return [body[:-4] for index, body in enumerate(bodies) if index not in bad]


def _is_sound(body: bytes) -> bool:
    return masked_crc32c(body[:-4]) == int.from_bytes(body[-4:], "little")


def _are_sound(bodies: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each row (payload and checksum) is sound: all rows side by side, two bytes a step."""
    payloads = bodies[:, :-4]
    crc = np.full(len(bodies), 0xFFFFFFFF, dtype=np.uint32)
    if payloads.shape[1] % 2:
        crc = _ONE_BYTE[(crc ^ payloads[:, 0]) & 0xFF] ^ (crc >> np.uint32(8))
        payloads = payloads[:, 1:]
    for pair in np.ascontiguousarray(np.ascontiguousarray(payloads).view("<u2").T):
        crc = _TWO_BYTES[crc.astype(np.uint16) ^ pair] ^ (crc >> np.uint32(16))
    crc ^= np.uint32(0xFFFFFFFF)
    rotated = (crc >> np.uint32(15)) | (crc << np.uint32(17))
    masked = rotated + np.uint32(0xA282EAD8)  # wraps around, as it is meant to
    stated = np.ascontiguousarray(bodies[:, -4:]).view("<u4")[:, 0]
    return np.asarray(masked == stated)


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_CRC_TABLE = _crc_table()
_ONE_BYTE = np.array(_CRC_TABLE, dtype=np.uint32)
_WORDS = np.arange(65536, dtype=np.uint32)
_ONCE = _ONE_BYTE[_WORDS & 0xFF] ^ (_WORDS >> np.uint32(8))
_TWO_BYTES = _ONE_BYTE[_ONCE & 0xFF] ^ (_ONCE >> np.uint32(8))


def masked_crc32c(data: bytes) -> int:
    """TFRecord's masked CRC-32C of ``data``."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
