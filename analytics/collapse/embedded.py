"""The Vendi score of embeddings that a loop's texts came with: one model's, the same texts each."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import numpy as np
import polars as pl

from analytics.collapse.halves import FEWEST, Measured, Numbers, halves
from analytics.collapse.likeness import embedding_kernel, vendi_of
from analytics.collapse.tokens import SEED, code_of

ALIKE = 300
"""Embeddings of each iteration that are compared each with each."""
ORDERS = (1, 2)


def measured(rows: pl.DataFrame) -> tuple[dict[tuple[int, str], Measured], str]:
    """The score by iteration and order, and of which kernel it is, in words.

    Iterations whose embeddings are of another model or length than the first one's are left out.
    All are measured on as many texts: those of the iteration with the fewest, where it has
    ``FEWEST`` or more.

    Args:
        rows: columns iteration, text_id, prompt, model, vector, of one loop.
    """
    if rows.is_empty():
        return {}, ""
    by_iteration = _by_iteration(rows)
    first = by_iteration[min(by_iteration)]
    same = {at: one for at, one in by_iteration.items() if one[:2] == first[:2]}
    of = f"embeddings of {first[0] or 'a model that is not stated'}, {first[1]} numbers each"
    if others := sorted(set(by_iteration) - set(same)):
        places = ", ".join(map(str, others))
        of += f"; those of iteration {places} are of another model or length, and left out"
    large = {at: one for at, one in same.items() if len(one[3]) >= FEWEST}
    many = min((len(one[3]) for one in large.values()), default=0)
    found: dict[tuple[int, str], Measured] = {}
    for at, (_, _, prompts, vectors) in large.items():
        kernel = embedding_kernel(vectors[: min(many, ALIKE)])
        inside = halves(_clusters(prompts))[: len(kernel)]
        for q in ORDERS:
            found[at, f"vendi_embedded_{q}"] = vendi_of(kernel, float(q), inside)
    return found, of


def _clusters(prompts: pl.Series) -> np.ndarray:
    """A code for the prompt of each text; without prompts each text is a document of its own."""
    alone = prompts.n_unique() < 2
    return code_of(pl.Series(range(prompts.len())) if alone else prompts)


def _by_iteration(rows: pl.DataFrame) -> Mapping[int, tuple[str | None, int, pl.Series, Numbers]]:
    """By iteration: model, length, and of texts in a fixed order the prompts and the vectors."""
    by_iteration = {}
    for (at,), frame in rows.group_by("iteration"):
        frame = frame.sort("text_id").with_columns(pl.col("prompt").fill_null(""))
        number = pl.int_range(pl.len()).over("prompt")
        frame = frame.sort(number, pl.col("prompt").hash(SEED), maintain_order=True)
        packed = [base64.b64decode(text) for text in frame["vector"]]
        width = max(set(map(len, packed)), key=[len(one) for one in packed].count)
        good = [len(one) == width for one in packed]
        vectors = np.frombuffer(b"".join(p for p in packed if len(p) == width), dtype="<f4")
        models = frame["model"].drop_nulls().unique().sort().to_list()
        by_iteration[int(str(at))] = (
            " and ".join(models) or None, width // 4, frame["prompt"].filter(pl.Series(good)),
            vectors.reshape(-1, width // 4).astype(np.float64),
        )  # fmt: skip
    return by_iteration
