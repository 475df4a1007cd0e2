"""Coverage and width of every interval for the peak, on simulated runs whose peak is known.

The headline is the one of the verdict, asked for as a page asks; the others are its parts and the
negative controls. A run without an upper bound counts as covered where the peak lies above its
lower one, and its share is told beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from analytics.gao import normalised_gold
from analytics.measured.rows import Covered, ForecastRow, IntervalRow
from analytics.onset.curves.fits import GaoFit, gao_fit
from analytics.onset.curves.forecast import SharedAlpha, forecast
from analytics.onset.curves.hump_average import HumpAverage, hump_average
from analytics.onset.curves.humps import EXPONENTS, one_percent_below
from analytics.onset.evidence.information import cramer_rao
from analytics.onset.judging.decision import Evidence, gather
from analytics.onset.judging.outlook import outlook
from analytics.onset.judging.peak_row import peak_row
from analytics.quality.medians import median, rounded
from analytics.simulated import D_END, OVEROPTIMISING, SCENARIOS, SimulatedRun, simulate
from analytics.simulated import gold_measurements as measurements
from analytics.simulated_humps import HELD_OUT, held_out

EXPONENT = {"rl": 0.0, "bon": 1.0, "mid": 0.5}
FORM = {"rl": "rl", "bon": "best_of_n"}
PREFIXES = tuple((x, sigma) for sigma in (0.02, 0.05) for x in (0.4, 0.6, 0.8, 0.95))
PREFIX_LOOKS = 13
"""Twelve, and the one at KL 0."""
ALPHA_ERROR = 0.05
HELD_OUT_SHARE = 5
HELD_OUT_SCENARIOS = ("clean_n20_s02", "base_n20_s05", "noisy_n20_s10")
"""Held-out kinds get a fifth of the runs, in three scenarios: they say where the figures end."""


@dataclass(frozen=True)
class Found:
    """One interval against its truth: KL in nats; high inf = no upper bound; floor: standard
    deviation of ln KL* that no method beats, NaN where the truth is not smooth."""

    truth: float
    kl: float
    low: float
    high: float
    floor: float = np.nan


def measure(
    runs: int, seed: int, scenarios: tuple[str, ...], kinds: tuple[str, ...] | None = None
) -> list[IntervalRow]:
    """Rows of the peak intervals, one per scenario, kind (None = all) and method."""
    rows: list[IntervalRow] = []
    for scenario in scenarios:
        others = HELD_OUT if scenario in HELD_OUT_SCENARIOS else ()
        for kind in kinds or (*OVEROPTIMISING, *others):
            made = simulate if kind in OVEROPTIMISING else held_out
            found: dict[str, list[Found]] = {}
            count = runs if kind in OVEROPTIMISING else max(runs // HELD_OUT_SHARE, 2)
            for i in range(count):
                run = made(kind, scenario, seed * 100_000 + i)
                for method, one in intervals(run):
                    found.setdefault(method, []).append(one)
            for method, all_found in found.items():
                rows.append({
                    "scenario": scenario, "kind": kind, "method": method,
                    "held_out": kind in HELD_OUT, "told": rounded(len(all_found) / count),
                    **summary(all_found),
                })  # fmt: skip
    return rows


def intervals(run: SimulatedRun) -> Iterator[tuple[str, Found]]:
    """(method, interval) of one overoptimising run."""
    assert run.kl_peak is not None
    gold = measurements(run)
    facts = {"gold_kind": "score", "kl_conversion": "exact"}
    path = gold.select(
        "step", "stretch", "kl", pl.lit(None, dtype=pl.Float64).alias("proxy_reward")
    )
    evidence = gather(gold, path, facts, None, None, None, peak_only=True)
    row = peak_row(evidence)
    d, y, se = (run.frame[name].to_numpy() for name in ("d", "gold", "gold_se"))
    floor = np.nan
    if run.kind in EXPONENT:
        floor = cramer_rao(d, se, float(np.sqrt(run.kl_peak)), 1.0, EXPONENT[run.kind])
    if row is not None:
        yield "headline", _found(run, row["kl"], row["kl_low"], row["kl_high"], floor)
    yield "shape", _shape(run, evidence)
    further = outlook(evidence, facts)
    one, cliff = further["kl_1_percent"], further["cliff"]
    if one is not None and run.kind in EXPONENT:
        beyond = one_percent_below()[EXPONENTS.index(EXPONENT[run.kind])] ** 2
        spot = _found(run, one["kl"], one["kl_low"], one["kl_high"], np.nan)
        yield "1 % below the peak", replace(spot, truth=run.kl_peak * beyond)
    if cliff is not None:
        yield "cliff", _found(run, cliff["kl"], cliff["kl_low"], cliff["kl_high"], np.nan)
    if evidence.average is not None:
        yield "model", _model(run, evidence.average, floor)
    if run.kind in HELD_OUT:
        return
    independent = hump_average(d, y, se, rhos=(0.0,))
    if independent is not None:
        yield "model, errors taken as independent", _model(run, independent, floor)
    for form, right in (("rl", "rl"), ("best_of_n", "bon")):
        fit = gao_fit(d, y, se, form)
        if fit is not None and run.kind in FORM:
            word = "right form" if right == run.kind else "wrong form"
            yield f"Fieller, {word}", _fieller(run, fit, floor)
    yield (
        "highest evaluation",
        Found(run.kl_peak, float(d[np.argmax(y)] ** 2), np.nan, np.nan, floor),
    )


def measure_forecasts(runs: int, seed: int) -> list[ForecastRow]:
    """Rows of the forecast from prefixes that end at d = x d*, one per x, noise and truth."""
    rows: list[ForecastRow] = []
    for kind, form in FORM.items():
        for x, sigma in PREFIXES:
            rng = np.random.default_rng([seed, *kind.encode(), int(100 * x), int(100 * sigma)])
            found: dict[str, list[Found]] = {}
            refused: dict[str, int] = {}
            for _ in range(runs):
                for method, one, no in _forecasts(kind, form, x, sigma, rng):
                    found.setdefault(method, []).append(one)
                    refused[method] = refused.get(method, 0) + no
            for method, all_found in found.items():
                rows.append({
                    "prefix": x, "noise": sigma, "kind": kind, "method": method,
                    **summary(all_found), "refused": refused[method] / runs,
                })  # fmt: skip
    return rows


def _forecasts(
    kind: str, form: str, x: float, sigma: float, rng: np.random.Generator
) -> Iterator[tuple[str, Found, bool]]:
    peak = D_END * rng.uniform(0.3, 0.8)
    d, se = np.linspace(0, x * peak, PREFIX_LOOKS), np.full(PREFIX_LOOKS, sigma)
    y = normalised_gold(d / peak, EXPONENT[kind]) + sigma * rng.standard_normal(PREFIX_LOOKS)
    floor = cramer_rao(d, se, peak, 1.0, EXPONENT[kind])
    alpha = (np.log(peak) + 1) / peak * (1 + ALPHA_ERROR * rng.standard_normal())
    wrong = next(other for other in FORM.values() if other != form)
    cases: list[tuple[str, str, SharedAlpha | None]] = [("form known", form, None)]
    if kind == "rl":
        cases.append(("form and alpha shared", form, SharedAlpha(alpha, ALPHA_ERROR * alpha, 3)))
    cases.append(("wrong form", wrong, None))
    for method, asked, shared in cases:
        made = forecast(d, y, se, asked, shared=shared)
        assert made is not None
        yield method, Found(peak**2, made.kl, made.low, made.high, floor), made.refused is not None


def summary(found: list[Found]) -> Covered:
    """Coverage, width and error, each with its standard error; plain values."""
    truth, kl, low, high, floor = (
        np.array([getattr(one, name) for one in found])
        for name in ("truth", "kl", "low", "high", "floor")
    )
    row: Covered = {"runs": len(found)}
    known = np.isfinite(kl)
    errors = np.abs(kl[known] / truth[known] - 1)
    row["error"], row["error_se"] = median(errors)
    row["floor"] = rounded(0.6745 * float(np.median(floor))) if np.all(np.isfinite(floor)) else None
    if not np.all(np.isnan(low)):
        covered = (np.nan_to_num(low) <= truth) & (truth <= high)
        share = float(covered.mean())
        row["coverage"] = rounded(share)
        row["coverage_se"] = rounded(float(np.sqrt(share * (1 - share) / len(found))))
        bounded = np.isfinite(high) & (low > 0)
        row["open"] = rounded(float(np.mean(~np.isfinite(high))))
        row["coverage_bounded"] = rounded(float(covered[bounded].mean())) if bounded.any() else None
        row["width"], row["width_se"] = median(high[bounded] / low[bounded])
    return row


def _found(
    run: SimulatedRun, kl: float | None, low: float | None, high: float | None, floor: float
) -> Found:
    assert run.kl_peak is not None
    return Found(
        run.kl_peak, np.nan if kl is None else kl, 0.0 if low is None else low,
        np.inf if high is None else high, floor,
    )  # fmt: skip


def _shape(run: SimulatedRun, evidence: Evidence) -> Found:
    assert evidence.peak is not None
    kl, found = evidence.looks.kl, evidence.peak
    return _found(run, float(kl[found.mode]), float(kl[found.first]), float(kl[found.last]), np.nan)


def _model(run: SimulatedRun, average: HumpAverage, floor: float) -> Found:
    spot = average.interval(0.9, "gao")
    return _found(run, spot.kl, spot.low, spot.high, floor)


def _fieller(run: SimulatedRun, fit: GaoFit, floor: float) -> Found:
    return _found(run, fit.kl, fit.kl_low, fit.kl_high, floor)


SCENARIO_NAMES = tuple(SCENARIOS)
