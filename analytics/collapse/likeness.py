"""Indicators that compare texts with each other: self-BLEU and the Vendi score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analytics.collapse.halves import Measured, Numbers, Truths, mean, spread
from analytics.collapse.tokens import Tokens, mixed

if TYPE_CHECKING:
    from scipy import sparse

ORDERS = 4
CHARACTERS = (2, 3, 4)
BUCKETS = 1 << 16
"""Columns that n-grams of characters are hashed to."""
FEWER = 64
"""Halves that the Vendi score is taken on: each needs eigenvalues."""


def self_bleu(texts: Tokens, inside: Truths | None = None) -> Measured:
    """Mean BLEU-4 of each text against all others (Zhu et al. 1802.01886), 0..1; 1 = all alike.

    As sacrebleu counts it (effective order, exponential smoothing, closest reference length), in
    one pass over the n-grams: that of a text is clipped at its greatest count in another one. The
    interval takes the references as they are.
    """
    many = len(texts.lengths)
    if many < 2:
        return Measured(float("nan"), np.zeros(0), many)
    logs, orders, halving, matched = (np.full(many, start) for start in (0.0, 0.0, 1.0, 0.0))
    for n in range(1, ORDERS + 1):
        matches, totals = _clipped(texts, n)
        there = totals > 0
        halving[there & (matches == 0)] *= 2
        smooth = np.where(matches > 0, matches, 1.0 / halving)
        logs[there] += np.log(smooth[there] / totals[there])
        orders += there
        matched += matches
    brevity = np.minimum(0.0, 1.0 - _closest(texts.lengths) / np.maximum(texts.lengths, 1))
    scores = np.where(matched > 0, np.exp(brevity + logs / np.maximum(orders, 1)), 0.0)
    none = np.zeros((many, 0), dtype=bool)
    return mean(scores, none if inside is None else inside)


def _clipped(texts: Tokens, n: int) -> tuple[Numbers, Numbers]:
    """By text: its n-grams that another text has, at most as often as there; all its n-grams."""
    codes, owner = texts.ngrams(n)
    many = len(texts.lengths)
    order = np.lexsort((owner, codes))
    codes, owner = codes[order], owner[order]
    new = np.ones(len(codes), dtype=bool)
    new[1:] = (codes[1:] != codes[:-1]) | (owner[1:] != owner[:-1])
    starts = np.flatnonzero(new)
    counts = np.diff(np.append(starts, len(codes)))
    codes, owner = codes[starts], owner[starts]
    by_count = np.lexsort((-counts, codes))  # the greatest counts of each n-gram first
    codes, owner, counts = codes[by_count], owner[by_count], counts[by_count]
    first = np.ones(len(codes), dtype=bool)
    first[1:] = codes[1:] != codes[:-1]
    begins = np.flatnonzero(first)
    of_group = np.cumsum(first) - 1
    second = np.zeros(len(codes), dtype=np.int64)
    second[:-1] = np.where(first[1:], 0, counts[1:])
    most = np.where(first, second, counts[begins][of_group]) if len(codes) else counts
    clipped = np.minimum(counts, most)
    matches, totals = (
        np.bincount(owner, weights=each, minlength=many).astype(np.float64)
        for each in (clipped, counts)
    )
    return matches, totals


def _closest(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """For each text the length of the other one that is closest to its own, the shorter first."""
    order = np.argsort(lengths, kind="stable")
    ordered = lengths[order]
    below = np.concatenate([[-(10**9)], ordered[:-1]])
    above = np.concatenate([ordered[1:], [10**9]])
    nearer = np.where(ordered - below <= above - ordered, below, above)
    found = np.empty_like(lengths)
    found[order] = nearer
    return found


def vendi(kernel: Numbers, q: float = 1.0) -> float:
    """Vendi score: the effective number of unlike texts (Friedman & Dieng 2210.02410).

    exp of the entropy of the eigenvalues of K / n; of order q = 2, 1 / sum of their squares.

    Args:
        kernel: similarities, symmetric, positive semidefinite, 1 on the diagonal.
        q: 1 or 2.

    >>> round(vendi(np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])), 6)
    2.1573
    """
    n = len(kernel)
    if q == 2.0:
        return float(n * n / (kernel**2).sum())
    values = np.linalg.eigvalsh(kernel / n)
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


def vendi_of(kernel: Numbers, q: float, inside: Truths) -> Measured:
    """The Vendi score with its spread over halves."""
    found = [
        vendi(kernel[np.ix_(mine, mine)], q)
        for mine in (inside[:, half] for half in range(min(FEWER, inside.shape[1])))
        if mine.sum() > 1
    ]
    return spread(vendi(kernel, q), found, len(kernel))


def character_kernel(texts: Sequence[str]) -> Numbers:
    """Cosines between texts by their n-grams of characters, (n, n)."""
    rows, columns = [], []
    for row, text in enumerate(texts):
        codes = np.frombuffer(text.lower().encode("utf-32-le", "replace"), dtype=np.uint32)
        codes = codes.astype(np.uint64)
        for n in CHARACTERS:
            many = max(len(codes) - n + 1, 0)
            grams = np.full(many, np.uint64(n))
            for place in range(n):
                grams = mixed(grams) + codes[place : many + place]
            columns.append((mixed(grams) % np.uint64(BUCKETS)).astype(np.int64))
            rows.append(np.full(many, row))
    at = np.concatenate(rows), np.concatenate(columns)
    from scipy import sparse  # as in _cosines

    ones = np.ones(len(at[0]))
    return _cosines(sparse.coo_array((ones, at), shape=(len(texts), BUCKETS)).tocsr())


def embedding_kernel(vectors: Numbers) -> Numbers:
    """Cosines between embeddings, (n, n); vectors: (n, dimensions)."""
    from scipy import sparse  # as in _cosines

    return _cosines(sparse.csr_array(vectors))


def _cosines(counts: sparse.csr_array) -> Numbers:
    from scipy import sparse  # which the pages' process never needs

    norms = np.sqrt(np.asarray(counts.multiply(counts).sum(axis=1)).ravel())
    scaled = sparse.diags_array(1.0 / np.where(norms > 0, norms, 1.0)) @ counts
    kernel = np.asarray((scaled @ scaled.T).todense(), dtype=np.float64)
    np.fill_diagonal(kernel, 1.0)
    return kernel
