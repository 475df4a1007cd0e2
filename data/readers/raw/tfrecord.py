"""TFRecord framing: the payloads of a file up to its last whole record, with both CRCs checked.

A record is ``length u64, masked crc32c of the length u32, payload, masked crc32c of it u32``.
Records of one length are checked, and handed over, side by side: that costs a thirtieth of
Python's time for each alone.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from data.columns import LogError

MAX_RECORD = 4 << 20  # bytes; larger records are images or graphs: stepped over, never held
FIRST = 64 << 10  # bytes read at first: whoever wants the first record alone reads no more
BLOCK = 8 << 20  # bytes read at a time from then on
FEW = 8  # records of one length from which on computing their CRCs side by side pays
_HEADER = struct.Struct("<QI")


@dataclass(frozen=True)
class Alike:
    """Undamaged records of one length: their numbers in the file (n,), payloads (n, length)."""

    number: NDArray[np.int64]
    payload: NDArray[np.uint8]


def records(file: BinaryIO, size: int, notes: list[str], name: str) -> Iterator[list[Alike]]:
    """The whole, undamaged records of a TFRecord file, block by block.

    Args:
        file: open at its start.
        size: its length in bytes: no stated length is believed beyond it.
        notes: gets a sentence where the framing ends early, or where payloads are damaged.
        name: the file's name for messages.

    Raises:
        LogError: already the first record is damaged, so this is no such file.
    """
    count = damaged = 0
    for data, starts, lengths in _blocks(file, size, notes, name):
        sound = []
        for length in np.unique(lengths).tolist():
            at = np.flatnonzero(lengths == length)
            bodies = _gathered(data, starts[at] + 12, length + 4)
            good = _are_sound(bodies)
            if not good.all():
                damaged += int(len(at) - good.sum())
                at, bodies = at[good], bodies[good]
            if len(at):
                sound.append(Alike(at + count, bodies[:, :-4]))
        count += len(starts)
        yield sound
    if damaged:
        notes.append(f"{name}: {damaged} damaged records (wrong checksum) were left out")


Block = tuple[bytes, NDArray[np.int64], NDArray[np.int64]]


def _blocks(file: BinaryIO, size: int, notes: list[str], name: str) -> Iterator[Block]:
    """Bytes, and start and stated length of each record that is whole in them.

    Ends, with a note, where the framing does.
    """
    sizes: dict[bytes, int] = {}  # of records by header; they repeat, so few CRCs are computed
    data, begin, wanted = b"", 0, FIRST  # begin: where in the file the data begin
    while begin < size:
        most = min(wanted, size - begin - len(data))
        more = file.read(most)
        data += more
        starts, at, whole = [], 0, len(data)
        while True:  # once for every record of a log
            needed = sizes.get(data[at : at + 12], 0)
            if not needed:
                ended, needed = _header(data[at : at + 12], begin + at, name)
                if ended or not needed:
                    break
                sizes[data[at : at + 12]] = needed
            if at + needed > whole or needed > MAX_RECORD:
                break
            starts.append(at)
            at += needed
        if starts:
            found = np.array(starts, dtype=np.int64)
            yield data, found, np.diff(found, append=at) - 16
        begin, data = begin + at, data[at:]
        if not ended and 0 < size - begin < (needed or 12):
            ended = f"ends in a partial record at byte {begin}"
        if ended:
            notes.append(f"{name}: {ended}; read up to there")
            return
        if len(more) < most:
            return  # the file shrank under us
        if needed > MAX_RECORD:
            begin, data = begin + needed, b""
            file.seek(begin)
        wanted = max(BLOCK, needed - len(data))


def _header(header: bytes, place: int, name: str) -> tuple[str, int]:
    """What is wrong with a record's header, and the size of the record; 0 where it is not whole.

    Raises:
        LogError: it is damaged and the first of the file.
    """
    if len(header) < 12:
        return "", 0
    length, crc = _HEADER.unpack(header)
    if masked_crc32c(header[:8]) == crc:
        return "", length + 16
    if place == 0:
        raise LogError(f"{name} is not an event file: its first record is damaged")
    return f"damaged record at byte {place}", 0


def _gathered(data: bytes, starts: NDArray[np.int64], length: int) -> NDArray[np.uint8]:
    """``length`` bytes from each of ``starts`` on, as rows."""
    item = np.dtype((np.void, length))
    everywhere = np.ndarray(len(data) - length + 1, item, data, strides=(1,))
    return everywhere[starts].view(np.uint8).reshape(len(starts), length)


def _are_sound(bodies: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each row (payload and checksum) is sound: all rows side by side, two bytes a step."""
    if len(bodies) < FEW:
        return np.array([_is_sound(body.tobytes()) for body in bodies], dtype=np.bool_)
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


def _is_sound(body: bytes) -> bool:
    return masked_crc32c(body[:-4]) == int.from_bytes(body[-4:], "little")


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
