"""Seeded runs with a known onset, in units of the peak's gold gain (R* = 1).

The same curves serve the tests, the figures on how good the verdicts are, and the documentation.
Source of the design: docs/methods.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from analytics.gao import normalised_gold
from analytics.onset.evidence.ar1 import correlated

FloatArray = NDArray[np.float64]

OVEROPTIMISING = ("rl", "bon", "mid", "cliff", "tent")
"""Kinds whose expected gold falls after a peak; cliff and tent are in no fitted model."""
HONEST = ("linear", "saturating", "plateau", "late", "log", "sigmoid", "stairs")
"""Kinds whose expected gold never falls: an alarm on one of them is a false alarm."""
D_END = 12.0
"""sqrt-nats at the end of a run (KL 144 nats per response)."""
BIG_FALL = 0.15
"""A run counts as big where its last expected gold is this share of R* below the peak."""


@dataclass(frozen=True)
class Scenario:
    """A schedule of gold evaluations: `evaluations` after the one at d = 0, noise in R* units.

    spacing: d grows like (evaluation / evaluations)^spacing; growth: last over first noise.
    """

    evaluations: int
    noise: float
    autocorrelation: float = 0.0
    equal_in_kl: bool = False
    spacing: float = 1.0
    growth: float = 1.0

    @property
    def d(self) -> FloatArray:
        """sqrt-nats of each evaluation, shape (evaluations + 1,)."""
        share = np.linspace(0, 1, self.evaluations + 1)
        return D_END * (np.sqrt(share) if self.equal_in_kl else share**self.spacing)

    @property
    def se(self) -> FloatArray:
        """Standard error of each evaluation; `noise` is their geometric mean."""
        return self.noise * self.growth ** np.linspace(-0.5, 0.5, self.evaluations + 1)


SCENARIOS: dict[str, Scenario] = {
    "clean_n20_s02": Scenario(20, 0.02),
    "base_n20_s05": Scenario(20, 0.05),
    "noisy_n20_s10": Scenario(20, 0.10),
    "sparse_n10_s05": Scenario(10, 0.05),
    "dense_n40_s10": Scenario(40, 0.10),
    "klgrid_n20_s05": Scenario(20, 0.05, equal_in_kl=True),
    "ar_n20_s05_r5": Scenario(20, 0.05, autocorrelation=0.5),
}
HARDER: dict[str, Scenario] = {
    "sparse_n7_s05": Scenario(7, 0.05),
    "unequal_n20_s05": Scenario(20, 0.05, spacing=1.6, growth=3.0),
    "pooled_n399_s20": Scenario(399, 0.20),
}
"""Few evaluations; unequal spacing and noise that grows threefold; hundreds of noisy rows."""


@dataclass(frozen=True)
class SimulatedRun:
    """A run and its truth.

    frame: one row per evaluation: step, d (sqrt-nats), kl (nats per response), gold, proxy
    (R* units), gold_se, truth (expected gold). kl_peak: KL of the curve's maximum, None where
    gold never falls. big: whether the last expected gold is at least BIG_FALL below the peak.
    """

    kind: str
    scenario: str
    frame: pl.DataFrame
    kl_peak: float | None
    big: bool


def curve(kind: str, d: FloatArray, d_peak: float, rng: np.random.Generator) -> FloatArray:
    """Expected gold in R* units at d (sqrt-nats, shape (n,)) for an overoptimising kind.

    The peak is at d_peak; only the cliff draws from rng (the exponent of its rise). Raises
    ValueError for an unknown kind.
    """
    x = d / d_peak
    if kind == "rl":
        return normalised_gold(x, 0.0)
    if kind == "bon":
        return normalised_gold(x, 1.0)
    if kind == "mid":
        return normalised_gold(x, 0.5)
    if kind == "cliff":
        rise = np.minimum(x, 1.0) ** rng.uniform(0.5, 1.0)
        return np.asarray(rise - 0.5 * np.clip((d - d_peak) / (0.1 * D_END), 0, 1))
    if kind == "tent":
        return np.asarray(np.where(x <= 1, x, np.maximum(2 - x, -1.0)), dtype=np.float64)
    raise ValueError(f"unknown overoptimising kind {kind!r}: one of {', '.join(OVEROPTIMISING)}")


def honest_curve(kind: str, d: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Expected gold at d (sqrt-nats, shape (n,)) for a kind that never falls, ending near 1.

    Raises ValueError for an unknown kind.
    """
    curves: dict[str, Callable[[], FloatArray]] = {
        "linear": lambda: d / D_END,
        "saturating": lambda: 1 - np.exp(-d / (D_END * rng.uniform(0.08, 0.4))),
        "plateau": lambda: np.minimum(d / (D_END * rng.uniform(0.15, 0.5)), 1.0),
        "late": lambda: normalised_gold(d / (D_END * rng.uniform(1.05, 1.6)), 0.0),
        "log": lambda: np.log1p(d / (t := rng.uniform(0.3, 3.0))) / np.log1p(D_END / t),
        "sigmoid": lambda: _sigmoid(d, rng.uniform(0.2, 0.6) * D_END, rng.uniform(0.3, 1.0)),
        "stairs": lambda: _stairs(d, rng),
    }
    if kind not in curves:
        raise ValueError(f"unknown never-falling kind {kind!r}: one of {', '.join(HONEST)}")
    return np.asarray(curves[kind](), dtype=np.float64)


def simulate(kind: str, scenario: str, seed: int) -> SimulatedRun:
    """One run of a kind (OVEROPTIMISING or HONEST) under a scenario (of SCENARIOS or HARDER).

    The same arguments always give the same run. Raises ValueError for an unknown kind and
    KeyError for an unknown scenario.
    """
    plan = (SCENARIOS | HARDER)[scenario]
    rng = np.random.default_rng([seed, *kind.encode(), *scenario.encode()])
    d = plan.d
    d_peak: float | None = None
    if kind in OVEROPTIMISING:
        d_peak = D_END * rng.uniform(0.3, 0.8)
        truth = curve(kind, d, d_peak, rng)
    else:
        truth = honest_curve(kind, d, rng)
    return frame_of(kind, scenario, d, truth, d_peak, rng)


def frame_of(
    kind: str, scenario: str, d: FloatArray, truth: FloatArray, d_peak: float | None,
    rng: np.random.Generator,
) -> SimulatedRun:  # fmt: skip
    """A run with the scenario's noise around a truth at d (sqrt-nats), both of shape (n,)."""
    plan = (SCENARIOS | HARDER)[scenario]
    errors = plan.se * autoregressive(rng, (1, len(d)), plan.autocorrelation)[0]
    proxy = d / D_END * rng.uniform(1.0, 1.5) + 0.02 * rng.standard_normal(len(d))
    frame = pl.DataFrame(
        {
            "step": np.arange(len(d)) * 10,
            "d": d,
            "kl": d**2,
            "gold": truth + errors,
            "proxy": proxy,
            "gold_se": plan.se,
            "truth": truth,
        }
    )
    big = d_peak is not None and bool(truth[-1] <= 1 - BIG_FALL)
    return SimulatedRun(kind, scenario, frame, None if d_peak is None else d_peak**2, big)


def gold_measurements(run: SimulatedRun) -> pl.DataFrame:
    """The run's frame with the columns that `analytics.onset.verdict` takes as gold."""
    return run.frame.select(
        pl.lit("evaluation").alias("source"),
        pl.col("step").cast(pl.Int64),
        pl.lit(0).alias("stretch"),
        "kl",
        pl.col("gold").alias("gold_reward"),
        pl.col("gold_se").alias("gold_reward_se"),
        pl.lit(None, dtype=pl.Float64).alias("gold_reward_sd"),
        pl.lit(None, dtype=pl.Int64).alias("n_responses"),
        pl.col("proxy").alias("proxy_reward"),
    )


def autoregressive(rng: np.random.Generator, shape: tuple[int, int], rho: float) -> FloatArray:
    """Stationary AR(1) paths of unit variance, shape (paths, times), lag-1 correlation rho."""
    return correlated(rng.standard_normal(shape), rho)


def _sigmoid(d: FloatArray, middle: float, width: float) -> FloatArray:
    raw = 1 / (1 + np.exp(-(d - middle) / width))
    return np.asarray((raw - raw[0]) / (raw[-1] - raw[0]))


def _stairs(d: FloatArray, rng: np.random.Generator) -> FloatArray:
    risers = np.sort(rng.uniform(0, 0.9 * D_END, int(rng.integers(2, 6))))
    return np.asarray((d[:, None] >= risers).mean(axis=1))
