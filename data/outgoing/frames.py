"""Runs as Polars frames, for a notebook: from logs where they lie, or from a store.

Logs are read as an import reads them, into a store of a moment: what comes out is what the pages
would show, the names of runs, units and late gold included.
"""

from __future__ import annotations

import difflib
import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from data.columns import (
    ANSWER_COLUMNS,
    GOLD_COLUMNS,
    METRIC_COLUMNS,
    SAMPLE_COLUMNS,
    LogError,
    ReadOptions,
)
from data.database.sql import StoreError

if TYPE_CHECKING:  # the readers and DuckDB are loaded when something is read
    from data.database.any_store import AnyStore

Source: TypeAlias = str | os.PathLike[str]
Runs: TypeAlias = list[dict[str, Any]]

FACTS: dict[str, pl.DataType] = {
    "project": pl.String(),
    "trainer": pl.String(),
    "algorithm": pl.String(),
    "gold_kind": pl.String(),
    "kl_conversion": pl.String(),
    "kl_estimator": pl.String(),
    "kl_logged_unit": pl.String(),
    "max_steps": pl.Int64(),
}
"""What a log says of its run, as constant columns of `runs_df`."""
_STORE_OPTIONS = ("project", "run")
_Ask: TypeAlias = Callable[["AnyStore", Runs], pl.DataFrame]


def runs_df(*sources: Source | Iterable[Source], **options: Any) -> pl.DataFrame:
    """Metric rows: one a (run_id, phase, step).

    Args:
        sources: files or folders of logs in any format that an import reads; or one store's folder
            (the owner of a served store is asked); nothing = the monitor's own store
            (OVEROPT_HOME).
        options: for logs those of an import: project, run, proxy, gold, gold_kind, kl, kl_unit,
            kl_estimator, format, strict …; for a store project and run (a name or a list) choose.

    Returns:
        METRIC_COLUMNS as `python -m data export` writes them, every further number under its
        logged name, and at the end gold_source and FACTS, which say what the numbers are.

    Raises LogError where nothing could be read, StoreError where there is no store or no such run,
    TypeError for an option that is not known. Warns of each log that was skipped, and why.
    """
    return _read(sources, options, _run_rows, "metric rows")


def gold_df(*sources: Source | Iterable[Source], **options: Any) -> pl.DataFrame:
    """Gold evaluations: one row a (run_id, gold_source, step); sources are never pooled.

    Arguments and errors as `runs_df`.

    Returns:
        run_id, gold_source (evaluation, training, table, or who measured it apart from the log),
        step, gold_reward, gold_reward_se, gold_reward_sd, n_responses, gold_kind, n_prompts,
        gold_version, and of the same log row, where there is one, stretch, kl and proxy_reward.
    """
    return _read(sources, options, _gold_rows, "gold evaluations")


def samples_df(*sources: Source | Iterable[Source], **options: Any) -> pl.DataFrame:
    """Logged responses: one row a (run_id, phase, step, prompt_id, sample_id).

    Arguments and errors as `runs_df`. Returns SAMPLE_COLUMNS, and every further number (a second
    reward model, a length) under its logged name. Phase is train, eval or mixed; of further scores
    of the same responses "gold:" and who gave them, of a judge's fixed responses "anchor".
    """
    return _read(sources, options, _sample_rows, "responses")


def answers_df(*sources: Source | Iterable[Source], **options: Any) -> pl.DataFrame:
    """Graded answers: one row a (loop, iteration, origin, question_id, sample_id).

    Arguments and errors as `runs_df`. Returns ANSWER_COLUMNS (loop is a run's name and iteration
    its step where a run answered), and every further number under its logged name.
    """
    return _read(sources, options, _answer_rows, "graded answers")


def _read(
    sources: tuple[Source | Iterable[Source], ...], options: dict[str, Any], ask: _Ask, what: str
) -> pl.DataFrame:
    paths = _paths(sources)
    if sources and not paths:
        raise TypeError("no path was given; expected files or folders, as str or Path")
    store = _store_of(paths)
    notes: list[str] = []
    if store is not None:
        frame = _of_store(store, options, ask)
    else:
        frame, notes = _of_logs(paths, options, ask)
    if frame.is_empty():
        notes = [*notes, f"there are no {what} in what was read: the frame is empty"]
    for note in notes:
        warnings.warn(note, stacklevel=3)
    return frame


def _paths(sources: tuple[Source | Iterable[Source], ...]) -> list[Path]:
    paths: list[Path] = []
    for source in sources:
        if isinstance(source, (str, os.PathLike)):
            paths.append(Path(source).expanduser())
        elif isinstance(source, Iterable) and not isinstance(source, (bytes, Mapping)):
            paths += _paths(tuple(source))
        else:
            raise TypeError(f"{source!r} is no path; expected files or folders, as str or Path")
    return paths


def _store_of(paths: list[Path]) -> Path | None:
    """The folder of the store that is meant; None where logs are."""
    if not paths:
        from data.home import named

        return named()
    stores = [path.parent if path.name == "store.duckdb" else path for path in paths]
    stores = [folder for folder in stores if (folder / "store.duckdb").is_file()]
    if stores and len(paths) > 1:
        raise StoreError(f"{stores[0]} is a store; it is read alone, not together with other paths")
    return stores[0] if stores else None


def _of_store(folder: Path, options: dict[str, Any], ask: _Ask) -> pl.DataFrame:
    from data.remote import StoreAccess

    for name in options:
        if name not in _STORE_OPTIONS:
            raise TypeError(
                f"{name!r} says how logs are read, and {folder} is a store: what is in it was read "
                "already (python -m data roles changes that). Of a store project and run choose."
            )
    if not (folder / "store.duckdb").is_file():
        raise StoreError(f"there is no store in {folder} yet: name paths of logs or a store")
    run = options.get("run")
    named = [run] if isinstance(run, str) else None if run is None else list(run)
    with StoreAccess(folder) as store:
        every = store.query("runs", project=options.get("project"), runs=None)
        known = every["run_id"].to_list()
        for name in named or []:
            if name not in known:
                raise StoreError(f"there is no run {name!r}; there are: {', '.join(known)}")
        rows = [row for row in every.to_dicts() if named is None or row["run_id"] in named]
        return ask(store, rows)


def _of_logs(
    paths: list[Path], options: dict[str, Any], ask: _Ask
) -> tuple[pl.DataFrame, list[str]]:
    from data.incoming.importing import import_paths
    from data.remote import StoreAccess

    read = _read_options(options)
    with tempfile.TemporaryDirectory(prefix="overopt-") as moment:
        done = import_paths(Path(moment), paths, read)
        skipped = [f"{skip.path}: {skip.reason}" for skip in done.skipped]
        if not done.runs:
            raise LogError("nothing was read. " + "; ".join(skipped))
        notes = [f"{run['run']}: {note}" for run in done.runs for note in run["warnings"]]
        with StoreAccess(Path(moment)) as store:
            runs = store.query("runs", project=None, runs=None).to_dicts()
            return ask(store, runs), skipped + notes


def _read_options(options: dict[str, Any]) -> ReadOptions:
    known = [field.name for field in fields(ReadOptions)]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            meant = f"; did you mean {near[0]!r}?" if near else "."
            raise TypeError(f"there is no option {name!r}{meant} There are: {', '.join(known)}.")
    return ReadOptions(**options)


def _run_rows(store: AnyStore, runs: Runs) -> pl.DataFrame:
    from data.outgoing.exporting import run_rows

    frames = [
        run_rows(store, run["run_id"]).with_columns(_gold_source(run), *_facts(run))
        for run in runs
        if run["points"]
    ]
    last = ["gold_source", *FACTS]
    rows = _together(frames, METRIC_COLUMNS | {"gold_source": pl.String()} | FACTS)
    return rows.select(pl.exclude(last), pl.col(last))


def _gold_source(run: Mapping[str, Any]) -> pl.Expr:
    """Which source a row's gold belongs to, as the query gold has it."""
    here = "table" if run["format"] == "table" else "training"
    source = pl.when(pl.col("phase") == "eval").then(pl.lit("evaluation")).otherwise(pl.lit(here))
    return pl.when(pl.col("gold_reward").is_not_null()).then(source).alias("gold_source")


def _facts(run: Mapping[str, Any]) -> list[pl.Expr]:
    facts = json.loads(run["facts"]) | {"project": run["project"]}
    return [pl.lit(facts.get(name), kind).alias(name) for name, kind in FACTS.items()]


def _gold_rows(store: AnyStore, runs: Runs) -> pl.DataFrame:
    frames = []
    for run in runs:
        if run["gold_evaluations"]:
            kind = pl.lit(json.loads(run["facts"]).get("gold_kind"), pl.String)
            rows = store.query("gold", run=run["run_id"], until=None)
            frames.append(rows.with_columns(
                pl.lit(run["run_id"]).alias("run_id"), pl.coalesce("kind", kind).alias("kind")
            ))  # fmt: skip
    beside = {name: METRIC_COLUMNS[name] for name in ("stretch", "kl", "proxy_reward")}
    rows = _together(frames, GOLD_COLUMNS | beside)
    return rows.rename({"source": "gold_source", "kind": "gold_kind"})


def _sample_rows(store: AnyStore, runs: Runs) -> pl.DataFrame:
    names = [run["run_id"] for run in runs if run["samples"]]
    return _spread(store.query("sample_rows", runs=names), SAMPLE_COLUMNS)


def _answer_rows(store: AnyStore, runs: Runs) -> pl.DataFrame:
    names = [run["run_id"] for run in runs if run["answers"]]
    return _spread(store.query("answer_rows", loops=names), ANSWER_COLUMNS)


def _together(frames: list[pl.DataFrame], columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Frames of runs one under the other; the declared columns first, of their declared types."""
    nothing = pl.DataFrame(schema=dict(columns))
    rows = pl.concat([nothing, *frames], how="diagonal_relaxed")
    return rows.with_columns(pl.col(name).cast(kind) for name, kind in columns.items())


def _spread(rows: pl.DataFrame, columns: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Further numbers, which a store keeps as a map, as columns of their own by logged name."""
    rows = rows.with_row_index("_row")
    extra = rows.select("_row", pl.col("extra")).explode("extra").drop_nulls("extra")
    rows = rows.drop("extra").with_columns(
        pl.col(name).cast(kind) for name, kind in columns.items()
    )
    if extra.height:
        wide = extra.unnest("extra").pivot("key", index="_row", values="value", sort_columns=True)
        taken = {name: f"logged {name}" for name in wide.columns if name in columns}
        rows = rows.join(wide.rename(taken), on="_row", how="left", maintain_order="left")
    return rows.drop("_row")
