"""A run's verdict from the frames of a store: asks, judges, and packs the result to be kept.

The store is handed in as a function that answers named questions with frames, so that this
module knows no database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import polars as pl

from analytics import onset
from analytics.label_free import with_signal
from analytics.onset.forecast import SharedAlpha, shared_alpha
from analytics.onset.measurements import gold_sources
from analytics.onset.run_facts import known
from analytics.onset.siblings import MOST, alpha_fit, setup_of

Query = Callable[..., pl.DataFrame]


def judge(
    query: Query, run: Mapping[str, Any], until: int | None = None, source: str | None = None,
    runs: pl.DataFrame | None = None,
) -> onset.Verdict:  # fmt: skip
    """Verdict of one run.

    Args:
        query: answers "gold", "trajectory", "prompts", "sample_kl" and "further_kl" for ``run``
            and ``until``, and where the run has samples "member_keys" and "disagreement".
        run: one row of the question "runs": run_id, project, facts (JSON).
        until: ignore later steps.
        source: gold source; None = the default (evaluation before training).
        runs: rows of the question "runs", among them the run's siblings, whose alpha a forecast
            borrows; a view that is frozen by ``until`` borrows none, so that it never changes.
    """
    run_id = run["run_id"]
    facts = json.loads(run["facts"]) | {"run_id": run_id, "project": run["project"]}
    asked = {"run": run_id, "until": until}
    prompts = query("prompts", **asked)
    gold = query("gold", **asked)
    picked = chosen(gold, source)
    stated = gold.filter(pl.col("kind").is_not_null() & pl.col("source").eq_missing(pl.lit(picked)))
    if stated.height:
        facts["gold_kind"] = stated["kind"][0]
    made = onset.verdict(
        gold.drop("kind"),
        query("trajectory", **asked),
        known(facts),
        prompts=prompts if prompts.height else None,
        source=source,
        until=until,
        sample_kl=query("sample_kl", **asked),
        further_kl=query("further_kl", **asked),
        siblings=partial(_shared, query, run, source, runs) if until is None else None,
    )
    return with_signal(query, run, until, made)


def _shared(
    query: Query, run: Mapping[str, Any], source: str | None, runs: pl.DataFrame | None
) -> SharedAlpha | None:
    """Alpha of the runs of one project that have this run's setup."""
    setup = _setup(run["facts"])
    if runs is None or setup is None:
        return None
    others = [
        other
        for other in runs.filter(
            (pl.col("project") == run["project"])
            & (pl.col("run_id") != run["run_id"])
            & (pl.col("gold_evaluations") > 0)
        ).iter_rows(named=True)
        if _setup(other["facts"]) == setup
    ]
    fits = (_alpha(query, other, source) for other in others[:MOST])
    return shared_alpha([fit for fit in fits if fit is not None])


@lru_cache(maxsize=4096)
def _setup(facts: str) -> tuple[object, ...] | None:
    return setup_of(json.loads(facts))


_alphas: dict[tuple[Any, ...], dict[str, float] | None] = {}
"""Fits of siblings by run, generation and source: each is asked for by many verdicts."""


def _alpha(query: Query, run: Mapping[str, Any], source: str | None) -> dict[str, float] | None:
    key = (run["run_id"], run["path"], run["generation"], source)
    if key not in _alphas:
        if len(_alphas) > 4096:
            _alphas.clear()
        asked = {"run": run["run_id"], "until": None}
        gold, trajectory = query("gold", **asked), query("trajectory", **asked)
        _alphas[key] = alpha_fit(gold.drop("kind"), trajectory, json.loads(run["facts"]), source)
    return _alphas[key]


def chosen(gold: pl.DataFrame, source: str | None) -> str | None:
    """The gold source that a verdict goes by: as asked, else evaluations before training."""
    if source is not None:
        return source
    there = gold_sources(gold, None)
    return there[0] if there else None


def packed(
    verdict: onset.Verdict, run: Mapping[str, Any], until: int | None, source: str | None
) -> dict[str, Any]:
    """One row of the table verdicts."""
    return {
        "run_id": run["run_id"],
        "until_step": -1 if until is None else until,
        "gold_source": source or "",
        "method": method(),
        "generation": run["generation"],
        "verdict": json.dumps(verdict.row),
        "looks": json.dumps(verdict.looks.to_dicts()),
    }


def unpacked_looks(text: str) -> pl.DataFrame:
    """The looks of a kept verdict; the dtypes are those of fresh looks."""
    rows = json.loads(text)
    frame = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()
    return frame.with_columns(pl.col(pl.Null).cast(pl.Float64))


@cache
def method() -> str:
    """Fingerprint of the code that judges: kept verdicts of other code are computed anew."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    further = (here / "components.py", here / "label_free.py")
    for path in (*sorted((here / "onset").glob("*.py")), *further):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def missing(runs: pl.DataFrame, kept: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of ``runs`` whose kept verdict is not current (columns run_id, current)."""
    current = set(kept.filter(pl.col("current"))["run_id"]) if kept.height else set()
    return [row for row in runs.iter_rows(named=True) if row["run_id"] not in current]
