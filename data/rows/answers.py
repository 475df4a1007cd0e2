"""Graded answers, corpora, behaviours: their Parquet in a segment, and their way into tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import polars as pl

from data.columns import (
    ANSWER_COLUMNS,
    AUDIT_COLUMNS,
    BEHAVIOUR_COLUMNS,
    CORPUS_COLUMNS,
    RunLog,
    conform,
)
from data.database.sql import literal, sql
from data.rows.pairs import extra

FILES = ("answers", "corpus", "audits", "behaviours")
Query = Callable[..., pl.DataFrame]
ROLLUP_TAU = 0.8
"""Confidence from which the rollup counts an answer as confident."""


def files(logs: Sequence[RunLog]) -> dict[str, pl.DataFrame]:
    """What a segment holds of answers and corpora, by file stem; nothing where there is none."""
    frames: dict[str, pl.DataFrame] = {}
    answers = [_answer_rows(log) for log in logs if log.answers.height]
    if answers:
        frames["answers"] = pl.concat(answers)
    corpora = [
        conform(log.corpus, CORPUS_COLUMNS).with_columns(loop=pl.lit(log.run))
        for log in logs if log.corpus.height
    ]  # fmt: skip
    if corpora:
        frames["corpus"] = pl.concat(corpora)
    audits = [
        conform(log.audits, AUDIT_COLUMNS).with_columns(loop=pl.lit(log.run))
        for log in logs if log.audits.height
    ]  # fmt: skip
    if audits:
        frames["audits"] = pl.concat(audits)
    behaviours = [
        conform(log.behaviours, BEHAVIOUR_COLUMNS).with_columns(run_id=pl.lit(log.run))
        for log in logs if log.behaviours.height
    ]  # fmt: skip
    if behaviours:
        frames["behaviours"] = pl.concat(behaviours)
    return frames


def load(cursor: duckdb.DuckDBPyConnection, segment: Path) -> bool:
    """The segment's answers and corpora as temporary tables; whether it holds any.

    Args:
        cursor: has begun a transaction.
        segment: the segment's folder.
    """
    files = {name: segment / f"{name}.parquet" for name in FILES}
    found = [name for name, file in files.items() if file.is_file()]
    if found:
        cursor.execute(sql("changes", "incoming_answer_tables"))
    for name in found:
        cursor.execute(sql("changes", f"incoming_{name}"), {"path": literal(files[name])})
    return bool(found)


def rename(cursor: duckdb.DuckDBPyConnection, names: dict[str, str]) -> None:
    """Give the incoming answers the name under which their run is kept."""
    cursor.execute("update incoming_answers set loop = $new where loop = $old", names)
    cursor.execute("update incoming_corpus set loop = $new where loop = $old", names)
    cursor.execute("update incoming_audits set loop = $new where loop = $old", names)
    cursor.execute("update incoming_behaviours set run_id = $new where run_id = $old", names)


def merge(cursor: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """Merge what ``load`` has read; by run the answers and behaviours added, the rows
    replaced, and those that moved."""
    cursor.execute(sql("changes", "answers"))
    rows = cursor.sql(
        "select run_id, answers, behaviours, replaced, moved from answers_by_run"
    ).pl()
    return {row.pop("run_id"): row for row in rows.iter_rows(named=True)}


def counts(
    query: Query, loops: list[str] | None, until: int | None, tau: float, by_training: bool = False
) -> pl.DataFrame:
    """Answers counted for ``analytics.hallucination``: from the rollup where that is possible.

    Args:
        query: the store's, or a remote store's.
        loops: None = all.
        until: last iteration.
        tau: confidence from which an answer is confident.
        by_training: the topic says whether the entity asked about was trained on.
    """
    asked = {"loops": loops, "until": until}
    kept = query("answer_counts", **asked)
    if tau == ROLLUP_TAU and not by_training:
        return kept
    single = kept["n"].sum() == kept["questions"].sum()
    question = "answer_counts_single" if single else "answer_counts_at"
    return query(question, **asked, tau=tau, by_training=by_training)


def flips(
    query: Query, loops: list[str] | None, until: int | None, compare_to: int | None,
    iterations: list[int] | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Questions that changed: since the iteration before from the rollup, else counted."""
    if compare_to is None:
        return query("answer_flips", loops=loops, until=until)
    return query("answer_flips_since", loops=loops, until=until, iterations=iterations,
                 compare_to=compare_to)  # fmt: skip


def flip_clusters(
    query: Query, loops: list[str] | None, until: int | None, compare_to: int | None,
    iterations: list[int] | None = None,
) -> pl.DataFrame:  # fmt: skip
    """As ``flips``, over the entities asked about."""
    if compare_to is None:
        return query("answer_flip_clusters", loops=loops, until=until)
    return query("answer_flip_clusters_since", loops=loops, until=until, iterations=iterations,
                 compare_to=compare_to)  # fmt: skip


def _answer_rows(log: RunLog) -> pl.DataFrame:
    """Answers in ANSWER_COLUMNS, with every further number in ``extra`` as key-value pairs."""
    rows = log.answers.with_columns(loop=pl.lit(log.run, pl.String))
    return conform(rows, ANSWER_COLUMNS).with_columns(extra(rows, ANSWER_COLUMNS))
