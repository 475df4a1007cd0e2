"""Proxy and gold reward against KL: where does gold peak, and is the run past it?"""

import json
from collections.abc import Sequence

import streamlit as st

from analytics.comparable import differences
from analytics.figures.axes import LARGEST
from analytics.figures.band import band_figure, gold_curves
from analytics.figures.curves import RunCurve, has_line
from analytics.figures.headline import headline
from analytics.figures.notes import mark_notes
from analytics.figures.palette import status_look
from analytics.figures.rewards import can_normalise, reward_figure
from analytics.seeds import group_fall
from analytics.wording import count, number
from data.columns import PANELS
from pages.shared import charts, links, note_reads, reads, run_reads
from pages.shared.anchors_view import show_anchors
from pages.shared.checkpoints_view import show_checkpoints
from pages.shared.choices import choose_named, choose_one
from pages.shared.completions_view import show_completions
from pages.shared.decision_card import card
from pages.shared.differs_view import show_differences
from pages.shared.fault_view import isolated, say, together
from pages.shared.frame import (
    called,
    escaped,
    named,
    reading,
    say_waiting,
    shown_name,
    stop_when_empty,
    tab,
)
from pages.shared.freezing import frozen_steps
from pages.shared.notes_view import show_notes
from pages.shared.pictured import once, shown_of
from pages.shared.pin_view import pin_popover
from pages.shared.seed_group import group_words
from pages.shared.take_away import take_away
from pages.shared.to_responses import show_links
from pages.shared.verdict_view import in_short, show_verdict_table, show_why

AXES = {"sqrt_kl": "√KL", "kl": "KL", "step": "step"}
SCALES = {"raw": "as logged", "sd": "in sd of the start"}
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

answer = st.container()  # above what it is asked by
row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
axis = choose_one(row.segmented_control, "Axis", AXES, "axis", "sqrt_kl", required=True)
scale = choose_one(
    row.segmented_control, "Rewards", SCALES, "scale", "raw", required=True,
    help="In sd of the start: both rewards centred on the initial policy and divided by its "
    "spread between responses (Gao et al. 2022), where the log states that spread.",
)  # fmt: skip
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
drawn = [c for c in curves if c.run_id not in blank]
conversions = {run: json.loads(every[run]["facts"]).get("kl_conversion") for run in chosen}
unknown = {run for run, conversion in conversions.items() if conversion == "unknown"}
off = [c for c in drawn if axis != "step" and (c.run_id in unknown or not has_line(c, axis))]
if off:
    alone = len(off) == len(drawn)
    how = "shown over steps instead" if alone else "left out of the chart, the step axis shows them"
    for why, runs in (
        ("The unit of KL is not known in", [c.run_id for c in off if c.run_id in unknown]),
        ("KL was not measured in", [c.run_id for c in off if not c.curve["kl"].count()]),
        (
            "KL was never logged near a reward in",
            [c.run_id for c in off if c.curve["kl"].count() and c.run_id not in unknown],
        ),
    ):
        if runs:
            notes.warning(f"{why} {named(runs)}: {how}.", icon=":material/straighten:")
    axis = "step" if alone else axis
    drawn = drawn if alone else [c for c in drawn if c.run_id not in {o.run_id for o in off}]
if scale == "sd" and not all(can_normalise(c.base) for c in drawn):
    names = named([c.run_id for c in drawn if not can_normalise(c.base)])
    notes.warning(
        f"The spread of proxy and gold at the start was not logged for {names}: shown as logged.",
        icon=":material/straighten:",
    )
    scale = "raw"
facts = {run: json.loads(every[run]["facts"]) | {"run_id": run} for run in chosen}
if len(chosen) > 1:
    said = differences([facts[run] for run in chosen])
    if said:
        notes.warning(
            "These runs do not share everything that an axis needs.  \n"
            + "  \n".join(escaped(sentence) for sentence in said),
            icon=":material/warning:",
        )

words = status_look(curves[0].verdict["status"])[1] if len(curves) == 1 else ""
tab("Overoptimization", chosen, words)
with answer:
    if len(curves) == 1:
        only = curves[0]
        with isolated(only.run_id, "summed up"):
            st.html(card(only.run_id, only.verdict, in_short(only, facts[only.run_id])))
            config = json.dumps(facts[only.run_id].get("config") or {})
            if chose := run_reads.gold_chose(only.run_id, config):
                st.caption(escaped(chose))
            if sealed := run_reads.sealed_said(only.run_id):
                st.caption(escaped(sealed))
    else:
        if banded:
            st.markdown(escaped(group_words(curves, group_fall(gold_curves(curves, axis)))))
        show_verdict_table(curves)


name = "-".join(chosen)[:80] or "figure"
config = {"toImageButtonOptions": {"format": "svg", "filename": name}}
marked = [note for note in note_reads.notes(tuple(chosen)) if note["step"] is not None]


def said_of(some: Sequence[RunCurve]) -> str:
    """The chart's finding: each run's headline, as far as a sentence bears it."""
    told = "; ".join(f"{shown_name(c.run_id)} {headline(c.verdict)}" for c in some[:MOST_CARDS])
    more = len(some) - MOST_CARDS
    return f"{told}; and {count(more, 'more run')}" if more > 0 else told


def draw(some: Sequence[RunCurve], tall: int = 400, below: bool = True) -> object:
    """The chart of some of the runs; ``tall``: of its highest panel, pixels."""
    if banded and len(some) > 1:
        return band_figure(some, axis, round(tall * 0.7))
    figure = reward_figure(some, axis, scale, PANELS if below else [], tall)
    mark_notes(figure, some, marked, axis)
    return figure


def drawn_once(some: Sequence[RunCurve]) -> object:
    """The same, for all readers of this view."""
    view = "rewards", shown_of(some, every), axis, scale, banded, source, tuple(frozen.items())
    view += (tuple((n["note_id"], n["edit"]) for n in marked),)
    return once(view, lambda: draw(some))


with notes:
    figure = together(drawn, lambda c: c.run_id, "drawn", drawn_once) if drawn else None
if figure is not None:
    charts.draw(figure, "rewards", said_of(drawn), chart, config)
    charts.caption(figure, chart)
    with chart, isolated(named(chosen), "led to its responses"):
        show_links(drawn, every, frozen)

step_end = [frozen.get(run) or every[run]["step_end"] or 0 for run in chosen]
choices: list[tuple[str, object]] = [("run", run) for run in chosen]
choices += [("axis", axis), ("scale", scale)]
choices += [("gold", source)] * bool(source) + [("band", "true")] * bool(banded)
choices += [("until", step) for step in step_end]
link, take, files, pin, _ = st.columns([1, 1, 1, 1, 1], vertical_alignment="bottom")
with link.popover("Copy link", icon=":material/link:", width="stretch"):
    st.caption("Restores this view and freezes it: rows that arrive later change nothing in it.")
    st.code(links.page_link("/overoptimization", choices), language=None, wrap_lines=True)
if figure is not None:
    if take.button("Figure", icon=":material/image:", width="stretch"):
        take_away(lambda tall, below: draw(drawn, tall, below), name, said_of(drawn))
    pin_popover(pin, "/overoptimization", choices, lambda: said_of(drawn), figure, drawn)
with files.popover("Rows", icon=":material/download:", width="stretch"):
    for run in chosen[:20]:
        st.download_button(
            f"Rows of {called(run)} (CSV)", lambda run=run: reads.export_csv(run),
            file_name=f"{shown_name(run)}.csv", mime="text/csv", key=f"csv-{run}",
            on_click="ignore",
        )  # fmt: skip

st.header("Why", anchor=False)
if len(curves) == 1:
    with isolated(curves[0].run_id, "told in words"):
        show_why(curves[0], facts[curves[0].run_id], frozen.get(curves[0].run_id))
    with isolated(curves[0].run_id, "told by its anchors"):
        show_anchors(curves[0])
    with isolated(curves[0].run_id, "compared by its checkpoints"):
        show_checkpoints(curves[0], frozen.get(curves[0].run_id))
for curve in curves[:MOST_CARDS] if 1 < len(curves) <= MOST_CARDS else []:
    words = f"{called(curve.run_id)} {escaped(headline(curve.verdict))}"
    with st.expander(words), isolated(curve.run_id, "told in words"):
        show_why(curve, facts[curve.run_id], frozen.get(curve.run_id))
if len(curves) > MOST_CARDS:
    st.caption("The table over the chart holds the reasons of each run in its last column.")
if len(curves) == 2:
    with isolated("The two runs", "compared"):
        show_differences(curves, facts)
with isolated("The notes", "shown"):
    show_notes(chosen, "step" if len(chosen) == 1 else None, max(step_end) or None)
if len(curves) == 1:
    with isolated(curves[0].run_id, "read for its responses"):
        show_completions(every[curves[0].run_id], curves[0])
