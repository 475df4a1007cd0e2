"""The spool: batches of runs as Parquet, renamed into place, imported by the store's one owner.

A segment is a folder. It is written under ``tmp/``, flushed to disk, and renamed into
``inbox/``: that rename is the commit, what is in the inbox survives any crash. The owner
imports it in one transaction that also records its name, then moves it to ``archive/``, from
which the whole store can be rebuilt.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from data import answers, late_gold
from data.columns import GOLD_COLUMNS, SAMPLE_COLUMNS, RunLog, Skip
from data.readers.formats import rank_of
from data.restating import LAYOUT
from data.segment_rows import metric_rows, sample_rows

RUN_COLUMNS = (
    "run_id", "parent", "verbatim", "project", "format", "path", "facts", "warnings",
    "source_rank", "layout",
)  # fmt: skip

_last_stamp = 0


def new_name(kind: str) -> str:
    """A segment name that sorts by time, within a process and between processes."""
    global _last_stamp
    _last_stamp = max(_last_stamp + 1, time.time_ns())
    return f"{_last_stamp:020d}-{secrets.token_hex(4)}.{kind}"


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
    }
    return _commit(home, new_name("import"), files)


def write_skips(home: Path, skips: Sequence[Skip], read: Sequence[str]) -> str:
    """Write what an import could not read into the inbox; ``read`` names what it did read."""
    rows = [{"path": s.path, "reason": s.reason} for s in skips]
    schema = {"path": pl.String, "reason": pl.String}
    return _commit(
        home,
        new_name("skips"),
        {
            "runs": pl.DataFrame(rows, schema),
            "read": pl.DataFrame({"path": list(read)}, schema={"path": pl.String}),
        },
    )


def write_forget(home: Path, runs: Iterable[str]) -> str:
    """Write a record into the inbox that removes runs; return its name."""
    return _commit(home, new_name("forget"), {"runs": pl.DataFrame({"run_id": list(runs)})})


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
    return _commit(home, new_name("roles"), {"runs": runs})


def waiting(home: Path) -> list[Path]:
    """Segments in the inbox, oldest first."""
    inbox = home / "inbox"
    return sorted(p for p in inbox.iterdir() if p.is_dir()) if inbox.is_dir() else []


def archive(home: Path, segment: Path) -> None:
    """Move an imported segment out of the inbox; safe to repeat after a crash."""
    folder = home / "archive"
    folder.mkdir(exist_ok=True)
    target = folder / segment.name
    if target.exists():
        shutil.rmtree(segment, ignore_errors=True)
    else:
        os.rename(segment, target)
    _sync_folder(folder)


def archived(home: Path) -> list[Path]:
    """Segments in the archive, oldest first: the truth a lost store is rebuilt from."""
    folder = home / "archive"
    return sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []


def clear_unfinished(home: Path) -> None:
    """Remove what a killed writer left under tmp/ (never acknowledged), older than an hour."""
    for left in (home / "tmp").glob("*"):
        with contextlib.suppress(FileNotFoundError):  # another process just renamed it into place
            if time.time() - left.stat().st_mtime > 3600:
                shutil.rmtree(left, ignore_errors=True)


def _commit(home: Path, name: str, files: dict[str, pl.DataFrame]) -> str:
    draft = home / "tmp" / name
    draft.mkdir(parents=True)
    inbox = home / "inbox"
    inbox.mkdir(exist_ok=True)
    for stem, frame in files.items():
        path = draft / f"{stem}.parquet"
        frame.write_parquet(path, compression="zstd")
        with open(path, "rb+") as written:
            os.fsync(written.fileno())
    _sync_folder(draft)
    os.rename(draft, inbox / name)
    _sync_folder(inbox)
    return name


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
