"""Rules that say of a response whether a feature is there, so that others can be asked as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from analytics.shortcuts.tokens import LONGEST, Ids, Tokens, grams, presence, repeated, tokens
from analytics.words.patterns import fault, repeats

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

LETTERS = 3
"""Letters of a script from which a response is said to be written in it."""
SCRIPTS = ("Latin", "Han", "Cyrillic", "Arabic", "Greek", "Hangul", "Hiragana", "Katakana",
           "Devanagari", "Hebrew", "Thai")  # fmt: skip
AT_ONCE = 4_000
"""Responses whose tokens are held in memory."""
PLACES = ("phrase", "opening", "closing")
_SENTENCES = r"[.!?;:\n。！？]+"


class Rule(NamedTuple):
    """A feature: an amount of a response that is ``above``, or ``below``, a limit.

    ``measure`` names the amount, ``argument`` what is looked for (an expression, a script, a
    phrase).
    """

    measure: str
    argument: str = ""
    above: float | None = None
    below: float | None = None

    def of(self, amount: Floats) -> Bools:
        """Where the feature is there."""
        there = np.ones(amount.size, dtype=bool)
        if self.above is not None:
            there &= amount > self.above
        if self.below is not None:
            there &= amount < self.below
        return there


@dataclass
class Texts:
    """Responses whose amounts are asked for, each computed once.

    ``frame``: prompt, completion, letters (of the whole response, which may have been cut).
    """

    frame: pl.DataFrame
    _known: dict[tuple[str, str], Floats] = field(default_factory=dict)

    def parts(self) -> Iterator[Tokens]:
        """The responses' tokens, some responses at a time: all would not fit into memory."""
        for first in range(0, self.frame.height, AT_ONCE):
            yield tokens(self.frame["completion"].slice(first, AT_ONCE))

    def presence(self, wanted: Ids) -> sparse.csc_array:
        """Which responses have which n-grams, by their hash: responses x wanted."""
        parts = [presence(grams(part), wanted, part.rows) for part in self.parts()]
        if not parts:
            return sparse.csc_array((0, wanted.size))
        return sparse.csc_array(sparse.vstack(parts, format="csc"))

    def amount(self, measure: str, argument: str = "") -> Floats:
        """So much of it each response has.

        Raises:
            ValueError: the argument is no regular expression, or there is no such measure.
        """
        key = measure, argument
        if key not in self._known:
            self._known[key] = self._amount(measure, argument)
        return self._known[key]

    def has(self, rule: Rule) -> Bools:
        """Which responses have a feature."""
        return rule.of(self.amount(rule.measure, rule.argument))

    def _amount(self, measure: str, argument: str) -> Floats:
        frame = self.frame
        if measure in PLACES:
            return np.asarray(self.presence(_hash(argument, measure)).toarray()[:, 0])
        if measure == "letters":
            return frame["letters"].to_numpy().astype(float)
        if measure == "repeated runs":
            return np.concatenate([repeated(part) for part in self.parts()])
        if measure == "repeated sentences":
            return _sentences(frame["completion"])
        if measure == "pattern":
            return count(frame["completion"], argument)
        if measure == "script":
            asked = count(frame["prompt"], rf"\p{{{argument}}}")
            return np.where(asked > 0, 0, self._letters_of(argument))
        if measure == "scripts":
            return np.asarray(
                np.sum([self._letters_of(one) >= LETTERS for one in SCRIPTS], axis=0) * 1.0
            )
        if measure == "words of another language":
            pattern = rf"(?i)\b(?:{'|'.join(argument.split())})\b"
            return np.where(count(frame["prompt"], pattern) > 1, 0,
                            count(frame["completion"], pattern))  # fmt: skip
        if measure == "rubric":
            every = [self.amount("word", one) > 0 for one in argument.split()]
            return np.asarray(np.sum(every, axis=0).astype(float))
        if measure == "word":
            return count(frame["completion"], rf"(?i)\b{argument}\b")
        if measure == "prompt":
            quoted = pl.col("completion").str.contains(pl.col("prompt").str.slice(0, 40),
                                                       literal=True)  # fmt: skip
            long = pl.col("prompt").str.len_chars() >= 10
            return frame.select((quoted & long).fill_null(False)).to_series().to_numpy() * 1.0
        raise ValueError(f"there is no measure {measure!r}")

    def _letters_of(self, script: str) -> Floats:
        return count(self.frame["completion"], rf"\p{{{script}}}")


def _hash(phrase: str, place: str) -> Ids:
    """The number that n-grams of a phrase have, as an array of one."""
    found = grams(tokens(pl.Series([phrase])), longest=LONGEST)
    mine = found.kind == PLACES.index(place)
    mine &= found.words == found.words.max(where=mine, initial=0)
    return found.hash[mine][:1] if mine.any() else np.zeros(1, dtype=np.uint64)


def count(texts: pl.Series, pattern: str) -> Floats:
    """How often an expression stands in each text.

    Raises:
        ValueError: it is no regular expression, or one that asks too much; the message says which
            and why.
    """
    if why := repeats(pattern):
        raise ValueError(f"the pattern {pattern[:200]!r} cannot be used: {why}")
    try:
        return texts.str.count_matches(pattern).to_numpy().astype(float)
    except pl.exceptions.PolarsError as error:
        raise ValueError(
            f"the pattern {pattern[:200]!r} is no regular expression that can be used (RE2's "
            f"kind): {fault(pattern)}"
        ) from error


def _sentences(texts: pl.Series) -> Floats:
    """How many sentences of each text stood before in it."""
    parted = texts.str.to_lowercase().str.replace_all(_SENTENCES, "\n").str.split("\n")
    long = parted.list.eval(
        pl.element().str.strip_chars().filter(pl.element().str.strip_chars().str.len_chars() > 2)
    )
    return (long.list.len().cast(pl.Int64) - long.list.n_unique().cast(pl.Int64)).to_numpy() * 1.0
