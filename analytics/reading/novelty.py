"""What a policy says that it did not say at its start: phrases, repeating, length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import log, sqrt

import numpy as np
import polars as pl

from analytics.reading.traits import most_repeated, phrases, repetition, words
from analytics.wording import count, number, percent, whole

FEWEST = 5
"""Responses that must hold a phrase before it is spoken of."""
SURE = 4.5
"""Standard errors by which its share must have grown: a chance in 300,000, for many are tried."""
REPEATS = 0.15
"""Share of repeated three-word runs from which a response is called repetitive, if the start had
less in nearly all of its responses."""
LENGTHS = (2.0, 0.5)
"""Times the usual length at the start from which a response is called long, or short."""


@dataclass(frozen=True)
class Phrase:
    """A phrase that is said more than at the start, in shares of the responses read."""

    text: str
    before: float
    now: float
    first_step: int
    surely: float

    @property
    def is_new(self) -> bool:
        """Whether no response of the start had it."""
        return self.before == 0


@dataclass(frozen=True)
class Trait:
    """One thing to see in a response: its kind (phrase, repeats, long, short), and in words."""

    kind: str
    name: str
    is_new: bool
    says: str


@dataclass(frozen=True)
class Beginning:
    """How the policy wrote at its start, and what it says now and did not say then."""

    read: int = 0
    length: float = 0.0
    most_length: float = 0.0
    least_length: float = 0.0
    repeats: float = 1.0
    grown: Mapping[str, Phrase] = field(default_factory=dict)


def beginning(start: pl.DataFrame, later: pl.DataFrame) -> Beginning:
    """What the later responses of a run say and its first ones did not.

    Phrases of one to three words by the likelihood ratio of the shares of responses that hold them
    (Dunning 1993), which holds for few responses and for rare phrases; what a prompt says itself
    does not count for its response.

    Args:
        start: step, prompt, completion of responses of the run's start.
        later: the same of responses after it, in the order of steps.
    """
    if not start.height:
        return Beginning()
    before = [words(text) for text in start["completion"]]
    then = Counter(
        phrase
        for text, prompt in start.select("completion", "prompt").iter_rows()
        for phrase in _own_words(text, prompt)
    )
    last_half = later["step"].median() if later.height else None
    now: Counter[str] = Counter()
    many, first = 0, dict[str, int]()
    for step, prompt, text in later.select("step", "prompt", "completion").iter_rows():
        own_words = _own_words(text, prompt)
        for phrase in own_words:
            first.setdefault(phrase, step)
        if step >= last_half:
            many += 1
            now.update(own_words)
    lengths = [len(one) for one in before]
    return Beginning(
        start.height,
        float(np.median(lengths)),
        float(np.quantile(lengths, 0.95)),
        float(np.quantile(lengths, 0.05)),
        float(np.quantile([repetition(one) for one in before], 0.9)),
        _grown(then, start.height, now, many, first),
    )


def _own_words(text: str, prompt: str) -> Iterable[str]:
    asked = set(words(prompt))
    return {one for one in phrases(text) if not asked.issuperset(one.split())}


def _grown(
    then: Counter[str], n: int, now: Counter[str], many: int, first: Mapping[str, int]
) -> dict[str, Phrase]:
    found = {}
    for phrase, b in now.items():
        a = then[phrase]
        if b < FEWEST or b * n <= a * many:
            continue
        surely = _root(a, n, b, many)
        if surely >= SURE:
            found[phrase] = Phrase(phrase, a / n, b / many, first[phrase], surely)
    return found


def _root(a: int, n: int, b: int, many: int) -> float:
    """The root of twice the log-likelihood by which two shares tell more than one share."""
    apart = _fit(a, n, a / n) + _fit(b, many, b / many)
    share = (a + b) / (n + many)
    return sqrt(max(0.0, 2 * (apart - _fit(a, n, share) - _fit(b, many, share))))


def _fit(hits: int, n: int, share: float) -> float:
    return (hits * log(share) if hits else 0.0) + ((n - hits) * log(1 - share) if n > hits else 0.0)


def leading_phrase(text: str, prompt: str, start: Beginning) -> Phrase | None:
    """The phrase of a response that speaks most of a change since the start.

    New ones come first; of nearly equal ones that with most words that are said more themselves,
    then the longest, for it says most.
    """
    grown = [start.grown[one] for one in _own_words(text, prompt) if one in start.grown]
    if not grown:
        return None
    if any(one.is_new for one in grown):
        grown = [one for one in grown if one.is_new]
    near = 0.8 * max(one.surely for one in grown)
    grown = [one for one in grown if one.surely >= near]
    return min(grown, key=lambda one: (
        -sum(word in start.grown for word in one.text.split()), -one.text.count(" "),
        -round(one.surely, 6), one.text,
    ))  # fmt: skip


def traits(prompt: str, completion: str, start: Beginning) -> list[Trait]:
    """What stands out in one response against the run's start, what is new first."""
    if not start.read:
        return []
    own_words, found = words(completion), list[Trait]()
    phrase, times = most_repeated(own_words)
    if times > 2 and repetition(own_words) > max(REPEATS, start.repeats):
        found.append(Trait("repeats", "repeats itself", False,
                           f"says “{phrase}” {count(times, 'time')}"))  # fmt: skip
    lead = leading_phrase(completion, prompt, start)
    if lead is not None:
        again = bool(found) and lead.text == phrase
        says = f"and that {_since(lead)}" if again else f"says “{lead.text}”, {_since(lead)}"
        found.insert(
            0 if lead.is_new and not again else len(found),
            Trait("phrase", lead.text, lead.is_new, says),
        )
    long, short = LENGTHS
    usual = max(start.length, 1.0)
    if len(own_words) >= max(long * usual, start.most_length + 1):
        longer = number(len(own_words) / usual, 2)
        found.append(Trait("long", "long", False, f"{longer} times the length usual at the start"))
    elif len(own_words) <= min(short * usual, start.least_length - 1):
        says = f"{count(len(own_words), 'word')}, {whole(usual)} were usual at the start"
        found.append(Trait("short", "short", False, says))
    return found


def _since(lead: Phrase) -> str:
    if lead.is_new:
        return f"new since step {whole(lead.first_step)}"
    return f"in {percent(lead.before)} of responses at the start, in {percent(lead.now)} now"
