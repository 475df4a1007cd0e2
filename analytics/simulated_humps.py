"""Held-out humps: shapes of gold that no method here was built on, in units of the peak's gain."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analytics.simulated import D_END, SCENARIOS, FloatArray, SimulatedRun, frame_of

HUMPS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "gamma": lambda x: x * np.exp(1 - x),
    "bump": lambda x: np.exp(-(((x - 1) / 0.4) ** 2) / 2) - np.exp(-1 / 0.32),
    "kink": lambda x: np.where(x < 1, (1 - np.exp(-3 * x)) / (1 - np.exp(-3)), 1 - 0.5 * (x - 1)),
    "half_life": lambda x: np.where(
        x < 1, np.sin(np.pi / 2 * np.minimum(x, 1)), 0.5 + 0.5 * np.exp(1 - np.maximum(x, 1))
    ),
    "late_bend": lambda x: np.where(x < 1, x**0.6, 1 - np.maximum(x - 1, 0) ** 2),
}
"""Expected gold over x = d / d*: a gamma curve, a bell, a saturating rise that turns into a
straight fall, a sine that decays to half, a kink with a parabolic fall."""
HELD_OUT = (*HUMPS, "random")
"""random: rise and fall are monotone random curves, another pair in every run."""


def held_out(kind: str, scenario: str, seed: int) -> SimulatedRun:
    """One run of a held-out kind under a scenario; the same arguments give the same run."""
    plan = SCENARIOS[scenario]
    rng = np.random.default_rng([seed, *kind.encode(), *scenario.encode()])
    share = np.linspace(0, 1, plan.evaluations + 1)
    d = D_END * (np.sqrt(share) if plan.equal_in_kl else share)
    d_peak = D_END * rng.uniform(0.3, 0.8)
    truth = _random(d, d_peak, rng) if kind == "random" else HUMPS[kind](d / d_peak)
    return frame_of(kind, scenario, d, truth, d_peak, rng)


def _random(d: FloatArray, d_peak: float, rng: np.random.Generator) -> FloatArray:
    up, down, depth = _monotone(rng), _monotone(rng), rng.uniform(0.4, 1.5)
    time = np.linspace(0, 1, len(up))
    rise = np.interp(d / d_peak, time, up)
    fall = np.interp((d - d_peak) / (D_END - d_peak), time, down)
    return np.asarray(np.where(d <= d_peak, rise, 1 - depth * fall))


def _monotone(rng: np.random.Generator, points: int = 241) -> FloatArray:
    """A random increasing curve from 0 to 1; its slope varies by factors of e."""
    time = np.linspace(0, 1, points)
    knots = np.linspace(0, 1, 9)
    speed = np.exp(np.exp(-(((time[:, None] - knots) / 0.12) ** 2) / 2) @ rng.standard_normal(9))
    path = np.concatenate([[0.0], np.cumsum(speed[1:])])
    return np.asarray(path / path[-1])
