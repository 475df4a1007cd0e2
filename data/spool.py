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
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any

import polars as pl

from data import answers, late_gold
from data.columns import GOLD_COLUMNS, METRIC_COLUMNS, SAMPLE_COLUMNS, RunLog, Skip
from data.pairs import extra
from data.readers.formats import rank_of

RUN_COLUMNS = (
    "run_id", "parent", "verbatim", "project", "format", "path", "facts", "warnings",
    "source_rank", "layout",
)  # fmt: skip
LAYOUT = 2
"""How a segment is laid out: rows in the order of their steps, further numbers as maps.

Segments from before say nothing of it; there rows may stand in any order, and numbers in lists.
"""
METRIC_ROWS = METRIC_COLUMNS | {"source_rank": pl.Int32()}
SCALAR_ROWS = {
    "run_id": pl.String(), "phase": pl.String(), "step": pl.Int64(), "key": pl.String(),
    "value": pl.Float64(), "source_rank": pl.Int32(),
}  # fmt: skip

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
            samples.append(_sample_rows(log.samples.with_columns(run_id=pl.lit(log.run))))
    metrics, scalars = _rows(rows)
    files = {
        "runs": pl.DataFrame(runs),
        "metrics": metrics,
        "scalars": scalars,
        "gold": pl.concat(golds) if golds else pl.DataFrame(schema=GOLD_COLUMNS),
        "samples": pl.concat(samples)
        if samples
        else _sample_rows(pl.DataFrame(schema=SAMPLE_COLUMNS)),
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
    home: Path, project: str, roles: Mapping[str, str | None], forget: bool = False
) -> str:
    """Write a project's choice of keys, or that there is none any more; return its name."""
    row = {"project": project, **roles}
    runs = pl.DataFrame([row], dict.fromkeys(row, pl.String)).with_columns(forget=pl.lit(forget))
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


def _conform(frame: pl.DataFrame, columns: dict[str, Any]) -> pl.DataFrame:
    present = set(frame.columns)
    return frame.select(
        pl.col(name).cast(dtype) if name in present else pl.lit(None, dtype).alias(name)
        for name, dtype in columns.items()
    )


def _rows(logs: Sequence[tuple[str, int, pl.DataFrame]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The metric rows of logs (run, rank, rows), and their further numbers, run after run.

    Each phase of a run stands together, in the order of its steps (``LAYOUT``).
    """
    metrics, scalars = [], [_further_numbers(pl.DataFrame(schema=METRIC_ROWS))]
    for _, same in groupby(logs, lambda log: log[2].schema):  # logs of one table: all at once
        group = list(same)
        heights = [rows.height for *_, rows in group]
        wide = pl.concat([rows for *_, rows in group]).with_columns(
            _repeated("run_id", [run for run, *_ in group], heights),
            _repeated("source_rank", [rank for _, rank, _ in group], heights).cast(pl.Int32),
        )
        wide = _in_order(wide)
        metrics.append(_conform(wide, METRIC_ROWS))
        if _further(wide):
            ends = list(accumulate(heights))
            parts = zip(ends, heights, strict=True)
            scalars += [_further_numbers(wide.slice(end - height, height)) for end, height in parts]
    return pl.concat(metrics), pl.concat(scalars)


def _repeated(name: str, values: list[Any], heights: list[int]) -> pl.Series:
    return pl.concat(
        [
            pl.Series(name, [value]).new_from_index(0, n)
            for value, n in zip(values, heights, strict=True)
        ]
    )


def _in_order(wide: pl.DataFrame) -> pl.DataFrame:
    """Rows that stand run by run, each run's by phase and step; most readers give them so."""
    run, phase, step = pl.col("run_id"), pl.col("phase"), pl.col("step")
    same = run == run.shift(), phase == phase.shift()
    ends = ~same[0] | ~same[1]  # of a run's phase before, so that another begins
    blocks = pl.struct(run.filter(ends.fill_null(True)), phase.filter(ends.fill_null(True)))
    in_order = wide.select(
        (ends | (step >= step.shift())).slice(1).all() & ~blocks.is_duplicated().any()
    ).item()
    if in_order:
        return wide
    place = run.rle_id().alias(" place")
    return (
        wide.with_columns(place).sort(" place", "phase", "step", maintain_order=True).drop(" place")
    )


def _further(wide: pl.DataFrame) -> list[str]:
    """Names of the numeric columns that are not METRIC_COLUMNS."""
    return [
        name for name, dtype in wide.schema.items()
        if name not in METRIC_ROWS and (dtype.is_numeric() or dtype == pl.Boolean)
    ]  # fmt: skip


def _further_numbers(wide: pl.DataFrame) -> pl.DataFrame:
    """The further numbers as rows of the table scalars."""
    keys, index = _further(wide), ["run_id", "phase", "step", "source_rank"]
    if not keys:
        return pl.DataFrame(schema=SCALAR_ROWS)
    return (
        wide.select(*index, *(pl.col(k).cast(pl.Float64) for k in keys))
        .unpivot(on=keys, index=index, variable_name="key", value_name="value")
        .drop_nulls("value")
        .select("run_id", "phase", pl.col("step").cast(pl.Int64), "key", "value", "source_rank")
    )


def _sample_rows(samples: pl.DataFrame) -> pl.DataFrame:
    """Samples in SAMPLE_COLUMNS, with every further number in ``extra`` as key-value pairs."""
    return _conform(samples, SAMPLE_COLUMNS).with_columns(extra(samples, SAMPLE_COLUMNS))
