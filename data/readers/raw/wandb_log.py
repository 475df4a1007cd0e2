"""The framing of ``.wandb`` files: LevelDB's log of 32 KiB blocks under wandb's own file header.

A chunk is ``crc u32, length u16, type u8, data``; the CRC is zlib's (not LevelDB's masked
CRC-32C) over type and data. A record is one FULL chunk, or FIRST, MIDDLE …, LAST.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from data.columns import LogError

HEADER = b":W&B\xe1\xbe\x00"
BLOCK = 32768
MAX_RECORD = 64 << 20  # bytes; larger records are stepped over, never held
_CHUNK = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def records(file: BinaryIO, notes: list[str], name: str, header: bytes = HEADER) -> Iterator[bytes]:
    """The whole, undamaged records of a ``.wandb`` file up to its last whole one.

    A damaged chunk costs the rest of its block of 32 KiB: reading goes on with the next.

    Args:
        file: open at its start.
        notes: gets a sentence where chunks are damaged, or the file ends in a partial one.
        name: the file's name for messages.
        header: how the first seven bytes begin (SwanLab's framing is the same).

    Raises:
        LogError: the file does not start with wandb's header.
    """
    parts: list[bytes] = []
    read = 0
    open_record = damaged = False
    lost = 0
    block = file.read(BLOCK)
    if not block.startswith(header) or len(block) < len(HEADER):
        if block and header.startswith(block[: len(header)]):
            raise LogError(f"{name} holds no record yet")
        raise LogError(f"{name} does not start as a {name[name.rfind('.') :]} file does")
    position = len(HEADER)
    last = b""
    while block:
        while position + 7 <= len(block):
            crc, length, kind = _CHUNK.unpack_from(block, position)
            end = position + 7 + length
            if not (crc or length or kind):  # preallocated and not yet written
                break
            if end > len(block) and len(block) < BLOCK:
                break  # half-written: the file ends inside it
            data = block[position + 7 : end]
            if end > len(block) or zlib.crc32(block[position + 6 : end]) != crc:
                lost += 1
                damaged, open_record, parts = True, False, []
                break
            position = end
            if kind in (_FULL, _FIRST):
                open_record, parts, read = True, [], 0
            if not open_record:
                continue
            read += len(data)
            if read > MAX_RECORD:
                lost += 1
                open_record, parts = False, []
                continue
            parts.append(data)
            if kind in (_FULL, _LAST):
                yield parts[0] if kind == _FULL else b"".join(parts)
                open_record, parts = False, []
        last = b"" if damaged else block[position:]
        damaged = False
        whole = len(block) == BLOCK
        block, position = file.read(BLOCK), 0
        if whole and block:
            last = b""
    if lost:
        notes.append(
            f"{name}: {lost} damaged chunks were left out, each with the rest of its block"
        )
    if open_record or last.strip(b"\0"):
        notes.append(f"{name}: ends in a partial record; read up to there")
