"""A column ``gold`` of reference answers (18, 3, 70000) is not gold reward."""

from __future__ import annotations

import polars as pl

from data.readers.layouts.cells import EMPTY, Cells
from data.readers.names.answer_like import scattered
from data.readers.names.mapping import SAMPLE_TEXTS, folded
from data.readers.raw import number_texts

ANSWERED = frozenset({
    "pred", "prediction", "predicted", "answer", "model_answer", "response", "output", "extracted",
})  # fmt: skip
"""Columns of an answer: beside one of these whole numbers under ``gold`` are the right ones."""


_NUMBER = r"\d+[.,]\d+([eE][-+]?\d+)?\s*%?$|\d\s*%$"
FIRST = 100
"""Cells that show whether a column holds numbers."""
JUDGED = 1000
"""Cells of which the spread is judged."""


def answers_in(cells: Cells, key: str) -> str:
    """What is said of a column of reference answers under one of gold's names; else empty."""
    if _holds_answers(cells, key):
        return f"column {key} holds reference answers, not gold reward"
    frame = cells.table.frame
    if _one_a_prompt(frame, key):
        return (
            f"column {key} holds reference answers, not gold reward: whole numbers, each prompt's "
            f"the same for all its responses; if it is gold, say --gold {key}"
        )
    numbers = frame.get_column(key).head(JUDGED).cast(pl.Float64, strict=False)
    if not scattered(numbers):
        return ""
    known = numbers.drop_nulls()
    low, high = sorted(known.to_list())[:: known.len() - 1]
    return (
        f"column {key} holds reference answers, not gold reward, by its numbers: whole ones from "
        f"{low:,.0f} to {high:,.0f}, {known.n_unique()} different in "
        f"the {known.len()} first rows and in no order; if it is gold, say --gold {key}"
    )


def _one_a_prompt(frame: pl.DataFrame, key: str) -> bool:
    """Whether whole numbers beyond a scale of grades are the same in all rows of each prompt."""
    prompt = next((found for c in SAMPLE_TEXTS if c.name in ("prompt", "prompt_id")
                   and (found := c.find(frame.columns))), None)  # fmt: skip
    if prompt is None or folded(key) not in ("gold", "goldanswer"):
        return False
    numbers = frame.get_column(key).cast(pl.Float64, strict=False)
    most = numbers.abs().max()
    if not isinstance(most, float) or most <= 10 or (numbers != numbers.floor()).any():
        return False
    prompts = frame.get_column(prompt)
    if prompts.n_unique() * 2 > frame.height or numbers.n_unique() < 3:
        return False
    return pl.DataFrame({"p": prompts, "n": numbers}).n_unique() == prompts.n_unique()


def _holds_answers(cells: Cells, key: str) -> bool:
    """Whether a column under one of gold's names holds answers: text, or whole numbers as text
    where other columns are numbers, or whole numbers beside an answer.
    """
    frame = cells.table.frame
    column = frame.get_column(key)
    if column.dtype != pl.String:
        if not column.dtype.is_integer() or column.n_unique() <= 2 or folded(key) != "gold":
            return False  # a judge's grades are whole numbers too: gold_reward, gold_score
        return bool(ANSWERED & {name.lower() for name in frame.columns})
    first = column.filter(column != "").head(FIRST).cast(pl.Float64, strict=False)
    if first.null_count() * 4 < first.len() and (first != first.floor()).any():
        return False  # numbers, some of them no whole ones, as gold most often is
    filled = column.str.strip_chars()
    filled = filled.filter(filled.is_not_null() & ~filled.str.to_lowercase().is_in(EMPTY))
    if not filled.len():
        return False
    numbers = filled.cast(pl.Float64, strict=False)
    words = filled.filter(numbers.is_null() & number_texts.with_errors(filled).is_null())
    if words.len() * 2 > filled.len():
        return words.n_unique() > 2 and not words.str.contains(_NUMBER).all()
    if folded(key) != "gold":
        return False
    whole = bool(filled.str.contains(r"^-?\d+$").all()) and filled.n_unique() > 2
    typed = any(dtype.is_numeric() for dtype in frame.dtypes)
    return whole and (typed or bool(ANSWERED & {name.lower() for name in frame.columns}))
