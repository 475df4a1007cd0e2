"""Event files are read many records at a time, and that reads what one record at a time reads."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.columns import LogError
from data.readers.raw import tfrecord
from data.readers.raw.protobuf import fields
from data.readers.raw.scalars import CLOCK_KEYS, SUMMARY_KEYS, Scalars, split_key
from data.readers.raw.tfrecord import masked_crc32c
from data.readers.trackers import tfevents
from tests.data.event_writer import block, event, record, simple, varint

TAGS = (
    "kl", "train/kl", "train/reward", "train/rewards", "eval/reward", "train/epoch", "epoch",
    "train/train_loss", "val-core/x/acc/mean@1", "train/" + "x" * 130, "é", "a", "",
)  # fmt: skip


Logged = tuple[str, int, float]  # tag, step, value


def settled(logged: list[Logged], replaced: set[tuple[str, int]]) -> list[Logged]:
    """Without what a later attempt took over: where a tag is logged again."""
    for _ in range(50):
        backs = []
        for tag in {tag for tag, _, _ in logged if split_key(tag)[0] == "train"}:
            places = [i for i, one in enumerate(logged) if one[0] == tag]
            steps = [logged[i][1] for i in places]
            at = next((i for i in range(1, len(steps)) if steps[i] < steps[i - 1]), None)
            if at is None:
                continue
            after = steps[at : at + 3]
            three = at >= 3 and len(after) == 3 and after[0] < after[1] < after[2]
            if steps[at] in steps[:at] or three:
                backs.append((places[at], steps[at]))
        if not backs:
            break
        place, step = min(backs)
        dead = [i for i in range(place) if logged[i][1] >= step]
        replaced.update(("train", logged[i][1]) for i in dead)
        logged = [one for i, one in enumerate(logged) if i not in set(dead)]
    return logged


def one_by_one(raw: bytes) -> Scalars:
    """The reader as plain as can be: what the quick one must agree with."""
    scalars, at = Scalars(path="", format="tensorboard"), 0
    logged: list[Logged] = []
    while len(raw) - at >= 16:
        (length,) = struct.unpack_from("<Q", raw, at)
        (crc,) = struct.unpack_from("<I", raw, at + 8)
        if crc != masked_crc32c(raw[at : at + 8]) or length > len(raw) - at - 16:
            break
        payload = raw[at + 12 : at + 12 + length]
        (crc,) = struct.unpack_from("<I", raw, at + 12 + length)
        at += length + 16
        if crc != masked_crc32c(payload):
            continue
        step, summaries = 0, []
        for number, value in fields(payload):
            if number == 2:
                step = int(value) if int(value) < 1 << 63 else -1
            elif number == 5:
                summaries.append(value)
        for entry in (e for s in summaries for _, e in fields(s)):
            parts = dict(fields(entry))
            if 2 in parts and step >= 0:
                tag = parts.get(1, b"").decode("utf-8", "replace")
                logged.append((tag, step, struct.unpack("<f", parts[2])[0]))
    for tag, step, value in settled(logged, scalars.replaced):
        phase, key = split_key(tag)
        if key in SUMMARY_KEYS:
            continue
        row = scalars.rows[phase].setdefault(step, {})
        if key in row and key not in CLOCK_KEYS:
            scalars.replaced.add((phase, step))
        row[key] = value
    return scalars


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    tag = draw(st.sampled_from(TAGS[:2] * 3 + TAGS))
    value = simple(draw(st.floats(width=32)))
    kind = draw(st.sampled_from(["plain"] * 6 + ["no step", "negative", "two", "swapped", "none"]))
    step = draw(st.one_of(st.integers(0, 2), st.integers(0, 2**63 - 1)))
    if kind == "plain":
        return event(step, tag, value)
    entry = block(1, block(1, tag.encode()) + value)
    if kind == "no step":
        return b"\x09" + bytes(8) + block(5, entry)
    if kind == "negative":
        return event(2**64 - 1 - step, tag, value)
    if kind == "two":
        return event(step, tag, value)[: 10 + len(varint(step))] + block(5, entry + entry)
    if kind == "swapped":
        return b"\x10" + varint(step) + block(5, block(1, value + block(1, tag.encode())))
    return b"\x09" + bytes(8) + b"\x1a\x0dbrain.Event:2"


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Records with runs of one tag among them, so that many are alike; some damaged, cut short."""
    parts: list[bytes] = []
    for payload in draw(st.lists(payloads(), min_size=1, max_size=12)):
        parts.append(record(payload))
    tag = draw(st.sampled_from(TAGS[:5]))
    for step in draw(st.lists(st.integers(0, 400), max_size=40)):
        parts.append(record(event(step, tag, simple(step / 7))))
    order = draw(st.permutations(range(len(parts)))) if draw(st.booleans()) else range(len(parts))
    raw = bytearray(b"".join(parts[i] for i in order))
    for place in draw(st.lists(st.integers(16, 2000), max_size=2)):
        raw[min(place, len(raw) - 1)] ^= 1
    return bytes(raw[: draw(st.integers(17, len(raw)))] if draw(st.booleans()) else raw)


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@settings(max_examples=400)
@given(raw=streams(), few=st.sampled_from([1, 8]), block=st.sampled_from([40, 300, 1 << 20]))
def test_many_at_a_time_reads_what_one_at_a_time_does(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes, few: int, block: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "events.out.tfevents.1"
    path.write_bytes(raw)
    wanted = one_by_one(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfrecord, "FEW", few)
        patch.setattr(tfrecord, "FIRST", block)
        patch.setattr(tfrecord, "BLOCK", block)
        if not wanted.count():
            with pytest.raises(LogError):
                tfevents.read(path)
            return
        mine = tfevents.read(path)
    assert mine.replaced == wanted.replaced
    for phase, rows in wanted.rows.items():
        assert mine.rows[phase].keys() == rows.keys()
        for step, row in rows.items():
            found = mine.rows[phase][step]
            assert found.keys() == row.keys()
            assert all(same(found[key], value) for key, value in row.items())


def test_checksums_side_by_side_agree_with_one_by_one() -> None:
    """Records of one length are checked together; odd and even lengths take different ways."""
    for length in (1, 2, 7, 64):
        payloads = [bytes((i * 7 + j) % 256 for j in range(length)) for i in range(20)]
        raw = bytearray(b"".join(record(payload) for payload in payloads))
        raw[3 * (length + 16) + 12] ^= 1
        notes: list[str] = []
        ((alike,),) = tfrecord.records(io.BytesIO(raw), len(raw), notes, "log")
        assert [row.tobytes() for row in alike.payload] == payloads[:3] + payloads[4:]
        assert alike.number.tolist() == [0, 1, 2, *range(4, 20)]
        assert notes == ["log: 1 damaged records (wrong checksum) were left out"]


def test_a_record_of_megabytes_is_stepped_over(tmp_path: Path) -> None:
    image = record(event(1, "image", bytes(2)) + bytes(tfrecord.MAX_RECORD))
    path = tmp_path / "events.out.tfevents.1"
    parts = [event(step, "kl", simple(step)) for step in range(3)]
    path.write_bytes(record(parts[0]) + image + record(parts[1]) + image + record(parts[2]))
    read = tfevents.read(path)
    assert read.rows["train"] == {step: {"kl": step} for step in range(3)}
    assert read.notes == []


def test_more_tags_of_one_length_than_are_sought_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(b"".join(_numbered()))
    read = tfevents.read(path)
    assert read.rows["train"] == {
        step: {f"key{tag:03d}": float(np.float32(tag + step)) for tag in range(100)}
        for step in range(3)
    }
    assert read.function_order == [f"key{tag:03d}" for tag in range(100)]


def _numbered() -> Iterator[bytes]:
    for step in range(3):
        for tag in range(100):
            yield record(event(step, f"key{tag:03d}", simple(tag + step)))
