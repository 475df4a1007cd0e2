"""Gold measurements and the trajectory as plain arrays, cleaned and cut at `until`.

Arrays hold NaN where the log holds nothing; frames going out hold null.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
TextArray = NDArray[np.str_]
IntArray = NDArray[np.int64]

LARGEST = 1e100
"""Of any number: no reward and no KL is larger, and squares of larger ones overflow."""
HELPED = " + judge"
"""Ends the name of gold from labels with a judge's help (`prediction_powered`)."""
_PEOPLE = re.compile(
    r"(^|[^a-z])(humans?|people|persons?|annotat\w*|raters?|experts?|crowd\w*|labell?ers?)([^a-z]|$)"
)
NEARBY_ROWS = 2
"""Trajectory rows on either side whose mean stands for a value the gold row does not carry."""


@dataclass(frozen=True)
class Rows:
    """Rows in step order, each array of shape (rows,): kl in nats per response, NaN = missing.

    n_prompts: prompts behind the responses, None where the log does not say. version: who judged
    gold, as last stated, "" = not yet, None where the log never says.
    """

    step: IntArray
    stretch: IntArray
    kl: FloatArray
    gold: FloatArray
    gold_se: FloatArray
    gold_sd: FloatArray
    n_responses: FloatArray
    proxy: FloatArray
    repeated: int = 0
    n_prompts: FloatArray | None = None
    version: TextArray | None = None

    def __len__(self) -> int:
        return len(self.step)

    def first(self, count: int) -> Rows:
        """The first `count` rows."""
        return self.take(np.arange(len(self)) < count)

    def take(self, keep: NDArray[np.bool_]) -> Rows:
        """The rows where keep (shape (rows,)) is true."""
        return Rows(
            self.step[keep],
            stretch=self.stretch[keep],
            kl=self.kl[keep],
            gold=self.gold[keep],
            gold_se=self.gold_se[keep],
            gold_sd=self.gold_sd[keep],
            n_responses=self.n_responses[keep],
            proxy=self.proxy[keep],
            repeated=self.repeated,
            n_prompts=None if self.n_prompts is None else self.n_prompts[keep],
            version=None if self.version is None else self.version[keep],
        )


def gold_sources(gold: pl.DataFrame, until: int | None) -> list[str]:
    """Names of the sources with a finite gold at or before until, the preferred one first.

    Preferred: labels with a judge's help (`prediction_powered`), people's first, then "evaluation"
    (fixed prompts), then "training", then the others by name. The order
    looks at names alone, never at the numbers, so that no verdict can choose its source.
    """
    finite = gold.filter(pl.col("gold_reward").cast(pl.Float64, strict=False).is_finite())
    if until is not None:
        finite = finite.filter(pl.col("step") <= until)
    names = set(finite.get_column("source").drop_nulls().unique().to_list())
    first = sorted(str(name) for name in names if str(name).endswith(HELPED))
    first.sort(key=lambda name: not by_people(name))
    first += [name for name in ("evaluation", "training") if name in names]
    return first + sorted(str(name) for name in names - set(first))


def by_people(source: str) -> bool:
    """Whether a source of gold is, by its name, people.

    >>> by_people("human"), by_people("expert_raters"), by_people("gpt-judge"), by_people("humane")
    (True, True, False, False)
    """
    return _PEOPLE.search(source.lower().replace("_", " ")) is not None


def gold_rows(gold: pl.DataFrame, source: str, until: int | None) -> Rows:
    """The rows of one source with a finite gold; a repeated step keeps its last row."""
    rows = _rows(gold.filter(pl.col("source") == source), until)
    return rows.take(np.isfinite(rows.gold))


def unusable_gold(gold: pl.DataFrame, source: str | None, until: int | None) -> int:
    """How many gold rewards are beyond LARGEST or infinite; NaN is a missing one.

    source: None = of all sources.
    """
    kept = pl.lit(True) if source is None else pl.col("source") == source
    if until is not None:
        kept &= pl.col("step") <= until
    logged = gold.filter(kept).get_column("gold_reward").cast(pl.Float64, strict=False)
    return int((logged.drop_nulls().drop_nans().abs() > LARGEST).sum())


def trajectory_rows(trajectory: pl.DataFrame, until: int | None) -> Rows:
    """Every training row up to until; its gold is not looked at."""
    return _rows(trajectory, until)


def fill_from_trajectory(rows: Rows, trajectory: Rows) -> Rows:
    """Gold rows with kl and proxy taken from nearby training rows where they carry none.

    Nearby: the mean of up to NEARBY_ROWS logged rows on either side, of the same stretch, around
    the last one at or before the gold row's step. Nothing is filled where the last such row is
    more than twice the usual spacing back: a KL that was no longer logged stays missing.
    """
    kl = np.where(np.isfinite(rows.kl), rows.kl, _nearby(rows, trajectory, trajectory.kl))
    proxy = np.where(
        np.isfinite(rows.proxy), rows.proxy, _nearby(rows, trajectory, trajectory.proxy)
    )
    return replace(rows, kl=kl, proxy=proxy)


def from_first_kl(rows: Rows) -> tuple[Rows, int]:
    """Gold rows without those before the first KL, and how many these are.

    They have no place on the axis of KL. Where they are more than one in ten (and more than one),
    or a KL is missing later as well, all rows stay and the axis is that of steps.
    """
    known = np.isfinite(rows.kl)
    early = int(np.argmax(known)) if np.any(known) else 0
    if early == 0 or early > max(1, len(rows) // 10) or not np.all(known[early:]):
        return rows, 0
    return rows.take(np.arange(len(rows)) >= early), early


def _nearby(rows: Rows, trajectory: Rows, values: FloatArray) -> FloatArray:
    known = np.isfinite(values)
    steps, stretches, logged = trajectory.step[known], trajectory.stretch[known], values[known]
    found = np.full(len(rows), np.nan)
    if len(steps) == 0:
        return found
    reach = 2 * float(np.median(np.diff(steps))) if len(steps) > 1 else 0.0
    for i, step in enumerate(rows.step):
        last = int(np.searchsorted(steps, step, side="right")) - 1
        if last < 0 or step - steps[last] > reach:
            continue
        near = slice(max(0, last - NEARBY_ROWS), last + NEARBY_ROWS + 1)
        same = stretches[near] == rows.stretch[i]
        if same.any():
            found[i] = float(np.mean(logged[near][same]))
    return found


def _rows(frame: pl.DataFrame, until: int | None) -> Rows:
    frame = frame.filter(pl.col("step").is_not_null())
    if until is not None:
        frame = frame.filter(pl.col("step") <= until)
    unique = frame.unique(subset="step", keep="last", maintain_order=True).sort("step")
    stretch = (
        unique.get_column("stretch").cast(pl.Int64).fill_null(0).to_numpy()
        if "stretch" in unique.columns
        else np.zeros(unique.height, dtype=np.int64)
    )
    return Rows(
        unique.get_column("step").cast(pl.Int64).to_numpy(),
        stretch=stretch,
        kl=_numbers(unique, "kl"),
        gold=_numbers(unique, "gold_reward"),
        gold_se=_numbers(unique, "gold_reward_se"),
        gold_sd=_numbers(unique, "gold_reward_sd"),
        n_responses=_numbers(unique, "n_responses"),
        proxy=_numbers(unique, "proxy_reward"),
        repeated=frame.height - unique.height,
        n_prompts=_numbers(unique, "n_prompts") if "n_prompts" in unique.columns else None,
        version=_versions(unique),
    )


def _versions(frame: pl.DataFrame) -> TextArray | None:
    if "gold_version" not in frame.columns:
        return None
    stated = frame.get_column("gold_version").cast(pl.String)
    if not stated.count():
        return None
    return np.array(stated.fill_null(strategy="forward").fill_null("").to_list(), dtype=np.str_)


def _numbers(frame: pl.DataFrame, column: str) -> FloatArray:
    if column not in frame.columns:
        return np.full(frame.height, np.nan)
    values = frame.get_column(column).cast(pl.Float64, strict=False).fill_null(float("nan"))
    numbers = np.array(values.to_numpy(), dtype=np.float64)
    # A number of a broken log, whose square is none: as good as an infinity.
    numbers[~(np.abs(numbers) <= LARGEST)] = np.nan
    return numbers


def mean_of_known(values: FloatArray, bounds: Sequence[tuple[int, int]]) -> FloatArray:
    """Mean of the finite values in each half-open range of rows; NaN where there is none.

    The ranges follow on each other, from the first row to the last.
    """
    if len(bounds) == len(values):  # a row each
        return np.where(np.isfinite(values), values, np.nan)
    means = np.full(len(bounds), np.nan)
    for i, (start, end) in enumerate(bounds):
        part = values[start:end]
        part = part[np.isfinite(part)]
        if len(part):
            means[i] = part.mean()
    return means
