"""Indicators that count tokens: distinct n-grams, unigram entropy, tails, compression.

Definitions as in SCIENCE 7.2's table: distinct-n, Li et al. 1510.03055; entropy with the correction
of Miller 1955 and Madow; compression, Shaib et al. 2403.00553.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.collapse.halves import Measured, Numbers, Truths, measured, spread
from analytics.collapse.tokens import Codes, Tokens, mixed

HEAD = 0.9
"""Share of the reference's tokens that its most frequent types carry: the rest are its tail."""
LEVEL = 9
"""Of zlib: the same at every iteration, or ratios could not be compared."""


def distinct(texts: Tokens, n: int, inside: Truths | None = None) -> Measured:
    """Unique n-grams over all n-grams, within texts.

    >>> from analytics.collapse.tokens import tokens
    >>> distinct(tokens(["a b a b c d"]), 1).value, distinct(tokens(["a b a b c d"]), 2).value
    (0.6666666666666666, 0.8)
    """
    codes, owner = texts.ngrams(n)
    if not len(codes):
        return Measured(float("nan"), np.zeros(0), len(texts.lengths))
    numbers = np.unique(codes, return_inverse=True)[1]
    types = int(numbers.max()) + 1

    def of(documents: Truths) -> float:
        mine = documents[owner]
        seen = np.zeros(types, dtype=bool)
        seen[numbers[mine]] = True
        return float(seen.sum() / max(mine.sum(), 1))

    return measured(types / len(codes), of, _none(texts) if inside is None else inside)


def entropy(texts: Tokens, inside: Truths | None = None) -> Measured:
    """Entropy of the tokens, nats, with Miller and Madow's (K - 1) / 2N.

    >>> from analytics.collapse.tokens import tokens
    >>> round(entropy(tokens(["a b c d"])).value, 4)  # log 4 + 3 / 8
    1.7613
    """
    types, numbers = np.unique(texts.codes, return_inverse=True)
    owner = texts.owner

    def of(documents: Truths) -> float:
        counts = np.bincount(numbers[documents[owner]], minlength=len(types))
        counts = counts[counts > 0]
        total = counts.sum()
        if not total:
            return float("nan")
        share = counts / total
        return float(-(share * np.log(share)).sum() + (len(counts) - 1) / (2 * total))

    everything = np.ones(len(texts.lengths), dtype=bool)
    return measured(of(everything), of, _none(texts) if inside is None else inside)


@dataclass(frozen=True)
class Reference:
    """The tail of a reference: types beyond those that carry HEAD of its tokens, sorted codes."""

    head: Codes
    tail: Codes


def reference(texts: Tokens, head: float = HEAD) -> Reference:
    """The head and the tail of texts, by how often each type occurs in them."""
    types, counts = np.unique(texts.codes, return_counts=True)
    order = np.lexsort((types, -counts))
    before = np.cumsum(counts[order]) - counts[order]
    inner = before < head * counts.sum()
    return Reference(np.sort(types[order[inner]]), np.sort(types[order[~inner]]))


def tail_mass(texts: Tokens, of: Reference, inside: Truths) -> Measured:
    """Share of tokens that are none of the reference's head."""
    off = ~np.isin(texts.codes, of.head)
    return _ratio(_sums(off.astype(np.float64), texts), texts.lengths.astype(np.float64), inside)


def tail_coverage(texts: Tokens, of: Reference, inside: Truths) -> Measured:
    """Share of the types of the reference's tail that occur."""
    if not len(of.tail):
        return Measured(float("nan"), np.zeros(0), len(texts.lengths))
    place = np.searchsorted(of.tail, texts.codes).clip(max=len(of.tail) - 1)
    hit = of.tail[place] == texts.codes
    place, owner = place[hit], texts.owner[hit]

    def seen(documents: Truths) -> float:
        found = np.zeros(len(of.tail), dtype=bool)
        found[place[documents[owner]]] = True
        return float(found.mean())

    everything = np.ones(len(texts.lengths), dtype=bool)
    return measured(seen(everything), seen, inside)


def compression(texts: Sequence[str], inside: Truths | None = None) -> Measured:
    """Bytes of the texts over their bytes packed: higher = more redundant.

    The texts stand in an order of chance: zlib sees 32 kB at a time, and how far apart like texts
    stand must not depend on how long they are.

    >>> compression(["the cat sat on the mat. "] * 40).value > 15
    True
    """
    shuffled = np.argsort(mixed(np.arange(len(texts), dtype=np.uint64)))
    packed = [texts[place].encode("utf-8", "replace") for place in shuffled]

    def of(documents: Truths) -> float:
        joined = b"\n".join(text for text, mine in zip(packed, documents, strict=True) if mine)
        return len(joined) / len(zlib.compress(joined, LEVEL)) if joined else float("nan")

    everything = np.ones(len(packed), dtype=bool)
    fewer = np.zeros((len(packed), 0), dtype=bool) if inside is None else inside[shuffled, :64]
    found = [of(fewer[:, half]) for half in range(fewer.shape[1])]
    return spread(of(everything), found, len(packed))


def _ratio(above: Numbers, below: Numbers, inside: Truths) -> Measured:
    parts = (above @ inside) / np.maximum(below @ inside, 1.0)
    whole = float(above.sum() / below.sum()) if below.sum() else float("nan")
    off = parts - parts.mean() if len(parts) else np.zeros(0)
    return Measured(whole, off, len(below))


def _sums(values: Numbers, texts: Tokens) -> Numbers:
    sums = np.bincount(texts.owner, weights=values, minlength=len(texts.lengths))
    return sums.astype(np.float64)


def _none(texts: Tokens) -> Truths:
    return np.zeros((len(texts.lengths), 0), dtype=bool)
