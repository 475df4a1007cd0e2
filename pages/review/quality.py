"""How good are the verdicts? Error rates and delays on runs whose truth is known."""

import polars as pl
import streamlit as st

from analytics.figures.detectors import detector_figure
from analytics.figures.palette import status_look
from analytics.onset.detectors import DETECTORS
from analytics.onset.many_runs import standing
from analytics.quality.made import made
from analytics.quality.published import (
    DENSE,
    SCENARIO_WORDS,
    detector_table,
    kind_table,
    matching_scenario,
    published,
    red_over_scenarios,
)
from analytics.simulated import HONEST, OVEROPTIMISING
from analytics.wording import (
    MISSING,
    count,
    interval,
    number,
    percent,
    percent_spread,
    rate_text,
    spread,
    whole,
)
from pages.shared import charts, links, reads
from pages.shared.battery_view import show_battery
from pages.shared.choices import choose_one
from pages.shared.frame import called, heading, refresh_when_store_changes
from pages.shared.interval_quality_view import show_forecasts, show_intervals
from pages.shared.quality_cells import ratio_cells, share_cells
from pages.shared.real_runs_view import show_real_runs
from pages.shared.tables import show_table

heading(
    "How good is this?",
    "What the verdicts' alarms cost and find, measured on simulated runs whose peak is known, and "
    "on the bundled real ones.",
)
refresh_when_store_changes()
told = published("detectors")
if told is None:
    st.info("Nothing has been measured yet. `make bench` measures it and keeps the figures.")
    st.stop()
rows = told["rows"]
kept = reads.kept_verdicts()
named = [run for run in links.asked("run") if run in kept]
suggested = matching_scenario(kept[named[0]]) if named else None
scenarios = {
    name: words
    for name, words in SCENARIO_WORDS.items()
    if any(r["scenario"] == name for r in rows)
}
scenario = choose_one(
    st.selectbox, "Runs like these", scenarios, "scenario", suggested or "base_n20_s05"
)
if suggested:
    st.caption(
        f"{called(named[0])} is nearest to: {SCENARIO_WORDS[suggested]} "
        f"({count(kept[named[0]]['looks'], 'look')}, noise "
        f"{percent(kept[named[0]]['relative_noise'])} of gold's gain)."
    )
table = detector_table(rows, scenario)
red = table.filter(pl.col("detector") == "RED").to_dicts()[0]
delay = "never" if red["ratio"] is None else spread(red["ratio"], red["ratio_se"])
says = (
    f"RED raises a false alarm in {percent(red['false_alarms'], 1)} of runs at worst, and "
    f"finds {percent(red['power'])} of big falls, typically at {number(red['ratio'])} times the KL "
    "of the peak"
)
st.markdown(f"## {says}")
charts.draw(detector_figure(table), "detectors", says)
st.caption(
    "Left: false alarms on the honest kind of run on which the detector errs most; middle: share "
    "of big falls that it finds; right: median KL at its alarm over KL at the peak (RED: "
    f"{delay}). Dots: measured on {red['runs']} runs of each kind (RL, best-of-n and between: "
    f"{3 * red['runs']}), bars two standard errors. Filled: in every verdict; open: baselines and "
    "controls that fail. A big fall ends at least 15 % of the peak's gain below it."
)
show_table(
    table.select(
        pl.col("detector"),
        pl.col("worst_kind").alias("worst honest kind"),
        share_cells(table, "false_alarms", "false alarms"),
        share_cells(table, "power", "power"),
        share_cells(table, "premature", "before the peak"),
        ratio_cells(table, "ratio", "KL alarm : KL peak", "most never"),
    ),
    hide_index=True,
    placeholder=MISSING,
)
with st.expander("Share of runs that alarm, by kind of run"):
    for title, kinds in (
        ("Honest: gold never falls, every alarm is false", HONEST),
        ("Overoptimising: share of big falls that alarm", OVEROPTIMISING),
    ):
        st.markdown(f"**{title}**")
        shares = kind_table(rows, scenario, kinds)
        measured = [kind for kind in kinds if kind in shares.columns]
        words = [pl.Series(kind, [rate_text(share) for share in shares[kind]]) for kind in measured]
        show_table(shares.with_columns(*words), hide_index=True, placeholder=MISSING)
with st.expander("What each detector promises"):
    st.markdown("\n".join(f"- **{one.name}**: {one.promise}." for one in DETECTORS))

st.header("RED in every scenario, beside the limit", anchor=False)
st.caption(
    "The limit: the median delay of the best possible rule that keeps 5 % false alarms on every "
    "gold that never falls, for curves that are known (c = 2.6; docs/methods.md). Earlier alarms "
    "than that need less noise. Asked: power and delay that a good scan should reach. Slope scan: "
    "the delay of the textbook scan, viewed once at a known plan."
)
over = red_over_scenarios(rows)
show_table(
    over.select(
        "scenario",
        share_cells(over, "false_alarms", "worst false alarms"),
        share_cells(over, "power", "power"),
        ratio_cells(over, "ratio", "delay"),
        pl.Series("limit", [number(value) for value in over["limit"]]),
        pl.Series("delay : limit", [number(value) for value in over["over_limit"]]),
        pl.Series("asked", [
            MISSING if None in pair else f"{percent(pair[0])}, {number(pair[1])}"
            for pair in over.select("power_asked", "ratio_asked").rows()
        ]),
        pl.Series("slope scan", [number(value) for value in over["prototype"]]),
    ),
    hide_index=True, placeholder=MISSING,
    column_config={"scenario": st.column_config.Column(width="large")},
)  # fmt: skip

dense = [row for row in rows if row["scenario"] == DENSE]
if dense:
    st.header("Where 5 % is not promised", anchor=False)
    st.markdown(
        "Flat gold from rows whose error nothing states, which grows threefold and whose "
        "neighbours are correlated: the correlation has to be learnt from the same few rows. A "
        "verdict there is flagged. State gold's standard error, or evaluate on fixed prompts."
    )
    show_table(
        pl.DataFrame(
            {
                "rows": [row["rows"] for row in dense],
                "correlation of neighbours": [row["autocorrelation"] for row in dense],
                "false alarms": [percent_spread(row["alarms"], row["alarms_se"]) for row in dense],
            }
        ),
        hide_index=True,
        placeholder=MISSING,
    )

show_battery()
show_real_runs()
show_intervals(scenario)
show_forecasts()

bundled = [
    run for run in reads.runs().iter_rows(named=True)
    if "data/examples" in run["path"].replace("\\", "/") and run["run_id"] in kept
]  # fmt: skip
if bundled:
    st.header("On the bundled real runs", anchor=False)
    judged = []
    for run in bundled:
        verdict = kept[run["run_id"]]
        peak, alarm = verdict["peak"], verdict["alarm"]
        kl = peak and verdict["axis"] == "kl"
        judged.append({
            "run": run["run_id"], "verdict": status_look(verdict["status"])[1],
            "gold peaks at (90 %)": interval(peak["kl_low"], peak["kl_high"], "nats")
            if kl else MISSING,
            "alarm": f"step {whole(alarm['step'])}" if standing(alarm) else "none",
            "nearest scenario": SCENARIO_WORDS.get(matching_scenario(verdict) or "", MISSING),
        })  # fmt: skip
    show_table(pl.DataFrame(judged), hide_index=True, placeholder=MISSING)

st.caption(made("detectors", told))
chosen = [("scenario", scenario), *(("run", run) for run in named[:1])]
with st.popover("Copy link", icon=":material/link:"):
    st.code(links.page_link("/quality", chosen), language=None, wrap_lines=True)
