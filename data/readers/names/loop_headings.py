"""Headings and words of a loop's tables as people write them, in the words of the declared ones.

A table is known by its own columns, in any case and punctuation (``Item ID``, ``higherIsBetter``).
Only where the rest of it is there too, or a ``loop.toml`` says what a table is, other names of its
columns are taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import polars as pl

from data.declared import Table
from data.readers.names.mapping import folded

NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "reviews": {
        "item_id": ("item", "pair_id", "pair", "example_id", "comparison_id", "id"),
        "prompt": ("question", "query", "ticket"),
        "response_a": ("answer_a", "completion_a", "output_a", "text_a", "reply_a"),
        "response_b": ("answer_b", "completion_b", "output_b", "text_b", "reply_b"),
        "origin_a": ("model_a", "policy_a", "source_a", "iteration_a", "checkpoint_a"),
        "origin_b": ("model_b", "policy_b", "source_b", "iteration_b", "checkpoint_b"),
        "proxy_a": ("proxy_reward_a", "reward_a", "score_a"),
        "proxy_b": ("proxy_reward_b", "reward_b", "score_b"),
        "rater": ("reviewer", "annotator", "labeler", "labeller", "grader", "evaluator", "judge"),
        "preferred": ("preference", "winner", "choice", "better", "vote"),
        "graded_at": ("reviewed_at", "rated_at", "judged_at", "timestamp", "date", "time", "when"),
        "slice": ("stratum", "drawn_as", "drawn_for"),
    },
    "outcomes": {
        "metric": ("outcome", "kpi", "measure", "indicator", "name"),
        "n": ("cases", "count", "n_cases", "sample_size", "total", "conversations", "tickets"),
        "value": ("rate", "share", "mean", "result"),
        "higher_is_better": ("higher_better", "better_is_higher", "more_is_better", "direction",
                             "better", "lower_is_better", "lower_better"),
    },
    "decisions": {
        "decision": ("decided", "action", "verdict"),
        "by": ("decided_by", "approved_by", "approver", "who", "person", "name"),
        "at": ("decided_at", "approved_at", "date", "when", "time", "timestamp", "decided_on"),
        "expires": ("expires_at", "expiry", "until", "valid_until", "holds_until", "expires_on"),
        "note": ("why", "reason", "comment", "comments", "notes"),
    },
    "iterations": {
        "parent": ("started_from", "trained_from", "init_from", "from"),
        "policy": ("checkpoint", "model"),
        "submitter": ("submitted_by", "asked_by"),
        "data_at": ("data_date", "data_made_at"),
    },
    "corpus": {
        "origin": ("source", "provenance"),
        "generator_iteration": ("generator", "written_by", "generated_by", "source_iteration"),
        "documents": ("docs", "n_documents", "examples", "n_examples"),
        "tokens": ("n_tokens", "token_count"),
        "licence": ("license",),
        "reward_model": ("reward_model_hash", "rm_hash", "rm"),
    },
    "reference_texts": {
        "text": ("response", "completion", "reply", "answer", "content"),
        "text_id": ("id",),
        "origin": ("source",),
    },
}  # fmt: skip
"""Declared column -> other names for it, the likeliest first."""
ITERATION = ("iteration", "step", "iter", "generation", "gen", "round")
SURE = {
    "reviews": ("preferred",),
    "outcomes": ("higher_is_better",),
    "decisions": ("decision",),
    "corpus": ("generator_iteration",),
}
"""Columns by which a table is known where its other marks have other names."""
LOWER = frozenset({"lowerisbetter", "lowerbetter"})
"""Headings whose yes is the declared column's no."""

CHOICES = {
    "a": ("a", "responsea", "modela", "answera", "left", "first", "aisbetter", "abetter", "awins"),
    "b": ("b", "responseb", "modelb", "answerb", "right", "second", "bisbetter", "bbetter",
          "bwins"),
    "tie": ("tie", "ties", "tied", "draw", "equal", "same", "tiebothbad",
            "bothbad", "bothgood", "nopreference", "aboutthesame"),
}  # fmt: skip
DECIDED = {
    "continue": ("continue", "continued", "go", "goon", "goahead", "release", "released", "ship",
                 "shipped", "proceed"),
    "approve": ("approve", "approved", "accept", "accepted"),
    "stop": ("stop", "stopped", "halt", "halted", "nogo", "reject", "rejected", "block", "blocked"),
    "roll_back": ("rollback", "rolledback", "revert", "reverted"),
    "re_evaluate": ("reevaluate", "evaluateagain", "remeasure", "measureagain"),
    "escalate": ("escalate", "escalated"),
    "waive": ("waive", "waived"),
}  # fmt: skip
BETTER = {
    "higher": "true", "high": "true", "up": "true", "more": "true", "increase": "true",
    "maximize": "true", "maximise": "true", "max": "true", "lower": "false", "low": "false",
    "down": "false", "less": "false", "decrease": "false", "minimize": "false",
    "minimise": "false", "min": "false",
}  # fmt: skip


def named(columns: Collection[str], table: Table, others: bool = True) -> dict[str, str]:
    """Headings of a table to the declared columns that they stand for, where they differ.

    Args:
        others: also by other names, not by their own ones in other spelling alone.

    >>> from data.declared import REVIEWS
    >>> named(["Item", "Reviewer", "iteration", "Winner"], REVIEWS)
    {'Item': 'item_id', 'Reviewer': 'rater', 'Winner': 'preferred'}
    """
    left = {folded(key): key for key in reversed(list(columns)) if folded(key)}
    found: dict[str, str] = {}
    known = NAMES[table.name] | {"iteration": ITERATION}
    wanted = [column.name for column in table.columns]
    for own in (True, False) if others else (True,):  # what has its own name is nothing else
        for column in wanted:
            for name in (column,) if own else known.get(column, ()):
                if column not in found.values() and (key := left.pop(folded(name), None)):
                    found[key] = column
    return {key: column for key, column in found.items() if key != column}


def kind(columns: Collection[str], marks: Sequence[tuple[Table, frozenset[str]]]) -> Table | None:
    """The table whose marks these headings hold, in any spelling.

    Where a column that no other table has is there (``SURE``), and an iteration, the other marks
    may have other names.
    """
    for table, wanted in marks:
        own = {*columns, *named(columns, table, others=False).values()}
        if wanted <= own:
            return table
        sure = SURE.get(table.name)
        if sure and {*sure, "iteration"} <= own and wanted <= {
            *columns, *named(columns, table).values()
        }:  # fmt: skip
            return table
    return None


def in_our_words(frame: pl.DataFrame, table: Table) -> tuple[pl.DataFrame, list[str]]:
    """A table with the declared columns and their words, and what is to be said of headings."""
    names = named(frame.columns, table)
    notes = [
        f"column {key} is read as {column}" for key, column in names.items()
        if folded(key) != folded(column)
    ]  # fmt: skip
    heading = {column: key for key, column in names.items()}.get("higher_is_better", "")
    frame = frame.rename(names)
    for column, words in _WORDS.get(table.name, {}).items():
        if column in frame.columns and frame[column].dtype == pl.String:
            frame = frame.with_columns(_translated(frame[column], words))
    if folded(heading) in LOWER:
        turned = frame["higher_is_better"].cast(pl.String).str.strip_chars().str.to_lowercase()
        frame = frame.with_columns(turned.replace(_TURNED))
    return frame, notes


def _word(words: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {name: word for word, names in words.items() for name in names}


_WORDS = {
    "reviews": {"preferred": _word(CHOICES)},
    "decisions": {"decision": _word(DECIDED)},
    "outcomes": {"higher_is_better": BETTER},
}
"""Table -> column -> cells in other words to ours."""
_TURNED = {"true": "false", "yes": "no", "1": "0", "false": "true", "no": "yes", "0": "1"}


def _translated(texts: pl.Series, words: Mapping[str, str]) -> pl.Series:
    ours = [text if text is None else words.get(folded(text), text) for text in texts]
    return pl.Series(texts.name, ours, dtype=pl.String)
