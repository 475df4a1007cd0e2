"""Proxy and gold reward against KL: where does gold peak, and is the run past it?"""

import json
from functools import partial

import streamlit as st

from analytics.comparing.comparable import differences
from analytics.figures.drawing.axes import LARGEST
from analytics.figures.drawing.curves import has_line
from analytics.figures.drawing.palette import status_look
from analytics.onset.sentences.headline import headline
from analytics.wording import number
from data.columns import PANELS
from pages.shared import links, reads
from pages.shared.asking import note_reads, paid_reads, run_reads
from pages.shared.choices import choose_named, choose_one
from pages.shared.escaping import called, escaped, named, shown_name
from pages.shared.frame import reading, say_waiting, shows, stop_when_empty, tab
from pages.shared.page_parts.fault_view import isolated, say
from pages.shared.page_parts.freezing import frozen_steps
from pages.shared.page_parts.take_away import take_away
from pages.shared.people.notes_view import show_notes
from pages.shared.responses.completions_view import show_completions
from pages.shared.runs.anchors_view import show_anchors
from pages.shared.runs.checkpoints_view import show_checkpoints
from pages.shared.runs.decision_card import card
from pages.shared.runs.differs_view import show_differences
from pages.shared.runs.reward_view import Places, Rewards, show_rewards
from pages.shared.runs.verdict_view import in_short, show_verdict_table, show_why

MOST_CARDS = 4
SOURCES = {"evaluation": "evaluations", "training": "training", "table": "table"}

st.title("Overoptimization", anchor=False)
stop_when_empty()

every = {row["run_id"]: row for row in reads.runs().iter_rows(named=True)}
asked_runs = links.asked("run")
for missing in (run for run in asked_runs if run not in every):
    st.error(
        f"The link asks for run {called(missing)}, which is not in this store. Import its log, "
        "or choose another run below.",
        icon=":material/search_off:",
    )
until = dict(zip(asked_runs, links.asked_until(asked_runs), strict=True))

# Not bound by Streamlit: it would take the run out of links in place to other pages.
chosen, _ = choose_named("Runs", list(every), "run", "Choose one or more runs")
if not chosen:
    st.info(
        "Choose a run to see its curve, or open one from the overview.",
        icon=":material/show_chart:",
    )
    st.stop()

shows([every[run] for run in chosen])
answer = st.container()  # above what it is asked by
row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
of_chart = row.container(
    horizontal=True, vertical_alignment="bottom", gap="medium", width="content"
)
there = {name: SOURCES.get(name) or called(name) for name in reads.gold_sources(tuple(chosen))}
source = None
if len(there) > 1 or links.asked("gold"):
    source = choose_one(
        row.segmented_control, "Gold from", there, "gold", None,
        help="Sources of gold are never pooled. Unless you choose, labels with a judge's help are "
        "used where there are any, else evaluations on fixed prompts, else gold from training.",
    )  # fmt: skip
banded = len(chosen) > 1 and row.toggle(
    "Seed band", key="band", bind="query-params",
    help="Average the chosen runs as seeds of one setting.",
)  # fmt: skip

# Notes come and go in a place of their own: the chart below keeps its place, and so its zoom.
notes, chart = st.container(), st.container()
with notes:
    frozen = frozen_steps(chosen, until, every)
with notes, reading("Reading the runs …", (chosen, frozen, source, reads.runs().height)):
    curves, faults = reads.run_curves([every[run] for run in chosen], frozen, source)
    say_waiting(chosen, [c.run_id for c in curves] + [fault.run for fault in faults])
    for fault in faults:
        say(fault)
if not curves:
    st.stop()
blank = [c.run_id for c in curves if not has_line(c, "step")]
if blank:
    notes.warning(
        f"Nothing to draw of {named(blank)}: no proxy or gold reward that is a number below "
        f"{number(LARGEST)} was logged.", icon=":material/data_alert:",
    )  # fmt: skip
facts = {run: json.loads(every[run]["facts"]) | {"run_id": run} for run in chosen}
if len(chosen) > 1:
    differing = differences([facts[run] for run in chosen])
    if differing:
        notes.warning(
            "These runs do not share everything that an axis needs.  \n"
            + "  \n".join(escaped(sentence) for sentence in differing),
            icon=":material/warning:",
        )

words = status_look(curves[0].verdict["status"])[1] if len(curves) == 1 else ""
tab("Overoptimization", chosen, words)
group = answer.container()
with answer:
    if len(curves) == 1:
        only = curves[0]
        with isolated(only.run_id, "summed up"):
            paid = paid_reads.line(every[only.run_id], frozen.get(only.run_id))
            short = in_short(only, facts[only.run_id])
            st.html(card(only.run_id, only.verdict, " · ".join(filter(None, (short, paid)))))
            config = json.dumps(facts[only.run_id].get("config") or {})
            if chose := run_reads.gold_chose(only.run_id, config):
                st.caption(escaped(chose))
            if sealed := run_reads.sealed_said(only.run_id):
                st.caption(escaped(sealed))
    else:
        show_verdict_table(curves)

name = "-".join(chosen)[:80] or "figure"
link, take, files, pin = st.columns([1, 1, 1, 1, 1], vertical_alignment="bottom")[:4]
with chart:
    view, there_is_one = show_rewards(
        Rewards(
            chosen=chosen, curves=curves, every=every, frozen=frozen, source=source,
            banded=banded, panels=PANELS,
            marked=[n for n in note_reads.notes(tuple(chosen)) if n["step"] is not None],
        ),
        Places(of_chart, group, link, pin), name,
    )  # fmt: skip
if there_is_one and take.button("Figure", icon=":material/image:", width="stretch"):
    take_away(view.draw, name, view.says())
with files.popover("Rows", icon=":material/download:", width="stretch"):
    for run in chosen[:20]:
        st.download_button(
            f"Rows of {called(run)} (CSV)", partial(reads.export_csv, run),
            file_name=f"{shown_name(run)}.csv", mime="text/csv", key=f"csv-{run}",
            on_click="ignore",
        )  # fmt: skip

st.header("Why", anchor=False)
if len(curves) == 1:
    with isolated(curves[0].run_id, "in words"):
        show_why(curves[0], facts[curves[0].run_id], frozen.get(curves[0].run_id))
    with isolated(curves[0].run_id, "from its anchors"):
        show_anchors(curves[0])
    with isolated(curves[0].run_id, "compared by its checkpoints"):
        show_checkpoints(curves[0], frozen.get(curves[0].run_id))
for curve in curves[:MOST_CARDS] if 1 < len(curves) <= MOST_CARDS else []:
    words = f"{called(curve.run_id)} {escaped(headline(curve.verdict))}"
    with st.expander(words), isolated(curve.run_id, "in words"):
        show_why(curve, facts[curve.run_id], frozen.get(curve.run_id))
if len(curves) > MOST_CARDS:
    st.caption("The table over the chart holds the reasons of each run in its last column.")
if len(curves) == 2:
    with isolated("The two runs", "compared"):
        show_differences(curves, facts)
with isolated("The notes", "shown"):
    ends = [frozen.get(run) or every[run]["step_end"] or 0 for run in chosen]
    show_notes(chosen, "step" if len(chosen) == 1 else None, max(ends) or None)
if len(curves) == 1:
    with isolated(curves[0].run_id, "read for its responses"):
        show_completions(every[curves[0].run_id], curves[0])
