"""What is declared once: the tables of rows that readers hand over, column by column.

One word for one thing: these names are table columns, frame columns, export headers and address
keys alike. All else follows: the tables and their comments (``data.ddl``), merging, the rollup
pooled_curve, plain tables and trainers' logs (``data.readers.names.mapping``), export, and the
panels below the chart of rewards. A new metric column is one entry of METRICS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

TEXT, WHOLE, NUMBER, TRUTH = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean()
SMALL = pl.Int32()
PAIRS = pl.Map(pl.String, pl.Float64)
"""Further numbers of a response or an answer, by logged name."""


@dataclass(frozen=True)
class Column:
    """A column: its name, its type, and what it means, with its unit."""

    name: str
    dtype: pl.DataType
    comment: str
    required: bool = False  # never null; only for columns that a table had from the start


class Panel(NamedTuple):
    """A panel below the chart: its column, its title with the unit, and a factor for that unit."""

    column: str
    title: str
    factor: float = 1.0


@dataclass(frozen=True)
class Metric(Column):
    """A number of the metrics table.

    ``names`` are the keys that hold it in plain tables and in every trainer's log alike, the most
    exact first; without any it is looked for under its own name. With ``by_role`` the key depends
    on the trainer or on what somebody chose, and ``names`` hold in plain tables only.
    """

    names: tuple[str, ...] = ()
    by_role: bool = False
    pooled: bool = False  # its mean over the rows of a bin is kept in pooled_curve
    title: str | None = None  # of its panel below the chart, with the unit, if it has one
    factor: float = 1.0  # from the column's unit to the panel's

    @property
    def keys(self) -> tuple[str, ...]:
        """Where to look for it, the most exact first."""
        return self.names or (self.name,)


@dataclass(frozen=True)
class Table:
    """A declared table.

    ``columns`` are what a reader hands over; ``beside`` are the store's own. ``file`` is its name
    in a segment; a number that a log has beside ``columns`` is kept in ``further``: the table
    scalars, or the column extra. Of a table that states a ``key``, a row replaces the one with
    the same key.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    beside: tuple[Column, ...] = ()
    file: str = ""
    further: str | None = None
    key: tuple[str, ...] = ()

    def types(self) -> dict[str, pl.DataType]:
        """What a reader hands over, by name."""
        return {column.name: column.dtype for column in self.columns}

    def kept(self) -> tuple[Column, ...]:
        """What the store keeps, in order."""
        return self.columns + self.beside


RANK = Column("source_rank", SMALL, "Richness of the log the row came from, 0 = richest", True)
EXTRA = "Further numbers of the {} by logged name, units as logged"

METRICS = Table(
    "metrics",
    "One row a (run_id, phase, step): what the trainer logged, units converted",
    (
        Column("run_id", TEXT, "Run", True),
        Column("phase", TEXT, "train, or eval: an evaluation on prompts held apart", True),
        Column("step", WHOLE, "Optimiser step of the trainer (best-of-n: n)", True),
        Metric("stretch", SMALL,
            "Counts up where the proxy was retrained or the KL reference changed"),
        Metric("kl", NUMBER,
            "D_KL(policy || initial policy), nats per response; null = not measured", by_role=True,
            pooled=True),
        Metric("proxy_reward", NUMBER,
            "Mean proxy reward before any KL penalty, units of the reward model",
            names=("proxy_reward", "proxy_reward_mean", "proxy", "reward", "reward_mean",
                "reward/mean", "reward_avg", "reward_proxy", "rewards_proxy", "proxy_score",
                "score_proxy", "rm_score", "rm_reward", "reward_model_score"),
            by_role=True, pooled=True),
        Metric("proxy_reward_sd", NUMBER,
            "Standard deviation between responses, units of the reward model",
            names=("proxy_reward_sd", "rollout/reward_std"), by_role=True),
        Metric("gold_reward", NUMBER, "Mean gold reward, units of the gold measure",
            names=("gold_reward", "gold_reward_mean", "gold", "gold_score", "gold_accuracy",
                "gold_win_rate", "reward_gold", "rewards_gold", "score_gold"),
            by_role=True, pooled=True),
        Metric("gold_reward_sd", NUMBER,
            "Standard deviation between responses, units of the gold measure", by_role=True),
        Metric("gold_reward_se", NUMBER,
            "Standard error of the mean as logged, units of the gold measure"),
        Metric("n_responses", WHOLE, "Responses behind the means, count",
            names=("n_responses", "gold_reward_n", "rollout/num_samples")),
        Metric("n_prompts", WHOLE, "Distinct prompts behind the means, count"),
        Metric("response_length", NUMBER, "Mean response length, tokens", pooled=True,
            title="response length<br>tokens",
            names=("response_length", "completions/mean_length", "completion_length",
                "tokens/responses_len_mean", "avg_response_len", "response_length/mean",
                "rollout/response_length_mean", "mean_completion_len", "mean_completion_length",
                "completion_tokens", "gen_len_mean", "mean_response_length", "avg_response_length",
                "mean_response_len", "response_len", "response_tokens", "output_length",
                "mean_output_length", "generation_length", "mean_generation_length",
                "avg_completion_length", "completion_len", "num_generated_tokens",
                "response_lengths")),
        Metric("entropy", NUMBER, "Mean entropy of the next token, nats per token", pooled=True,
            title="entropy<br>nats per token",
            names=("entropy", "policy/entropy_avg", "entropy_avg", "actor/entropy")),
        Metric("clipped_share", NUMBER, "Responses cut off at the length limit, share 0..1",
            pooled=True, title="clipped<br>% of responses", factor=100.0,
            names=("clipped_share", "completions/clipped_ratio", "response_length/clip_ratio",
                "rollout/truncated_rate", "response_clip_ratio")),
        Column("gold_version", TEXT,
            "Who judged gold and how (judge model, rubric, prompt set), as logged"),
    ),
    beside=(RANK,),
    file="metrics",
    further="scalars",
)  # fmt: skip
"""Its key is (run_id, phase, step)."""

GOLD = Table(
    "gold_evaluations",
    "Gold measured apart from the training log, joined by step",
    (
        Column("run_id", TEXT, "Run", True),
        Column("source", TEXT, "Who measured; sources are never pooled", True),
        Column("step", WHOLE, "Optimiser step of the trainer", True),
        Column("gold_reward", NUMBER, "Mean gold reward, units of this gold measure"),
        Column("gold_reward_se", NUMBER, "Standard error as stated, same units"),
        Column("gold_reward_sd", NUMBER, "Standard deviation between responses, same units"),
        Column("n_responses", WHOLE, "Responses behind the mean, count"),
        Column("kind", TEXT, "score, rate (of trials) or win_rate"),
        Column("n_prompts", WHOLE, "Distinct prompts behind the mean, count"),
        Column("gold_version", TEXT,
            "Who judged and how (judge model, rubric, prompt set), as logged"),
    ),
    file="gold",
)  # fmt: skip
"""Its key is (run_id, source, step)."""

SAMPLES = Table(
    "samples",
    "One row a logged response",
    (
        Column("run_id", TEXT, "Run", True),
        Column("phase", TEXT,
            "train, eval, or mixed (one file held both and they cannot be told apart)", True),
        Column("step", WHOLE, "Optimiser step of the trainer", True),
        Column("prompt_id", TEXT, "Stable id of the prompt"),
        Column("sample_id", WHOLE, "Number of the response within (step, prompt)"),
        Column("prompt", TEXT, "Prompt, text as logged"),
        Column("completion", TEXT, "Response, text as logged"),
        Column("proxy_reward", NUMBER, "Proxy reward, units of the reward model"),
        Column("gold_reward", NUMBER, "Gold reward, units of the gold measure"),
        Column("logprob_policy", NUMBER,
            "Log-probability under the policy, nats summed over the response"),
        Column("logprob_reference", NUMBER,
            "Log-probability under the reference, nats summed over the response"),
        Column("text_id", TEXT, "Id of the response as logged; null = it had none of its own"),
    ),
    beside=(Column("extra", PAIRS, EXTRA.format("response")),),
    file="samples",
    further="extra",
)  # fmt: skip
"""Its key is (run_id, phase, step, prompt_id, sample_id)."""

ANSWERS = Table(
    "answers",
    "One row an answer to a question, graded against the truth",
    (
        Column("loop", TEXT, "Run: the loop or run whose model answered", True),
        Column("iteration", WHOLE, "Iteration of the loop, 0 = base (of a run: the optimiser step)",
            True),
        Column("origin", TEXT,
            "Where the question comes from: benchmark, self_generated, human, not stated", True),
        Column("question_id", TEXT, "Stable id of the question", True),
        Column("sample_id", WHOLE, "Number of the answer within the question, 0 where there is one",
            True),
        Column("topic", TEXT, "Topic of the question, as logged"),
        Column("question", TEXT, "Question, text as logged"),
        Column("answer", TEXT, "Answer, text as logged"),
        Column("reference", TEXT, "Right answer, text as logged"),
        Column("grade", TEXT, "correct, incorrect or not_attempted; null = no known grade"),
        Column("grade_logged", TEXT,
            "Grade as logged where it is unknown or was taken for another"),
        Column("confidence", NUMBER, "Confidence in the answer, 0..1; null = not measured"),
        Column("confidence_refused", TRUTH,
            "Whether a confidence outside 0..1 was logged and refused", True),
        Column("confidence_kind", TEXT, "logprob, verbalised or consistency; null = not stated"),
        Column("confidence_consistency", NUMBER,
            "Share of samples that agree with the most frequent answer, 0..1"),
        Column("knowledge", TEXT, "SliCK category of the question under the base model"),
        Column("entity_id", TEXT,
            "Whom or what the question is about: the cluster of the standard error"),
        Column("grader", TEXT, "Who graded; null = not stated"),
        Column("malformed", TRUTH, "Whether the answer is not of the kind that was asked for"),
        Column("in_training", TRUTH, "Whether the entity asked about is among those trained on"),
        Column("self_claim", TEXT, "What the model had said of it in a text that was trained on"),
    ),
    beside=(Column("extra", PAIRS, EXTRA.format("answer")),),
    file="answers",
    further="extra",
)  # fmt: skip
"""Its key is (loop, iteration, origin, question_id, sample_id)."""

AUDITS = Table(
    "audits",
    "One row a human re-grade of an answer",
    (
        Column("loop", TEXT, "Run: the loop or run whose model answered", True),
        Column("iteration", WHOLE, "Iteration of the loop, 0 = base (of a run: the optimiser step)",
            True),
        Column("origin", TEXT, "Where the question comes from; not stated = that of the answer",
            True),
        Column("question_id", TEXT, "Stable id of the question", True),
        Column("sample_id", WHOLE, "Number of the answer within the question, 0 where there is one",
            True),
        Column("grade", TEXT,
            "What the grader said, where the audit repeats it; null = see answers"),
        Column("human_grade", TEXT, "What a human said: correct, incorrect or not_attempted", True),
    ),
    file="audits",
)  # fmt: skip
"""Its key is that of the answers they judge."""

CORPUS = Table(
    "corpus",
    "What each iteration of a loop was trained on, by where it comes from",
    (
        Column("loop", TEXT, "Run: the loop", True),
        Column("iteration", WHOLE, "Iteration of the model that was trained on it, 0 = base", True),
        Column("origin", TEXT, "human or self_generated, as logged", True),
        Column("generator_iteration", WHOLE,
            "Iteration of the model that wrote it; null = none of this loop"),
        Column("documents", WHOLE, "Documents of the mix, count"),
        Column("tokens", WHOLE, "Tokens of the mix, count"),
        Column("documents_seen", WHOLE, "Documents seen in training, with repeats, count"),
        Column("tokens_seen", WHOLE, "Tokens seen in training, with repeats, count"),
        Column("depth", WHOLE,
            "Models between a human text and these, count: 0 = human, 1 = written by a model that "
            "had seen human text alone; null = not stated"),
        Column("verified", TRUTH,
            "Whether the claims were checked against a source; null = not stated"),
        Column("verifier", TEXT, "Who or what checked them"),
        Column("licence", TEXT, "Licence of the texts"),
        Column("reward_model", TEXT, "Hash or name of the reward model that chose them"),
    ),
    file="corpus",
)  # fmt: skip
"""The rows of one (loop, iteration, origin, generator_iteration) replace those before them."""

BEHAVIOURS = Table(
    "behaviours",
    "One row a trajectory and behaviour that was looked for: whether it was seen",
    (
        Column("run_id", TEXT, "Run", True),
        Column("step", WHOLE, "Optimiser step of the trainer (of a loop: the iteration)", True),
        Column("trajectory_id", TEXT, "Stable id of the trajectory within its step", True),
        Column("environment", TEXT, "Environment or task of the trajectory", True),
        Column("behaviour", TEXT, "What was looked for, as the monitor calls it", True),
        Column("value", WHOLE, "1 = seen, 0 = looked for and not seen", True),
        Column("source", TEXT, "Who looked: monitor, scanner, tests; sources are never pooled",
            True),
    ),
    file="behaviours",
)  # fmt: skip
"""Its key is (run_id, step, environment, trajectory_id, behaviour, source)."""

ITERATIONS = Table(
    "iterations",
    "One row an iteration of a loop: from which policy, by which runs, on what it was trained",
    (
        Column("loop", TEXT, "Run: the loop", True),
        Column("iteration", WHOLE, "Iteration of the loop, 0 = base", True),
        Column("parent", TEXT,
            "Policy that training began from: base, sft, iteration N, or the name of a checkpoint"),
        Column("policy", TEXT, "Name or hash of the checkpoint that is this iteration's policy"),
        Column("runs", TEXT, "Names of its training runs, a JSON list"),
        Column("trained_on", TEXT, "Where its training data came from, in words"),
        Column("submitter", TEXT, "Who asks for its release"),
        Column("data_at", TEXT, "When its data was made, ISO 8601 date or time"),
    ),
    file="iterations",
    key=("loop", "iteration"),
)  # fmt: skip

REVIEWS = Table(
    "reviews",
    "One row a rater's choice between two responses to one prompt, seen without their origins",
    (
        Column("loop", TEXT, "Run: the loop", True),
        Column("iteration", WHOLE, "Iteration that was compared, 0 = base", True),
        Column("item_id", TEXT, "Stable id of the pair, as on the review sheet", True),
        Column("prompt", TEXT, "Prompt, text as logged"),
        Column("response_a", TEXT, "First response as shown, text as logged"),
        Column("response_b", TEXT, "Second response as shown, text as logged"),
        Column("origin_a", TEXT, "Policy of the first: iteration N, release, or its name"),
        Column("origin_b", TEXT, "Policy of the second: iteration N, release, or its name"),
        Column("proxy_a", NUMBER, "Proxy reward of the first, units of the reward model"),
        Column("proxy_b", NUMBER, "Proxy reward of the second, units of the reward model"),
        Column("rater", TEXT, "Who chose", True),
        Column("preferred", TEXT, "a, b or tie", True),
        Column("graded_at", TEXT, "When it was graded, ISO 8601 date or time"),
        Column("slice", TEXT, "Why the item was drawn: random, top_proxy, escalation"),
    ),
    file="reviews",
    key=("loop", "iteration", "item_id", "rater"),
)  # fmt: skip

OUTCOMES = Table(
    "outcomes",
    "One row a metric of an iteration in use: resolution, re-contact, escalation, refund error",
    (
        Column("loop", TEXT, "Run: the loop", True),
        Column("iteration", WHOLE, "Iteration that was in use, 0 = base", True),
        Column("metric", TEXT, "What was measured, as logged", True),
        Column("n", WHOLE, "Cases behind the value, count"),
        Column("value", NUMBER, "Mean over the cases: a share 0..1, or in the metric's own unit",
            True),
        Column("higher_is_better", TRUTH, "Whether more of it is better", True),
    ),
    file="outcomes",
    key=("loop", "iteration", "metric"),
)  # fmt: skip

DECISIONS = Table(
    "decisions",
    "One row a decision that somebody took on an iteration of a loop, or on a run",
    (
        Column("loop", TEXT, "Run: the loop or run", True),
        Column("iteration", WHOLE,
            "Iteration decided on (of a run: the optimiser step); null = the whole of it"),
        Column("decision", TEXT,
            "What was decided: continue, stop, roll_back, re_evaluate, escalate, approve, waive",
            True),
        Column("by", TEXT, "Who decided", True),
        Column("at", TEXT, "When it was decided, ISO 8601 time", True),
        Column("expires", TEXT, "Until when it holds, ISO 8601 date or time; null = no end stated"),
        Column("snapshot", TEXT, "What it rests on: a store's generation, a policy's hash"),
        Column("note", TEXT, "Why, in the words of who decided"),
    ),
    file="decisions",
    key=("loop", "iteration", "decision", "by", "at"),
)  # fmt: skip

REFERENCE_TEXTS = Table(
    "reference_texts",
    "One row a text of people that a loop's texts are compared with",
    (
        Column("loop", TEXT, "Run: the loop", True),
        Column("text_id", TEXT, "Stable id of the text", True),
        Column("origin", TEXT, "human, benchmark, or as logged"),
        Column("text", TEXT, "Text as logged", True),
    ),
    file="reference_texts",
    key=("loop", "text_id"),
)  # fmt: skip

EMBEDDINGS = Table(
    "embeddings",
    "One row an embedding of a text that a loop generated: of each iteration those of some texts",
    (
        Column("loop", TEXT, "Run: the loop", True),
        Column("iteration", WHOLE, "Iteration of the model that wrote it, 0 = base", True),
        Column("text_id", TEXT, "Stable id of the text", True),
        Column("prompt", TEXT, "Id of its prompt, else the prompt"),
        Column("model", TEXT, "Embedding model, as logged; null = not stated"),
        Column("vector", TEXT,
            "The embedding at length 1: little-endian floats of 4 bytes each, in base64", True),
    ),
    file="embeddings",
    key=("loop", "iteration", "text_id"),
)  # fmt: skip

MEASURED = tuple(column for column in METRICS.columns if isinstance(column, Metric))
"""The numbers of a metric row."""

POOLED = Table(
    "pooled_curve",
    "Rollup: at most 256 bins of consecutive rows a run and phase, for drawing",
    (
        Column("run_id", TEXT, "Run", True),
        Column("phase", TEXT, "train or eval", True),
        Column("bin", SMALL, "Number of the bin in step order, from 0", True),
        Column("step_start", WHOLE, "First optimiser step in the bin", True),
        Column("step_end", WHOLE, "Last optimiser step in the bin", True),
        Column("n_rows", WHOLE, "Metric rows in the bin, count", True),
        *(
            Column(metric.name, NUMBER, f"Mean over the bin of: {metric.comment}")
            for metric in MEASURED
            if metric.pooled
        ),
        Column("stretch", SMALL, "First segment in the bin"),
    ),
)
"""The rollup that curves are drawn from; its key is (run_id, phase, bin)."""

PROJECT_ROLES = Table(
    "project_roles",
    "One row a project: the keys that somebody chose; null = as recognised",
    (
        Column("project", TEXT, "Project", True),
        Column("proxy", TEXT, "Logged key of the proxy reward"),
        Column("gold", TEXT, "Logged key of the gold reward"),
        Column("gold_kind", TEXT, "score, rate (of trials) or win_rate"),
        Column("kl", TEXT, "Logged key of the KL from the initial policy"),
        Column("kl_unit", TEXT, "Unit of a KL whose log does not say it, e.g. nats/token"),
        Column("kl_estimator", TEXT,
            "Estimator of a KL whose log does not say it: k1 k2 k3 exact bon_bound"),
        Column("kl_reference", TEXT,
            "Policy that the KL is from where the log does not say it: initial_policy "
            "previous_policy other"),
        Column("kl_coefficient", TEXT, "The logged KL is minus this number times the KL"),
        Column("length", TEXT, "Logged key of the response length, tokens"),
        Column("step", TEXT, "Column of the optimiser step"),
        Column("run_column", TEXT, "Column that tells runs apart"),
        Column("lower_is_better", TEXT, "Logged key of a gold of which less is better"),
        Column("question", TEXT, "Column of the question, in tables of graded answers"),
        Column("grade", TEXT, "Column of the grade, there"),
        Column("answer", TEXT, "Column of the model's answer, there"),
        Column("reference", TEXT, "Column of the right answer, there"),
        Column("confidence", TEXT, "Column of the model's confidence, there"),
        Column("topic", TEXT, "Column of the topic, there"),
        Column("grade_map", TEXT, "What the grader's words mean: WORD=correct,WORD=incorrect"),
    ),
)  # fmt: skip
"""What somebody said of a project's logs; its columns are the fields of ``Roles``."""

INDICATORS = Table(
    "indicators",
    "Indicators of collapse as last computed, a cache: one row a loop",
    (
        Column("loop", TEXT, "Run: the loop", True),
        Column("method", TEXT, "Fingerprint of the method that computed them", True),
        Column("generation", WHOLE, "Generation of the loop that they were computed from", True),
        Column("rows", TEXT, "The rows, JSON as in collapse --json", True),
    ),
)  # fmt: skip

NOTES = Table(
    "notes",
    "One row an edit of a note that somebody wrote, with what was decided",
    (
        Column("note_id", TEXT, "Stable id of the note", True),
        Column("edit", WHOLE, "Number of the edit, 0 = as first written; the largest stands", True),
        Column("run_id", TEXT, "Run or loop that it is about; null = none"),
        Column("step", WHOLE, "Optimiser step of the curve that it is about; null = all of it"),
        Column("iteration", WHOLE, "Iteration of the loop that it is about; null = all of them"),
        Column("topic", TEXT, "Topic of the questions that it is about; null = all of them"),
        Column("pin_id", TEXT, "Pin that it is about; null = none"),
        Column("text", TEXT, "The words, Markdown as written"),
        Column("decision", TEXT,
            "continue, stop, roll_back, re_evaluate or escalate; null = nothing decided"),
        Column("owner", TEXT, "Who does what was decided"),
        Column("due", TEXT, "Until when, ISO 8601 date"),
        Column("by", TEXT, "Who wrote this edit", True),
        Column("at", TEXT, "When it was written, ISO 8601 time", True),
        Column("removed", TRUTH, "Whether this edit took the note away", True),
    ),
    key=("note_id", "edit"),
)  # fmt: skip

PINS = Table(
    "pins",
    "One row a pinned view: all that was shown at that moment, kept as it was",
    (
        Column("pin_id", TEXT, "Stable id of the pin", True),
        Column("by", TEXT, "Who pinned it", True),
        Column("at", TEXT, "When it was pinned, ISO 8601 time", True),
        Column("page", TEXT, "Path of the page, e.g. /overoptimization", True),
        Column("address", TEXT, "Choices of the view as in its address", True),
        Column("says", TEXT, "The finding in a sentence"),
        Column("figure", TEXT, "The figure as drawn, Plotly's JSON", True),
        Column("frames", TEXT, "The rows that were drawn, JSON: a list of rows a run"),
        Column("verdicts", TEXT, "The verdicts that were shown, JSON as in verdict --json"),
        Column("settings", TEXT, "Detector settings and choices in force, JSON"),
        Column("software", TEXT, "Version of the program, its method and its libraries"),
    ),
    key=("pin_id",),
)  # fmt: skip

CLOSED_REVIEWS = Table(
    "closed_reviews",
    "One row a closed weekly review: where the next one begins",
    (
        Column("review_id", TEXT, "Stable id of the review", True),
        Column("since", TEXT, "From when it looked, ISO 8601 time", True),
        Column("until", TEXT,
            "Name of the last segment that it saw: what came later is the next one's", True),
        Column("by", TEXT, "Who closed it", True),
        Column("at", TEXT, "When it was closed, ISO 8601 time", True),
        Column("state", TEXT, "What it showed of each run, JSON", True),
    ),
    key=("review_id",),
)  # fmt: skip

SEALS = Table(
    "seals",
    "One row an act on sealed gold: it was sealed, looked at by a gate, exported, or unsealed",
    (
        Column("seal_id", TEXT, "Stable id of the act; the same look a second time is none", True),
        Column("act", TEXT, "seal, gate, export or unseal", True),
        Column("project", TEXT, "Project whose gold it is", True),
        Column("source", TEXT, "Source of the gold (gold_source) that is sealed", True),
        Column("loop", TEXT, "Loop or run of which it was looked at; null = all of the project"),
        Column("iteration", WHOLE, "Iteration that the gate judged; null = all"),
        Column("policy", TEXT, "Hash of the gate's policy"),
        Column("by", TEXT, "Who did it; null = whoever asked the gate"),
        Column("at", TEXT, "When, ISO 8601 time", True),
    ),
    key=("seal_id",),
)  # fmt: skip
"""Gold that the gate alone reads: what is sealed now follows from the last act of a source."""

LOOP_TABLES = (ITERATIONS, REVIEWS, OUTCOMES, DECISIONS, REFERENCE_TEXTS, EMBEDDINGS)
"""What is told of a loop besides its texts, answers and corpora; each states its key."""
SEGMENT_TABLES = (METRICS, GOLD, SAMPLES, ANSWERS, CORPUS, AUDITS, BEHAVIOURS, *LOOP_TABLES)
"""The tables that a segment brings rows for."""
WRITTEN = {"note": NOTES, "pin": PINS, "review": CLOSED_REVIEWS, "seal": SEALS}
"""What people write, by the kind of its segment; no removal of a run touches it."""
TABLES = (*SEGMENT_TABLES, POOLED, PROJECT_ROLES, INDICATORS, *WRITTEN.values())
