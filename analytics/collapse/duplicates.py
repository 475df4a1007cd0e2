"""Near-duplicates: texts of which most runs of three words stand in another one (MinHash).

Signatures are datasketch's (Broder 1997); which texts are compared is told by bands of them, and
two texts count as near-duplicates where their signatures agree in JACCARD of their places.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analytics.collapse.tokens import Codes, Tokens, mixed

PLACES = 128
BANDS = 32
"""Two texts that share a band of four places are compared: at Jaccard .8 all but 1e-7 are."""
JACCARD = 0.8
WORDS = 3
NEIGHBOURS = 4
"""Texts of one band that each is compared with: of many that are alike any one will do."""
Signatures = npt.NDArray[np.uint32]


def signatures(texts: Tokens) -> Signatures:
    """A MinHash signature a text, (texts, PLACES). Texts shorter than WORDS count as one run."""
    from datasketch import MinHash  # with what it imports 30 MB, which the pages never need

    made = np.zeros((len(texts.lengths), PLACES), dtype=np.uint32)
    known: dict[bytes, int] = {}  # the same text again has the same signature
    template = MinHash(num_perm=PLACES, seed=1, hashfunc=int)
    start = 0
    for text, length in enumerate(texts.lengths.tolist()):
        mine = texts.codes[start : start + length]
        start += length
        same = known.setdefault(mine.tobytes(), text)
        if same < text:
            made[text] = made[same]
            continue
        runs = _runs(mine)
        one = template.copy()
        one.update_batch(runs.tolist())
        made[text] = one.hashvalues.astype(np.uint32)
    return made


def _runs(codes: Codes) -> npt.NDArray[np.uint64]:
    """Codes of the runs of words of one text, each once, in 32 bits."""
    words = min(WORDS, max(len(codes), 1))
    runs = codes[: len(codes) - words + 1]
    for place in range(1, words):
        runs = mixed(runs) + codes[place : len(codes) - words + 1 + place]
    return np.unique(mixed(runs) >> np.uint64(32))


def alike(signed: Signatures, before: Signatures | None = None) -> npt.NDArray[np.bool_]:
    """Which texts have a near-duplicate: among themselves, or in ``before``."""
    found = np.zeros(len(signed), dtype=bool)
    others = signed if before is None else before
    width = PLACES // BANDS
    for band in range(BANDS):
        columns = slice(band * width, (band + 1) * width)
        theirs = _band_keys(others[:, columns])
        order = np.argsort(theirs, kind="stable")
        keys = theirs[order]
        waiting = np.flatnonzero(~found)
        mine = _band_keys(signed[waiting, columns])
        first = np.searchsorted(keys, mine, "left")
        many = np.searchsorted(keys, mine, "right") - first
        for step in range(NEIGHBOURS + 1):
            there = many > step
            # Each begins at another place of its band, so that all of it is looked at by someone.
            other = order[first[there] + (waiting[there] + step) % many[there]]
            asked = waiting[there]
            agree = (signed[asked] == others[other]).mean(axis=1) >= JACCARD
            if before is None:
                agree &= asked != other
            found[asked[agree]] = True
    return found


def _band_keys(places: Signatures) -> Codes:
    keys = np.zeros(len(places), dtype=np.uint64)
    for column in range(places.shape[1]):
        keys = mixed(keys + places[:, column].astype(np.uint64))
    return keys
