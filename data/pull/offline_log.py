"""Writes ``.wandb`` files as wandb's offline mode does, for ``data.readers.trackers.wandb``.

Only what that reader reads: the run, its settings, its history.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from data.readers.raw.wandb_log import BLOCK, HEADER

_CHUNK = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def run_record(run_id: str, project: str, name: str, started: int) -> bytes:
    """The record that names a run; ``started`` in seconds since 1970."""
    body = _text(1, run_id) + _text(3, project) + _text(8, name)
    return _bytes(17, body + _bytes(17, b"\x08" + _varint(max(started, 0))))


def config_record(config: Mapping[str, Any]) -> bytes:
    """A record of settings; a later one overtakes an earlier by key."""
    return _bytes(5, b"".join(_item(1, key, value) for key, value in config.items()))


def history_record(row: Mapping[str, Any]) -> bytes:
    """A record of one log call; values that are objects become keys joined by dots."""
    return _bytes(2, b"".join(_item(1, key, value) for key, value in flat(row)))


def flat(row: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Keys joined by dots with their values; what is None was not logged.

    >>> dict(flat({"kl": 1.0, "table": {"_type": "table-file", "nrows": 4}, "no": None}))
    {'kl': 1.0, 'table._type': 'table-file', 'table.nrows': 4}
    """
    for key, value in row.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{above}{key}.")
        elif value is not None:
            yield f"{above}{key}", value


def append(path: Path, records: Iterable[bytes], size: int) -> int:
    """Append records to a log that is whole up to ``size`` bytes; what follows is cut off.

    Args:
        path: made where it is not there.
        records: as ``run_record`` and its kin give them.
        size: what the last call returned; 0 begins the file anew.

    Returns:
        The size of the file, which is then on the disk.
    """
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(size)
        file.seek(size)
        if size == 0:
            size = file.write(HEADER)
        for record in records:
            for chunk in _chunks(record, size % BLOCK):
                size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size


def _chunks(record: bytes, position: int) -> Iterator[bytes]:
    """A record in the chunks that it needs from a position in a block on."""
    begun = False
    while True:
        if BLOCK - position < _CHUNK.size:
            yield b"\0" * (BLOCK - position)
            position = 0
        room = BLOCK - position - _CHUNK.size
        part, record = record[:room], record[room:]
        kind = (_MIDDLE if record else _LAST) if begun else (_FIRST if record else _FULL)
        kept = bytes([kind]) + part
        yield _CHUNK.pack(zlib.crc32(kept), len(part), kind) + part
        if not record:
            return
        begun, position = True, 0


def _item(number: int, key: str, value: Any) -> bytes:
    return _bytes(number, _text(1, key) + _text(16, json.dumps(value, default=str)))


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode("utf-8", "replace"))


def _bytes(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
