"""What people said and wrote: a project's roles, notes, pins, reviews, seals; and a cache."""

from __future__ import annotations

from data.declared.kinds import TEXT, TRUTH, WHOLE, Column, Table

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

WRITTEN = {"note": NOTES, "pin": PINS, "review": CLOSED_REVIEWS, "seal": SEALS}
"""What people write, by the kind of its segment; no removal of a run touches it."""
