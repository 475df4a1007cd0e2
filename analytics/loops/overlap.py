"""Evaluation questions that stand in the training texts: what invalidates a gate's evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.collapse.tokens import tokens
from analytics.loops.ancestry import seen
from analytics.wording import count

WORDS = 8
"""Words in a row that question and training text share where they overlap."""
NEAR = 0.8
"""Share of a question's runs of words, found in the training texts, from which it is near."""


@dataclass(frozen=True)
class Overlap:
    """Of one iteration's training texts: questions asked, those found whole, those found nearly."""

    iteration: int
    texts: int
    questions: int
    exact: list[str]
    near: list[str]


def overlaps(training: pl.DataFrame, asked: pl.DataFrame) -> list[Overlap]:
    """Which evaluation questions stand in the texts of each iteration.

    Exact: all of a question's words in a row stand in the prompt and text, as one. Near: at least
    NEAR of its runs of WORDS words (of all its words, where it has fewer) stand in the texts of the
    iteration.

    Args:
        training: iteration, prompt, text.
        asked: question_id, question.
    """
    questions = tokens(asked["question"])
    ids, lengths = asked["question_id"].cast(pl.String).to_list(), questions.lengths
    sizes = {int(n) for n in lengths if n}
    runs = {n: questions.ngrams(n) for n in sizes | {WORDS}}
    found = []
    for (iteration,), part in training.group_by("iteration", maintain_order=True):
        texts = tokens(pl.select(
            pl.concat_str(part["prompt"].fill_null(""), part["text"], separator=" ")
        ).to_series())  # fmt: skip
        shares = {
            n: _shares(*of, len(ids), np.unique(texts.ngrams(n)[0])) for n, of in runs.items()
        }
        exact = np.zeros(len(ids), dtype=bool)
        for n in sizes:
            exact |= (lengths == n) & (shares[n] > 0)
        near = (shares[WORDS] >= NEAR) & ~exact
        found.append(Overlap(
            int(str(iteration)), part.height, len(ids),
            *([ids[at] for at in np.flatnonzero(which)] for which in (exact, near)),
        ))  # fmt: skip
    return found


def along(
    written: Sequence[Overlap], ancestry: Mapping[int, Collection[int]], questions: int
) -> list[Overlap]:
    """By iteration what stands in the texts that it, or a policy it came from, was trained on.

    Args:
        written: by the iteration that wrote the texts, those kept for training.
        questions: how many were asked.
    """
    by_writer = {one.iteration: one for one in written}
    found = []
    for at, one in sorted(ancestry.items()):
        parts = [by_writer[writer] for writer in sorted(one) if writer in by_writer]
        if parts:
            exact = sorted({name for part in parts for name in part.exact})
            near = sorted({name for part in parts for name in part.near} - set(exact))
            texts = sum(part.texts for part in parts)
            found.append(Overlap(at, texts, questions, exact, near))
    return found


def of_loop(
    training: pl.DataFrame, asked: pl.DataFrame, iterations: pl.DataFrame, corpus: pl.DataFrame
) -> list[Overlap]:
    """The same from a store's questions of one loop.

    Args:
        training: iteration (the one after that which wrote it), prompt, text.
        iterations, corpus: as in ``ancestry.seen``.
    """
    written = training.with_columns(pl.col("iteration") - 1)
    known = {*training["iteration"], *written["iteration"], *corpus["iteration"]}
    return along(overlaps(written, asked), seen(iterations, corpus, known), asked.height)


def table(loop: str, found: Sequence[Overlap]) -> pl.DataFrame:
    """One row an iteration: texts, questions, how many of these stand in the texts."""
    rows = [
        (loop, one.iteration, one.texts, one.questions, len(one.exact), len(one.near))
        for one in found
    ]
    columns = ["loop", "iteration", "texts", "questions", "found whole", "found nearly"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def sentence(overlap: pl.DataFrame) -> str:
    """What is to be said of one loop's table."""
    if overlap.is_empty() or not overlap["questions"].sum():
        return "cannot tell; the store has no kept texts or no questions of it."
    many = count(int(overlap["questions"][0]), "question")
    hit = overlap.filter((pl.col("found whole") > 0) | (pl.col("found nearly") > 0))
    if hit.is_empty():
        where = count(overlap.height, "iteration")
        return f"none of {many} stands in the texts that {where} had seen."
    whole, nearly = (hit[name].to_list() for name in ("found whole", "found nearly"))
    return (
        f"of {many}, up to {max(whole)} stand whole and {max(nearly)} nearly in the text that an "
        "iteration, or one it came from, was trained on: what they measure is no evidence."
    )


def _found(codes: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Which codes are among ordered ones, of which there are many more."""
    if not len(ordered):
        return np.zeros(len(codes), dtype=bool)
    place = np.searchsorted(ordered, codes).clip(max=len(ordered) - 1)
    return np.asarray(ordered[place] == codes)


def _shares(codes: np.ndarray, owner: np.ndarray, texts: int, ordered: np.ndarray) -> np.ndarray:
    """The share of each text's codes that are among ordered ones, (texts,); 0 where it has none."""
    found = np.bincount(owner, weights=_found(codes, ordered), minlength=texts)
    return np.asarray(found / np.maximum(np.bincount(owner, minlength=texts), 1))
