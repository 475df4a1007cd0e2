"""Long answers, claim by claim: FActScore and SAFE's F1@K."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import numpy as np
import numpy.typing as npt
import polars as pl

from analytics.rates import FloatArray, wilson
from analytics.wording import count, fixed, rate_interval, rate_text, whole

DEFAULT_K = (64, 178)
"""Facts a reader wants of a long answer: median and maximum over responses (SAFE)."""


def responses(claims: pl.DataFrame) -> pl.DataFrame:
    """Claims counted by response.

    Args:
        claims: response_id, label (`supported`, `not_supported`, `irrelevant`, or null: the
            response abstained and has no claim); one row a claim.

    Returns:
        By response_id: supported, not_supported, irrelevant, abstained, unknown_label (claims
        with any other label, counted and otherwise left out).
    """
    label = pl.col("label")
    known = ("supported", "not_supported", "irrelevant")
    return (
        claims.group_by("response_id")
        .agg(
            *[(label == name).sum().cast(pl.Int64).alias(name) for name in known],
            abstained=label.is_null().all(),
            unknown_label=(~label.is_in(known)).sum().cast(pl.Int64),
        )
        .sort("response_id")
    )


@dataclass(frozen=True)
class FactScore:
    """FActScore over responses, with everything it leaves out."""

    score: float
    """Mean over scored responses, in [0, 1]; NaN where none is scored."""
    low: float
    high: float
    """95 % interval of the mean over responses (normal, cut to [0, 1])."""
    scored: int
    abstained: int
    empty: int
    """Responses that did not abstain but hold no claim that counts."""
    supported: int
    not_supported: int
    irrelevant: int
    supported_share: float
    """supported / (supported + not supported) over all claims: long answers weigh more."""
    share_low: float
    share_high: float
    """Wilson 95 % of it, with responses as the unit (effective number of claims)."""


def factscore(
    counts: pl.DataFrame,
    gamma: float | None = None,
    irrelevant: Literal["leave out", "count"] = "count",
) -> FactScore:
    """Mean over responses that did not abstain of supported / all atomic facts.

    Args:
        counts: supported, not_supported, irrelevant, abstained (as `responses` gives them).
        gamma: with it, a response of fewer than gamma facts is multiplied by
            exp(1 - gamma / facts): short answers score low otherwise for free. None = without.
        irrelevant: whether irrelevant claims belong to "all facts", as in the published human
            scores (ChatGPT 58.3 %).

    Source: Min et al. 2023 (arXiv 2305.14251), section 3.1; length penalty as in its code.

    >>> counts = pl.DataFrame({"supported": [3, 1, 0], "not_supported": [1, 1, 0],
    ...     "irrelevant": [0, 2, 0], "abstained": [False, False, True]})
    >>> score = factscore(counts)
    >>> score.score, score.scored, score.abstained
    (0.5, 2, 1)
    >>> factscore(counts, irrelevant="leave out").score
    0.625
    """
    answered = counts.filter(~pl.col("abstained"))
    supported, refuted, aside = (
        answered[name].to_numpy().astype(np.float64)
        for name in ("supported", "not_supported", "irrelevant")
    )
    facts = supported + refuted + (aside if irrelevant == "count" else 0)
    any_facts = facts > 0
    share = supported[any_facts] / facts[any_facts]
    if gamma is not None:
        share = share * length_penalty(facts[any_facts], gamma)
    n = int(any_facts.sum())
    score = float(share.mean()) if n else float("nan")
    half = 1.959964 * float(share.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    total, relevant = float(supported.sum()), float((supported + refuted).sum())
    low, high = wilson(total, relevant)
    if relevant and n > 1:
        p = total / relevant
        spread = float(np.sum((supported - p * (supported + refuted)) ** 2)) / relevant**2
        worse = max(1.0, spread * relevant / (p * (1 - p))) if 0 < p < 1 else relevant / n
        low, high = wilson(total / worse, relevant / worse)
    return FactScore(
        score=score,
        low=max(0.0, score - half),
        high=min(1.0, score + half),
        scored=n,
        abstained=counts.height - answered.height,
        empty=int((~any_facts).sum()),
        supported=int(total),
        not_supported=int(refuted.sum()),
        irrelevant=int(aside.sum()),
        supported_share=total / relevant if relevant else float("nan"),
        share_low=float(low),
        share_high=float(high),
    )


def length_penalty(facts: npt.ArrayLike, gamma: float = 10.0) -> FloatArray:
    """exp(1 - gamma / facts) below gamma facts, else 1; 0 for none. Min et al. 2023, code.

    >>> length_penalty([0, 5, 10, 40]).round(4).tolist()
    [0.0, 0.3679, 1.0, 1.0]
    """
    n = np.asarray(facts, dtype=np.float64)
    safe = np.where(n > 0, n, 1.0)
    return np.where(n <= 0, 0.0, np.where(n < gamma, np.exp(1 - gamma / safe), 1.0))


def f1_at_k(supported: npt.ArrayLike, not_supported: npt.ArrayLike, k: float) -> FloatArray:
    """SAFE's F1@K of each response; irrelevant claims are dropped beforehand.

    Precision S/(S+N), recall min(S/K, 1); 0 without a supported claim. K is the number of
    facts a reader wants (the paper: median 64 and maximum 178 over responses).

    Source: Wei et al. 2024 (arXiv 2403.18802), section 5.

    >>> float(f1_at_k(48, 12, 64).round(6)), float(f1_at_k(48, 12, 178).round(6))
    (0.774194, 0.403361)
    """
    if k <= 0:
        raise ValueError(f"K must be positive, not {k}")
    s, refuted = np.broadcast_arrays(
        np.asarray(supported, dtype=np.float64), np.asarray(not_supported, dtype=np.float64)
    )
    some = np.where(s > 0, s, 1.0)
    precision, recall = some / (some + refuted), np.minimum(some / k, 1.0)
    return np.where(s > 0, 2 * precision * recall / (precision + recall), 0.0)


def runs_of_claims(runs: pl.DataFrame) -> list[str]:
    """Runs whose answers are the judged claims of long responses (query runs: run_id, facts)."""
    facts_of = {row["run_id"]: json.loads(row["facts"]) for row in runs.iter_rows(named=True)}
    return [
        run for run, facts in facts_of.items()
        if any(source.get("format") == "claims" for source in facts.get("sources", []))
    ]  # fmt: skip


class ClaimSummary(TypedDict):
    """The fields of FactScore, f1_at_64 and f1_at_178 (means over responses that did not abstain),
    and claims of an unknown label; None = cannot be had."""

    score: float | None
    low: float | None
    high: float | None
    scored: int
    abstained: int
    empty: int
    supported: int
    not_supported: int
    irrelevant: int
    supported_share: float | None
    share_low: float | None
    share_high: float | None
    f1_at_64: float | None
    f1_at_178: float | None
    unknown_label: int


def summary(claims: pl.DataFrame) -> ClaimSummary:
    """What judged claims say of one set of long answers, irrelevant ones among all facts.

    Args:
        claims: as for `responses`.
    """
    counts = responses(claims)
    score = factscore(counts)
    answered = counts.filter(~pl.col("abstained"))
    supported, refuted = (answered[name].to_numpy() for name in ("supported", "not_supported"))
    at_64, at_178 = (
        float(f1_at_k(supported, refuted, k).mean()) if answered.height else float("nan")
        for k in DEFAULT_K
    )
    return {
        "score": _known(score.score), "low": _known(score.low), "high": _known(score.high),
        "scored": score.scored, "abstained": score.abstained, "empty": score.empty,
        "supported": score.supported, "not_supported": score.not_supported,
        "irrelevant": score.irrelevant, "supported_share": _known(score.supported_share),
        "share_low": _known(score.share_low), "share_high": _known(score.share_high),
        "f1_at_64": _known(at_64), "f1_at_178": _known(at_178),
        "unknown_label": int(counts["unknown_label"].sum()),
    }  # fmt: skip


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def sentence(scored: Mapping[str, Any]) -> str:
    """One sentence from `summary`."""
    if scored["score"] is None:
        return (
            f"No response states a claim that was judged; {whole(scored['abstained'])} abstained."
        )
    share = "no claim is relevant"
    if scored["supported_share"] is not None:
        among = rate_interval(scored["supported_share"], scored["share_low"], scored["share_high"])
        share = f"{among} of the relevant ones are supported, responses as the unit"
    return (
        f"FActScore {rate_text(scored['score'])} over {count(scored['scored'], 'response')} "
        f"without abstentions ({whole(scored['abstained'])} more abstained): "
        f"{count(scored['supported'], 'claim')} supported, "
        f"{whole(scored['not_supported'])} not, {whole(scored['irrelevant'])} irrelevant; {share}; "
        f"SAFE F1@64 {fixed(scored['f1_at_64'], 2)}, F1@178 {fixed(scored['f1_at_178'], 2)}."
    )
