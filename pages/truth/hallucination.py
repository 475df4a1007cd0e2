"""How often is the model wrong, and confidently so, from iteration to iteration?"""

import polars as pl
import streamlit as st

from analytics.figures.truth.rates import DENOMINATORS
from analytics.hallucination.since_start import headline
from analytics.wording import MISSING, count
from pages.shared.asking import answer_reads
from pages.shared.choices import choose_number, choose_one
from pages.shared.escaping import escaped, shown_name
from pages.shared.frame import heading, stop_when_empty, tab
from pages.shared.page_parts.fault_view import isolated
from pages.shared.tables import show_table
from pages.shared.truth import changes_view, facts_view, rates_view, topics_view
from pages.shared.truth import hallucination_notes as notes
from pages.shared.truth.since_view import compared_with_start, rows_since, show_since
from pages.shared.truth.truth_choices import choose_scope, copy_link, no_answers

EVERY = "These loops"

heading(
    "Hallucination",
    "Wrong answers from iteration to iteration, with confidence and abstaining kept apart.",
)
stop_when_empty()
graded, counted = answer_reads.loops(), answer_reads.fact_runs()
if not graded and not counted:
    no_answers(
        "graded answers",
        "the columns `loop, iteration` (or `run_id, step`), `question_id, topic, origin, grade` "
        "and, where known, `confidence`",
    )
scope = choose_scope(graded | counted, "graded answers or counted facts")
tab("Hallucination", scope.named)
loops = tuple(loop for loop in scope.loops if loop in graded)
stating = [run for run in scope.loops if run in counted]

row = st.popover("Axis, lines, confidence …", icon=":material/tune:")
axis = choose_one(row.segmented_control, "Axis", rates_view.AXES, "axis", "iteration",
                  required=True)  # fmt: skip
choices: list[tuple[str, object]] = [*scope.address(), ("axis", axis)]

if loops:
    by = choose_one(row.selectbox, "Lines", rates_view.LINES, "by", "loop")
    denominator = choose_one(
        row.selectbox, "Wrong answers", {k: v[3] for k, v in DENOMINATORS.items()}, "of", "all",
        help="Of all graded answers, or of the attempted ones: abstaining lowers the first.",
    )  # fmt: skip
    tau = choose_number(
        row.slider, "Confident from", 0.5, 1.0, 0.8, 0.05, key="tau",
        help="A wrong answer with at least this confidence counts as a confident hallucination.",
    )  # fmt: skip
    compare = choose_number(
        row.number_input, "Since iteration", min_value=0, value=None, step=1,
        key="with", placeholder="the first",
    )  # fmt: skip
    rewarded = row.toggle("Gold, proxy and KL", value=True, key="rewards", bind="query-params")
    choices += [("by", by), ("of", denominator), ("tau", tau), ("rewards", str(rewarded).lower())]
    choices += [("with", compare)] * (compare is not None)
    rates = scope.cut(answer_reads.hallucination(loops, tau, None, scope.frozen))
    totals = rates.filter(pl.col("level") == "total")
    since = compared_with_start(scope, loops, tau, rates, compare)
    with isolated(EVERY, "compared with their start"):
        if compare is not None and compare not in set(totals["iteration"]):
            st.warning(f"No answers were graded at iteration {compare}: there is nothing to "
                       "compare with.", icon=":material/compare_arrows:")  # fmt: skip
        rows = rows_since(rates, since)
        shown = [{**row, "loop": shown_name(row["loop"])} for row in rows]
        st.markdown(f"## {escaped(headline(shown))}")
        show_since(rows, scope, tau)
        if not_known := notes.not_known(loops):
            st.caption(escaped(not_known))
    rates_view.show_figures(
        scope,
        loops=loops,
        rates=rates,
        by=by,
        axis=axis,
        denominator=denominator,
        tau=tau,
        rewarded=rewarded,
    )
    with isolated(EVERY, "compared by topic"):
        topics_view.show_topics(scope, loops, since)
    with st.expander("Each loop in words: tests, trends, what was trained on"):
        with isolated(EVERY, "compared over iterations"):
            changes_view.show_changes(
                loops, since.filter(level="total") if compare is not None else totals, totals,
                compare,
            )  # fmt: skip
        with isolated(EVERY, "compared with what was trained on"):
            changes_view.show_trained_on(scope, loops, tau)
        rates_view.show_confidence(scope, totals, tau)
        with isolated(EVERY, "corrected for their graders"):
            notes.show_notes(scope, loops, totals)
    with st.expander("All numbers"):
        st.caption("Every row of the statistics; the arrow at the table's corner saves it as CSV.")
        show_table(rates, hide_index=True, placeholder=MISSING)
for_graded = [run for run in stating if run in graded]
alone = [run for run in stating if run not in graded]
if alone and not loops:
    st.header("Facts stated in training responses", anchor=False)
    facts_view.show_facts(scope, alone, axis, "facts-alone")
elif alone:
    with st.expander(f"Facts stated in the training responses of {count(len(alone), 'run')}"):
        facts_view.show_facts(scope, alone, axis, "facts-alone")
if for_graded:
    with st.expander("Facts stated in the training responses of these loops"):
        facts_view.show_facts(scope, for_graded, axis, "facts-beside")

copy_link("/hallucination", choices)
