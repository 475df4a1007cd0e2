"""TensorBoard event files, read without TensorBoard: the protobuf wire of their records.

A record is an ``Event`` (wall_time 1, step 2, summary 5) whose ``Summary`` holds ``Value`` entries
(tag 1, simple_value 2, tensor 8). Only scalars, and the two texts in which the Hugging Face
trainer writes its settings, are kept.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

from data.columns import LogError
from data.readers.scalars import CLOCK_KEYS, SUMMARY_KEYS, Row, Scalars, load_json, split_key
from data.readers.wire import fields, varint

FORMAT = "tensorboard"
EXPECTS = "TensorBoard event files (events.out.tfevents.*)"
TEXTS = {"args/text_summary": "args", "model_config/text_summary": "model_config"}

# The layout that nearly every scalar record has; all others take the general way.
_SCALAR = re.compile(
    rb"\x09(.{8})(?:\x10([\x80-\xff]{0,9}[\x00-\x7f]))?"
    rb"\x2a[\x80-\xff]{0,4}[\x00-\x7f]\x0a[\x80-\xff]{0,4}[\x00-\x7f]"
    rb"\x0a([\x00-\x7f])(.*)\x15(.{4})",
    re.DOTALL,
)
_FLOAT = struct.Struct("<f")
# dtype of a TensorProto -> how a scalar stands in its tensor_content
_CONTENT = {1: "<f", 2: "<d", 3: "<i", 4: "<B", 6: "<b", 9: "<q"}


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, a TensorBoard event file."""
    return ".tfevents." in path.name or path.name.endswith(".tfevents")


def read(path: Path) -> Scalars:
    """Read one event file up to its last whole record.

    Tags ``train/…`` and ``eval/…`` give phase and key (``split_key``).

    Raises:
        LogError: the file cannot be opened, does not start with a whole record, or has neither
            scalars nor settings.
    """
    from data.readers.tfrecord import records  # numpy and a table, a fifth of a second: only here

    scalars = Scalars(path=str(path), format=FORMAT)
    tags: dict[bytes, tuple[str, str]] = {}
    rows, replaced = scalars.rows, scalars.replaced
    try:
        with path.open("rb") as file:
            for payload in records(file, path.stat().st_size, scalars.notes, path.name):
                match = _SCALAR.fullmatch(payload)
                if match is not None:
                    _, step_bytes, length, tag, value = match.groups()
                    if length[0] == len(tag):
                        known = tags.get(tag)
                        if known is None:
                            known = tags[tag] = _phase_and_key(tag)
                        phase, key = known
                        if not key:
                            continue
                        step = varint(step_bytes, 0)[0] if step_bytes else 0
                        # Scalars.put, written out: this runs once for every scalar of a log
                        row = rows[phase].get(step)
                        if row is None:
                            rows[phase][step] = {key: _FLOAT.unpack(value)[0]}
                        else:
                            if key in row and key not in CLOCK_KEYS:
                                replaced.add((phase, step))
                            row[key] = _FLOAT.unpack(value)[0]
                        continue
                _general(payload, scalars)
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    if not scalars.count() and not scalars.config:
        raise LogError(f"{path.name} holds no scalar in a whole record")
    scalars.function_order = [key for _, key in tags.values()]
    return scalars


def first_wall_time(path: Path) -> float:
    """Wall time of a file's first event in seconds, for ordering the files of a resumed run.

    Raises:
        LogError: the file does not start with a whole event.
    """
    from data.readers.tfrecord import records

    try:
        with path.open("rb") as file:
            payload = next(records(file, path.stat().st_size, [], path.name), b"")
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from None
    if len(payload) < 9 or payload[0] != 0x09:
        return 0.0
    return float(struct.unpack_from("<d", payload, 1)[0])


def _phase_and_key(tag: bytes) -> tuple[str, str]:
    phase, key = split_key(tag.decode("utf-8", "replace"))
    return phase, "" if key in SUMMARY_KEYS else key


def _general(payload: bytes, scalars: Scalars) -> None:
    """Read one event of any layout; a malformed one is left out with a note."""
    try:
        step, values = 0, []
        for number, value in fields(payload):
            if number == 2 and isinstance(value, int):
                step = value - (1 << 64) if value >> 63 else value
            elif number == 5 and isinstance(value, bytes):
                values += [v for n, v in fields(value) if n == 1 and isinstance(v, bytes)]
        for entry in values:
            _value(entry, step, scalars)
    except (IndexError, struct.error):
        note = f"{Path(scalars.path).name}: holds malformed events, which were left out"
        if note not in scalars.notes:
            scalars.notes.append(note)


def _value(entry: bytes, step: int, scalars: Scalars) -> None:
    tag, number, tensor = b"", None, None
    for field, value in fields(entry):
        if field == 1 and isinstance(value, bytes):
            tag = value
        elif field == 2 and isinstance(value, bytes) and len(value) == 4:
            number = _FLOAT.unpack(value)[0]
        elif field == 8 and isinstance(value, bytes):
            tensor = value
    name = tag.decode("utf-8", "replace")
    if name in TEXTS:
        if tensor is not None:
            _settings(TEXTS[name], tensor, scalars)
        return
    if number is None and tensor is not None:
        number = _tensor_scalar(tensor)
    if number is not None and step >= 0:
        phase, key = _phase_and_key(tag)
        if key:
            row: Row = {key: number}
            scalars.put(phase, step, row)


def _settings(kind: str, tensor: bytes, scalars: Scalars) -> None:
    """Keep the trainer's or the model's settings, which are written as a JSON text."""
    texts = [v for n, v in fields(tensor) if n == 8 and isinstance(v, bytes)]
    if not texts:
        return
    try:
        settings = load_json(texts[0].decode("utf-8", "replace"), kind)
    except LogError:
        return  # an older version writes Markdown here; the scalars do not depend on it
    if isinstance(settings, dict):
        scalars.config[kind] = settings


def _tensor_scalar(tensor: bytes) -> float | None:
    """The value of a TensorProto of one number; None for anything else."""
    dtype, content = 0, None
    for field, value in fields(tensor):
        if field == 1 and isinstance(value, int):
            dtype = value
        elif field == 4 and isinstance(value, bytes):
            content = value
        elif field == 5 and isinstance(value, bytes) and len(value) == 4:
            return float(_FLOAT.unpack(value)[0])
        elif field == 6 and isinstance(value, bytes) and len(value) == 8:
            return float(struct.unpack("<d", value)[0])
        elif field in (7, 10) and isinstance(value, bytes) and dtype in (3, 4, 6, 9):
            whole, end = varint(value, 0)
            if end == len(value):
                return float(whole - (1 << 64) if whole >> 63 else whole)
        elif field in (7, 10) and isinstance(value, int) and dtype in (3, 4, 6, 9):
            return float(value - (1 << 64) if value >> 63 else value)
    layout = _CONTENT.get(dtype)
    if content is not None and layout and len(content) == struct.calcsize(layout):
        return float(struct.unpack(layout, content)[0])
    return None
