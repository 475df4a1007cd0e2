"""The indicators of collapse: their names, what they say, and which way is worse."""

from __future__ import annotations

from typing import Literal, NamedTuple, NotRequired, TypedDict

Way = Literal["falls", "rises", "moves", "neither"]


class Change(TypedDict):
    """A difference with its 95 % interval and p; None where it has no known error."""

    difference: float
    low: float | None
    high: float | None
    p: float | None


class IndicatorRow(TypedDict):
    """One indicator of one iteration, a row of ``collapse --json``; n: what it was counted over."""

    loop: str
    iteration: int
    indicator: str
    value: float
    low: float | None
    high: float | None
    n: int
    from_first: Change | None
    from_previous: Change | None
    reference: NotRequired[str]
    kernel: NotRequired[str]


class Waiting(TypedDict):
    """A loop whose indicators do not hold, and the generation of its rows."""

    loop: str
    generation: int


class Indicator(NamedTuple):
    """An indicator: its name in rows, its title, and which way it goes where a loop collapses."""

    name: str
    title: str
    worse: Way
    group: str
    digits: int = 3


INDICATORS: tuple[Indicator, ...] = (
    Indicator("proxy_reward", "proxy reward of the texts", "neither", "reward"),
    Indicator("gold_reward", "gold reward of the texts", "falls", "reward"),
    Indicator("distinct_1", "distinct-1", "falls", "diversity"),
    Indicator("distinct_2", "distinct-2", "falls", "diversity"),
    Indicator("distinct_3", "distinct-3", "falls", "diversity"),
    Indicator("self_bleu", "self-BLEU", "rises", "diversity"),
    Indicator("compression_ratio", "compression ratio", "rises", "diversity", 2),
    Indicator("vendi_1", "Vendi score of characters, q = 1", "falls", "diversity", 1),
    Indicator("vendi_2", "Vendi score of characters, q = 2", "falls", "diversity", 1),
    Indicator("vendi_embedded_1", "Vendi score of embeddings, q = 1", "falls", "diversity", 1),
    Indicator("vendi_embedded_2", "Vendi score of embeddings, q = 2", "falls", "diversity", 1),
    Indicator("unigram_entropy", "unigram entropy, nats", "falls", "diversity"),
    Indicator("near_duplicates", "near-duplicates within the iteration", "rises", "diversity"),
    Indicator("near_duplicates_before", "near-duplicates of the iteration before", "rises",
              "diversity"),
    Indicator("tail_mass", "tail mass", "falls", "tail"),
    Indicator("tail_coverage", "tail coverage", "falls", "tail"),
    Indicator("log_perplexity_q05", "log-perplexity under the base, 5 % quantile", "moves", "tail"),
    Indicator("log_perplexity_q50", "log-perplexity under the base, median", "moves", "tail"),
    Indicator("log_perplexity_q95", "log-perplexity under the base, 95 % quantile", "moves",
              "tail"),
    Indicator("heldout_nll", "loss on the human hold-out, as logged", "rises", "tail"),
    Indicator("tail_token_share", "tail share, as logged", "falls", "tail", 4),
    Indicator("length", "length, tokens", "moves", "form", 1),
    Indicator("usual_format", "texts in a usual format", "falls", "form"),
)  # fmt: skip
"""In the order in which they are told."""
BY_NAME = {indicator.name: indicator for indicator in INDICATORS}
LOGGED = {
    "heldout_nll": ("heldout_nll", "holdout_nll", "heldout_loss", "holdout_loss"),
    "tail_token_share": ("tail_token_share",),
}  # fmt: skip
"""Indicators that are taken as the trainer logged them, and the names under which it does."""
