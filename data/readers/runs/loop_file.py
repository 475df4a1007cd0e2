"""``loop.toml``: a self-improvement loop, its iterations and parents, and the tables that tell it.

It is described in ``docs/loops.md``. Tables are named relative to the file; what they hold of
other loops and runs is read as well, as it is when a table is imported by itself.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import polars as pl

from data.columns import LogError, ReadOptions, RunLog, Skip
from data.declared import (
    CORPUS,
    DECISIONS,
    ITERATIONS,
    OUTCOMES,
    REFERENCE_TEXTS,
    REVIEWS,
    Table,
)
from data.declared.foreign import JsonObject
from data.readers.answers import answer_tables, loop_tables
from data.readers.files import table_files
from data.readers.layouts.cells import Cells
from data.readers.metrics import tables
from data.readers.names.mapping import RUN_ID
from data.readers.raw.reader import Gives, Piece, Reader, of_its_own, skip

FORMAT = "loop"
TABLES = (
    "metrics", "generations", "answers", "audits", "corpus", "reviews", "outcomes", "decisions",
    "reference",
)  # fmt: skip
"""Keys that name tables: a path, or a list of paths."""
LOADED = {
    "corpus": CORPUS, "reviews": REVIEWS, "outcomes": OUTCOMES, "decisions": DECISIONS,
    "reference": REFERENCE_TEXTS,
}  # fmt: skip
"""Tables of which the file says what they are, so that their columns may have other names."""
KEYS = ("loop", *TABLES, "iteration")
OF_ITERATION = ("number", "parent", "policy", "runs", "trained_on", "submitter", "data_at")
MOST_BYTES = 4 << 20
_HEADING = re.compile(r"\s*\[\[?\s*([\w.\"'-]+)\s*\]\]?")
_KEY = re.compile(r"\s*[\"']?([\w-]+)[\"']?\s*=")
_IS_LOOP = re.compile(rb"^\s*loop\s*=", re.MULTILINE)


def recognises(path: Path) -> bool:
    """Whether a file is, by its name, that of a loop."""
    name = path.name.lower()
    return name == "loop.toml" or name.endswith(".loop.toml")


def takes(path: Path) -> bool:
    """Whether a file that was named is one of a loop, whatever it is called."""
    if path.suffix.lower() != ".toml":
        return False
    with path.open("rb") as file:
        return bool(_IS_LOOP.search(file.read(MOST_BYTES)))


def read(paths: Sequence[Path], options: ReadOptions) -> Iterator[Piece | RunLog | Skip]:
    """Read loops; nothing of one whose file is not right is read."""
    for path in paths:
        try:
            loop = parsed(path)
            yield from list(_named_tables(loop, options))  # all of them are right, or none is read
            if loop.iterations.height:
                yield loop_tables.log(loop.loop, True, ITERATIONS, path, loop.iterations, [])
        except LogError as error:
            yield skip(path, error)


@dataclass(frozen=True)
class LoopFile:
    """What a ``loop.toml`` says: its loop's name, its tables with their lines, its iterations."""

    path: Path
    loop: str
    tables: list[tuple[str, Path, int]]  # key, file, line
    iterations: pl.DataFrame  # columns of ITERATIONS but the loop


def parsed(path: Path) -> LoopFile:
    """A ``loop.toml``, checked.

    Raises:
        LogError: it is no TOML, has an unknown key, names a table that is not there, or two
            iterations of one number; the message names the line.
    """
    text = _text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LogError(f"{path.name} is no TOML: {error}") from error
    where = _Lines(path, text)
    for key in document:
        if key not in KEYS:
            raise where.error("unknown key", key, f"known are {', '.join(KEYS)}")
    loop = document.get("loop")
    if not isinstance(loop, str) or not loop.strip():
        raise where.error("the loop's name must be a text", "loop", 'say loop = "my-loop"')
    files = [one for key in TABLES if key in document for one in _files(document[key], key, where)]
    iterations = _iterations(document.get("iteration", []), where)
    schema = {name: kind for name, kind in ITERATIONS.types().items() if name != "loop"}
    frame = pl.DataFrame(iterations, schema=schema).with_columns(loop=pl.lit(loop.strip()))
    return LoopFile(path, loop.strip(), files, frame)


@dataclass(frozen=True)
class _Lines:
    """Where in the file each key stands: by heading, its number from 0, and key."""

    path: Path
    text: str

    def of(self, key: str, heading: str = "", number: int = 0) -> int | None:
        """The line of a key; None where it cannot be told."""
        at, seen = "", {"": 0}
        for line, text in enumerate(self.text.splitlines(), 1):
            if found := _HEADING.match(text):
                at = found[1].strip("\"'")
                seen[at] = seen.get(at, -1) + 1
                if at == key and not heading:
                    return line
            elif (found := _KEY.match(text)) and (found[1], at, seen[at]) == (key, heading, number):
                return line
        return None

    def error(self, what: str, key: str, do: str, heading: str = "", number: int = 0) -> LogError:
        """What is wrong with a key, where, and what to do."""
        line = self.of(key, heading, number)
        if line is None and heading:
            line = self._heading(heading, number)
        place = f"{self.path.name}, line {line}" if line else self.path.name
        return LogError(f"{place}: {what}: {key}; {do}")

    def _heading(self, heading: str, number: int) -> int | None:
        seen = -1
        for line, text in enumerate(self.text.splitlines(), 1):
            found = _HEADING.match(text)
            seen += bool(found and found[1].strip("\"'") == heading)
            if seen == number and found:
                return line
        return None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise LogError(f"{path.name} is larger than a loop.toml may be ({MOST_BYTES:,} bytes)")
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise LogError(f"{path.name} cannot be opened ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise LogError(f"{path.name} is not UTF-8: {error}") from error


def _files(value: Any, key: str, where: _Lines) -> Iterator[tuple[str, Path, int]]:
    names = value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str) or not name:
            raise where.error("must be a path, or a list of paths", key, f'say {key} = "file.csv"')
        file = where.path.parent / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise where.error(
                f"{name!r} leads out of the folder of {where.path.name}", key,
                "put the table beside it, or below",
            )  # fmt: skip
        if not file.is_file():
            raise where.error(f"there is no file {name!r}", key, f"it is looked for as {file}")
        yield key, file, where.of(key) or 0


class IterationRow(TypedDict):
    """One iteration of a loop file; runs: their names as JSON."""

    iteration: int
    parent: str | None
    policy: str | None
    submitter: str | None
    data_at: str | None
    trained_on: str | None
    runs: str | None


def _iterations(value: Any, where: _Lines) -> list[IterationRow]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise where.error("iterations must be tables", "iteration", "write [[iteration]]")
    rows: list[IterationRow] = []
    lines: dict[int, int | None] = {}
    for place, item in enumerate(value):
        row = _iteration(item, place, where)
        number = row["iteration"]
        line = where.of("number", "iteration", place)
        if number in lines:
            first = f", first in line {at}" if (at := lines[number]) else ""
            raise where.error(
                f"iteration {number} is there twice{first}", "number",
                "give each its own number", "iteration", place,
            )  # fmt: skip
        lines[number] = line
        rows.append(row)
    for place, row in enumerate(rows):
        found = re.fullmatch(r"iteration (\d+)", row["parent"] or "")
        if found and (int(found[1]) >= row["iteration"] or int(found[1]) not in lines):
            raise where.error(
                f"iteration {row['iteration']} cannot come from {row['parent']}", "parent",
                "name an earlier iteration of this file, base, sft, or a checkpoint",
                "iteration", place,
            )  # fmt: skip
    return rows


def _iteration(item: JsonObject, place: int, where: _Lines) -> IterationRow:
    def wrong(what: str, key: str, do: str) -> LogError:
        return where.error(what, key, do, "iteration", place)

    for key in item:
        if key not in OF_ITERATION:
            raise wrong("unknown key", key, f"known are {', '.join(OF_ITERATION)}")
    number = item.get("number")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 1 << 31:
        raise wrong("must be a whole number from 0", "number", "say number = 0 for the base")
    parent = loop_tables.parent(item.get("parent"), number)
    if parent is None and "parent" in item:
        raise wrong("must be a number or a text", "parent", "name base, sft, previous, 3 …")
    texts: dict[str, str | None] = {}
    for key in ("policy", "submitter", "data_at", "trained_on"):
        value = item.get(key)
        if value is not None and isinstance(value, bool | float | dict):
            raise wrong("must be a text", key, f'say {key} = "…"')
        texts[key] = ", ".join(map(str, value)) if isinstance(value, list) else value and str(value)
    data_at = texts["data_at"]
    if data_at is not None and not re.match(loop_tables.ISO_DATE, data_at):
        raise wrong("must begin with a date", "data_at", "say data_at = 2026-06-01")
    runs = item.get("runs", [])
    runs = [runs] if isinstance(runs, str) else runs
    if not isinstance(runs, list) or not all(isinstance(run, str) for run in runs):
        raise wrong("must be names of runs", "runs", 'say runs = ["name"]')
    return {
        "iteration": number, "parent": parent, "policy": texts["policy"],
        "submitter": texts["submitter"], "data_at": data_at, "trained_on": texts["trained_on"],
        "runs": json.dumps(runs) if runs else None,
    }  # fmt: skip


def _named_tables(loop: LoopFile, options: ReadOptions) -> Iterator[RunLog]:
    """What the named tables hold."""
    for key, file, line in loop.tables:
        place = f"{loop.path.name}, line {line}: {key}"
        try:
            logs = list(_of_table(loop, key, file, options))
        except LogError as error:
            raise LogError(f"{place}: {error}") from error
        if not any(_holds(log, key) for log in logs):
            kinds = ", ".join(sorted({log.format for log in logs})) or "nothing that can be read"
            raise LogError(f"{place}: {file.name} holds {kinds}, and no {key}")
        if loop.loop not in (found := {log.run for log in logs}):
            names = ", ".join(sorted(found))
            raise LogError(f"{place}: {file.name} has rows of {names} (column loop), and none of "
                           f"{loop.loop}")  # fmt: skip
        yield from logs


def _of_table(loop: LoopFile, key: str, file: Path, options: ReadOptions) -> Iterator[RunLog]:
    options = replace(options, run=None, format=None, loop=loop.loop)
    kind = LOADED.get(key)
    table = None if kind is None else table_files.load(file)
    other = table and kind is not REFERENCE_TEXTS and loop_tables.which(table.frame.columns)
    if kind is None or table is None or other not in (False, None, kind):
        logs = tables.read_one(file, options)  # as it is by itself: it may be another table
    else:
        loop_tables.in_our_words(table, kind)
        if key == "reference" and "text" not in table.frame.columns:
            raise LogError(f"{file.name} has no column text, which texts of people need")
        logs = _read_as(kind, Cells(table), loop.loop)
    for log in logs:
        if not log.verbatim:  # a table that names no loop: it is this one's
            log.run, log.verbatim = loop.loop, True
        yield log


def _read_as(kind: Table, cells: Cells, loop: str) -> Iterator[RunLog]:
    column = RUN_ID.find(cells.table.frame.columns)
    names = [loop] * cells.table.frame.height
    if column:
        names = [name.strip() or loop for name in cells.texts(column).fill_null("")]
    if kind is CORPUS:
        yield from answer_tables.read_corpus(cells, names, True)
    else:
        yield from loop_tables.read(cells, names, True, kind)


def _holds(log: RunLog, key: str) -> bool:
    """Whether a run has rows of what a key of the file names."""
    frames = {
        "metrics": log.metrics, "generations": log.samples, "answers": log.answers,
        "audits": log.audits, "corpus": log.corpus,
    }  # fmt: skip
    named = {
        "reviews": REVIEWS, "outcomes": OUTCOMES, "decisions": DECISIONS,
        "reference": REFERENCE_TEXTS,
    }  # fmt: skip
    return bool(frames[key].height) if key in frames else named[key].name in log.tables


def named(path: Path) -> list[Path]:
    """The tables that a file names; none where it is not right."""
    try:
        return [file.resolve() for _, file, _ in parsed(path).tables]
    except LogError:
        return []


READER = Reader(
    name=FORMAT,
    expects="self-improvement loops (loop.toml)",
    rank=8,
    gives=(
        Gives.METRICS,
        Gives.RESPONSES,
        Gives.ANSWERS,
        Gives.CORPUS,
        Gives.AUDITS,
        Gives.LOOP,
    ),
    recognises=recognises,
    takes=takes,
    belongs=of_its_own,
    names=named,
    read=read,
    examples=("tests/data/logs/loop/loop.toml",),
    tells="iterations and their parents, and the tables that the file names",
    kl="as in the tables that it names",
)
