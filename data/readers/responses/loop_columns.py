"""Columns of a loop's table in other words for ``kept``, and those that nothing was read from."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

import polars as pl

from data.declared import MEASURED
from data.readers.layouts.cells import EMPTY, TRUTHS
from data.readers.names.mapping import STEP, Column, folded
from data.readers.raw.texts import several

KEPT = "kept"
"""Whether a response of a loop was kept for training."""
SAME = (
    "kept", "is_kept", "keep", "selected", "is_selected", "chosen", "is_chosen", "accepted",
    "is_accepted", "retained", "is_retained", "used", "is_used", "used_for_training",
    "in_next_training", "picked",
)  # fmt: skip
"""Other words for it."""
OPPOSITE = ("rejected", "is_rejected", "discarded", "is_discarded", "dropped", "filtered_out")
"""Words whose yes is its no."""
WORDS = {
    "generations": (
        "iteration", "text_id", "prompt", "text", "proxy_reward", "gold_reward", "kept",
        "logprob_policy", "logprob_base", "n_tokens",
    ),
    "answers": (
        "iteration", "origin", "question_id", "topic", "question", "answer", "reference", "grade",
        "confidence", "confidence_kind", "knowledge", "entity_id", "grader", "human_grade",
    ),
    "metrics": (
        "iteration", *(column.name for column in MEASURED), "kl_se", "heldout_nll",
        "heldout_nll_se",
    ),
}  # fmt: skip
"""The words of tables that hold more than a loop's."""
SAID_AS = {"completion": "text", "logprob_reference": "logprob_base", "step": "iteration"}
"""Our columns of responses in the words of a loop."""
CLOSE = 0.85
"""How alike a heading and the word that is meant are, as difflib counts it."""


def named(columns: Collection[str]) -> bool:
    """Whether a heading names a loop."""
    return "loop" in {folded(name) for name in columns}


def with_kept(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """A loop's texts with their column ``kept``, whatever it is called, and what is said of it.

    Only a column of yes and no is taken.
    """
    left = {folded(name): name for name in reversed(frame.columns)}
    if KEPT in frame.columns:
        return frame, []
    for words, turned in ((SAME, False), (OPPOSITE, True)):
        for word in words:
            key = left.get(folded(word))
            truths = None if key is None else _truths(frame.get_column(key))
            if key is None or truths is None:
                continue
            frame = frame.with_columns((~truths if turned else truths).alias(key)).rename(
                {key: KEPT}
            )
            how = f"the opposite of {KEPT}" if turned else KEPT
            return frame, [] if folded(key) == KEPT else [f"column {key} is read as {how}"]
    return frame, []


def _truths(column: pl.Series) -> pl.Series | None:
    """A column of yes and no as truths; None where it holds anything else, or nothing."""
    if column.dtype == pl.Boolean:
        return column
    if not (column.dtype.is_numeric() or column.dtype == pl.String):
        return None
    texts = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    stated = texts.filter(~texts.is_in(EMPTY)).drop_nulls()
    if not stated.len() or not stated.is_in(list(TRUTHS)).all():
        return None
    return texts.replace_strict(TRUTHS, default=None, return_dtype=pl.Boolean)


def unread(
    columns: Collection[str],
    read: Collection[str],
    words: Collection[str],
    numbers: Collection[str] = (),
) -> list[str]:
    """What is said of the columns of a table that nothing is read from.

    Args:
        columns: the headings.
        read: those that were read under a word of ours.
        words: our words that the table lacks.
        numbers: headings that are kept as further numbers: one is told where it nearly is a word.
    """
    left = [name for name in columns if name not in read and name not in numbers]
    notes = []
    if left:
        several_ = "columns" if len(left) > 1 else "column"
        notes.append(f"nothing is read from {several_} {several([name[:80] for name in left])}")
    for name in (*left, *numbers):
        if word := meant(name, words):
            notes.append(f"column {name[:80]} is not read as {word}: if it is that, call it {word}")
    return notes


def lacking(kind: str, found: Collection[str]) -> list[str]:
    """The words of a kind of table that are not among our columns that were found."""
    there = {SAID_AS.get(name, name) for name in found}
    return [word for word in WORDS[kind] if word not in there]


def near_metrics(frame: pl.DataFrame) -> list[str]:
    """What is said of columns of a loop's metrics that nearly are what the loop is judged by."""
    keys = frame.columns
    columns = (STEP, *(Column(column.name, column.keys) for column in MEASURED))
    known = {column.name: key for column in columns if (key := column.find(keys))}
    words = lacking("metrics", [*known, *keys])
    own = {*known.values(), *WORDS["metrics"]}
    return unread([], (), words, [key for key in keys if key not in own])


def meant(name: str, words: Collection[str]) -> str | None:
    """The word that a heading nearly is, or stands for; None where it is far from all.

    >>> meant("gold_rewrd", ["gold_reward", "text"]), meant("selected", ["kept"])
    ('gold_reward', 'kept')
    """
    by_fold = {folded(word): word for word in words}
    if KEPT in words:
        by_fold |= {folded(word): KEPT for word in SAME}
    close = get_close_matches(folded(name), by_fold, 1, CLOSE)
    return by_fold[close[0]] if close else None
