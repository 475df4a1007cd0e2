"""Logs of Inspect AI, ``.eval`` (a zip of JSON) and ``.json``, without the package."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.columns import LogError, ReadOptions
from data.declared.foreign import JsonObject
from data.readers.answers.answer_rows import AnswerRow
from data.readers.answers.evaluations import FORMAT, KL, Evaluation, evaluation_log
from data.readers.files.completions import chat_text
from data.readers.meaning import grades
from data.readers.raw.reader import Gives, Reader, of_its_own
from data.readers.raw.texts import load_json, read_text

MAX_MEMBER = 256 << 20  # bytes of one unpacked file
MAX_TOTAL = 8 << 30  # bytes unpacked
EXPANSION, FREE = 400, 64 << 20
"""Unpacked bytes a packed byte, beyond which a large log is a bomb; bytes that are always free."""
ZSTD = 93
HEADER = 30


def recognises(path: Path) -> bool:
    """Whether a file is, by its name or its start, a log of Inspect."""
    if path.suffix == ".eval":
        return True
    if path.suffix != ".json":
        return False
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError:
        return False
    return b'"version"' in start and b'"status"' in start and b'"eval"' in start


def read(path: Path) -> tuple[JsonObject, Iterator[JsonObject]]:
    """The header of a log and its samples, one at a time.

    Raises:
        LogError: the log is broken, or unpacks to more than a log does (also while iterating).
    """
    if path.suffix == ".json":
        whole = load_json(read_text(path, 1 << 30), path.name)
        if not isinstance(whole, dict) or not isinstance(whole.get("eval"), dict):
            raise LogError(f"{path.name} is no log of Inspect: it has no eval")
        return whole, iter([s for s in whole.get("samples") or [] if isinstance(s, dict)])
    try:
        archive = zipfile.ZipFile(path)
        names = {info.filename: info for info in archive.infolist()}
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise LogError(f"{path.name} is not a whole .eval file ({error})") from None
    start = names.get("header.json") or names.get("_journal/start.json")
    if start is None:
        archive.close()
        raise LogError(f"{path.name} is no log of Inspect: it holds no header.json")
    header = _member(path, start)
    if not isinstance(header, dict) or not isinstance(header.get("eval"), dict):
        raise LogError(f"{path.name} is no log of Inspect: its header has no eval")
    archive.close()
    return header, _samples(path, names)


def _samples(path: Path, names: dict[str, zipfile.ZipInfo]) -> Iterator[JsonObject]:
    size, total = path.stat().st_size, 0
    for name, info in sorted(names.items()):
        if name.startswith("samples/") and name.endswith(".json"):
            total += info.file_size
            if total > MAX_TOTAL or total > FREE + EXPANSION * size:
                raise LogError(f"{path.name} unpacks to more than any log of {size:,} bytes does")
            sample = _member(path, info)
            if isinstance(sample, dict):
                yield sample


def _member(path: Path, info: zipfile.ZipInfo) -> Any:
    """One file of the archive, never unpacked beyond the size that it states."""
    what = f"{path.name}: {info.filename[:80]}"
    if info.file_size > MAX_MEMBER or info.file_size > FREE + EXPANSION * info.compress_size:
        raise LogError(f"{what} unpacks to {info.file_size:,} bytes, which no log does")
    try:
        with path.open("rb") as file:
            file.seek(info.header_offset)
            head = file.read(HEADER)
            file.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"),
                      1)  # fmt: skip
            packed = file.read(info.compress_size)
        raw = _unpacked(packed, info)
        return load_json(raw.decode(), what)
    except (zlib.error, OSError, UnicodeDecodeError, ValueError) as error:
        raise LogError(f"{what} is broken ({str(error).splitlines()[0][:120]})") from None


def _unpacked(packed: bytes, info: zipfile.ZipInfo) -> bytes:
    limit = info.file_size
    if info.compress_type == zipfile.ZIP_STORED:
        raw = packed
    elif info.compress_type == zipfile.ZIP_DEFLATED:
        raw = zlib.decompressobj(-15).decompress(packed, limit + 1)
    elif info.compress_type == ZSTD:  # which zipfile learns only with Python 3.14
        import pyarrow as pa  # takes a tenth of a second, which few logs need

        try:
            with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
                raw = stream.read(limit + 1)
        except pa.ArrowException as error:
            raise ValueError(str(error)) from None
    else:
        raise ValueError(f"packed by method {info.compress_type}")
    if len(raw) != limit:
        raise ValueError(f"{len(raw):,} bytes instead of {limit:,}")
    return raw


def rows(
    header: JsonObject, samples: Iterator[JsonObject], scorer: str | None, notes: list[str]
) -> Iterator[AnswerRow]:
    """Each scored sample as an answer; of several scorers the first, or the one named.

    Args:
        header: of the log.
        samples: of the log.
        scorer: name of the scorer whose grades are taken.
        notes: gets sentences on what was chosen or left out.
    """
    task = str(header["eval"].get("task") or "task")
    stated = header["eval"].get("scorers") or []
    names = [str(s.get("name")) for s in stated if isinstance(s, dict)]
    if scorer is not None and names and scorer not in names:
        raise LogError(f"--gold {scorer} is no scorer of the log: it has {', '.join(names)}")
    unscored = 0
    used = scorer
    for sample in samples:
        scores = sample.get("scores")
        if not isinstance(scores, dict) or not scores:
            unscored += 1
            continue
        order = [n for n in (scorer, *names) if n in scores] or list(scores)
        used = used or order[0]
        score = scores[order[0]] if isinstance(scores[order[0]], dict) else {}
        meta = {**_object(sample.get("metadata")), **_object(score.get("metadata"))}
        row: AnswerRow = {
            "question_id": f"{task}/{sample.get('id')}",
            "sample_id": _whole(sample.get("epoch"), 1) - 1,
            "question": _text(sample.get("input")),
            "reference": _text(sample.get("target")),
            "answer": _text(score.get("answer") or _object(sample.get("output")).get("completion")),
            "grade": _value(score.get("value")),
            "grader": order[0],
            "confidence": meta.get("confidence"),
            "topic": meta.get("topic") or meta.get("category") or meta.get("subject") or task,
            **{k: meta.get(k) for k in ("origin", "knowledge", "entity_id", "confidence_kind")},
        }
        for name in scores:
            if name != order[0] and isinstance(scores[name], dict):
                row[f"scorer {name}"] = {"C": 1.0, "I": 0.0, "P": 0.5}.get(
                    str(scores[name].get("value"))
                )
        yield row
    if len(names) > 1:
        notes.append(
            f"graded by {len(names)} scorers ({', '.join(names)}): {used} is taken; name another "
            "with --gold"
        )
    if unscored:
        notes.append(f"{unscored} samples without a score (the evaluation broke off) are left out")


def _object(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _whole(value: Any, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "; ".join(value)
    return chat_text(value)


def _value(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _opened(path: Path, options: ReadOptions, notes: list[str]) -> Evaluation:
    header, samples = read(path)
    meta = {**_object(header["eval"].get("metadata")), **_object(header.get("metadata"))}
    named = meta.get("loop") or meta.get("run_id") or header["eval"].get("model") or path.stem
    stated = meta.get("iteration", meta.get("step"))
    whole = isinstance(stated, int) and not isinstance(stated, bool) and stated >= 0
    if header.get("status") not in (None, "success"):
        notes.append(f"the evaluation ended as {str(header['status'])[:40]!r}")
    found = rows(header, samples, options.gold, notes)
    iteration = stated if whole else None
    return Evaluation(READER.name, str(named), found, grades.INSPECT, iteration)


READER = Reader(
    name="inspect",
    of=FORMAT,
    expects="logs of Inspect AI (.eval, .json)",
    rank=7,
    gives=(Gives.ANSWERS,),
    recognises=recognises,
    read=evaluation_log(_opened),
    belongs=of_its_own,
    examples=("tests/data/logs/inspect",),
    tells="graded answers",
    kl=KL,
)
