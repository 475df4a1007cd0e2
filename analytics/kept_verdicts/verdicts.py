"""A run's verdict from the frames of a store: asks, judges, and packs the result to be kept.

The store is handed in as a function that answers named questions with frames, so that this
module knows no database.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

import polars as pl

from analytics.comparing.label_free import with_signal
from analytics.comparing.verdict_frames import Query, VerdictFrames
from analytics.computing.fingerprint import with_questions
from analytics.onset.alarm.siblings import MOST, alpha_fit, setup_of
from analytics.onset.curves.forecast import SharedAlpha, shared_alpha
from analytics.onset.evidence.measurements import gold_sources
from analytics.onset.judging.judged import Verdict
from analytics.onset.judging.recommendation import none
from analytics.onset.judging.run_facts import known
from analytics.onset.judging.verdict_row import verdict

GROWING_FACTS = ("sources", "nan_rows")
"""Facts that grow with the log and that no judgement reads."""


def judge(
    query: Query, run: Mapping[str, Any], until: int | None = None, source: str | None = None,
    runs: Callable[[], pl.DataFrame] | None = None,
) -> Verdict:  # fmt: skip
    """Verdict of one run of a store.

    Args:
        query: answers the questions that `VerdictFrames.of` asks, and those about siblings.
        run: one row of the question "runs": run_id, project, facts (JSON).
        until: ignore later steps.
        source: gold source; None = the default (evaluation before training).
        runs: gives rows of the question "runs", among them the run's siblings, whose alpha a
            forecast borrows, and is asked for a forecast alone; a view that is frozen by
            ``until`` borrows none, so that it never changes.
    """
    siblings = partial(_shared, query, run, source, runs) if until is None else None
    return verdict_of(VerdictFrames.of(query, run, until), run, until, source, siblings)


def verdict_of(
    frames: VerdictFrames, run: Mapping[str, Any], until: int | None = None,
    source: str | None = None, siblings: Callable[[], SharedAlpha | None] | None = None,
) -> Verdict:  # fmt: skip
    """Verdict of one run from its frames; the other arguments as those of `judge`.

    siblings: alpha of runs with the same setup, asked for a forecast alone; None borrows none.
    """
    facts = _facts(run, until) | {"run_id": run["run_id"], "project": run["project"]}
    picked = chosen(frames.gold, source)
    stated = frames.gold.filter(
        pl.col("kind").is_not_null() & pl.col("source").eq_missing(pl.lit(picked))
    )
    if stated.height:
        facts["gold_kind"] = stated["kind"][0]
    made = verdict(
        frames.gold.drop("kind"),
        frames.trajectory,
        known(facts),
        prompts=frames.prompts if frames.prompts.height else None,
        evaluated=frames.evaluated,
        source=source,
        until=until,
        sample_kl=frames.sample_kl,
        further_kl=frames.further_kl,
        siblings=siblings,
        scored=frames.scored,
        anchors=frames.anchors,
    )
    return with_signal(frames, made)


def _facts(run: Mapping[str, Any], until: int | None) -> dict[str, Any]:
    """A run's facts as they were known at a step: later checkpoints were not saved yet."""
    facts: dict[str, Any] = json.loads(run["facts"])
    saved = facts.get("checkpoints") or []
    return facts | {"checkpoints": [step for step in saved if until is None or step <= until]}


def _shared(
    query: Query, run: Mapping[str, Any], source: str | None,
    runs: Callable[[], pl.DataFrame] | None,
) -> SharedAlpha | None:  # fmt: skip
    """Alpha of the runs of one project that have this run's setup."""
    setup = _setup(run["facts"])
    if runs is None or setup is None:
        return None
    others = [
        other
        for other in runs()
        .filter(
            (pl.col("project") == run["project"])
            & (pl.col("run_id") != run["run_id"])
            & (pl.col("gold_evaluations") > 0)
        )
        .iter_rows(named=True)
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


def not_judged(run: Mapping[str, Any], why: str) -> Verdict:
    """What stands for the verdict of a run that could not be judged: all keys, and why.

    run: a row of the question "runs"; why: the reason, a part of a sentence.
    """
    columns = ("source", "step", "gold_reward", "kl", "proxy_reward", "stretch")
    nothing = pl.DataFrame(schema=dict.fromkeys(columns, pl.Float64))
    nothing = nothing.cast({"source": pl.String, "step": pl.Int64, "stretch": pl.Int64})
    blank = verdict(nothing, nothing, {"run_id": run["run_id"], "project": run["project"]})
    sentence = (
        f"This run could not be judged: {why}. It is tried again when the run or the method "
        f"changes, or with: python -m analytics verdict --run {run['run_id']} --again"
    )
    row = blank.row | {
        "status": "not_judged", "flags": [], "reasons": [sentence],
        "recommendation": none("This run could not be judged."), "kl_end": run.get("kl_end"),
        "step_end": run.get("step_end"), "gold_evaluations": run.get("gold_evaluations", 0),
    }  # fmt: skip
    return replace(blank, row=row)


def holds(
    kept: Mapping[str, Any], run: Mapping[str, Any], until: int | None, method: str, query: Query
) -> bool:
    """Whether a kept verdict is what would be judged now.

    So it is while the run has not changed, and for a frozen view while none of the rows up to
    ``until`` has: they are asked for only where the run has changed. kept: a row of the question
    "verdicts"; run: of "runs", as it is now.
    """
    made_by, _, rows = kept["method"].partition(" ")
    if made_by != method:
        return False
    if kept["generation"] == run["generation"]:
        return True
    return until is not None and bool(rows) and rows == rows_fingerprint(query, run, until)


def rows_fingerprint(query: Query, run: Mapping[str, Any], until: int) -> str:
    """Fingerprint of all rows that a verdict frozen at ``until`` is made from."""
    facts = {k: v for k, v in _facts(run, until).items() if k not in GROWING_FACTS}
    about = json.dumps([run["project"], facts], sort_keys=True)
    return VerdictFrames.of(query, run, until).fingerprint(about)


def stamp(method: str, rows: str = "") -> str:
    """What a kept verdict says it was made by; rows: `rows_fingerprint`, of a frozen view.

    >>> stamp("ab"), stamp("ab", "12")
    ('ab', 'ab 12')
    """
    return f"{method} {rows}".rstrip()


class Asked:
    """Asks each question once and remembers the answer, so that what was judged can be named."""

    def __init__(self, query: Query) -> None:
        """query: who answers."""
        self._query = query
        self._answers: dict[tuple[str, str], pl.DataFrame] = {}

    def __call__(self, name: str, **asked: Any) -> pl.DataFrame:
        """The answer to a question."""
        key = name, json.dumps(asked, sort_keys=True)
        if key not in self._answers:
            self._answers[key] = self._query(name, **asked)
        return self._answers[key]


def unpacked_looks(text: str) -> pl.DataFrame:
    """The looks of a kept verdict; the dtypes are those of fresh looks."""
    rows = json.loads(text)
    frame = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame()
    return frame.with_columns(pl.col(pl.Null).cast(pl.Float64))


def method(meaning: Callable[[str], str]) -> str:
    """Fingerprint of what judges: kept verdicts of another method are computed anew.

    meaning: the SQL that answers a question of the store, by its name.
    """
    return with_questions(__name__, meaning)


def missing(runs: pl.DataFrame, kept: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of ``runs`` whose kept verdict is not current (columns run_id, current)."""
    current = set(kept.filter(pl.col("current"))["run_id"]) if kept.height else set()
    return [row for row in runs.iter_rows(named=True) if row["run_id"] not in current]
