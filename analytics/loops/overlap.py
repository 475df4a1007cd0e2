"""Evaluation questions that stand in the training texts: what invalidates a gate's evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.collapse.tokens import Tokens, tokens
from analytics.wording import count

WORDS = 8
"""Words in a row that question and training text share where they overlap."""
NEAR = 0.8
"""Share of a question's runs of words, found in one training text, from which it is near."""


@dataclass(frozen=True)
class Overlap:
    """Of one iteration's training texts: questions asked, those found whole, those found nearly."""

    iteration: int
    texts: int
    questions: int
    exact: list[str]
    near: list[str]


def overlaps(training: pl.DataFrame, asked: pl.DataFrame) -> list[Overlap]:
    """Which evaluation questions stand in the texts that each iteration was trained on.

    Exact: all of a question's words in a row stand in the prompt and text, as one. Near: at least
    NEAR of its runs of WORDS words (of all its words, where it has fewer) stand in the training
    texts of the iteration.

    Args:
        training: iteration, prompt, text.
        asked: question_id, question.
    """
    found = []
    questions = tokens(asked["question"])
    ids = asked["question_id"].to_list()
    lengths = questions.lengths
    whole = {n: _runs_by_text(questions, n) for n in {int(n) for n in lengths if n}}
    short = np.minimum(lengths, WORDS)
    for (iteration,), part in training.group_by("iteration", maintain_order=True):
        joined = pl.select(
            pl.concat_str(part["prompt"].fill_null(""), part["text"], separator=" ")
        ).to_series()
        held = tokens(joined)
        seen = {n: np.unique(held.ngrams(n)[0]) for n in {*whole, *(int(n) for n in short if n)}}
        exact, near = [], []
        for place, name in enumerate(ids):
            n, some = int(lengths[place]), int(short[place])
            if not n:
                continue
            if _found(whole[n][place], seen[n]).any():
                exact.append(str(name))
                continue
            runs = _runs(questions, place, some)
            if some >= WORDS and _found(runs, seen[some]).mean() >= NEAR:
                near.append(str(name))
        found.append(Overlap(int(str(iteration)), part.height, len(ids), exact, near))
    return found


def table(loop: str, found: Sequence[Overlap]) -> pl.DataFrame:
    """One row an iteration: texts, questions, how many of these stand in the texts."""
    rows = [
        (loop, one.iteration, one.texts, one.questions, len(one.exact), len(one.near))
        for one in found
    ]
    columns = ["loop", "iteration", "texts", "questions", "found whole", "found nearly"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def sentence(told: pl.DataFrame) -> str:
    """What is to be said of one loop's table."""
    if told.is_empty() or not told["questions"].sum():
        return "cannot tell; the store has no kept texts or no questions of it."
    many = count(int(told["questions"][0]), "question")
    hit = told.filter((pl.col("found whole") > 0) | (pl.col("found nearly") > 0))
    if hit.is_empty():
        where = count(told.height, "iteration")
        return f"none of {many} stands in the training texts of {where}."
    whole, nearly = (hit[name].to_list() for name in ("found whole", "found nearly"))
    return (
        f"of {many}, up to {max(whole)} stand whole and {max(nearly)} nearly in the training texts "
        "of an iteration: what they measure is no evidence."
    )


def _found(codes: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which codes are among ordered ones, of which there are many more."""
    if not len(ordered):
        return np.zeros(len(codes), dtype=bool)
    place = np.searchsorted(ordered, codes).clip(max=len(ordered) - 1)
    return ordered[place] == codes


def _runs_by_text(held: Tokens, n: int) -> dict[int, np.ndarray]:
    codes, owner = held.ngrams(n)
    order = np.argsort(owner, kind="stable")
    places, starts = np.unique(owner[order], return_index=True)
    split = np.split(codes[order], starts[1:])
    return dict(zip(places.tolist(), split, strict=True))


def _runs(held: Tokens, place: int, n: int) -> np.ndarray:
    start = int(held.lengths[:place].sum())
    one = Tokens(
        held.codes[start : start + int(held.lengths[place])], held.lengths[place : place + 1]
    )
    return one.ngrams(n)[0]
