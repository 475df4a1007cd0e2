"""``python -m bench.weighted_contrasts``: what weights for unequal errors would bring to the scan.

A hump minus its best never-falling fit is the most powerful contrast where errors are equal. Where
they are not, both the fit and the contrast would be weighted by 1 / variance. Power, the median KL
of the alarm over the peak's, and false alarms of the scan alone, with the boundaries of a stated
plan simulated for either family.
"""

from __future__ import annotations

import argparse

import numpy as np

from analytics.gao import normalised_gold
from analytics.onset.alarm.red import _spend
from analytics.onset.alarm.spending import PLANNED_ALPHA, Stage, shares
from analytics.onset.curves.unimodal import rising_fit
from analytics.onset.evidence.contrasts import FIRST_LOOK, HUMP_EXPONENTS, HUMP_PEAKS
from analytics.onset.evidence.measurements import FloatArray
from analytics.quality.detection import Simulated, simulated

KINDS = ("rl", "bon", "mid", "cliff", "plateau", "linear", "sigmoid", "stairs")
PATHS = 20_000
_ALIKE = 0.97


def contrasts(weight: FloatArray) -> FloatArray:
    """Contrasts that end at the last look, errors of variance 1 / weight, (contrasts, looks)."""
    looks, error = len(weight), 1 / np.sqrt(weight)
    ratio = np.arange(looks) / (looks - 1) / np.array(HUMP_PEAKS)[:, None]
    rows: list[FloatArray] = []
    for exponent in HUMP_EXPONENTS:
        for hump in normalised_gold(ratio, exponent):
            row = (hump - rising_fit(hump, weight)) * weight
            length = float(np.linalg.norm(row * error))
            if length < 1e-6 * float(np.linalg.norm(hump / error)):
                continue
            row = row / length
            if not rows or np.max((np.array(rows) * error) @ (row * error)) <= _ALIKE:
                rows.append(row)
    return np.array(rows)


def statistics(gold: FloatArray, error: FloatArray, weighted: bool) -> FloatArray:
    """The scan at each look from the fourth on, gold (runs, looks) to (looks - 3, runs)."""
    found = []
    for count in range(FIRST_LOOK + 1, gold.shape[1] + 1):
        known = error[:count]
        rows = contrasts(known**-2 if weighted else np.ones(count))
        z = (gold[:, :count] - gold[:, :1]) @ rows.T / np.sqrt(rows**2 @ known**2)
        found.append(z.max(axis=1))
    return np.array(found)


def rates(run: Simulated, above: np.ndarray) -> str:
    """Share of alarms, of big falls where gold falls, with the median KL over the peak's."""
    hit = np.asarray(above.any(axis=0))
    if not np.isfinite(run.kl_peak).all():
        return f"{hit.mean():.3f}"
    at = run.series.d[above.argmax(axis=0) + FIRST_LOOK] ** 2
    ratio = np.where(hit, at / run.kl_peak, np.inf)[run.big]
    return f"{hit[run.big].mean():.3f} at {float(np.median(ratio)):.2f}"


def main() -> None:
    """Prints a line for each family."""
    parser = argparse.ArgumentParser(prog="python -m bench.weighted_contrasts", description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    runs = {
        kind: simulated(kind, "unequal_n20_s05", options.runs, options.seed * 100_000)
        for kind in KINDS
    }
    error = runs["rl"].series.se
    stage = Stage(1, FIRST_LOOK + 1, len(error), PLANNED_ALPHA, "planned")
    flat = np.random.default_rng(3).standard_normal((PATHS, len(error))) * error
    for weighted in (False, True):
        limits = _spend(statistics(flat, error, weighted).astype(np.float32), shares(stage))
        parts = [
            f"{kind} {rates(run, statistics(run.series.gold, error, weighted) >= limits[:, None])}"
            for kind, run in runs.items()
        ]
        print("weighted: " if weighted else "as it is: ", "; ".join(parts), sep="")


if __name__ == "__main__":
    main()
