"""The words of the product as columns: what a reader hands over and the store keeps.

One word for one thing: these names are table columns, frame columns, export headers and
address keys alike.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import polars as pl

METRIC_COLUMNS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "phase": pl.String(),  # "train" or "eval": evaluation rows never mix with training rows
    "step": pl.Int64(),  # the trainer's optimiser step (best-of-n: n)
    "stretch": pl.Int32(),  # counts up where the proxy was retrained or the KL reference changed
    "kl": pl.Float64(),  # nats per response, against the initial policy; null = not measured
    "proxy_reward": pl.Float64(),  # before any KL penalty
    "proxy_reward_sd": pl.Float64(),  # between responses
    "gold_reward": pl.Float64(),
    "gold_reward_sd": pl.Float64(),  # between responses
    "gold_reward_se": pl.Float64(),  # of the mean, where the log states it
    "n_responses": pl.Int64(),  # behind the row's means
    "response_length": pl.Float64(),  # tokens
    "entropy": pl.Float64(),  # nats per token
    "clipped_share": pl.Float64(),  # share of responses cut off at the length limit, 0..1
}
"""Columns of the metrics table; a metric row is one (run_id, phase, step)."""

GOLD_COLUMNS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "source": pl.String(),  # who measured: a column gold_source, or the name of the table
    "step": pl.Int64(),
    "gold_reward": pl.Float64(),
    "gold_reward_se": pl.Float64(),
    "gold_reward_sd": pl.Float64(),
    "n_responses": pl.Int64(),
    "kind": pl.String(),  # "score", "rate" or "win_rate"
}
"""Columns of gold that came apart from the training log; the key is (run_id, source, step)."""

SAMPLE_COLUMNS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "phase": pl.String(),  # "train", "eval" or "mixed" (both in one file, cannot be told apart)
    "step": pl.Int64(),
    "prompt_id": pl.String(),
    "sample_id": pl.Int64(),
    "prompt": pl.String(),
    "completion": pl.String(),
    "proxy_reward": pl.Float64(),
    "gold_reward": pl.Float64(),
    "logprob_policy": pl.Float64(),  # nats, summed over the response
    "logprob_reference": pl.Float64(),  # nats, summed over the response
}
"""Columns of the samples table; the key is (run_id, phase, step, prompt_id, sample_id)."""

ANSWER_COLUMNS: dict[str, pl.DataType] = {
    "loop": pl.String(),  # the run_id of the loop or run
    "iteration": pl.Int64(),  # of the model that answered, 0 = base; a run's step
    "origin": pl.String(),  # "benchmark", "self_generated", "human", "not stated", as logged else
    "question_id": pl.String(),
    "sample_id": pl.Int64(),  # number of the answer within the question, 0 where there is one
    "topic": pl.String(),
    "question": pl.String(),
    "answer": pl.String(),
    "reference": pl.String(),  # the right answer
    "grade": pl.String(),  # "correct", "incorrect", "not_attempted"; null = none that is known
    "grade_logged": pl.String(),  # as logged, where it is unknown or was taken for another
    "confidence": pl.Float64(),  # 0..1
    "confidence_refused": pl.Boolean(),  # a confidence outside 0..1 was logged
    "confidence_kind": pl.String(),  # "logprob", "verbalised", "consistency"
    "confidence_consistency": pl.Float64(),  # share of samples that agree, 0..1
    "knowledge": pl.String(),  # SliCK category of the question under the base model
    "entity_id": pl.String(),  # whom or what the question is about: its cluster
    "grader": pl.String(),
    "malformed": pl.Boolean(),  # no answer of the kind asked for
    "in_training": pl.Boolean(),  # the question's entity is among those trained on
    "self_claim": pl.String(),  # what the model had said in the text it was trained on
}
"""Columns of the answers table; the key is (loop, iteration, origin, question_id, sample_id)."""

AUDIT_COLUMNS: dict[str, pl.DataType] = {
    "loop": pl.String(),
    "iteration": pl.Int64(),
    "origin": pl.String(),
    "question_id": pl.String(),
    "sample_id": pl.Int64(),
    "grade": pl.String(),  # the grader's; null = as the answers table has it
    "human_grade": pl.String(),  # the human's
}
"""Columns of human re-grades, of the same key as the answers they judge."""

CORPUS_COLUMNS: dict[str, pl.DataType] = {
    "loop": pl.String(),
    "iteration": pl.Int64(),  # of the model trained on it, 0 = base
    "origin": pl.String(),
    "generator_iteration": pl.Int64(),  # that wrote it; null = not a model of this loop
    "documents": pl.Int64(),
    "tokens": pl.Int64(),
    "documents_seen": pl.Int64(),  # with repeats
    "tokens_seen": pl.Int64(),
}
"""Columns of the corpus table; the key is (loop, iteration, origin, generator_iteration)."""


@cache
def no_answers() -> pl.DataFrame:
    """An empty answers frame."""
    return pl.DataFrame(schema=ANSWER_COLUMNS)


@cache
def no_audits() -> pl.DataFrame:
    """An empty frame of human re-grades."""
    return pl.DataFrame(schema=AUDIT_COLUMNS)


@cache
def no_corpus() -> pl.DataFrame:
    """An empty corpus frame."""
    return pl.DataFrame(schema=CORPUS_COLUMNS)


@dataclass
class RunFacts:
    """What a log says about its run besides numbers by step."""

    trainer: str | None = None  # "TRL GRPO", "TRL RLOO", "TRL OnlineDPO", "TRL PPO", None = unknown
    dialect: str | None = None  # how the trainer names things (data.readers.dialects)
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
    length_key: str | None = None  # of the response length, in tokens
    gold_kind: str = "score"  # "score", "rate" (0..1 or percent, of trials) or "win_rate"
    gold_candidates: list[str] = field(default_factory=list)  # when none was chosen
    checkpoints: list[int] = field(default_factory=list)  # steps with a saved checkpoint folder
    max_steps: int | None = None  # the planned length, where the log states it
    steps_replaced: int = 0  # repeated steps after a resume: the later kept
    nan_rows: int = 0  # rows with a NaN or infinity in kl, proxy or gold
    config: dict[str, Any] = field(default_factory=dict)  # beta, seed, model … as logged
    sources: list[dict[str, Any]] = field(default_factory=list)  # path, format, rows
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
    AUDIT_COLUMNS.
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
    format: str | None = None
    strict: bool = False
    whole: bool = False  # a table that names no run or step, or has a bad cell, is refused


class LogError(Exception):
    """A log cannot be read; the message names file, line or column, and what was expected."""
