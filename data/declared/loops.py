"""The tables of loops beside texts, answers and corpora; each states its key."""

from __future__ import annotations

from data.declared.kinds import NUMBER, TEXT, TRUTH, WHOLE, Column, Table

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

LOOP_TABLES = (ITERATIONS, REVIEWS, OUTCOMES, DECISIONS, REFERENCE_TEXTS, EMBEDDINGS)
"""What is told of a loop besides its texts, answers and corpora; each states its key."""
