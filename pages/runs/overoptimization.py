"""Proxy and gold reward against KL: where does gold peak, and is the run past it?"""

import json

import streamlit as st

from analytics.comparable import differences
from analytics.figures.band import band_figure
from analytics.figures.headline import headline
from analytics.figures.rewards import can_normalise, reward_figure
from pages.shared import links, reads
from pages.shared.completions_view import show_completions
from pages.shared.frame import escaped, heading, stop_when_empty
from pages.shared.verdict_view import show_verdict

AXES = {"sqrt_kl": "√KL", "kl": "KL", "step": "step"}
SCALES = {"raw": "as logged", "sd": "in sd of the start"}
SOURCES = {"evaluation": "evaluation", "training": "training batches", "table": "table"}

heading(
    "Overoptimization",
    "Proxy and gold reward against KL from the initial policy: where gold peaks, and what is lost.",
)
stop_when_empty()

every = {row["run_id"]: row for row in reads.runs().iter_rows(named=True)}
asked_runs = links.asked("run")
for missing in (run for run in asked_runs if run not in every):
    st.error(
        f"The link asks for run {escaped(missing)}, which is not in this store. Import its log, "
        "or choose another run below.",
        icon=":material/search_off:",
    )
until = dict(zip(asked_runs, links.asked_until(asked_runs), strict=True))

chosen = st.multiselect(
    "Runs", list(every), key="run", bind="query-params", placeholder="Choose one or more runs",
)  # fmt: skip
if not chosen:
    st.info("Choose a run to see its curve, or open one from the overview.", icon=":material/show_chart:")
    st.stop()

first, second, third, fourth = st.columns([1.1, 1.3, 1.6, 1], vertical_alignment="bottom")
axis = first.segmented_control(
    "Axis", list(AXES), default="sqrt_kl", required=True, format_func=AXES.get, key="axis",
    bind="query-params",
)  # fmt: skip
scale = second.segmented_control(
    "Rewards", list(SCALES), default="raw", required=True, format_func=SCALES.get, key="scale",
    bind="query-params",
    help="In sd of the start: both rewards centred on the initial policy and divided by its "
    "spread between responses (Gao et al. 2022), where the log states that spread.",
)  # fmt: skip
source = third.segmented_control(
    "Gold from", list(SOURCES), default=None, format_func=SOURCES.get, key="gold",
    bind="query-params",
    help="Sources of gold are never pooled. Unless you choose, evaluations on fixed prompts are "
    "used where there are any, else gold from training batches.",
)  # fmt: skip
banded = fourth.toggle(
    "Seeds as a band", key="band", bind="query-params",
    help="Average the chosen runs as seeds of one setting.",
)  # fmt: skip

frozen = {run: step for run, step in until.items() if run in chosen and step is not None}
newer = [run for run, step in frozen.items() if (every[run]["step_end"] or 0) > step]
if frozen:
    steps = ", ".join(f"{escaped(run)} at step {step:,}" for run, step in frozen.items())
    more = (
        " Newer rows exist: " + ", ".join(f"{escaped(run)} up to step {every[run]['step_end']:,}" for run in newer) + "."
        if newer
        else " There are no newer rows."
    )  # fmt: skip
    told, button = st.columns([4, 1], vertical_alignment="center")
    told.info(f"This view is frozen: {steps}.{more}", icon=":material/ac_unit:")
    if button.button("Show all rows", width="stretch"):
        del st.query_params["until"]
        st.rerun()

curves = [reads.run_curve(every[run], frozen.get(run), source) for run in chosen]
if axis != "step":
    unmeasured = [c.run_id for c in curves if not c.curve["kl"].drop_nulls().len()]
    if unmeasured:
        names = ", ".join(escaped(run) for run in unmeasured)
        alone = len(unmeasured) == len(curves)
        st.warning(
            f"KL was not measured in {names}: "
            + ("shown over steps instead." if alone else "not drawn over KL. Choose the step axis to see it."),
            icon=":material/straighten:",
        )  # fmt: skip
    if len(unmeasured) == len(curves):
        axis = "step"
    else:
        curves = [c for c in curves if c.run_id not in unmeasured]
if scale == "sd" and not all(can_normalise(c.base) for c in curves):
    names = ", ".join(escaped(c.run_id) for c in curves if not can_normalise(c.base))
    st.warning(
        f"The spread of proxy and gold at the start was not logged for {names}: shown as logged.",
        icon=":material/straighten:",
    )
    scale = "raw"
facts = {run: json.loads(every[run]["facts"]) | {"run_id": run} for run in chosen}
if len(chosen) > 1:
    said = differences([facts[run] for run in chosen])
    if said:
        st.warning(
            "These runs do not share everything that an axis needs.  \n"
            + "  \n".join(escaped(sentence) for sentence in said),
            icon=":material/warning:",
        )

if len(curves) == 1:
    only = curves[0]
    st.markdown(f"#### {escaped(only.run_id)} {escaped(headline(only.verdict))}")
    about = facts[only.run_id]
    st.caption(
        escaped(
            f"{about['trainer'] or every[only.run_id]['format']} · {about['kl_note'] or 'KL not logged'} "
            f"· {only.verdict['gold_evaluations']:,} gold evaluations"
            + (f" ({only.verdict['gold_source']})" if only.verdict.get("gold_source") else "")
            + " · bars: 90 % intervals · the alarm errs on at most 5 % of runs whose gold never falls"
        )
    )
kind = st.session_state.get("figure_file", "svg")
config = {
    "displaylogo": False,
    "toImageButtonOptions": {"format": kind, "filename": "-".join(chosen)[:80] or "figure"},
}
if banded and len(curves) > 1:
    figure = band_figure(curves, axis)
else:
    figure = reward_figure(curves, axis, scale)
st.plotly_chart(figure, key="rewards", config=config, theme="streamlit")

step_end = [frozen.get(run) or every[run]["step_end"] or 0 for run in chosen]
choices: list[tuple[str, object]] = [("run", run) for run in chosen]
choices += [("axis", axis), ("scale", scale)]
choices += [("gold", source)] * bool(source) + [("band", "true")] * bool(banded)
choices += [("until", step) for step in step_end]
link, files, table = st.columns([1, 1, 2.4], vertical_alignment="bottom")
with link.popover("Copy link", icon=":material/link:", width="stretch"):
    st.caption("Restores this view and freezes it: rows that arrive later change nothing in it.")
    st.code(links.page_link("/overoptimization", choices), language=None, wrap_lines=True)
with files.popover("Download", icon=":material/download:", width="stretch"):
    st.segmented_control(
        "Figure file", ["svg", "png"], default="svg", required=True, format_func=str.upper,
        key="figure_file", help="The camera over the chart saves the figure in this format.",
    )  # fmt: skip
    for run in chosen[:20]:
        st.download_button(
            f"Rows of {escaped(run)} (CSV)", lambda run=run: reads.export_csv(run),
            file_name=f"{run}.csv", mime="text/csv", key=f"csv-{run}", on_click="ignore",
        )  # fmt: skip

st.subheader("Verdict" if len(curves) == 1 else "Verdicts", anchor=False)
for curve in curves:
    show_verdict(curve, facts[curve.run_id], titled=len(curves) > 1)
if len(curves) == 1:
    show_completions(every[curves[0].run_id], curves[0])
