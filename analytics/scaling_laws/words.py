"""What a family of runs says about size, in sentences a reviewer can read."""

from __future__ import annotations

import numpy as np

from analytics.scaling_laws.family import Family, FloatArray
from analytics.scaling_laws.forms import form_words
from analytics.scaling_laws.trend import (
    FEWEST_FOR_A_LINE,
    FEWEST_FOR_A_PREDICTION,
    Prediction,
    Trend,
)
from analytics.wording import count, interval, number, p_value, with_interval

Z90 = 1.645
FORMS = {"rl": "d (α − β ln d)", "best_of_n": "d (α − βd)"}


def alpha_words(family: Family) -> str:
    """The shared alpha, or why there is none."""
    if family.form == "best_of_n":
        return (
            f"Best-of-n, {FORMS['best_of_n']}: α and β both move with size (Gao et al. 2022), so "
            "each pool has its own."
        )
    if family.forms is not None and not family.established:
        sentence = form_words(family.forms.exponents)
        return (
            f"RL: {sentence}. So α, β, their trends and a prediction are refused; the peaks' "
            f"intervals hold those of every curve that gold allows "
            f"({count(len(family.runs), 'run')})."
        )
    chance = "" if family.p_shared is None else p_value(family.p_shared)
    if family.alpha is None or family.alpha_se is None:
        return (
            f"RL, {FORMS['rl']}: the runs contradict one α for all ({chance}): each has its own. "
            "Runs of one family share it (Gao et al. 2022): these differ in more than size."
        )
    half = Z90 * family.alpha_se
    alpha = with_interval(family.alpha, family.alpha - half, family.alpha + half)
    sentence = f"RL, {FORMS['rl']}, one α for {count(len(family.runs), 'run')}: {alpha}, 90 %."
    if family.p_shared is None:
        return f"{sentence} With one run nothing can contradict it."
    return f"{sentence} The runs do not contradict it ({chance})."


def trend_words(name: str, found: Trend | None, sizes: int) -> str:
    """How a parameter moves with size, or why that cannot be told."""
    if found is None:
        return (
            f"{name} over size: cannot tell from {count(sizes, 'size')}, a line needs "
            f"{FEWEST_FOR_A_LINE}."
        )
    way = "falls" if found.slope < 0 else "rises"
    sure = found.slope_low > 0 or found.slope_high < 0
    sentence = f"{name}: no trend is established"
    if sure:
        sentence = f"{name} {way} by {number(abs(found.slope))} per tenfold size"
    return (
        f"{sentence} (slope {interval(found.slope_low, found.slope_high)}, 90 %; runs scatter "
        f"about the line by {number(found.scatter)} beyond their fits' errors; "
        f"{count(found.freedom + 2, 'run')})."
    )


def prediction_words(made: Prediction) -> str:
    """What is predicted for a size, or why nothing is."""
    at = number(made.size, 6)
    if made.refused:
        return f"No prediction for {at}: {made.refused}."
    if made.low is None:
        return f"At {at} no peak is predicted within reach."
    where = f"{interval(made.low, made.high, 'nats')}, 90 %"
    if made.kl is not None:
        where = f"{with_interval(made.kl, made.low, made.high)} nats, 90 %"
    beyond = ""
    if made.outside > 1:
        beyond = f" An extrapolation, {number(made.outside)} times outside of what was run."
    return f"At {at} gold of one further run should peak at KL {where}.{beyond}"


def few_sizes(sizes: FloatArray) -> str:
    """What is still missing for a prediction; empty where nothing is."""
    there = len(np.unique(sizes))
    if there >= FEWEST_FOR_A_PREDICTION:
        return ""
    return (
        f"These runs have {count(there, 'different size')}: a line needs "
        f"{FEWEST_FOR_A_LINE}, a prediction {FEWEST_FOR_A_PREDICTION}."
    )
