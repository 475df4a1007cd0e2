"""What a best-of-n curve says, in sentences a reviewer can read."""

from __future__ import annotations

import numpy as np

from analytics.best_of_n.fits import PoolFit
from analytics.best_of_n.report import Curve
from analytics.best_of_n.resampling import FEWEST_PROMPTS, half_way
from analytics.kl import best_of_n_kl, n_of_best_of_n_kl
from analytics.wording import alike, count, interval, number, p_value, percent, whole, with_interval

FORMS = {"best_of_n": "d (α − βd)", "rl": "d (α − β ln d)"}
MANY_REPEATS = 0.05


def peak_words(curve: Curve) -> str:
    """Where gold is highest: an interval of n, or no peak; "cannot tell" with few prompts."""
    found = curve.shape
    if found is None:
        return "cannot tell"
    low, high = curve.n_at(found.low), curve.n_at(found.high)
    if found.high == curve.frame.height - 1:
        return f"n = {whole(low)} or more" if found.falls else f"no peak up to n = {whole(high)}"
    return f"n = {whole(low)}" if low == high else f"n = {whole(low)} to {whole(high)}"


def headline(curve: Curve) -> str:
    """What the chart shows, in half a sentence that follows the proxy's name."""
    found = curve.shape
    if found is None:
        return f"cannot be judged: too few prompts ({whole(curve.pool.prompts)})"
    if found.falls:
        where = peak_words(curve)
        if "or more" in where:
            return f"falls in gold along n, highest at {where}"
        return f"stops paying in gold after {where}"
    return f"still pays at n = {whole(curve.pool.largest)}, as far as this pool can tell"


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
    first, last = alike(first, last)
    end = f"n = {whole(curve.pool.largest)}"
    end += f" (KL {number(float(best_of_n_kl(curve.pool.largest)))} nats)"
    course = f"Gold goes from {first} at n = 1 to {last} at {end}."
    if found is None:
        return (
            f"{course} With fewer than {FEWEST_PROMPTS} prompts no interval is given and no "
            "verdict."
        )
    if found.falls:
        by = f"{with_interval(found.fall, found.fall_low, found.fall_high)}, 90 %,"
        return (
            f"{course} It is highest at {peak_words(curve)} (90 %) and {by} lower at the end; "
            "the test errs on at most 5 % of pools whose gold never falls."
        )
    half = curve.n_at(half_way(np.asarray(rows["kl_bound"])))
    return (
        f"{course} No fall is seen. A fall of {number(found.detectable)} between "
        f"n = {whole(half)} and n = {whole(curve.pool.largest)} would have been detected with 80 % "
        "power."
    )


def _fits(curve: Curve) -> list[str]:
    lines = []
    for fit in (curve.best_of_n, curve.rl):
        if fit is None:
            continue
        name = "best-of-n" if fit.form == "best_of_n" else "RL"
        start = (
            f"Gao's {name} form {FORMS[fit.form]}: α = "
            f"{with_interval(fit.alpha, *fit.alpha_bounds)}, "
            f"β = {with_interval(fit.beta, *fit.beta_bounds)}"
        )
        if fit.fits is False:
            lines.append(
                f"{start}. It does not fit ({p_value(fit.p or 0.0)}, off by up to "
                f"{number(fit.misfit)}), so its peak is not used."
            )
        elif fit.fits is None:
            lines.append(f"{start}; too few prompts for intervals.")
        elif fit.kl is None:
            low = fit.kl_bounds[0]
            past = "" if low is None else f", or one past KL {number(low)} (95 %)"
            lines.append(f"{start}; it has no peak{past}.")
        else:
            n = n_of_best_of_n_kl(fit.kl)
            beyond = ", beyond this pool: an extrapolation" if fit.beyond else ""
            at = f"n about {whole(n)}" if n < 1e9 else "an n out of reach"
            lines.append(
                f"{start}; its peak is at KL {with_interval(fit.kl, *fit.kl_bounds)}, 90 %, "
                f"{at}{beyond}."
            )
    return lines


def _kl(curve: Curve) -> str:
    rows, largest = curve.frame, curve.pool.largest
    bound = rows["kl_bound"][-1]
    if rows["kl_better"].null_count():
        how = (
            "KL is the bound ln n − (n − 1)/n: without log-probabilities of the responses nothing "
            "better is known, and it is too high where responses repeat"
        )
        if curve.pool.repeated is not None and curve.pool.repeated > MANY_REPEATS:
            how += f" (here {percent(curve.pool.repeated)} of them repeat another of their prompt)"
        return f"{how}."
    better = rows["kl_better"][-1]
    bound, better = alike(bound, better)
    words = (
        f"at n = {whole(largest)} the bound is {bound}, the estimate from the selected "
        f"responses' own probability {better} nats"
    )
    start = curve.not_tight_from
    if start is None:
        return f"The bound ln n − (n − 1)/n on KL is tight here: {words}."
    return f"The bound on KL is not tight from n = {whole(start)} on: {words}."


def _counted(curve: Curve) -> str:
    pool = curve.pool
    text = f"{count(pool.prompts, 'prompt')} with at least {count(pool.largest, 'response')} each, "
    text += f"{whole(pool.samples)} in all"
    left = []
    if pool.prompts_left_out:
        left.append(f"{count(pool.prompts_left_out, 'prompt')} with fewer responses")
    if pool.samples_left_out:
        left.append(f"{count(pool.samples_left_out, 'response')} without a proxy or gold reward")
    return f"{text}. Left out: {' and '.join(left)}." if left else f"{text}; none left out."
