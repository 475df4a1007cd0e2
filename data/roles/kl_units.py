"""What a KL of unknown unit would be in each, and against which of them its numbers speak."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from data.readers.kl import sanity
from data.words.wording import number

RESPONSE, TOKEN = "nats/response", "nats/token"
_DOUBT = "KL is in doubt: "


@dataclass(frozen=True)
class UnitEvidence:
    """``suggested``: the one unit that nothing speaks against, None where none or several are."""

    suggested: str | None
    sentences: list[str]


def evidence(logged: pl.Series, lengths: pl.Series, proxy: pl.Series) -> UnitEvidence:
    """Which unit the numbers of a run suggest for its KL, with what speaks against the other.

    Args:
        logged: KL as logged, by training row in the order of steps; null where there is none.
        lengths: response length in tokens.
        proxy: proxy reward.
    """
    candidates = {RESPONSE: logged}
    if lengths.count():
        candidates[TOKEN] = logged * lengths.forward_fill()
    against = {unit: sanity.doubts(kl, lengths, proxy) for unit, kl in candidates.items()}
    sentences = [_sentence(unit, kl, against[unit]) for unit, kl in candidates.items()]
    if TOKEN not in candidates:
        sentences.append("Per token it cannot be converted: no response length is known.")
    fit = [unit for unit, doubts in against.items() if not doubts]
    suggested = fit[0] if len(fit) == 1 and len(candidates) > 1 else None
    if suggested is not None:
        sentences.append(f"So the numbers suggest {suggested}.")
    elif TOKEN in candidates:
        sentences.append("The numbers alone cannot tell: say what your trainer logs.")
    return UnitEvidence(suggested, sentences)


def _sentence(unit: str, kl: pl.Series, doubts: list[str]) -> str:
    values = kl.drop_nulls()
    first, last = (values[0], values[-1]) if values.len() else (None, None)
    ends = f"As {unit} it goes from {number(first)} to {number(last)} nats per response"
    if not doubts:
        return f"{ends}; nothing speaks against that."
    return f"{ends}. Against that: {'; '.join(d.removeprefix(_DOUBT) for d in doubts)}."
