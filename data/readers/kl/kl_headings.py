"""What the words of a heading say of a KL: its unit, or that it is none but something made of one.

A heading is taken apart into words, so that ``kl_per_token``, ``KL [nats/token]`` and ``tokenKL``
are one thing however they are written.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_BRACKET = re.compile(r"[\[(]([^\[\]()]*)[\])]\s*$")
_NATS, _BITS = frozenset({"nats", "nat"}), frozenset({"bits", "bit"})
_TOKEN = frozenset({"token", "tokens", "tok", "tokenwise"})
_RESPONSE = frozenset({
    "sequence", "sequences", "seq", "response", "responses", "resp", "completion", "completions",
    "episode", "trajectory",
})  # fmt: skip
_WITHOUT_MEANING = frozenset({
    "kl", "per", "a", "in", "mean", "avg", "average", "divergence", "div", "level", "wise", "train",
    "unit", "units",
})  # fmt: skip
_DERIVED: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"sqrt", "root", "rt"}), "the square root of a KL"),
    (frozenset({"log", "ln", "log10"}), "the logarithm of a KL"),
    (frozenset({"squared", "square", "sq"}), "the square of a KL"),
    (frozenset({"coef", "coeff", "coefs", "coefficient", "ctl", "weight", "beta", "lambda", "alpha",
                "scale", "multiplier"}), "a coefficient"),
    (frozenset({"target", "threshold", "limit", "budget", "cap", "horizon", "desired", "setpoint"}),
     "a setting or a ratio"),
    (frozenset({"ratio", "fraction", "frac", "share", "percent"}), "a setting or a ratio"),
    (frozenset({"std", "stdev", "sd", "se", "stderr", "var", "variance"}), "the spread of a KL"),
    (frozenset({"penalty", "penalties", "penalised", "penalized", "loss", "losses", "cost"}),
     "a loss term, coefficient times KL"),
    (frozenset({"grad", "gradient", "norm"}), "the gradient of a KL"),
)  # fmt: skip


_SIGNS = {"\u221a": "sqrt", "\u00b2": "squared", "%": "percent"}


@dataclass(frozen=True)
class Heading:
    """A heading that names a KL: ``base`` nats or bits, ``over`` token or response; "" unsaid."""

    base: str
    over: str

    @property
    def unit(self) -> str:
        """As ``--kl-unit`` takes it; empty where the heading does not say per what."""
        return f"{self.base or 'nats'}/{self.over}" if self.over else ""


def words(heading: str) -> list[str]:
    """The words of a heading in small letters.

    >>> words("KL [nats/token]"), words("klPerToken"), words("train/seq_kl")
    (['kl', 'nats', 'token'], ['kl', 'per', 'token'], ['train', 'seq', 'kl'])
    """
    return [part.lower() for part in _PARTS.findall(heading)]


@lru_cache(maxsize=4096)
def stated(heading: str) -> Heading | None:
    """What a heading says of its KL's unit; None where it names no KL or says nothing of it.

    >>> stated("kl_bits_per_token"), stated("KL (bits)"), stated("seq_kl"), stated("kl")
    (Heading(base='bits', over='token'), Heading(base='bits', over=''), \
Heading(base='', over='response'), None)
    """
    words_there = set(words(heading))
    tokens = _TOKEN & words_there
    if (
        "kl" not in words_there
        or words_there - _WITHOUT_MEANING - _NATS - _BITS - _TOKEN - _RESPONSE
    ):
        return None
    if (tokens and _RESPONSE & words_there) or (_NATS & words_there and _BITS & words_there):
        return None  # per token of a response, or both: nothing sure
    base = "nats" if _NATS & words_there else "bits" if _BITS & words_there else ""
    over = "token" if tokens else "response" if _RESPONSE & words_there else ""
    return Heading(base, over) if base or over else None


def of(key: str) -> Heading | None:
    """What a key that is taken for the KL says of its unit, by all of its name or its last part;
    else in brackets at its end, whatever the words before them.

    >>> of("Mittlere KL [nats/token]"), of("sqrt KL [nats/token]")
    (Heading(base='nats', over='token'), None)
    """
    bracket = _BRACKET.search(key)
    inside = stated(f"kl {bracket[1]}") if bracket and not derived(key) else None
    return stated(key) or stated(key.rpartition("/")[2]) or inside


def find(keys: Collection[str]) -> str | None:
    """The heading that states its KL's unit; of several the one that needs least conversion."""
    found = [(stated_units, key) for key in keys if (stated_units := stated(key)) is not None]
    order = ("response", "", "token")
    found.sort(key=lambda pair: (order.index(pair[0].over), pair[0].base == "bits"))
    return found[0][1] if found else None


@lru_cache(maxsize=4096)
def derived(heading: str) -> str:
    """What a heading names that is made of a KL and is none itself; empty where it may be one.

    Only the last part of a name with slashes counts, and never the ``actor/kl_loss`` and
    ``actor/kl_penalty`` of trainers, of which some are the KL.

    >>> derived("sqrt_kl"), derived("KL Penalty"), derived("init_kl_coef"), derived("policy/kl")
    ('the square root of a KL', 'a loss term, coefficient times KL', 'a coefficient', '')
    """
    bracket = _BRACKET.search(heading)
    bare = heading[: bracket.start()] if bracket else heading
    above, _, last = bare.replace(".", "/").rpartition("/")
    last += f" {bracket[1]}" if bracket else ""
    words_there = set(words(last)) | {word for sign, word in _SIGNS.items() if sign in last}
    if "kl" not in words_there or above.lower().rpartition("/")[2] == "actor":
        return ""
    return next((what for marks, what in _DERIVED if marks & words_there), "")
