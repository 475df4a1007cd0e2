"""What a best-of-n curve says, in sentences a reviewer can read."""

from __future__ import annotations

import numpy as np

from analytics.best_of_n.fits import Bounds, PoolFit
from analytics.best_of_n.report import Curve
from analytics.best_of_n.resampling import FEWEST_PROMPTS, half_way
from analytics.figures.text import interval, number
from analytics.kl import best_of_n_kl, n_of_best_of_n_kl

FORMS = {"best_of_n": "d (α − βd)", "rl": "d (α − β ln d)"}
MANY_REPEATS = 0.05


def peak_words(curve: Curve) -> str:
    """Where gold is highest: an interval of n, or no peak; "cannot tell" with few prompts."""
    found = curve.shape
    if found is None:
        return "cannot tell"
    low, high = curve.n_at(found.low), curve.n_at(found.high)
    if found.high == curve.frame.height - 1:
        return f"n = {low:,} or more" if found.falls else f"no peak up to n = {high:,}"
    return f"n = {low:,}" if low == high else f"n = {low:,} to {high:,}"


def headline(curve: Curve) -> str:
    """What the chart shows, in half a sentence that follows the proxy's name."""
    found = curve.shape
    if found is None:
        return f"cannot be judged: {curve.pool.prompts} prompts are too few"
    if found.falls:
        where = peak_words(curve)
        if "or more" in where:
            return f"falls in gold along n, highest at {where}"
        return f"stops paying in gold after {where}"
    return f"still pays at n = {curve.pool.largest:,}, as far as this pool can tell"


def sentences(curve: Curve) -> list[str]:
    """Fall, fits, KL and what was left out."""
    return [_fall(curve), *_fits(curve), _kl(curve), _counted(curve)]


def fit_peak(fit: PoolFit | None) -> str:
    """A fitted peak with its interval, for a table."""
    if fit is None:
        return "cannot be fitted"
    if fit.fits is False:
        return "does not fit"
    if fit.fits is None:
        return "cannot tell"
    if fit.kl is None:
        low = fit.kl_bounds[0]
        return "no peak" if low is None else f"none, or past KL {number(low)}"
    return f"KL {interval(*fit.kl_bounds)}"


def _fall(curve: Curve) -> str:
    found, rows = curve.shape, curve.frame
    first, last = rows["gold_reward"][0], rows["gold_reward"][-1]
    end = f"n = {curve.pool.largest:,} (KL {number(float(best_of_n_kl(curve.pool.largest)))} nats)"
    course = f"Gold goes from {number(first)} at n = 1 to {number(last)} at {end}."
    if found is None:
        return (
            f"{course} With fewer than {FEWEST_PROMPTS} prompts no interval is given and no "
            "verdict."
        )
    if found.falls:
        by = f"{number(found.fall)} ({number(found.fall_low)} to {number(found.fall_high)}, 90 %)"
        return (
            f"{course} It is highest at {peak_words(curve)} (90 %) and {by} lower at the end; "
            "the test errs on at most 5 % of pools whose gold never falls."
        )
    half = curve.n_at(half_way(np.asarray(rows["kl_bound"])))
    return (
        f"{course} No fall is seen. A fall of {number(found.detectable)} between n = {half:,} and "
        f"n = {curve.pool.largest:,} would have been seen with 80 % power."
    )


def _fits(curve: Curve) -> list[str]:
    said = []
    for fit in (curve.best_of_n, curve.rl):
        if fit is None:
            continue
        name = "best-of-n" if fit.form == "best_of_n" else "RL"
        start = (
            f"Gao's {name} form {FORMS[fit.form]}: α = {_with(fit.alpha, fit.alpha_bounds)}, "
            f"β = {_with(fit.beta, fit.beta_bounds)}"
        )
        if fit.fits is False:
            chance = "p < .001" if (fit.p or 0) < 0.001 else f"p = {number(fit.p)}"
            said.append(
                f"{start}. It does not fit ({chance}, off by up to {number(fit.misfit)}), so its "
                "peak is not used."
            )
        elif fit.fits is None:
            said.append(f"{start}; too few prompts for intervals.")
        elif fit.kl is None:
            low = fit.kl_bounds[0]
            past = "" if low is None else f", or one past KL {number(low)} (95 %)"
            said.append(f"{start}; it has no peak{past}.")
        else:
            n = n_of_best_of_n_kl(fit.kl)
            beyond = ", beyond this pool: an extrapolation" if fit.beyond else ""
            at = f"n about {n:,.0f}" if n < 1e9 else "an n out of reach"
            said.append(
                f"{start}; its peak is at KL {number(fit.kl)} ({interval(*fit.kl_bounds)}, 90 %), "
                f"{at}{beyond}."
            )
    return said


def _kl(curve: Curve) -> str:
    rows, largest = curve.frame, curve.pool.largest
    bound = rows["kl_bound"][-1]
    if rows["kl_better"].null_count():
        said = (
            "KL is the bound ln n − (n − 1)/n: without log-probabilities of the samples nothing "
            "better is known, and it is too high where responses repeat"
        )
        if curve.pool.repeated is not None and curve.pool.repeated > MANY_REPEATS:
            said += f" (here {curve.pool.repeated:.0%} of them repeat another of their prompt)"
        return f"{said}."
    better = rows["kl_better"][-1]
    told = f"at n = {largest:,} the bound is {number(bound, 3)}, the estimate from the selected "
    told += f"samples' own probability {number(better, 3)} nats"
    start = curve.not_tight_from
    if start is None:
        return f"The bound ln n − (n − 1)/n on KL is tight here: {told}."
    return f"The bound on KL is not tight from n = {start:,} on: {told}."


def _counted(curve: Curve) -> str:
    pool = curve.pool
    said = f"{pool.prompts:,} prompts with at least {pool.largest:,} samples each, {pool.samples:,}"
    said += " in all"
    left = []
    if pool.prompts_left_out:
        left.append(f"{pool.prompts_left_out:,} prompts with fewer samples")
    if pool.samples_left_out:
        left.append(f"{pool.samples_left_out:,} samples without a proxy or gold reward")
    return f"{said}. Left out: {' and '.join(left)}." if left else f"{said}; none left out."


def _with(value: float, bounds: Bounds) -> str:
    if bounds == (None, None):
        return number(value)
    return f"{number(value)} ({interval(*bounds)})"
