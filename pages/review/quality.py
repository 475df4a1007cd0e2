"""How good are the verdicts? Error rates and delays on runs whose truth is known."""

import polars as pl
import streamlit as st

from analytics.figures.measured.detectors import detector_figure
from analytics.measured.published import (
    DENSE,
    SCENARIO_WORDS,
    detector_table,
    in_words,
    in_words_all,
    kind_table,
    matching_scenario,
    published,
)
from analytics.onset.alarm.detectors import DETECTORS
from analytics.quality.made import made
from analytics.simulated import HONEST, OVEROPTIMISING
from analytics.wording import MISSING, count, number, percent, rate_text, whole
from pages.shared import charts, links, reads
from pages.shared.choices import choose_one
from pages.shared.escaping import called, escaped, shown_name
from pages.shared.frame import heading, refresh_when_store_changes
from pages.shared.quality.battery_view import show_battery
from pages.shared.quality.bundled_view import show_bundled
from pages.shared.quality.candidates_view import show_candidates
from pages.shared.quality.interval_quality_view import show_forecasts, show_intervals
from pages.shared.quality.paid_quality_view import show_paid_for
from pages.shared.quality.quality_cells import evidence, ratio_cells, share_cells
from pages.shared.quality.real_runs_view import show_real_runs
from pages.shared.quality.scenarios_view import show_not_promised, show_scenarios
from pages.shared.quality.shortcut_quality_view import show_shortcut_quality
from pages.shared.tables import show_table

heading(
    "How good is this?",
    "What the verdicts' alarms cost and find, measured on simulated runs whose peak is known, and "
    "on the bundled real ones.",
)
refresh_when_store_changes()
document = published("detectors")
if document is None:
    st.info("Nothing has been measured yet. `make bench` measures it and keeps the figures.")
    st.stop()
rows = document["rows"]
kept = reads.kept_verdicts()
named = [run for run in links.asked("run") if run in kept]
suggested = matching_scenario(kept[named[0]]) if named else None
scenarios = {
    name: words
    for name, words in SCENARIO_WORDS.items()
    if any(r["scenario"] == name for r in rows)
}
answer = st.container()  # above what it is asked by
scenario = choose_one(
    st.selectbox, "Runs like these", scenarios, "scenario", suggested or "base_n20_s05"
)
table = in_words_all(detector_table(rows, scenario))
red = table.filter(pl.col("detector") == "scan alarm").to_dicts()[0]
late = "" if red["ratio"] is None else f", typically at {number(red['ratio'])} times the peak's KL"
whose = f"runs like {shown_name(named[0])}" if scenario == suggested else "simulated runs"
says = (
    f"On {whose}: a false alarm in {percent(red['false_alarms'], 1)} at worst, and "
    f"{percent(red['power'])} of big falls found{late}"
)
answer.markdown(f"## {escaped(says)}")
if suggested:
    answer.caption(
        f"{called(named[0])} is nearest to: {SCENARIO_WORDS[suggested]} "
        f"({count(kept[named[0]]['looks'], 'tested evaluation')}, noise "
        f"{percent(kept[named[0]]['relative_noise'])} of gold's gain)."
    )
charts.draw(detector_figure(table), "detectors", says)
st.caption(
    f"{red['runs']} runs of each kind, bars two standard errors. Filled: in every verdict; open: "
    "baselines and controls that fail."
)

part = evidence(
    "All detectors in numbers", f"The scan alarm errs most on gold like “{red['worst_kind']}”"
)
with part:
    st.caption(
        "False alarms: on the kind of never-falling run on which the detector errs most. Power: "
        "share of big falls that it finds; a big fall ends at least 15 % of the peak's gain "
        "below it. Last: "
        "median KL at its alarm over KL at the peak, over RL, best-of-n and between "
        f"({whole(3 * red['runs'])} runs)."
    )
    show_table(
        table.select(
            pl.col("detector"),
            pl.col("worst_kind").alias("worst never-falling kind"),
            share_cells(table, "false_alarms", "false alarms"),
            share_cells(table, "power", "power"),
            share_cells(table, "premature", "before the peak"),
            ratio_cells(table, "ratio", "KL alarm : KL peak", "most never"),
        ),
        hide_index=True,
        placeholder=MISSING,
    )
    for title, kinds in (
        ("Gold never falls: every alarm is false", HONEST),
        ("Overoptimising: share of big falls that alarm", OVEROPTIMISING),
    ):
        st.markdown(f"**{title}**")
        shares = in_words_all(kind_table(rows, scenario, kinds))
        measured = [kind for kind in kinds if kind in shares.columns]
        words = [pl.Series(kind, [rate_text(share) for share in shares[kind]]) for kind in measured]
        show_table(shares.with_columns(*words), hide_index=True, placeholder=MISSING)
    st.markdown("**What each detector promises**")
    st.markdown("\n".join(f"- **{in_words(one.name)}**: {one.promise}." for one in DETECTORS))

show_scenarios(rows)
show_not_promised([row for row in rows if row["scenario"] == DENSE])
show_battery()
show_real_runs()
show_paid_for()
show_shortcut_quality()
show_intervals(scenario)
show_forecasts()
show_candidates()
show_bundled(kept)
st.caption(made("detectors", document))
chosen = [("scenario", scenario), *(("run", run) for run in named[:1])]
with st.popover("Copy link", icon=":material/link:"):
    st.code(links.page_link("/quality", chosen), language=None, wrap_lines=True)
