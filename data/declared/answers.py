"""The tables of graded answers: their re-grades by people, and what was trained on."""

from __future__ import annotations

from data.declared.kinds import EXTRA, NUMBER, PAIRS, TEXT, TRUTH, WHOLE, Column, Table

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
