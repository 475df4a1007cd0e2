"""The spool: batches of runs as Parquet, renamed into place, imported by the store's one owner.

A segment is a folder. It is written under ``tmp/``, flushed to disk, and renamed into
``inbox/``: that rename is the commit, what is in the inbox survives any crash. The owner
imports it in one transaction that also records its name, then moves it to ``archive/``, from
which the whole store can be rebuilt.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from data.columns import GOLD_COLUMNS, SAMPLE_COLUMNS, RunLog, Skip, conform
from data.database.sql import StoreError
from data.declared import DECISIONS, WRITTEN, Table
from data.readers.runs.formats import rank_of
from data.rows import answers, late_gold, loop_tables
from data.rows.restating import LAYOUT
from data.rows.segment_rows import metric_rows, sample_rows
from data.rows.typed import typed

SUMS = "sums.json"
"""File of a segment that holds the SHA-256 of each of its others."""
RUN_COLUMNS = (
    "run_id", "parent", "verbatim", "project", "format", "path", "facts", "warnings",
    "source_rank", "layout",
)  # fmt: skip


@contextlib.contextmanager
def _next_stamp(home: Path) -> Iterator[str]:
    """The name's first part of what is committed meanwhile, one process at a time.

    It is later than every one before, whatever the clock says: names sort by commit.
    """
    with open(home / "commit.lock", "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        last = file.read()
        if not last.isdecimal():  # a first commit, or a store of an older program
            last = max((p.name[:20] for p in (*waiting(home), *archived(home))), default="0")
        stamp = max(int(last) + 1 if last.isdecimal() else 0, time.time_ns())
        file.truncate(0)
        file.write(str(stamp))
        file.flush()
        yield f"{stamp:020d}"


def write_segment(home: Path, logs: Sequence[RunLog], project: str | None) -> str:
    """Write runs as one durable segment into the inbox; return its name.

    When this returns, the rows are on disk and will be imported by whichever process owns the
    store next.
    """
    runs, rows, golds, samples = [], [], [], []
    for log in logs:
        rank = rank_of(log.format)
        runs.append({
            "run_id": log.run, "parent": log.parent, "verbatim": log.verbatim,
            "project": project or "", "format": log.format, "path": log.path,
            "facts": json.dumps(log.facts.to_dict(), default=str),
            "warnings": json.dumps(log.warnings), "source_rank": rank, "layout": LAYOUT,
        })  # fmt: skip
        metrics, gold = late_gold.parted(log)
        rows.append((log.run, rank, metrics))
        if gold.height:
            golds.append(gold)
        if log.samples.height:
            samples.append(sample_rows(log.samples.with_columns(run_id=pl.lit(log.run))))
    metrics, scalars = metric_rows(rows)
    files = {
        "runs": pl.DataFrame(runs),
        "metrics": metrics,
        "scalars": scalars,
        "gold": pl.concat(golds) if golds else pl.DataFrame(schema=GOLD_COLUMNS),
        "samples": pl.concat(samples)
        if samples
        else sample_rows(pl.DataFrame(schema=SAMPLE_COLUMNS)),
        **answers.files(logs),
        **loop_tables.files(logs),
    }
    return _commit(home, "import", files)


def write_skips(home: Path, skips: Sequence[Skip], read: Sequence[str]) -> str:
    """Write what an import could not read into the inbox; ``read`` names what it did read."""
    rows = [{"path": s.path, "reason": s.reason} for s in skips]
    schema = {"path": pl.String, "reason": pl.String}
    return _commit(
        home,
        "skips",
        {
            "runs": pl.DataFrame(rows, schema),
            "read": pl.DataFrame({"path": list(read)}, schema={"path": pl.String}),
        },
    )


def write_forget(home: Path, runs: Iterable[str]) -> str:
    """Write a record into the inbox that removes runs; return its name."""
    return _commit(home, "forget", {"runs": pl.DataFrame({"run_id": list(runs)})})


def write_roles(
    home: Path, project: str, roles: Mapping[str, str | None], forget: bool = False,
    mend: bool = False,
) -> str:  # fmt: skip
    """Write a project's choice of keys, or that there is none any more; return its name.

    ``mend``: what it says of the KL also overrules what imports stated.
    """
    row = {"project": project, **roles}
    runs = pl.DataFrame([row], dict.fromkeys(row, pl.String)).with_columns(
        forget=pl.lit(forget), mend=pl.lit(mend)
    )
    return _commit(home, "roles", {"runs": runs})


def write_decision(home: Path, decision: Mapping[str, str | int | None]) -> str:
    """Write what somebody decided into the inbox, in the columns of DECISIONS; return its name.

    Raises:
        StoreError: it says not of which loop, what, by whom or when.
    """
    return _record(home, "decision", DECISIONS, decision)


def write_written(home: Path, kind: str, row: Mapping[str, str | int | None]) -> str:
    """Write what somebody wrote into the inbox: a note, a pin, a closed review; return its name.

    Args:
        home: of the store.
        kind: a key of WRITTEN.
        row: in the columns of its table.

    Raises:
        StoreError: something that its table requires is missing.
    """
    return _record(home, kind, WRITTEN[kind], row)


def _record(home: Path, kind: str, table: Table, row: Mapping[str, str | int | None]) -> str:
    checked = typed(kind, table, row)
    missing = [c.name for c in table.columns if c.required and checked.get(c.name) in (None, "")]
    if missing:
        raise StoreError(f"a {kind} needs {', '.join(missing)}")
    schema = {name: dtype for name, dtype in table.types().items() if name in checked}
    return _commit(home, kind, {"runs": conform(pl.DataFrame([checked], schema), table.types())})


def waiting(home: Path) -> list[Path]:
    """Segments in the inbox, oldest first."""
    inbox = home / "inbox"
    return sorted(p for p in inbox.iterdir() if p.is_dir()) if inbox.is_dir() else []


def archive(home: Path, segment: Path, name: str) -> None:
    """Move an imported segment out of the inbox under the name that the store knows it by.

    Safe to repeat after a crash.
    """
    folder = home / "archive"
    folder.mkdir(exist_ok=True)
    target = folder / name
    if target.exists():
        shutil.rmtree(segment, ignore_errors=True)
    else:
        os.rename(segment, target)
    sync_folder(folder)


def discard(home: Path, segment: Path) -> None:
    """Remove a segment that told nothing new from the inbox, at once or not at all."""
    (home / "tmp").mkdir(exist_ok=True)
    target = home / "tmp" / segment.name
    os.rename(segment, target)
    sync_folder(segment.parent)
    shutil.rmtree(target, ignore_errors=True)


def last_name(home: Path, name: str) -> str:
    """The name of a segment as if it were committed now.

    What comes in after later ones have, because it was refused before, must come after them too
    when the store is rebuilt: it goes into the archive under this name.
    """
    with _next_stamp(home) as stamp:
        return f"{stamp}-{token_of(name)}"


def token_of(name: str) -> str:
    """The part of a segment's name that its place in the order does not change."""
    return name.partition("-")[2]


def archived(home: Path) -> list[Path]:
    """Segments in the archive, oldest first: the truth a lost store is rebuilt from."""
    folder = home / "archive"
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def committed(home: Path) -> list[str]:
    """The names of all segments at one moment between two commits."""
    with _next_stamp(home):
        waits = {token_of(p.name): p.name for p in waiting(home)}  # first: they move to the other
        return sorted({**waits, **{token_of(p.name): p.name for p in archived(home)}}.values())


def find(home: Path, name: str) -> Path:
    """The folder of a committed segment, wherever it is by now.

    Raises:
        FileNotFoundError: nowhere.
    """
    for place in (home / "inbox" / name, home / "archive" / name):
        if place.is_dir():
            return place
    for place in (home / "archive").glob(f"*-{token_of(name)}"):
        return place
    raise FileNotFoundError(name)


def scratch(home: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder beside the store for a moment; what a kill leaves of it `clear_unfinished` takes."""
    (home / "tmp").mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir=home / "tmp")


def clear_unfinished(home: Path) -> None:
    """Remove what a killed writer left under tmp/ (never acknowledged), older than an hour.

    Older programs left theirs beside it, as ``tmp`` and eight letters.
    """
    drafts = home.glob("owner.json.*")
    for left in (*(home / "tmp").glob("*"), *home.glob("tmp????????"), *drafts):
        with contextlib.suppress(FileNotFoundError):  # another process just renamed it into place
            if time.time() - left.stat().st_mtime > 3600:
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()


def _commit(home: Path, kind: str, files: dict[str, pl.DataFrame]) -> str:
    token = secrets.token_hex(4)
    draft = home / "tmp" / f"{time.time_ns()}-{token}"
    draft.mkdir(parents=True)
    inbox = home / "inbox"
    inbox.mkdir(exist_ok=True)
    try:
        sums = {f"{stem}.parquet": _written(draft, stem, frame) for stem, frame in files.items()}
        (draft / SUMS).write_text(json.dumps(sums))
        _sync(draft / SUMS)
        sync_folder(draft)
    except (OSError, pl.exceptions.PolarsError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StoreError(f"{home} cannot be written to: {error}") from error
    with _next_stamp(home) as stamp:
        name = f"{stamp}-{token}.{kind}"
        os.rename(draft, inbox / name)
        sync_folder(inbox)
    return name


def _written(draft: Path, stem: str, frame: pl.DataFrame) -> str:
    """Write one file to the disk; its SHA-256."""
    path = draft / f"{stem}.parquet"
    frame.write_parquet(path, compression="zstd")
    _sync(path)
    return digest(path)


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb+") as written:
        os.fsync(written.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
