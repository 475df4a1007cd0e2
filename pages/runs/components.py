"""Components: each reward of a run over KL, and the value beyond which gold falls."""

import re

import numpy as np
import polars as pl
import streamlit as st

from analytics.comparing.components import (
    disagreement,
    ensembles_by_name,
    over_looks,
    point_words,
    proxy_point,
    step_bins,
)
from analytics.figures.drawing.curves import RunCurve
from analytics.figures.runs.components import Component, component_figure
from analytics.wording import MISSING, interval, number, whole
from pages.shared import charts, links, reads
from pages.shared.asking import run_reads
from pages.shared.choices import choose_one, choose_several
from pages.shared.escaping import called, escaped
from pages.shared.frame import heading, say_waiting, shows, stop_when_empty, tab
from pages.shared.page_parts.fault_view import isolated, say
from pages.shared.page_parts.freezing import frozen_steps
from pages.shared.page_parts.landing import most_urgent
from pages.shared.tables import show_table

AXES = {"sqrt_kl": "√KL", "kl": "KL", "step": "step"}
REWARD = re.compile(r"^rewards/.+/mean$|(^|_)(reward|score|rm)\d*(_|$)")
# Spreads, counts, and TRL's total, which is the proxy reward already.
NO_REWARD = re.compile(r"^reward$|std|(^|_)(sd|n)(_|$)|/min|/max|zero|rate")
MOST_DEFAULT = 6
MOST_CHARTS = 12  # a chart takes a thirtieth of a second of this process

heading(
    "Components",
    "Where a run logs several rewards: each against KL, and its proxy point, the value beyond "
    "which gold falls.",
)
stop_when_empty()
every = {row["run_id"]: row for row in reads.runs().iter_rows(named=True)}
asked_runs = links.asked("run")
for missing in (run for run in asked_runs if run not in every):
    st.error(
        f"The link asks for run {called(missing)}, which is not in this store.",
        icon=":material/search_off:",
    )
until = dict(zip(asked_runs, links.asked_until(asked_runs), strict=True))
if "run" in st.session_state:
    st.session_state["run"] = [run for run in st.session_state["run"] if run in every]
chosen = st.multiselect(
    "Runs", list(every), key="run", bind="query-params", placeholder="Choose one or more runs"
)
tab("Components", chosen)
landed = [] if chosen or asked_runs else most_urgent(every)
if landed:
    st.caption(f"Shown is {called(landed[0])}, the most urgent run: choose others above.")
chosen = chosen or landed
if not chosen:
    st.info("Choose a run to see its rewards.", icon=":material/show_chart:")
    st.markdown(
        "Components are the numbers that a trainer logs by step: `rewards/NAME/mean` of TRL, the "
        "principles of a constitution, rubric items, members of an ensemble, or any further "
        "numeric column of an imported table."
    )
    st.stop()

shows([every[run] for run in chosen])
keys = list(dict.fromkeys(key for run in chosen for key in run_reads.scalar_keys(run)))
offered = {"proxy_reward": "proxy reward"} | {key: key for key in keys}
members = list(dict.fromkeys(key for run in chosen for key in run_reads.member_keys(run)))
for key, options in (("component", offered), ("member", members)):
    if key in st.session_state:
        st.session_state[key] = [name for name in st.session_state[key] if name in options]
row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
picked = choose_several(
    row.multiselect, "Components", offered, "component", placeholder="its rewards",
    help="Unless you choose: the proxy reward and every reward that the trainer logged by name.",
)  # fmt: skip
axis = choose_one(row.segmented_control, "Axis", AXES, "axis", "sqrt_kl", required=True)
joined: list[str] = []
if members:
    joined = choose_several(
        st.multiselect, "Members of an ensemble", {name: name for name in members}, "member",
        placeholder="names that differ in a number alone",
        help="Rewards of the logged responses whose disagreement is watched: variance between "
        "members, each first divided by its spread at the start.",
    )  # fmt: skip
rewards = [key for key in keys if REWARD.search(key.lower()) and not NO_REWARD.search(key.lower())]
shown_keys = picked or ["proxy_reward", *rewards][:MOST_DEFAULT]
frozen = frozen_steps(chosen, until, every)
with st.spinner("Reading the runs …"):
    curves, faults = reads.run_curves([every[run] for run in chosen], frozen, None)
say_waiting(chosen, [c.run_id for c in curves] + [fault.run for fault in faults])
for fault in faults:
    say(fault)
if len(curves) > MOST_CHARTS:
    st.caption(
        f"{len(curves)} runs: the table holds all, charts follow of the first {MOST_CHARTS}. "
        "Choose fewer runs to see the charts of others."
    )

many = st.container()
table: list[dict[str, str]] = []


def show_run(curve: RunCurve, charted: bool) -> None:
    """The rewards of one run: a row each in the table, and its chart where there is room."""
    run, looks, now = curve.run_id, curve.looks, axis
    if len(curves) > 1 and charted:
        st.header(called(run), anchor=False)
    if not looks.height:
        st.warning(f"{called(run)} has no gold: where gold falls is not known.")
    elif charted and now != "step" and looks["kl"].null_count():
        st.caption("KL was not measured throughout: shown over steps.")
        now = "step"
    first, last = (
        looks[name].to_numpy() if looks.height else np.empty(0)
        for name in ("step_start", "step_end")
    )
    logged = run_reads.components(run, tuple(shown_keys), frozen.get(run))
    parts = []
    for name in shown_keys if looks.height else ():
        rows = logged.filter(pl.col("key") == name)
        if not rows.height:
            continue
        mean, error = over_looks(rows["step"].to_numpy(), rows["value"].to_numpy(), first, last)
        point = proxy_point(mean, error, looks, curve.verdict)
        parts.append(Component(offered.get(name, name), mean, error, point))
        finite = np.flatnonzero(np.isfinite(mean))
        table.append({
            "run": run, "component": offered.get(name, name),
            "at the start": number(float(mean[finite[0]])) if finite.size else "–",
            "at the end": number(float(mean[finite[-1]])) if finite.size else "–",
            "proxy point (90 %)": point_words(point),
        })  # fmt: skip
    known = run_reads.member_keys(run)
    groups = [tuple(joined)] if joined else ensembles_by_name(known)
    group = [name for name in next(iter(groups), ()) if name in known]
    spread = None
    if len(group) > 1:
        cells = run_reads.disagreement(run, tuple(group), frozen.get(run))
        if not looks.height:
            first, last = step_bins(cells["step"].to_numpy())
        spread = disagreement(cells, first, last)
    elif joined:
        st.warning(f"{called(run)}: disagreement needs two members in its logged responses.")
    if looks.height and not parts and spread is None:
        st.info(f"{called(run)} logs none of these components.")
    elif looks.height and charted:
        figure = component_figure(curve, parts, now, spread)
        charts.draw(figure, f"components-{run}", f"Rewards of {run}")
    if spread is not None and spread.height:
        end, raised = spread.row(-1, named=True), spread.filter("raised")
        reach = "too few prompts for an interval" if end["low"] is None else (
            f"{interval(end['low'], end['high'])}, 90 %"
        )  # fmt: skip
        says = f"Disagreement of {escaped(', '.join(group))}: {number(end['ratio'])} times that of "
        says += f"the start ({reach})."
        if raised.height:
            st.warning(
                f"{says} It is surely above 1.5 times from step {whole(raised['step_start'][0])} "
                "on. It asks for a gold evaluation and decides nothing: members share errors, so "
                "agreement clears no run and disagreement convicts none.",
                icon=":material/call_split:",
            )
        else:
            st.caption(f"{says} Members share errors: agreement clears no run.")


for order, curve in enumerate(curves):
    with isolated(curve.run_id, "drawn"):
        show_run(curve, order < MOST_CHARTS)

if table:
    frame = pl.DataFrame(table)
    place = many if len(curves) > MOST_CHARTS else st.container()
    show_table(frame, place, hide_index=True, placeholder=MISSING)
    place.caption(
        "A proxy point is the value that the component had where gold peaks: the peak's 90 % "
        "interval, widened by the component's own error. Components that move together move each "
        "other's points (Moskovitz et al. 2023)."
    )
step_end = [frozen.get(run) or every[run]["step_end"] or 0 for run in chosen]
shown: list[tuple[str, object]] = [("run", run) for run in chosen] + [("axis", axis)]
shown += [("component", name) for name in picked] + [("member", name) for name in joined]
shown += [("until", step) for step in step_end]
link, files, _ = st.columns([1, 1, 2.4], vertical_alignment="bottom")
with link.popover("Copy link", icon=":material/link:", width="stretch"):
    st.caption("Restores this view and freezes it: rows that arrive later change nothing in it.")
    st.code(links.page_link("/components", shown), language=None, wrap_lines=True)
if table:
    files.download_button(
        "Download (CSV)", reads.csv_bytes(frame), file_name="components.csv", mime="text/csv",
        icon=":material/download:", on_click="ignore", width="stretch",
    )  # fmt: skip
