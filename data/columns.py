"""What a reader hands over: a run's frames in declared columns, and what its log says besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, NotRequired, TypedDict

import polars as pl

from data.declared import (
    ANSWERS,
    AUDITS,
    BEHAVIOURS,
    CORPUS,
    GOLD,
    MEASURED,
    METRICS,
    SAMPLES,
    Panel,
)
from data.declared.foreign import JsonObject

METRIC_COLUMNS = METRICS.types()
GOLD_COLUMNS = GOLD.types()
SAMPLE_COLUMNS = SAMPLES.types()
ANSWER_COLUMNS = ANSWERS.types()
AUDIT_COLUMNS = AUDITS.types()
CORPUS_COLUMNS = CORPUS.types()
BEHAVIOUR_COLUMNS = BEHAVIOURS.types()
"""What a reader hands over, by table: name and type, as declared in data.declared."""

PANELS = tuple(
    Panel(metric.name, metric.title, metric.factor) for metric in MEASURED if metric.title
)
"""Panels below the chart of rewards, from the top."""


def conform(frame: pl.DataFrame, columns: dict[str, pl.DataType]) -> pl.DataFrame:
    """The frame in these columns and types; what it lacks is null."""
    present = set(frame.columns)
    return frame.select(
        pl.col(name).cast(dtype) if name in present else pl.lit(None, dtype).alias(name)
        for name, dtype in columns.items()
    )


@cache
def no_answers() -> pl.DataFrame:
    """An empty answers frame."""
    return pl.DataFrame(schema=ANSWER_COLUMNS)


@cache
def no_audits() -> pl.DataFrame:
    """An empty frame of human re-grades."""
    return pl.DataFrame(schema=AUDIT_COLUMNS)


@cache
def no_behaviours() -> pl.DataFrame:
    """An empty frame of behaviours."""
    return pl.DataFrame(schema=BEHAVIOUR_COLUMNS)


@cache
def no_corpus() -> pl.DataFrame:
    """An empty corpus frame."""
    return pl.DataFrame(schema=CORPUS_COLUMNS)


class Source(TypedDict):
    """A file that a run was read from, and the rows that it gave."""

    path: str
    format: str
    rows: int
    part: NotRequired[bool]  # what came since the last time: its rows add to those before


POSTED = "posted to /api/ingest"
"""Stands for the path of rows that came over HTTP."""


@dataclass
class RunFacts:
    """What a log says about its run besides numbers by step."""

    trainer: str | None = None  # "TRL GRPO", "TRL RLOO", "TRL OnlineDPO", "TRL PPO", None = unknown
    dialect: str | None = None  # how the trainer names things (data.readers.trainers.known)
    algorithm: str | None = None  # "best_of_n" where samples were selected, not a policy trained
    kl_key: str | None = None  # the log's own name of the KL that is used
    kl_estimator: str | None = None  # k1 k2 k3 exact bon_bound, None = unknown
    kl_logged_unit: str | None = None  # "nats/sequence" "nats/token" "unknown", None = no KL
    kl_reference: str | None = None  # "initial_policy" "previous_policy" "other" "unknown", None
    # "exact" "approximate" "unreliable" "unknown" "missing" "as_stated" (only the user says so)
    kl_conversion: str = "missing"
    kl_note: str = ""  # one sentence: how kl was converted, and why it is not exact
    proxy_key: str | None = None
    gold_key: str | None = None
    gold_better: str = "higher"  # "lower": gold is minus what its key holds
    length_key: str | None = None  # of the response length, in tokens
    gold_kind: str = "score"  # "score", "rate" (0..1 or percent, of trials) or "win_rate"
    gold_candidates: list[str] = field(default_factory=list)  # when none was chosen
    checkpoints: list[int] = field(default_factory=list)  # steps with a saved checkpoint folder
    max_steps: int | None = None  # the planned length, where the log states it
    steps_replaced: int = 0  # repeated steps after a resume: the later kept
    nan_rows: int = 0  # rows with a NaN or infinity in kl, proxy or gold
    config: JsonObject = field(default_factory=dict)  # beta, seed, model … as logged
    sources: list[Source] = field(default_factory=list)
    stated: list[str] = field(default_factory=list)  # ROLE_OPTIONS that the import was told

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


@dataclass
class RunLog:
    """One run as a reader hands it over.

    ``metrics`` holds METRIC_COLUMNS (all but run_id may be null) and any further numeric column
    under its logged name; ``samples`` holds SAMPLE_COLUMNS and may have further columns, and so
    does ``answers`` ANSWER_COLUMNS; ``corpus`` holds CORPUS_COLUMNS, ``audits``
    AUDIT_COLUMNS, ``behaviours`` BEHAVIOUR_COLUMNS, ``tables`` those of a loop, each as declared.
    """

    run: str  # the proposed run_id
    parent: str  # the name of the folder above, which makes run unique where two collide
    verbatim: bool  # True: named by a run_id column or by option, never changed
    format: str  # "trl", "tensorboard", "table", "answers" …
    path: str  # where it was read, for messages
    metrics: pl.DataFrame
    samples: pl.DataFrame
    facts: RunFacts
    warnings: list[str] = field(default_factory=list)
    answers: pl.DataFrame = field(default_factory=no_answers)
    corpus: pl.DataFrame = field(default_factory=no_corpus)
    audits: pl.DataFrame = field(default_factory=no_audits)
    behaviours: pl.DataFrame = field(default_factory=no_behaviours)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)  # of declared.LOOP_TABLES


@dataclass(frozen=True)
class Skip:
    """Something named, or that looked like a log, and was not read."""

    path: str
    reason: str


ROLE_OPTIONS = (
    "proxy", "gold", "gold_kind", "kl", "kl_unit", "kl_estimator", "kl_reference",
    "kl_coefficient", "length", "lower_is_better",
)  # fmt: skip
"""The options of an import that say which key is what; without them a project's choice holds."""


@dataclass(frozen=True)
class ReadOptions:
    """What the reader of an import was told (the options of ``python -m data import``)."""

    project: str | None = None
    run: str | None = None
    proxy: str | None = None
    gold: str | None = None
    gold_kind: str | None = None
    kl: str | None = None
    kl_unit: str | None = None
    kl_estimator: str | None = None
    kl_reference: str | None = None
    kl_coefficient: str | None = None  # logged is minus this times KL
    length: str | None = None
    step: str | None = None
    run_column: str | None = None
    lower_is_better: str | None = None  # a gold of which less is better, such as perplexity
    question: str | None = None  # columns of graded answers, from here on
    grade: str | None = None
    answer: str | None = None
    reference: str | None = None
    confidence: str | None = None
    topic: str | None = None
    grade_map: str | None = None  # what the grader's words mean, "yes=correct,no=incorrect"
    format: str | None = None
    strict: bool = False
    kept: Mapping[str, str] = field(default_factory=dict)  # the project's, where a log has the key
    sealed: tuple[str, ...] = ()  # sources of gold that are sealed in the project
    remarks: tuple[str, ...] = ()  # what a file says around its rows; a reader fills it in
    loop: str | None = None  # that of the loop.toml which names the table
    whole: bool = False  # a table that names no run or step, or has a bad cell, is refused


class LogError(Exception):
    """A log cannot be read; the message names file, line or column, and what was expected."""
