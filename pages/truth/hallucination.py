"""How often is the model wrong, and confidently so, from iteration to iteration?"""

import polars as pl
import streamlit as st

from analytics.claims import runs_of_claims, summary
from analytics.claims import sentence as of_claims
from analytics.figures.rates import DENOMINATORS
from analytics.hallucination.grader import corrected, sentence, unmatched_sentences
from analytics.hallucination.words import grader_unknown, unclear_sentences
from analytics.wording import MISSING
from pages.shared import answer_reads, changes_view, facts_view, rates_view, reads
from pages.shared.choices import choose_number, choose_one
from pages.shared.fault_view import isolated
from pages.shared.frame import escaped, heading, stop_when_empty, tab
from pages.shared.tables import show_table
from pages.shared.truth_choices import choose_scope, copy_link, no_answers

EVERY = "These loops"

heading(
    "Hallucination",
    "Wrong answers from iteration to iteration, with confidence and abstaining kept apart. "
    "Questions of different origin are never pooled.",
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

row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
axis = choose_one(row.segmented_control, "Axis", rates_view.AXES, "axis", "iteration",
                  required=True)  # fmt: skip
choices: list[tuple[str, object]] = [*scope.address(), ("axis", axis)]

if loops:
    by = choose_one(row.selectbox, "Lines", rates_view.LINES, "by", "loop", width=170)
    denominator = choose_one(
        row.segmented_control, "Wrong answers", {k: v[3] for k, v in DENOMINATORS.items()},
        "of", "all", required=True,
        help="Of all graded answers, or of the attempted ones: abstaining lowers the first.",
    )  # fmt: skip
    tau = choose_number(
        row.slider, "Confident from", 0.5, 1.0, 0.8, 0.05, key="tau", width=190,
        help="A wrong answer with at least this confidence counts as a confident hallucination.",
    )  # fmt: skip
    compare = choose_number(
        row.number_input, "Compare with iteration", min_value=0, value=None, step=1,
        key="with", placeholder="the previous", width=190,
    )  # fmt: skip
    rewarded = row.toggle("Gold, proxy and KL", value=True, key="rewards", bind="query-params")
    choices += [("by", by), ("of", denominator), ("tau", tau), ("rewards", str(rewarded).lower())]
    choices += [("with", compare)] * (compare is not None)
    with st.spinner("Counting answers …"):
        rates = scope.cut(answer_reads.hallucination(loops, tau, compare, scope.frozen))
        each = scope.cut(answer_reads.hallucination(loops, tau, None, scope.frozen))
    totals = rates.filter(pl.col("level") == "total")
    if compare is not None and compare not in set(totals["iteration"]):
        st.warning(f"No answers were graded at iteration {compare}: there is nothing to compare "
                   "with.", icon=":material/compare_arrows:")  # fmt: skip
    room = rates_view.show_figures(scope, loops, rates, by, axis, denominator, tau, rewarded)
    with room, isolated(EVERY, "compared with what was trained on"):
        changes_view.show_trained_on(scope, loops, tau)
    with isolated(EVERY, "compared over iterations"):
        whole = each.filter(pl.col("level") == "total")
        changes_view.show_changes(loops, totals, whole, compare)
    with isolated(EVERY, "compared by topic"):
        changes_view.show_topics(loops, rates)
    with st.expander("All numbers"):
        st.caption("Every row of the statistics; the arrow at the table's corner saves it as CSV.")
        show_table(rates, hide_index=True, placeholder=MISSING)
    asked = {"loops": loops, "until": None}
    notes: dict[str, list[str]] = {}
    for row in scope.cut(answer_reads.ask("answers_unclear", **asked)).iter_rows(named=True):
        for text in unclear_sentences(row):
            notes.setdefault(text, []).append(row["loop"])
    graders = answer_reads.ask("graders", loops=loops)
    for loop in loops:
        if text := grader_unknown(graders.filter(loop=loop)["grader"].to_list()):
            notes.setdefault(text, []).append(loop)
    said = [f"{', '.join(of)}: {text}" for text, of in notes.items()]
    for loop in runs_of_claims(reads.runs().filter(pl.col("run_id").is_in(loops))):
        with isolated(loop, "judged by its claims"):
            at = totals.filter(pl.col("loop") == loop)["iteration"].max()
            judged = summary(answer_reads.ask("claims", run=loop, iteration=at))
            said.append(f"{loop}, iteration {at}: {of_claims(judged)}")
    with isolated(EVERY, "corrected for their graders"):
        audits = scope.cut(answer_reads.ask("audits", loops=loops, until=None))
        said += [f"{row['loop']}: {sentence(row)}" for row in corrected(totals, audits)]
        said += unmatched_sentences(audits)
        said += changes_view.clustered_notes(totals)
    st.header("To keep in mind", anchor=False)
    st.markdown("\n".join(f"- {escaped(text)}" for text in said or ["Every answer is as logged."]))
for_graded = [run for run in stating if run in graded]
alone = [run for run in stating if run not in graded]
if alone:
    st.header("Facts stated in training responses", anchor=False)
    facts_view.show_facts(scope, alone, axis, "facts-alone")
if for_graded:
    with st.expander("Facts stated in the training responses of these loops"):
        facts_view.show_facts(scope, for_graded, axis, "facts-beside")

copy_link("/hallucination", choices)
