"""From gold measurements to a verdict: which rows, which test, which status.

The order of work is fixed before any number is seen: source, pooling, noise, scan, peak.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from analytics.onset.alarm.proxy import proxy_fell
from analytics.onset.alarm.second_opinion import SecondOpinion, second_opinion
from analytics.onset.alarm.spending import Plan, plan_of
from analytics.onset.alarm.standing import Standing, standing, way_back
from analytics.onset.alarm.watched import Watch, watch
from analytics.onset.alarm.way_back import WayBack
from analytics.onset.alarm.witness import Withdrawal
from analytics.onset.curves.fits import GaoFit, form_of, gao_fit, has_form
from analytics.onset.curves.forecast import Forecast, SharedAlpha, forecast
from analytics.onset.curves.gold_lost import GoldLost, gold_lost
from analytics.onset.curves.hump_average import RHOS, HumpAverage, hump_average
from analytics.onset.curves.next_evaluation import NextEvaluation, next_evaluation
from analytics.onset.curves.peak import PeakSet, peak_set
from analytics.onset.errors.noise import (
    EXACT,
    FEWEST_ROWS_FOR_SCATTER,
    UNSTATED,
    Noise,
    noise_of_looks,
)
from analytics.onset.errors.own_scatter import widened
from analytics.onset.errors.paired import Paired, paired
from analytics.onset.errors.prompt_clusters import clustered_error, prompt_scatter
from analytics.onset.errors.smoothing import smoothness
from analytics.onset.errors.stated_error import percent_scale, stated_error
from analytics.onset.evidence.measurements import (
    FloatArray,
    Rows,
    fill_from_trajectory,
    from_first_kl,
    gold_rows,
    gold_sources,
    trajectory_rows,
    unusable_gold,
)
from analytics.onset.evidence.pooling import MOST_SINGLE, Looks, pool
from analytics.onset.evidence.verdict_keys import Axis
from analytics.onset.labels.judges import JudgeChange, by_judge
from analytics.onset.labels.prompt_adjustment import Adjustment, adjusted

LARGEST_WAY_BACK = 0.2
"""Total way back of KL, as a share of its range, beyond which gold is no function of KL."""
LARGEST_ERROR = 1e100
"""Of a stated standard error, in units of gold's own scale: beyond it squares overflow."""


@dataclass(frozen=True)
class Evidence:
    """Everything a verdict is written from. The last stretch alone is tested: noise, test and
    peak belong to `tested`, the index of its first look in looks; None where not reached.
    adjustment: what the prompts' levels took out of rows; se_ratio: standard error of the looks
    over what it would be without.

    rows are in gold's own unit; looks and all that follows from them in units of scale."""

    source: str | None
    sources: list[str]
    rows: Rows
    trajectory: Rows
    size: int
    looks: Looks
    tested: int
    noise: Noise | None
    noise_known: bool
    plan: Plan
    test: Watch | None
    peak: PeakSet | None
    model: GaoFit | None
    average: HumpAverage | None
    forecast: Forecast | None
    shared: SharedAlpha | None
    following: NextEvaluation | None
    adjustment: Adjustment | None
    se_ratio: float | None
    lost: GoldLost | None
    proxy_fell: bool
    second: SecondOpinion | None
    axis: Axis
    scale: float
    unusable: int
    """Gold rewards that are no number below `measurements.LARGEST`, left out."""
    before_kl: int = 0  # gold rows before the first KL, left out
    stands: Standing | None = None
    clustered_unknown: bool = False
    smoothed: bool = False
    back: WayBack | None = None
    """How far KL went back where gold's fall is the way back along its own curve."""
    judges: JudgeChange | None = None
    pairs: Paired | None = None

    @property
    def withdrawn(self) -> Withdrawal | None:
        """Why an alarm that was raised does not stand, None where it does or there was none."""
        return None if self.stands is None else self.stands.withdrawn

    @property
    def recovered(self) -> bool:
        """Whether gold fell once and has come back: its highest level may be the present one."""
        if self.lost is None or self.peak is None:
            return False
        return self.alarmed and self.peak.ends and self.lost.low <= 0

    @property
    def alarmed(self) -> bool:
        """Whether an alarm was raised and still stands."""
        return self.test is not None and self.test.alarm is not None and self.withdrawn is None

    @property
    def past_peak(self) -> bool:
        """Whether gold has fallen for sure and not come back: its peak lies before the end."""
        return self.alarmed and not self.recovered

    @property
    def model_fits(self) -> bool | None:
        """Whether the curve that the optimiser should follow is not rejected; None = no curve."""
        if self.model is None:
            return None
        by_average = self.model.form == "rl" and self.average is not None
        return self.average.fits if by_average and self.average is not None else self.model.fits


def gather(
    gold: pl.DataFrame,
    trajectory: pl.DataFrame,
    facts: Mapping[str, Any],
    prompts: pl.DataFrame | None,
    source: str | None,
    until: int | None,
    siblings: Callable[[], SharedAlpha | None] | None = None,
    peak_only: bool = False,
    evaluated: pl.DataFrame | None = None,
) -> Evidence:
    """Cleans, pools, tests and locates; raises nothing for any numbers in the frames.

    siblings: asked only where a forecast is made; alpha in gold's own unit. peak_only leaves out
    what does not bear on alarm and peak: measurements of those ask for thousands of runs.
    evaluated: as prompts, of the responses of evaluations.
    """
    sources = gold_sources(gold, until)
    chosen = source if source is not None else (sources[0] if sources else None)
    path = trajectory_rows(trajectory, until)
    raw = gold_rows(gold, chosen or "", until)
    rows, early = from_first_kl(fill_from_trajectory(raw, path))
    trained = rows.stretch[-1] if len(rows) else 0
    rows, judges = by_judge(rows)
    taken: Adjustment | None = None
    as_logged = rows
    if prompts is not None and chosen == "training":
        rows, taken = adjusted(rows, prompts)
    kind = str(facts.get("gold_kind") or "score")
    if kind == "win_rate":
        rows = with_even_start(rows)
    last_stretch = rows.stretch == rows.stretch[-1] if len(rows) else np.zeros(0, dtype=bool)
    scale = power_of_two_above(rows.gold)
    scaled = replace(rows, gold=rows.gold / scale)
    raw_rows, current_rows = rows.take(last_stretch), scaled.take(last_stretch)
    planned = facts.get("max_steps")
    plan = plan_of(
        current_rows.step,
        planned if isinstance(planned, int) else None,
        facts.get("evaluations_planned"),
    )
    size = plan.reached(len(current_rows))[-1].size
    looks = pool(scaled, size)
    tested = int(np.sum(looks.stretch != looks.stretch[-1])) if len(looks) else 0
    current = pool(current_rows, size)
    axis: Axis = "kl" if len(current) and bool(np.all(np.isfinite(current.kl))) else "step"
    clustered = clustered_error(prompts, raw_rows) if prompts is not None else None
    pairs = None
    if chosen != "training":
        both = (frame for frame in (evaluated, prompts) if frame is not None)
        pairs = next((one for frame in both if (one := paired(frame, raw_rows))), None)
    cells = None
    if prompts is not None and chosen == "training":
        cells = prompts.with_columns(pl.col("gold_reward").cast(pl.Float64) / scale)

    def noise_of(known: Rows, of: Looks, rows_a_look: int) -> Noise:
        errors = None if clustered is None else clustered[: len(known)]
        by_log = stated_error(raw_rows.first(len(known)), kind, errors, pairs)
        stated = by_log.error
        if stated is not None:
            stated = np.minimum(stated / scale, LARGEST_ERROR)
        clusters = None
        if cells is not None and rows_a_look >= FEWEST_ROWS_FOR_SCATTER:
            clusters = prompt_scatter(cells, known, of)
        return noise_of_looks(known, of, rows_a_look, stated, by_log.phrase, clusters)

    noise = test = peak = model = average = ahead = shared = following = lost = second = None
    fell = False
    stands: Standing | None = None
    as_stated: Noise | None = None
    back: WayBack | None = None
    if len(current):
        noise = noise_of(current_rows, current, size)
        as_stated, noise = noise, widened(noise, current.gold)
        test = watch(current_rows, plan, noise_of)
    if noise is not None and as_stated is not None and test is not None:
        place = np.sqrt(np.maximum(current.kl, 0)) if axis == "kl" else current.step
        freedom = float(noise.freedom[-1])
        peak = peak_set(current.gold, noise.se, place, noise.rho, freedom)
        back = way_back(current, as_stated, test)
        if test.alarm is not None:
            lost = gold_lost(current.gold, noise.se, noise.rho, freedom)
            stands = standing(current, as_stated, test, peak, lost, back)
        alarmed = stands is not None and stands.withdrawn is None
        if axis == "kl":
            form = form_of(facts)
            model = gao_fit(place, current.gold, noise.se, form, freedom, noise.rho)
            # errors correlated more strongly than is known are always allowed for
            rhos = (noise.rho, *(rho for rho in RHOS if rho >= noise.rho + 0.1))
            average = hump_average(place, current.gold, noise.se, freedom, rhos, before_end=alarmed)
        charted = axis == "kl" and climbs(current.kl) and not peak_only
        if charted and average is not None and average.some_hump_fits:
            following = next_evaluation(average, place, current.gold, noise.se, alarmed)
        if charted and not alarmed and has_form(facts):
            if siblings is not None and form == "rl":
                shared = _in_scale(siblings(), scale)
            ahead = forecast(place, current.gold, noise.se, form, freedom, noise.rho, shared)
        second = None if peak_only else second_opinion(place, current.gold, noise)
        if alarmed:
            # gold may have come back since: the loss is told all the same, the proxy is compared
            fell = not peak_only and proxy_fell(path, trained, float(current.step[peak.mode]))
    narrowed = None
    if as_stated is not None and taken is not None:
        before = replace(as_logged, gold=as_logged.gold / scale).take(last_stretch)
        wider = noise_of(before, pool(before, size), size).se
        narrowed = float(np.sqrt(np.mean(as_stated.se**2) / np.mean(wider**2)))
    smoothed = noise is not None and _smoothed(current_rows.gold[:MOST_SINGLE], noise)
    known = noise is not None and noise.method not in UNSTATED
    if noise is not None and noise.phrase == EXACT and smoothed:
        known = False  # what is not visible was smoothed away
    return Evidence(
        chosen if len(rows) else None,
        sources=sources,
        rows=rows,
        trajectory=path,
        size=size,
        looks=looks,
        tested=tested,
        noise=noise,
        noise_known=known,
        plan=plan,
        test=test,
        peak=peak,
        model=model,
        average=average,
        forecast=ahead,
        shared=shared,
        following=following,
        adjustment=taken,
        se_ratio=narrowed,
        lost=lost,
        proxy_fell=fell,
        second=second,
        axis=axis,
        scale=scale,
        unusable=unusable_gold(gold, chosen, until),
        before_kl=early,
        stands=stands,
        clustered_unknown=noise is not None
        and noise.method == "stated"
        and noise.phrase != EXACT
        and not stated_error(raw_rows, kind, clustered, pairs).by_prompt,
        smoothed=smoothed,
        back=back,
        judges=judges,
        pairs=pairs,
    )


def _smoothed(gold: FloatArray, noise: Noise) -> bool:
    """Whether gold (rows,) looks smoothed: a curve without noise only where it hides some."""
    found = smoothness(gold)
    return found.seen and (noise.phrase != EXACT or found.hides_noise(gold))


def climbs(kl: FloatArray) -> bool:
    """Whether KL (looks in time order) hardly ever goes back, so that gold may be drawn over it."""
    back = -float(np.sum(np.minimum(np.diff(kl), 0.0)))
    return back <= LARGEST_WAY_BACK * float(np.ptp(kl))


def _in_scale(shared: SharedAlpha | None, scale: float) -> SharedAlpha | None:
    if shared is None:
        return None
    return SharedAlpha(shared.alpha / scale, shared.sd / scale, shared.runs)


def power_of_two_above(gold: FloatArray) -> float:
    """A scale that is exact to divide by and keeps squares of any gold within floats.

    >>> power_of_two_above(np.array([0.3, -3.0]))
    4.0
    """
    largest = float(np.max(np.abs(gold))) if len(gold) else 0.0
    return float(2.0 ** np.clip(np.frexp(largest)[1], -1000, 1023)) if largest > 0 else 1.0


def with_even_start(rows: Rows) -> Rows:
    """A win rate against the initial policy starts at one half: KL 0 where nothing is measured.

    Adds the row only where KL is known and the first row is above 0 nats and past step 0; it
    carries the first stated error, although it is exact by definition.
    """
    if len(rows) == 0 or rows.step[0] <= 0 or not np.isfinite(rows.kl[0]) or rows.kl[0] <= 0:
        return rows

    def first(values: FloatArray, value: float) -> FloatArray:
        return np.concatenate([[value], values])

    return Rows(
        np.concatenate([[0], rows.step]),
        stretch=np.concatenate([rows.stretch[:1], rows.stretch]),
        kl=first(rows.kl, 0.0),
        gold=first(rows.gold, 0.5 * percent_scale(rows.gold)),
        gold_se=first(rows.gold_se, _first_known(rows.gold_se)),
        gold_sd=first(rows.gold_sd, _first_known(rows.gold_sd)),
        n_responses=first(rows.n_responses, float(np.max(rows.n_responses))),
        proxy=first(rows.proxy, np.nan),
        repeated=rows.repeated,
        n_prompts=None
        if rows.n_prompts is None
        else first(rows.n_prompts, float(np.max(rows.n_prompts))),
        version=None if rows.version is None else np.concatenate([rows.version[:1], rows.version]),
    )


def _first_known(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known[0]) if len(known) else np.nan
