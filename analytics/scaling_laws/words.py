"""What a family of runs says about size, in sentences a reviewer can read."""

from __future__ import annotations

import numpy as np

from analytics.figures.text import interval, number
from analytics.scaling_laws.family import Family, FloatArray
from analytics.scaling_laws.trend import (
    FEWEST_FOR_A_LINE,
    FEWEST_FOR_A_PREDICTION,
    Prediction,
    Trend,
)

Z90 = 1.645
FORMS = {"rl": "d (α − β ln d)", "best_of_n": "d (α − βd)"}


def alpha_words(family: Family) -> str:
    """The shared alpha, or why there is none."""
    if family.form == "best_of_n":
        return (
            f"Best-of-n, {FORMS['best_of_n']}: α and β both move with size (Gao et al. 2022), so "
            "each pool has its own."
        )
    chance = "" if family.p_shared is None else f"p = {number(family.p_shared)}"
    chance = "p < .001" if family.p_shared is not None and family.p_shared < 0.001 else chance
    if family.alpha is None or family.alpha_se is None:
        return (
            f"RL, {FORMS['rl']}: the runs contradict one α for all ({chance}): each has its own. "
            "Runs of one family share it (Gao et al. 2022): these differ in more than size."
        )
    reach = interval(family.alpha - Z90 * family.alpha_se, family.alpha + Z90 * family.alpha_se)
    said = f"RL, {FORMS['rl']}, one α for all {len(family.runs)} runs: {number(family.alpha)}"
    said += f" ({reach}, 90 %)."
    if family.p_shared is None:
        return f"{said} With one run nothing can contradict it."
    return f"{said} The runs do not contradict it ({chance})."


def trend_words(name: str, found: Trend | None, sizes: int) -> str:
    """How a parameter moves with size, or why that cannot be told."""
    if found is None:
        return (
            f"{name} over size: cannot tell from {sizes} sizes, a line needs {FEWEST_FOR_A_LINE}."
        )
    way = "falls" if found.slope < 0 else "rises"
    sure = found.slope_low > 0 or found.slope_high < 0
    said = f"{name}: no trend is established"
    if sure:
        said = f"{name} {way} by {number(abs(found.slope))} per tenfold size"
    return (
        f"{said} (slope {interval(found.slope_low, found.slope_high)}, 90 %; runs scatter about "
        f"the line by {number(found.scatter)} beyond their fits' errors; {found.freedom + 2} runs)."
    )


def prediction_words(made: Prediction) -> str:
    """What is predicted for a size, or why nothing is."""
    at = f"{made.size:,.6g}"
    if made.refused:
        return f"No prediction for {at}: {made.refused}."
    if made.low is None:
        return f"At {at} no peak is predicted within reach."
    where = interval(made.low, made.high, "nats")
    middle = "" if made.kl is None else f"{number(made.kl)} nats, "
    beyond = ""
    if made.outside > 1:
        beyond = f" An extrapolation, {number(made.outside)} times outside of what was run."
    return f"At {at} gold of one further run should peak at KL {middle}{where} (90 %).{beyond}"


def few_sizes(sizes: FloatArray) -> str:
    """What is still missing for a prediction; empty where nothing is."""
    there = len(np.unique(sizes))
    if there >= FEWEST_FOR_A_PREDICTION:
        return ""
    return (
        f"These runs have {there} different {'sizes' if there != 1 else 'size'}: a line needs "
        f"{FEWEST_FOR_A_LINE}, a prediction {FEWEST_FOR_A_PREDICTION}."
    )
