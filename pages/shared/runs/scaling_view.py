"""One family over its sizes, and runs and pools as paths of gold over proxy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st

from analytics.best_of_n import Curve
from analytics.figures.drawing.curves import RunCurve
from analytics.figures.laws.scaling import AT_START, Z90, Path, scaling_figure
from analytics.scaling_laws import Family, predict, trends
from analytics.scaling_laws.words import alpha_words, few_sizes, prediction_words, trend_words
from analytics.wording import number, spread, with_interval
from pages.shared import charts
from pages.shared.asking.scaling_reads import numbers
from pages.shared.escaping import escaped


def show_family(
    family: Family, size_key: str | None, known: Mapping[str, float], wanted: float | None,
    ordinals: Mapping[str, int], simulated: bool,
) -> None:  # fmt: skip
    """Draw a family over its sizes and say what they do; ``known``: size by run."""
    sentences = [alpha_words(family)]
    inside = [place for place, run in enumerate(family.runs) if run in known]
    missing = [run for run in family.runs if run not in known]
    if size_key and missing:
        sentences.append(f"{', '.join(missing)}: no {size_key} is stated, so on no axis.")
    if size_key and inside:
        part = family.only(inside)  # runs without a size have still helped to say alpha
        size = np.array([known[run] for run in part.runs])
        rose, fell = trends(part, size)
        made = predict(part, size, wanted) if wanted else None
        colours = [ordinals[run] for run in part.runs]
        figure = scaling_figure(
            part,
            sizes=size,
            ordinals=colours,
            size_name=size_key,
            rose=rose,
            fell=fell,
            made=made,
            simulated=simulated,
        )
        says = f"{'Simulated: ' * simulated}coefficients of {family.form} over {size_key}"
        charts.draw(figure, f"scaling-{family.form}", says)
        sizes = len(set(size.tolist()))
        if part.established and part.alpha is None:
            sentences.append(trend_words("α", rose, sizes))
        sentences += [trend_words("β", fell, sizes)] * part.established
        sentences += [prediction_words(made)] if made else [few_sizes(size)] * bool(few_sizes(size))
    st.markdown("\n".join(f"- {escaped(text)}" for text in sentences))


def family_rows(
    family: Family, size_key: str | None, known: Mapping[str, float], reached: Mapping[str, float]
) -> list[dict[str, str | float | None]]:
    """Rows of the table: parameters and peak of each run; ``reached``: its largest KL."""
    rows = []
    for place, run in enumerate(family.runs):
        kl, low, high = family.peak(place)
        beyond = "" if kl is None or kl <= reached.get(run, np.inf) else ", past the run's end"
        peak = "no peak" if kl is None else f"{with_interval(kl, low, high)}{beyond}"
        if kl is not None and kl < AT_START:
            peak = f"at the start, up to KL {number(high)}" if high is not None else "at the start"
        rows.append({
            "run": run, "optimiser": "RL" if family.form == "rl" else "best-of-n",
            size_key or "size": known.get(run),
            "α of its own": spread(family.alphas[place], Z90 * family.alphas_se[place])
            if family.established else None,
            "β": spread(family.betas[place], Z90 * family.betas_se[place])
            if family.established else None,
            "KL at the gold peak (90 %)": peak,
        })  # fmt: skip
    return rows


def run_path(curve: RunCurve) -> Path:
    """Looks of an RL run as gold over proxy, in time order."""
    looks = curve.looks
    return Path(
        curve.run_id, curve.ordinal, "RL", numbers(looks, "proxy_reward"),
        numbers(looks, "gold_reward"), Z90 * numbers(looks, "gold_se"), looks["kl"].to_list(),
    )  # fmt: skip


def pool_path(name: str, ordinal: int, curve: Curve) -> Path:
    """A best-of-n curve as gold over the proxy that it selects by."""
    rows = curve.frame
    return Path(
        name, ordinal, "best-of-n", numbers(rows, "proxy_reward"), numbers(rows, "gold_reward"),
        Z90 * numbers(rows, "gold_se"), rows["kl_bound"].to_list(),
    )  # fmt: skip
