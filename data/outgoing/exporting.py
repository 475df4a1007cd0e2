"""A run's metric rows out of the store, in the columns of the product."""

from __future__ import annotations

import errno
import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from data.columns import METRIC_COLUMNS
from data.database.any_store import AnyStore
from data.database.sql import StoreError
from data.words.formulas import csv_bytes


def run_rows(store: AnyStore, run: str) -> pl.DataFrame:
    """Metric rows of one run: METRIC_COLUMNS first, then every further number by logged name.

    Raises:
        StoreError: there is no such run.
    """
    rows = store.query("metrics", runs=[run], until=None)
    if not rows.height:
        if run in _known(store):
            raise StoreError(f"run {run!r} has no metric rows to export")
        raise _unknown(store, run)
    facts = store.query("runs", project=None, runs=[run])["facts"].to_list()
    if facts and json.loads(facts[0]).get("kl_conversion") == "unknown":
        rows = rows.with_columns(pl.lit("unknown").alias("kl_logged_unit"))
    further = store.query("scalars", run=run)
    if further.height:
        wide = further.pivot("key", index=["phase", "step"], values="value", sort_columns=True)
        rows = rows.join(wide, on=["phase", "step"], how="left", maintain_order="left")
    front = ["run_id", "step", *(c for c in METRIC_COLUMNS if c not in ("run_id", "step"))]
    return rows.select(front + [c for c in rows.columns if c not in front])


TABLES = ("answers", "corpus", "decisions", "generations", "iterations", "metrics", "outcomes",
          "reference_texts", "reviews")  # fmt: skip
"""What can be written of a run, by the name of its table."""


def table_rows(store: AnyStore, run: str, table: str) -> pl.DataFrame:
    """A run's rows of one of TABLES, in the columns that an import takes.

    Raises:
        StoreError: there is no such run.
    """
    if table == "metrics":
        return run_rows(store, run)
    asked = {"loops": [run], "until": None}
    match table:
        case "answers":
            rows = store.query("answer_rows", loops=[run])
        case "generations":
            rows = store.query("generations", **asked, iterations=None)
        case "reference_texts":
            rows = store.query("reference_texts", loops=[run])
        case "corpus" | "decisions" | "iterations" | "outcomes" | "reviews":
            rows = store.query(table, **asked)
        case _:
            raise StoreError(f"there is no table {table!r}; there are: {', '.join(TABLES)}")
    if not rows.height and run not in _known(store):
        raise _unknown(store, run)
    return rows.drop(name for name, kind in rows.schema.items() if kind.is_nested())


def _known(store: AnyStore) -> list[str]:
    return store.query("runs", project=None, runs=None)["run_id"].to_list()


def _unknown(store: AnyStore, run: str) -> StoreError:
    return StoreError(f"there is no run {run!r}; there are: {', '.join(_known(store)) or 'none'}")


def write_rows(rows: pl.DataFrame, path: Path, kind: str) -> None:
    """Write as csv (formulas guarded) or parquet; the file is complete or not there."""
    write_whole(path, _written(rows, kind))


def _written(rows: pl.DataFrame, kind: str) -> bytes:
    if kind == "csv":
        return csv_bytes(rows)
    rows.write_parquet(out := io.BytesIO())
    return out.getvalue()


def packed_tables(tables: Mapping[str, pl.DataFrame]) -> bytes:
    """Tables as a zip archive, each as csv (formulas guarded) and as parquet.

    The same tables give the same bytes.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, rows in sorted(tables.items()):
            for kind in ("csv", "parquet"):
                packed.writestr(zipfile.ZipInfo(f"{name}.{kind}"), _written(rows, kind))
    return out.getvalue()


class NotWritable(StoreError):
    """A file cannot be written where it was named; the message says why and what is expected."""


def write_whole(path: Path, content: bytes) -> None:
    """Write a file: it is complete or not there. A pipe, or /dev/stdout, is written to as it is.

    Raises:
        NotWritable: it cannot be written there.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(content)
            return
        place, draft = _draft(path)
        draft.write_bytes(content)
        draft.replace(place)
    except BrokenPipeError:  # the reader of a pipe went away, which is no failure
        raise
    except (OSError, ValueError) as error:
        raise not_writable(path, error) from error


def check_writable(path: Path) -> None:
    """Find out before the work whether its result can be written to a file.

    Raises:
        NotWritable: it cannot.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            return
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        _, draft = _draft(path)
        draft.touch()
        draft.unlink()
    except (OSError, ValueError, RuntimeError) as error:  # a name with \0; a ring of links
        raise not_writable(path, error) from error


def _draft(path: Path) -> tuple[Path, Path]:
    place = path.resolve()  # what a link leads to
    return place, place.with_name(f".{place.name}.part")


def not_writable(path: Path, error: Exception) -> NotWritable:
    """The error of a place, with what is expected there."""
    shown = repr(str(path)[:200])
    if isinstance(error, IsADirectoryError) or path.name in ("", "..", "."):
        return NotWritable(f"{shown} is a folder; expected the name of a file")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        parent = str(path.parent)[:200]
        return NotWritable(f"{shown} cannot be written: {error.strerror}; there is no folder "
                           f"{parent!r}: make it, or name a file in one that is there")  # fmt: skip
    why = getattr(error, "strerror", None) or str(error)
    return NotWritable(f"{shown} cannot be written: {why}; expected a file that may be written")
