"""Whether the judge of gold drifts, told by anchors: fixed responses that it scores each time.

The policy cannot move an anchor's score, so what moves the anchors' mean beyond their own scatter
is the judge. An e-process tells it: under a judge that stays as it is the anchors' means are
independent about one level, so what each of them adds to the mean of those before it is normal
noise around 0 whatever that level is. Against it stand steps of either sign at each evaluation and
slow drifts, their sizes integrated in closed form. Under a stable judge it reaches 20 at any
evaluation in at most 5 % of runs (Ville). Source: docs/methods.md; Ramdas et al. 2023 (arXiv
2210.01948); betting on anchors as in arXiv 2606.15474.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import logsumexp

from analytics.computing.quantiles import chi2_quantile
from analytics.onset.evidence.measurements import HELPED, LARGEST, FloatArray, IntArray, by_people
from analytics.onset.evidence.verdict_keys import DriftRow

ALARM = 20.0
FEWEST_ANCHORS = 8
FEWEST_EVALUATIONS = 3
FEWEST_SHARED = 0.8
"""Of the evaluations, that an anchor is scored at, and of the anchors that an evaluation scores."""
_CAREFUL = 0.05
_SIZES, _SLOPES = (2.0, 8.0), (0.25, 1.0)
"""Prior sd of a step and of a drift an evaluation, in standard errors of an evaluation's mean."""
_EACH, _ROUNDS = 64, 50
_LEAST = 1e-9
"""Of the scores' range: a judge whose scores repeat has no scatter, any drift is then seen."""


@dataclass(frozen=True)
class Drift:
    """What anchors say of the judge. step: evaluations with anchors, (times,); moved: how far the
    anchors' mean lies from that of the first one, with the error of one mean, units of gold; log_e:
    ln of the e-process at each; all empty where there are too few. anchors, times: how many were
    scored again and again, and at how many evaluations."""

    step: IntArray
    moved: FloatArray
    error: float
    log_e: FloatArray
    anchors: int
    times: int

    @property
    def enough(self) -> bool:
        """Whether there are enough anchors and evaluations to tell."""
        return len(self.step) > 0

    @property
    def since(self) -> int | None:
        """The step at which drift was told, None where it was not."""
        beyond = np.flatnonzero(self.log_e >= np.log(ALARM))
        return int(self.step[beyond[0]]) if len(beyond) else None

    @property
    def found(self) -> bool:
        """Whether the judge drifts."""
        return self.since is not None

    def row(self, by_judge: bool) -> DriftRow:
        """As a verdict states it; by_judge: whether its gold is the judge's."""
        wide = 1.645 * self.error * np.sqrt(2) * (np.arange(len(self.step)) > 0)
        low, high = self.moved - wide, self.moved + wide
        return {
            "since": self.since, "corrected": self.found and by_judge, "anchors": self.anchors,
            "evaluations": self.times,
            "e_value": float(np.exp(min(float(self.log_e.max()), 300 * np.log(10))))
            if self.enough else None,
            "moved": float(self.moved[-1]) if self.enough else None,
            "error": self.error if self.enough else None,
            "points": [
                {"step": int(step), "moved": float(m), "low": float(a), "high": float(b)}
                for step, m, a, b in zip(self.step, self.moved, low, high, strict=True)
            ],
        }  # fmt: skip


def judge_drift(anchors: pl.DataFrame | None) -> Drift | None:
    """What anchors say, None where there are none.

    anchors: step, prompt_id, response (names it within the prompt), score. Those of one prompt are
    averaged. Left out are anchors that fewer than 80 % of the evaluations score, and evaluations
    that score fewer than 80 % of the others; single missing scores are not.
    """
    if anchors is None or not anchors.height:
        return None
    prompt, response = (pl.col(c).cast(pl.String) for c in ("prompt_id", "response"))
    cells = anchors.select(
        pl.col("step").cast(pl.Int64), pl.coalesce(prompt, response).alias("prompt"),
        pl.coalesce(response, pl.lit("")).alias("response"),
        pl.col("score").cast(pl.Float64, strict=False),
    ).filter(pl.col("score").abs() <= LARGEST)  # fmt: skip
    one = ["prompt", "response"]
    cells = cells.group_by("step", *one).agg(pl.col("score").sort().mean())
    step = cells.get_column("step").unique().sort().to_numpy()
    often = pl.len().over(one) >= FEWEST_SHARED * len(step)
    cells = cells.filter(often).sort(*one, "step")
    place = cells.select(pl.struct(one).rle_id()).to_series().to_numpy().astype(int)
    table = np.full((len(step), int(place.max(initial=-1)) + 1), np.nan)
    at = np.searchsorted(step, cells.get_column("step").to_numpy())
    table[at, place] = cells.get_column("score").to_numpy()
    times = np.sum(np.isfinite(table), axis=1) >= FEWEST_SHARED * max(table.shape[1], 1)
    table, step = table[times], step[times]
    of = cells.group_by(one, maintain_order=True).first().get_column("prompt").rle_id().to_numpy()
    prompts = len(np.unique(of))
    if len(step) < FEWEST_EVALUATIONS or prompts < FEWEST_ANCHORS:
        nothing = np.zeros(0)
        return Drift(step[:0], nothing, np.nan, nothing, table.shape[1], len(step))
    scores = _by_prompt(_filled(table), of)
    means = scores.mean(axis=1)
    error, log_e = _evidence(scores, prompts * np.mean(np.isfinite(table), axis=1))
    return Drift(step, means - means[0], float(error[-1]), log_e, table.shape[1], len(step))


def _by_prompt(table: FloatArray, prompt: IntArray) -> FloatArray:
    """The mean over each prompt's anchors, (times, prompts); prompt: ascending, of each anchor."""
    first = np.flatnonzero(np.diff(prompt.astype(int), prepend=-1))
    sizes = np.diff(np.append(first, len(prompt)))
    return np.asarray(np.add.reduceat(table, first, axis=1) / sizes)


def _filled(table: FloatArray) -> FloatArray:
    """Scores with the missing ones as their anchor's and their time's level say, NaN = missing."""
    known = np.isfinite(table)
    if np.all(known):
        return table
    moved = np.zeros(len(table))
    for _ in range(_ROUNDS):
        level = np.nanmean(table - moved[:, None], axis=0)
        moved = np.nanmean(table - level, axis=1)
    return np.where(known, table, level + moved[:, None])


def corrected(gold: pl.DataFrame, drift: Drift, sources: list[str]) -> pl.DataFrame:
    """Gold without the judge's drift, the correction's error added to what states an error.

    Between evaluations with anchors the drift is interpolated. sources: whose gold is corrected.
    """
    step = gold.get_column("step").cast(pl.Float64).to_numpy()
    moved = pl.Series(np.interp(step, drift.step, drift.moved))
    there = [c for c in ("gold_reward_se", "gold_reward_sd", "n_responses") if c in gold.columns]
    gold = gold.with_columns(pl.col(c).cast(pl.Float64) for c in ("gold_reward", *there))
    columns = {"gold_reward": pl.col("gold_reward") - moved}
    if "gold_reward_se" in there:
        columns["gold_reward_se"] = (pl.col("gold_reward_se") ** 2 + drift.error**2).sqrt()
    if {"gold_reward_sd", "n_responses"} <= set(there):
        added = pl.col("n_responses").fill_null(1) * drift.error**2
        columns["gold_reward_sd"] = (pl.col("gold_reward_sd") ** 2 + added).sqrt()
    return gold.with_columns(
        pl.when(pl.col("source").is_in(sources)).then(one).otherwise(pl.col(name)).alias(name)
        for name, one in columns.items()
    )


def of_judge(gold: pl.DataFrame) -> list[str]:
    """Sources whose gold a judge scored: neither people nor people with a judge's help."""
    named = [str(name) for name in gold.get_column("source").drop_nulls().unique().sort()]
    return [name for name in named if not name.endswith(HELPED) and not by_people(name)]


def _evidence(scores: FloatArray, known: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Error of one mean and ln of the e-process, by what is known at each time; (times,) both.

    scores: (times, anchors); known: how many of them were not filled in,
    (times,). The scatter is
    that of scores about their anchor's and their time's mean; its upper 95 % bound stands for it
    in the e-process.
    """
    times, anchors = scores.shape
    means = scores.mean(axis=1)
    # what each mean adds to those before it: independent, of one variance, whatever the level
    added = _added((means - means[0])[None, :])[0]
    freedom = np.maximum(np.cumsum(known)[1:] - anchors - np.arange(1.0, times), 1.0)
    fewest = np.minimum.accumulate(known)[1:]
    variance = _left(scores - scores[0]) / freedom / fewest
    careful = variance * freedom / chi2_quantile(_CAREFUL, freedom)
    least = max(_LEAST * float(np.ptp(scores)), 1e-300)
    log_e = _log_e(added, np.maximum(np.sqrt(careful), least))
    error = np.sqrt(variance)
    return np.concatenate([error[:1], error]), np.concatenate([[0.0], log_e])


def _left(moved: FloatArray) -> FloatArray:
    """Squares that anchors' and times' means leave, of the first two times, three …, (times - 1,).

    moved: (times, anchors), each anchor's score less its first one.
    """
    times, each = moved.shape
    so_far = np.arange(1, times + 1)
    means = moved.mean(axis=1)
    of_anchors = np.sum(np.cumsum(moved, axis=0) ** 2, axis=1) / so_far
    of_times = each * np.cumsum(means**2)
    of_all = each * np.cumsum(means) ** 2 / so_far
    left = np.cumsum(np.sum(moved**2, axis=1)) - of_anchors - of_times + of_all
    return np.asarray(np.maximum(left, 0.0)[1:])


def _log_e(added: FloatArray, error: FloatArray) -> FloatArray:
    """ln of the e-process at each time from the second on, (times - 1,).

    added: what each mean added, error: of one mean as it was known then, both (times - 1,).
    """
    times = len(added) + 1
    place, starts = np.arange(times), _starts(times)
    weight = 1 / (np.arange(1, len(starts) + 1) * np.arange(2, len(starts) + 2))
    begun = place[None, 1:] >= starts[:, None]
    terms = []
    for course, sizes in (
        ((place >= starts[:, None]) * 1.0, _SIZES),
        (np.maximum(place - starts[:, None] + 1.0, 0.0), _SLOPES),
    ):
        shape = _added(np.asarray(course, dtype=np.float64))
        square, both = np.cumsum(shape**2, axis=1), np.cumsum(shape * added, axis=1) / error
        for size in sizes:
            spread = 1 + size**2 * square
            terms.append(0.5 * size**2 * both**2 / spread - 0.5 * np.log(spread))
    share = np.log(weight / len(terms))[:, None]
    mixed = np.concatenate([np.where(begun, one + share, -np.inf) for one in terms])
    # of drifts that begin later: they say nothing yet
    later = 1 - np.sum(weight[:, None] * begun, axis=0)
    return np.asarray(logsumexp(np.concatenate([mixed, np.log(later)[None, :]]), axis=0))


def _starts(times: int) -> IntArray:
    """Where a drift may begin: at each time, from the 64th on ever fewer; the same for any run."""
    starts = list(range(1, min(times, _EACH)))
    while starts and (following := int(starts[-1] * 1.05) + 1) < times:
        starts.append(following)
    return np.array(starts, dtype=np.int64)


def _added(courses: FloatArray) -> FloatArray:
    """What each value adds to the mean of those before it, scaled as noise is; (courses, times)."""
    before = np.arange(1, courses.shape[1])
    means = np.cumsum(courses, axis=1)[:, :-1] / before
    return np.asarray(np.sqrt(before / (before + 1)) * (courses[:, 1:] - means))
