"""Does confidence tell right answers from wrong ones, from iteration to iteration?"""

import polars as pl
import streamlit as st

from analytics.answers.calibration_cells import headline, reliability, risk_coverage, sentence
from analytics.figures.truth.calibration import over_time_panels, reliability_figure, risk_figure
from analytics.figures.truth.rates import rate_figure
from analytics.hallucination.words import origin_words
from analytics.knowledge import sampled_sentences
from analytics.wording import MISSING, whole
from pages.shared import charts, links
from pages.shared.asking import answer_reads
from pages.shared.choices import choose_one, seed
from pages.shared.escaping import called, escaped, shown_name
from pages.shared.frame import heading, stop_when_empty, tab
from pages.shared.page_parts.fault_view import isolated, together
from pages.shared.tables import show_table
from pages.shared.truth.truth_choices import choose_scope, copy_link, no_answers

BINS = {str(n): str(n) for n in (5, 10, 15, 20, 25)}
MOST_DIAGRAMS = 4

heading(
    "Calibration",
    "Confidence of attempted answers against how many of them are right. How sure a model is of "
    "abstaining is no part of it.",
)
stop_when_empty()
graded = answer_reads.loops()
if not graded:
    no_answers("graded answers", "the columns `loop, iteration, question_id, grade, confidence`")
scope = choose_scope(graded, "graded answers")
tab("Calibration", scope.named)

row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
bins = int(
    choose_one(row.segmented_control, "Bins", BINS, "bins", "15", required=True,
               help="ECE depends on the number of bins: the null value beside it does so too.")
    or 15
)  # fmt: skip
with st.spinner("Counting answers …"):
    measured = scope.cut(answer_reads.calibrations(scope.loops, bins))
if measured.is_empty():
    st.info("No attempted answer of these loops has a confidence.", icon=":material/balance:")
    st.stop()
without = [loop for loop in scope.loops if loop not in set(measured["loop"])]
if without:
    st.info(f"No attempted answer of {escaped(', '.join(without))} has a confidence.")
origins = sorted(measured["origin"].unique(), key=lambda o: (o != "benchmark", o))
named_origins = {one: escaped(shown_name(one.replace("_", "-"))) for one in origins}
origin = (
    choose_one(row.segmented_control, "Questions", named_origins, "origin", origins[0],
               required=True)
    or origins[0]
)  # fmt: skip
mine = measured.filter(pl.col("origin") == origin)
steps = mine["iteration"].unique().sort().to_list()
asked = [int(text) for text in links.asked("at") if text.isdecimal()]
seed("at", [step for step in asked if step in steps])


def keep_iterations() -> None:
    """Write the chosen iterations into the address."""
    st.query_params["at"] = [str(step) for step in st.session_state["at"]]


chosen = row.multiselect(
    "Iterations", steps, key="at", on_change=keep_iterations, max_selections=7,
    placeholder="first, middle, last", width=300,
    default=[step for step in st.session_state["at"] if step in steps],
)  # fmt: skip
for missing in (step for step in asked if step not in steps):
    st.warning(f"The link asks for iteration {called(str(missing))}, which has no confidence here.")
shown = sorted(chosen) or sorted({steps[0], steps[len(steps) // 2], steps[-1]})

drawn = [loop for loop in scope.loops if loop in set(mine["loop"])]


def show_diagrams(loop: str) -> None:
    """Reliability and risk of one loop."""
    own = {row["iteration"]: row for row in mine.filter(loop=loop).iter_rows(named=True)}
    there = [step for step in shown if step in own]
    if not there:
        return
    last = there[-1]
    st.markdown(f"## {called(loop)}: {escaped(headline(own[last]))}")
    st.caption(
        f"On {escaped(origin_words(origin))}, iteration {last}: "
        f"{escaped(sentence(own[last], bins))}"
    )
    by_step = {step: answer_reads.cells(loop, step, origin) for step in there}
    left, right = st.columns(2, gap="medium")
    figure = reliability_figure({step: reliability(cells, bins) for step, cells in by_step.items()})
    charts.draw(figure, f"reliability-{loop}", f"{loop}: share right by confidence", left)
    figure = risk_figure({step: risk_coverage(cells) for step, cells in by_step.items()})
    charts.draw(figure, f"risk-{loop}", f"{loop}: errors by share answered", right)


for loop in drawn[:MOST_DIAGRAMS]:
    with isolated(loop, "drawn"):
        show_diagrams(loop)
if len(drawn) > MOST_DIAGRAMS:
    st.caption(f"Diagrams of {MOST_DIAGRAMS} of {len(drawn)} loops; choose those to see.")
st.caption(
    "Left: below the dashed line answers are less often right than their confidence says. Bars: "
    "95 % Wilson intervals; shaded: where 95 % of the points of a calibrated model with the last "
    "iteration's confidences would lie. Right: dotted, a ranking that puts every right answer "
    "first."
)

st.header("By iteration", anchor=False)
points = mine.with_columns(line="loop", kl=pl.lit(None, pl.Float64))
figure = together(
    scope.lines(drawn), lambda line: line.label, "drawn",
    lambda some: rate_figure(
        points.filter(pl.col("line").is_in([line.key for line in some])), some,
        over_time_panels(bins),
    ),
)  # fmt: skip
if figure is not None:
    charts.draw(figure, "calibration", "Calibration by iteration")
st.caption(
    "Dotted: what a calibrated model with the same confidences would have by chance (ECE), what a "
    "perfect ranking would have (AURC), the share right (beside mean confidence)."
)
sampled = scope.cut(answer_reads.sampled(scope.loops)).filter(pl.col("origin") == origin)
if sampled.height:
    st.header("Sampled answers", anchor=False)
    ends = sampled.filter(pl.col("iteration") == pl.col("iteration").max().over("loop"))
    sentences = [
        f"- **{called(row['loop'])}**, iteration {whole(row['iteration'])}: "
        f"{escaped(' '.join(sampled_sentences(row)))}"
        for row in ends.iter_rows(named=True)
    ]
    st.markdown("\n".join(sentences))
    show_table(sampled.drop("fewest_unknown"), hide_index=True, placeholder=MISSING)
with st.expander("All numbers"):
    show_table(measured, hide_index=True, placeholder=MISSING)
kinds = answer_reads.ask("confidence_kinds", loops=scope.loops)
for loop in drawn:
    stated = kinds.filter(loop=loop)["confidence_kind"]
    named = ", ".join(sorted(stated.drop_nulls())) or "not stated in the log"
    st.caption(f"Kind of confidence in {called(loop)}: {escaped(named)}.")
choices: list[tuple[str, object]] = [*scope.address(), ("bins", bins), ("origin", origin)]
copy_link("/calibration", choices + [("at", step) for step in shown])
