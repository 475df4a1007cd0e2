"""Results of Inspect Scout, ``scans/scan_id=…/<scanner>.parquet``, without the package.

A row is what a scanner said of a transcript (or of one of its messages): ``value`` with its
``value_type``, perhaps a ``label``, or a list of such (``resultset``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.columns import LogError, ReadOptions, RunLog
from data.declared.foreign import JsonObject
from data.readers.answers import behaviour_tables
from data.readers.answers.behaviour_tables import NOT_STATED, TRUTHS
from data.readers.files.parquet import read_parquet
from data.readers.raw.reader import Gives, Reader, of_its_own, whole_logs
from data.readers.raw.texts import load_json, read_text

FOLDER = "scan_id="
COUNTING = "grep_scanner"
"""Scout's own scanner whose number counts matches: any is a hit."""
PLAIN = ("boolean", "number", "string")

STEPS = ("step", "global_step", "training_step", "checkpoint_step", "iteration")
RUNS = ("run_id", "loop", "run", "run_name")
_NUMBERED = re.compile(r"(.+?)[-_/]*(?:checkpoint|iteration|iter|step)[-_]?(\d{1,15})")
READ = (
    "transcript_id", "transcript_task_set", "transcript_model", "transcript_metadata",
    "scanner_key", "scanner_name", "label", "value", "value_type", "scan_error",
)  # fmt: skip
"""The columns that are read: the others hold the transcripts themselves."""


@dataclass(frozen=True)
class Seen:
    """What one row says: a hit or none, under a label or none; None = it says neither."""

    label: str | None
    hit: bool | None


def recognises(path: Path) -> bool:
    """Whether a file is, by its name and folder, the results of one of Scout's scanners."""
    return path.suffix == ".parquet" and path.parent.name.startswith(FOLDER)


def read(path: Path, options: ReadOptions) -> Iterator[RunLog]:
    """The results of one scanner, a RunLog of behaviours for each run whose transcripts it read.

    The run and step of a transcript are those in its metadata (``run_id``, ``step`` …; ``--run``,
    ``--run-column`` and ``--step`` name others), else the model's name (``…/checkpoint-200``).

    Raises:
        LogError: the file is broken, or no result is a yes or a no.
    """
    frame = read_parquet(path, READ)
    missing = {"transcript_id", "value", "value_type"} - set(frame.columns)
    if missing:
        raise LogError(f"{path.name} is no result of Inspect Scout: it has no {min(missing)}")
    _refuse_grades(frame, path)
    notes: list[str] = []
    by_run: dict[tuple[str, bool], list[JsonObject]] = {}
    found = _transcripts(frame, path.stem, notes)
    labels = {label for _, seen in found.values() for label in seen}
    placeless = 0
    for row, seen in found.values():
        run, stated, step = _place(row, path, options)
        placeless += step is None
        scanner = str(row.get("scanner_key") or path.stem)
        for label in sorted(labels, key=str):
            by_run.setdefault((run, stated), []).append({
                "step": step or 0, "trajectory_id": str(row["transcript_id"]),
                "environment": str(row.get("transcript_task_set") or NOT_STATED),
                "behaviour": scanner if label is None else f"{scanner}: {label}",
                "value": int(seen.get(label, False)),
                "source": f"Scout {row.get('scanner_name') or scanner}",
            })  # fmt: skip
    if placeless:
        notes.append(
            f"{placeless} transcripts name no step in their metadata: they are of step 0 (--step "
            "names the key)"
        )
    if not by_run:
        raise LogError(f"{path.name} holds no result that is yes or no: {'; '.join(notes)}")
    notes += _unfinished(path.parent)
    for (run, stated), rows in by_run.items():
        name, verbatim = (run, stated) if options.run is None else (options.run, True)
        made = behaviour_tables.log(name, verbatim, path, pl.DataFrame(rows), list(notes))
        made.parent = path.parent.parent.name
        yield made


def _refuse_grades(frame: pl.DataFrame, path: Path) -> None:
    """Refuse results some of which are neither yes nor no: the rest of them would be a choice."""
    kinds = frame.select(pl.col("value_type", "value").cast(pl.String)).drop_nulls()
    if "scanner_name" in frame.columns and COUNTING in frame["scanner_name"].cast(pl.String):
        return
    words = kinds.filter(pl.col("value_type").is_in(PLAIN))["value"].str.to_lowercase()
    odd = words.filter(~words.is_in(list(TRUTHS)))
    if odd.len():
        raise LogError(
            f"{path.name} holds results such as {odd[0][:40]!r}, a grade, a count or a text. Say "
            "which are hits: in a table with the columns run_id, step, trajectory_id, environment, "
            "behaviour, value (1 or 0)"
        )


def _transcripts(
    frame: pl.DataFrame, scanner: str, notes: list[str]
) -> dict[str, tuple[JsonObject, dict[str | None, bool]]]:
    """By transcript one of its rows, and whether each label was given to it.

    A transcript on which the scanner failed, or said neither yes nor no, was not measured. Where
    results have labels, one that a transcript was not given was not seen in it.
    """
    found: dict[str, tuple[JsonObject, dict[str | None, bool]]] = {}
    failed, unclear = set[str](), set[str]()
    for row in frame.iter_rows(named=True):
        key = str(row["transcript_id"])
        if row.get("scan_error") is not None:
            failed.add(key)
            continue
        for seen in _sightings(row):
            if seen.hit is None:
                unclear.add(key)
                continue
            marks = found.setdefault(key, (row, {}))[1]
            marks[seen.label] = marks.get(seen.label, False) or seen.hit
    if any(label is not None for _, marks in found.values() for label in marks):
        for _, marks in found.values():  # a plain "no" is a no to every label
            if marks.get(None) is False:
                del marks[None]
    if failed:
        notes.append(f"{scanner} failed on {len(failed)} transcripts: not measured there")
    if unclear := unclear - found.keys():
        notes.append(
            f"{scanner} said neither yes nor no of {len(unclear)} transcripts: not measured there"
        )
    return found


def _sightings(row: JsonObject) -> Iterator[Seen]:
    value, kind = row["value"], row["value_type"]
    if kind == "resultset":
        try:
            items = load_json(str(value), "a result of Scout")
        except LogError:
            items = None
        if not isinstance(items, list):
            yield Seen(None, None)
            return
        given = [item for item in items if isinstance(item, dict)]
        yield Seen(None, False)  # it was looked at, whatever else is said
        for item in given:
            yield Seen(item.get("label"), _hit(item.get("value"), None, row))
        return
    yield Seen(row.get("label"), _hit(value, kind, row))


def _hit(value: Any, kind: str | None, row: JsonObject) -> bool | None:
    """Whether a value is a hit; None where it is neither yes nor no."""
    word = str(value).strip().lower()
    if word in TRUTHS and value is not None:
        return bool(TRUTHS[word])
    counted = row.get("scanner_name") == COUNTING and kind in ("number", None)
    try:
        return float(word) > 0 if counted else None
    except ValueError:
        return None


def _place(row: JsonObject, path: Path, options: ReadOptions) -> tuple[str, bool, int | None]:
    """Run and step of a transcript, and whether the run was named as one."""
    metadata = _metadata(row.get("transcript_metadata"))
    run = next((metadata[k] for k in _first(options.run_column, RUNS) if metadata.get(k)), None)
    step = next(
        (metadata[k] for k in _first(options.step, STEPS) if metadata.get(k) is not None), None
    )
    model = str(row.get("transcript_model") or "")
    numbered = _NUMBERED.fullmatch(model)
    if step is None and numbered:
        model, step = numbered.group(1), numbered.group(2)
    whole = str(step).removesuffix(".0")
    name = str(run) if run else model.replace("/", "-") or path.parent.parent.name
    return name, bool(run), int(whole) if whole.isdigit() and len(whole) < 16 else None


def _first(named: str | None, usual: tuple[str, ...]) -> tuple[str, ...]:
    return (named,) if named else usual


def _metadata(stated: Any) -> JsonObject:
    """A transcript's metadata, that of its evaluation and of its sample beside it."""
    try:
        whole = load_json(stated, "metadata") if isinstance(stated, str) else stated
    except LogError:
        return {}
    if not isinstance(whole, dict):
        return {}
    inner = [_metadata(whole.get(key)) for key in ("eval_metadata", "sample_metadata")]
    return {**inner[0], **inner[1], **whole}


def _unfinished(folder: Path) -> list[str]:
    """A sentence where the scan says that it is not complete."""
    try:
        summary = load_json(read_text(folder / "_summary.json", 16 << 20), "_summary.json")
    except LogError:
        return []
    done = not isinstance(summary, dict) or summary.get("complete") is not False
    return [] if done else ["the scan is not complete: its rates are of a part"]


READER = Reader(
    name="scout",
    expects="scans of Inspect Scout (scans/scan_id=…/<scanner>.parquet)",
    rank=8,
    gives=(Gives.BEHAVIOURS,),
    recognises=recognises,
    read=whole_logs(read),
    belongs=of_its_own,
    examples=("tests/data/logs/scout",),
    tells="whether each scanner saw its behaviour in a transcript",
    kl="none: behaviours have no KL",
)
