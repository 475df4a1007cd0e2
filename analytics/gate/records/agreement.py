"""Does gold agree with people? The judge and the reward model against reviewers, pair by pair."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypedDict

import polars as pl

from analytics.gate.records.bounds import mean
from analytics.gate.records.reviews import reviewed
from analytics.rates import newcombe, wilson
from analytics.wording import MISSING, count, points, rate_interval, rate_text

SLICES = ("all", "top proxy", "new one longer", "new one shorter")
MEASURES = {"gold": "gold (judge)", "proxy": "proxy (reward model)"}
FEWEST = 20


class Preferred(TypedDict):
    """How often a measure prefers what people prefer: see `agreement`."""

    n: int
    agreed: int
    agreement: float | None
    low: float | None
    high: float | None
    bias: float | None
    bias_low: float | None
    bias_high: float | None


class AgreementRow(Preferred):
    """The same of one measure, between two iterations, on some of the pairs."""

    iteration: int
    before: int
    measure: str
    slice: str


def agreement(reviews: pl.DataFrame, generations: pl.DataFrame) -> list[AgreementRow]:
    """How often each measure prefers what people prefer, by iteration and slice.

    Args:
        reviews: the table `reviews` of one loop.
        generations: the table `generations`; gold of a reviewed response is found there by
            iteration, prompt and text.

    Returns:
        rows of iteration, before, measure, slice, n (pairs where people and measure both prefer
        one), agreement with low and high (Wilson, 95 %), bias (how much oftener the measure
        prefers the new one than people do, with low and high).
    """
    rows: list[AgreementRow] = []
    for iteration, before in _compared(reviews):
        pairs = _measured(reviews, generations, iteration, before)
        for measure in MEASURES:
            for part in SLICES:
                rows.append({"iteration": iteration, "before": before, "measure": measure,
                             "slice": part, **_row(_slice(pairs, part), measure)})  # fmt: skip
    return rows


def _compared(reviews: pl.DataFrame) -> list[tuple[int, int]]:
    ends = reviews.select(
        "iteration",
        pl.col("origin_a", "origin_b").str.extract(r"(\d+)\s*$", 1).cast(pl.Int64, strict=False),
    ).drop_nulls()
    pairs = ends.select("iteration", before=pl.min_horizontal("origin_a", "origin_b")).unique()
    return [pair for pair in sorted(pairs.iter_rows()) if pair[1] < pair[0]]


def _measured(
    reviews: pl.DataFrame, generations: pl.DataFrame, iteration: int, before: int
) -> pl.DataFrame:
    """item_id, people (mean score of the new one), top, gaps of gold, proxy and length."""
    seen = reviewed(reviews.filter(pl.col("iteration") == iteration), iteration, before)
    # `reviewed` has written origins as numbers.
    texts = generations.select(
        "prompt", origin=pl.col("iteration").cast(pl.String), text="text",
        gold=pl.col("gold_reward").cast(pl.Float64),
    ).unique(["prompt", "origin", "text"])  # fmt: skip
    sides = seen.judged.unique("item_id")
    for side in ("a", "b"):
        sides = sides.join(
            texts.rename({"gold": f"gold_{side}"}), how="left", nulls_equal=False,
            left_on=["prompt", f"origin_{side}", f"response_{side}"],
            right_on=["prompt", "origin", "text"],
        )  # fmt: skip
    turned = pl.when(pl.col("origin_a") == str(iteration)).then(1.0).otherwise(-1.0)
    length = pl.col("response_a").str.len_chars().cast(pl.Int64) - pl.col(
        "response_b"
    ).str.len_chars().cast(pl.Int64)
    gaps = sides.select(
        "item_id", gold=turned * (pl.col("gold_a") - pl.col("gold_b")), length=turned * length
    )
    return seen.items.join(gaps, on="item_id").rename({"proxy": "proxy_new"}).with_columns(
        people=pl.col("score"), proxy=pl.col("proxy_gap")
    )  # fmt: skip


def _slice(pairs: pl.DataFrame, part: str) -> pl.DataFrame:
    chosen = {
        "all": pl.lit(True), "top proxy": pl.col("top"), "new one longer": pl.col("length") > 0,
        "new one shorter": pl.col("length") < 0,
    }  # fmt: skip
    return pairs.filter(chosen[part])


def _row(pairs: pl.DataFrame, measure: str) -> Preferred:
    known = pairs.filter(pl.col(measure).is_not_null(), pl.col(measure).is_not_nan())
    prefers = pl.when(pl.col(measure) > 0).then(1.0).when(pl.col(measure) < 0).then(0.0)
    known = known.with_columns(prefers=prefers.otherwise(0.5))
    both = known.filter(pl.col("people") != 0.5, pl.col("prefers") != 0.5)
    agreed = both.filter((pl.col("people") > 0.5) == (pl.col("prefers") > 0.5)).height
    low, high = wilson(agreed, both.height)
    bias = mean(known["prefers"] - known["people"])
    ends = bias.ends(0.025) if bias else (None, None)
    return {
        "n": both.height, "agreed": agreed,
        "agreement": agreed / both.height if both.height else None,
        "low": float(low) if both.height else None, "high": float(high) if both.height else None,
        "bias": bias.value if bias else None, "bias_low": ends[0], "bias_high": ends[1],
    }  # fmt: skip


def sentences(rows: Sequence[AgreementRow]) -> list[str]:
    """What the table says: each measure at the last iteration, and whether it fell."""
    lines = []
    for measure, words in MEASURES.items():
        mine = [row for row in rows if row["measure"] == measure and row["slice"] == "all"]
        if not mine:
            continue
        last = mine[-1]
        if last["n"] < FEWEST:
            lines.append(f"{words}: {count(last['n'], 'pair')} at iteration {last['iteration']}, "
                        "too few to tell.")  # fmt: skip
            continue
        share = rate_interval(last["agreement"], last["low"], last["high"])
        lines.append(
            f"{words}: agrees with people on {share} of {count(last['n'], 'pair')} at iteration "
            f"{last['iteration']}, and prefers the new one {bias_words(last['bias'])}."
        )
    return lines + falls(rows) + _top(rows)


def bias_words(bias: float | None) -> str:
    """How a measure's preference for the new one differs from people's.

    >>> bias_words(0.031), bias_words(-0.2), bias_words(None)
    ('3.1 points oftener than people', '20.0 points less often than people', '–')
    """
    if bias is None:
        return MISSING
    way = "oftener" if bias >= 0 else "less often"
    return f"{points(bias)[1:]} points {way} than people"


def falls(rows: Sequence[AgreementRow]) -> list[str]:
    """Where agreement fell from one reviewed iteration to the next: later verdicts rest on less."""
    lines = []
    for measure, words in MEASURES.items():
        mine = [row for row in rows if row["measure"] == measure and row["slice"] == "all"]
        for old, new in itertools.pairwise(mine):
            if min(old["n"], new["n"]) < FEWEST:
                continue
            _, low, high = newcombe(new["agreed"], new["n"], old["agreed"], old["n"])
            if float(high) < 0:
                lines.append(
                    f"{words} agrees with people less at iteration {new['iteration']} than at "
                    f"{old['iteration']} ({points(float(low))} to {points(float(high))} points): "
                    "verdicts from there on rest on a measure that has moved away from people."
                )
    return lines


def _top(rows: Sequence[AgreementRow]) -> list[str]:
    mine = [row for row in rows if row["measure"] == "proxy" and row["slice"] == "top proxy"]
    if not mine or mine[-1]["n"] < FEWEST:
        return []
    last = mine[-1]
    return [
        f"Where the proxy is highest it agrees with people on {rate_text(last['agreement'])} of "
        f"{count(last['n'], 'pair')}: the winner's curse, if this is less than over all."
    ]
