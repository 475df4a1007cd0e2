"""How often the intervals for the peak hold, and how far ahead it can be told."""

from __future__ import annotations

import polars as pl

from analytics.figures.measured.interval_quality import interval_figure
from analytics.measured.published import SCENARIO_WORDS, forecast_table, interval_table, published
from analytics.quality.made import made
from analytics.wording import MISSING, percent, rate_text
from pages.shared import charts
from pages.shared.quality.quality_cells import evidence, ratio_cells, share_cells
from pages.shared.tables import show_table


def show_intervals(scenario: str) -> None:
    """The intervals for the peak in runs of one scenario, as a chart and as tables."""
    kept = published("intervals")
    if kept is None:
        return
    table = interval_table(kept["rows"], scenario)
    if table.is_empty():
        evidence("Intervals for the peak", f"not measured on runs of {SCENARIO_WORDS[scenario]}")
        return
    head = table.filter(pl.col("method") == "headline")
    least = head.sort("coverage").row(0, named=True)
    says = (
        f"the 90 % interval of a verdict holds the peak in {percent(least['coverage'])} of runs at "
        f"worst ({least['shape']})"
    )
    open_ended: float = head.select(pl.col("open").mean()).item()
    part = evidence("Intervals for the peak", says)
    charts.draw(interval_figure(table), "intervals", says, part)
    part.caption(
        f"On {kept['runs_per_class']} runs of each shape, bars two standard errors. Headline: what "
        "a verdict states; shape: from up-then-down alone; model: from Gao et al.'s curves alone. "
        "Right: the median of intervals with an upper end; "
        f"{percent(open_ended)} of the headline's have none, as gold may not have peaked "
        f"yet. {made('intervals', kept)}"
    )
    for title, held_out in (
        ("**Every method and shape**", False), ("**Shapes that no model contains**", True)
    ):  # fmt: skip
        every = interval_table(kept["rows"], scenario, held_out)
        if every.height:
            part.markdown(title)
            show_table(_written(every), part, hide_index=True, placeholder=MISSING)


def show_forecasts() -> None:
    """How well the peak is told before it is reached."""
    kept = published("forecasts")
    if kept is None:
        return
    part = evidence("Forecast of the peak", "how far off it is before the peak is reached")
    part.caption(
        "Seen so far: the part of the way (in √KL) to the true peak that is measured, in 13 "
        "evaluations. Error: median of |forecast KL : true KL - 1|; floor: what no method beats. "
        "Not stated: the share that the page withholds, as the interval spans more than 4 times. "
        f"{made('forecasts', kept)}"
    )
    show_table(forecast_table(kept["rows"]), part, hide_index=True, placeholder=MISSING)


def _written(table: pl.DataFrame) -> pl.DataFrame:
    return table.select(
        "shape", "method",
        share_cells(table, "coverage", "coverage"),
        ratio_cells(table, "width", "upper : lower"),
        *(
            pl.Series(title, [rate_text(share) for share in table[key]])
            for key, title in (
                ("open", "no upper end"), ("error", "error of KL*"), ("floor", "floor")
            )
        ),
        "runs",
    )  # fmt: skip
