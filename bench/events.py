"""The synthetic runs as TensorBoard event files, with the checksums that TensorBoard asks for."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import polars as pl

TAGS = ("kl", "proxy_reward", "response_length", "gold_reward")


def write(rows: pl.DataFrame, folder: Path) -> int:
    """One folder a run with one event file; returns the number of scalars."""
    count = 0
    for (run,), own in rows.group_by("run_id", maintain_order=True):
        path = folder / str(run) / "events.out.tfevents.1700000000.bench.1.0"
        path.parent.mkdir(parents=True)
        steps, records = [], []
        for number, tag in enumerate(TAGS):
            there = own.select("step", tag).drop_nulls()
            steps.append(there["step"].to_numpy() * len(TAGS) + number)
            records += _records(f"train/{tag}", there["step"].to_numpy(), there[tag].to_numpy())
        order = np.argsort(np.concatenate(steps), kind="stable")
        first = _framed(np.frombuffer(b"\x09" + struct.pack("<d", 1.7e9) + b"\x1a\x0dbrain.Event:2",
                                      np.uint8)[None])  # fmt: skip
        path.write_bytes(b"".join([*first, *(records[i] for i in order)]))
        count += len(records)
    return count


def _records(tag: str, steps: np.ndarray, values: np.ndarray) -> list[bytes]:
    """One record a scalar: Event {wall_time, step, Summary {Value {tag, simple_value}}}."""
    name = tag.encode()
    value = b"\x0a" + bytes([len(name)]) + name + b"\x15"
    summary = b"\x0a" + bytes([len(value) + 4]) + value
    found: dict[int, bytes] = {}
    widths = np.where(steps < 1 << 7, 1, np.where(steps < 1 << 14, 2, 3))
    for width in np.unique(widths):
        at = np.flatnonzero(widths == width)
        rows = np.zeros((len(at), 0), np.uint8)
        times = (1.7e9 + steps[at]).astype("<f8").view(np.uint8).reshape(-1, 8)
        varint = np.stack(
            [(steps[at] >> 7 * i & 127) | (128 if i < width - 1 else 0) for i in range(width)], 1
        ).astype(np.uint8)
        floats = values[at].astype("<f4").view(np.uint8).reshape(-1, 4)
        for part in (b"\x09", times, b"\x10", varint, b"\x2a", bytes([len(summary) + 4]), summary,
                     floats):  # fmt: skip
            if isinstance(part, bytes):
                part = np.tile(np.frombuffer(part, np.uint8), (len(at), 1))
            rows = np.hstack([rows, part])
        found |= dict(zip(at.tolist(), _framed(rows), strict=True))
    return [found[i] for i in range(len(steps))]


def _framed(rows: np.ndarray) -> list[bytes]:
    """Payloads of one length as TFRecords: length, its checksum, payload, its checksum."""
    length = np.tile(np.frombuffer(struct.pack("<Q", rows.shape[1]), np.uint8), (len(rows), 1))
    whole = np.hstack([length, _checksum(length), rows, _checksum(rows)])
    return [row.tobytes() for row in whole]


def _table() -> np.ndarray:
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = np.where(crc & 1, (crc >> 1) ^ np.uint32(0x82F63B78), crc >> 1)
    return crc


def _checksum(rows: np.ndarray) -> np.ndarray:
    """Masked CRC-32C of each row, as bytes."""
    table, crc = _table(), np.full(len(rows), 0xFFFFFFFF, np.uint32)
    for column in rows.T:
        crc = table[(crc ^ column) & 0xFF] ^ (crc >> 8)
    crc = crc ^ np.uint32(0xFFFFFFFF)
    masked = ((crc >> 15) | (crc << 17)) + np.uint32(0xA282EAD8)
    return masked.astype("<u4").view(np.uint8).reshape(-1, 4)
