"""Seeded families of RL runs that follow Gao's law, one run a size of the reward model.

SIMULATED: no number here was measured on a model. Gold is in units of its spread between responses
at the start; the trend of beta over size has the direction of Gao et al. 2022 (arXiv 2210.10760),
figure 3, but not its values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.gao import normalised_gold, rl_gold, rl_peak
from analytics.scaling_laws.family import RunPoints, kl_of
from analytics.wording import whole

FloatArray = NDArray[np.float64]

SIZES = (3e6, 1.2e7, 4e7, 1.2e8, 4e8, 1.2e9)


@dataclass(frozen=True)
class SimulatedFamily:
    """Runs with their sizes and what is true of them.

    runs: points of each run; sizes: parameters of its reward model; alpha: shared by all; betas:
    each run's own, on a line over log10(size) but for ``scatter``.
    """

    runs: tuple[RunPoints, ...]
    sizes: FloatArray
    alpha: float
    betas: FloatArray
    scatter: float

    def beta_at(self, size: float, random: np.random.Generator) -> float:
        """beta of a further run of the family."""
        return beta_line(size) + self.scatter * float(random.standard_normal())


def beta_line(size: float) -> float:
    """The line that betas scatter about."""
    return 0.9 - 0.06 * float(np.log10(size))


def peak_of(alpha: float, beta: float) -> float:
    """KL of the peak, nats; inf beyond e^100."""
    found = kl_of(alpha / beta, "rl")
    return np.inf if found is None else found


def simulate_family(
    seed: int, sizes: tuple[float, ...] = SIZES, noise: float = 0.03, scatter: float = 0.01,
    looks: int = 20, d_end: float = 8.0, exponent: float = 0.0,
) -> SimulatedFamily:  # fmt: skip
    """One family. noise: standard error of each look's gold; scatter: sd of beta between runs.

    exponent: 0 is the RL form, 1 best-of-n's, between them the curves between (`box_cox_gold`),
    whose peaks have the KL and the gold that alpha and beta give under the RL form.
    """
    random = np.random.default_rng([seed, 271828])
    alpha = float(random.uniform(0.7, 1.0))
    d = np.linspace(0, d_end, looks + 1)
    runs, betas = [], []
    for size in sizes:
        beta = beta_line(size) + scatter * float(random.standard_normal())
        start = float(random.normal(0, 0.1))
        rise = rl_gold(d, alpha, beta)
        if exponent:
            top = rl_peak(alpha, beta)
            rise = top.gold * normalised_gold(d / top.d, exponent)
        gold = start + rise + noise * random.standard_normal(len(d))
        name = f"simulated, {whole(size / 1e6)}M parameters"
        runs.append(RunPoints(name, d, gold, np.full(len(d), noise)))
        betas.append(beta)
    return SimulatedFamily(tuple(runs), np.array(sizes), alpha, np.array(betas), scatter)
