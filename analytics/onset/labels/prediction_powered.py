"""Gold from a judge on many responses and people on some: each gets what the other lacks.

People's mean is right and noisy; the judge's is steady and may be off. Their sum, people's mean
plus lambda times what the judge says of the responses that nobody labelled over those that somebody
did, has people's mean for its expectation whatever the judge is worth, as long as the labelled
responses were drawn at random. Source: Angelopoulos, Duchi and Zrnic 2023 (PPI++, arXiv
2311.01453), with errors clustered by prompt (Miller 2024, arXiv 2411.00640); docs/methods.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analytics.onset.evidence.measurements import HELPED, LARGEST, FloatArray, IntArray
from analytics.onset.evidence.verdict_keys import Powered

FEWEST_PROMPTS = 20
"""With a label at one evaluation: a clustered error of fewer is too uncertain."""
FEWEST_EVALUATIONS = 3
APART = 4.0
"""Standard errors between labelled responses and the others, by the judge: more is no chance."""
PHRASE = "clustered by prompt, of the labels and of the judge's scores together"


@dataclass(frozen=True)
class Labels:
    """One evaluation. gold, judge: of the labelled responses, (n,); others: judge's scores of the
    rest, (m,); prompt, prompt_of_others: whole numbers that name the prompts, (n,) and (m,)."""

    gold: FloatArray
    judge: FloatArray
    prompt: IntArray
    others: FloatArray
    prompt_of_others: IntArray

    @property
    def prompts(self) -> int:
        """Prompts with a label."""
        return len(np.unique(self.prompt))

    def influences(self) -> tuple[FloatArray, FloatArray]:
        """What each prompt adds to people's mean, and to the judge's difference, (prompts,)."""
        last = int(max(self.prompt.max(), self.prompt_of_others.max())) + 1

        def summed(values: FloatArray, at: IntArray) -> FloatArray:
            off = (values - values.mean()) / len(values)
            return np.bincount(at, off, minlength=last).astype(np.float64)

        rest = summed(self.others, self.prompt_of_others)
        return summed(self.gold, self.prompt), rest - summed(self.judge, self.prompt)


@dataclass(frozen=True)
class Helped:
    """Gold evaluations and what the judge was worth. rows: source, step, gold_reward,
    gold_reward_se, n_responses (labels), n_prompts (with a label), and as_good_as: labels that
    alone would give this error."""

    rows: pl.DataFrame
    judged: float
    correlation: float
    apart: float
    """How far the judge's mean of the labelled responses lies from that of the others, over all
    evaluations, in standard errors: beyond 4 they were not drawn at random."""

    @property
    def source(self) -> str:
        """The name of this gold."""
        return str(self.rows.get_column("source")[0])

    def row(self) -> Powered:
        """As a verdict states it: medians over the evaluations."""
        labels, worth = (
            float(np.median(self.rows.get_column(c).to_numpy()))
            for c in ("n_responses", "as_good_as")
        )
        return {
            "labels": labels, "judged": self.judged, "as_good_as": worth,
            "correlation": self.correlation, "labelled_apart": self.apart,
        }  # fmt: skip


def helped(scored: pl.DataFrame | None) -> list[Helped]:
    """Gold by each of those who labelled some of the responses that a judge scored.

    scored: one row a response and who labelled it: step, prompt_id, response (names it within the
    run), judge (its score), source and gold (null where nobody labelled it). An evaluation counts
    where at least 20 prompts have a label and some response has none; three must. lambda is the
    best for all evaluations so far, so that later ones change no earlier gold.
    """
    if scored is None or not scored.height:
        return []
    named = scored.with_columns(
        pl.col("step").cast(pl.Int64), pl.col("source").cast(pl.String),
        pl.col("judge").cast(pl.Float64, strict=False), pl.col("gold").cast(pl.Float64),
        place=pl.col("prompt_id").cast(pl.String).rank("dense").cast(pl.Int64),
    ).filter(pl.col("judge").abs() <= LARGEST, pl.col("place").is_not_null())  # fmt: skip
    sources = named.get_column("source").drop_nulls().unique().sort().to_list()
    return [one for source in sources if (one := _by(named, source)) is not None]


def gold_with(gold: pl.DataFrame, those: list[Helped]) -> pl.DataFrame:
    """The gold measurements and those with a judge's help, as sources of their own."""
    rows = [one.rows.drop("as_good_as") for one in those]
    return pl.concat([gold, *rows], how="diagonal_relaxed") if rows else gold


def _by(scored: pl.DataFrame, source: str) -> Helped | None:
    mine = (pl.col("source") == source) & (pl.col("gold").abs() <= LARGEST)
    labelled = scored.filter(mine)
    others = scored.unique("response").join(labelled, on="response", how="anti")
    found, pairs = [], []
    along = across = off = 0.0
    rest = dict(others.sort("response").partition_by("step", as_dict=True).items())
    for step, part in labelled.sort("step", "response").group_by("step", maintain_order=True):
        other = rest.get(step)
        if other is None:
            continue
        one = Labels(*_numbers(part, "gold", "judge", "place"), *_numbers(other, "judge", "place"))
        if one.prompts < FEWEST_PROMPTS:
            continue
        people, judge = one.influences()
        along, across = along - float(people @ judge), across + float(judge @ judge)
        off += float(one.judge.mean() - one.others.mean())
        weight = along / across if across > 0 else 0.0
        variance = _variance(people + weight * judge, one.prompts, 2)
        alone = _variance(people, one.prompts, 1)
        value = one.gold.mean() + weight * (one.others.mean() - one.judge.mean())
        n = len(one.gold)
        worth = n * alone / variance if variance > 0 else float(n)
        found.append((step[0], value, np.sqrt(variance), n, one.prompts, worth, n + other.height))
        pairs.append((one.gold - one.gold.mean(), one.judge - one.judge.mean()))
    if len(found) < FEWEST_EVALUATIONS:
        return None
    names = ["step", "gold_reward", "gold_reward_se", "n_responses", "n_prompts", "as_good_as", "m"]
    rows = pl.DataFrame(found, schema=names, orient="row").with_columns(
        source=pl.lit(source + HELPED)
    )
    gold, score = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    size = float(np.sqrt(gold @ gold) * np.sqrt(score @ score))
    correlation = float(gold @ score) / size if size > 0 else 0.0
    judged = float(np.median(rows.get_column("m").to_numpy()))
    apart = off / np.sqrt(across) if across > 0 else 0.0
    return Helped(rows.drop("m"), judged, correlation, float(apart))


def _numbers(frame: pl.DataFrame, *names: str) -> list[Any]:
    return [frame.get_column(name).to_numpy() for name in names]


def _variance(influence: FloatArray, prompts: int, lost: int) -> float:
    """Clustered variance of a mean; lost: what was estimated from the same labels."""
    return float(influence @ influence) * prompts / (prompts - lost)
