"""Where does a loop's training text come from, and does it hold what the loop is judged by?"""

import polars as pl
import streamlit as st

from analytics.figures.truth.iterations import provenance_figure
from analytics.loops import lineage, overlap
from pages.shared import charts
from pages.shared.asking import answer_reads, loop_reads
from pages.shared.escaping import called
from pages.shared.frame import heading, stop_when_empty, tab
from pages.shared.page_parts.fault_view import isolated
from pages.shared.tables import show_table
from pages.shared.truth.truth_choices import choose_scope, copy_link

heading(
    "Provenance",
    "Whose words each iteration was trained on, how deep they lie, and what was not stated.",
)
stop_when_empty()
there = loop_reads.loops()
if not there:
    st.info("There is no loop in the store yet.", icon=":material/cycle:")
    st.code("python -m data import loop.toml", language=None, wrap_lines=True)
    st.stop()
scope = choose_scope(there, "iterations, corpora or kept texts")
tab("Provenance", scope.named)
mix = scope.cut(answer_reads.corpus(scope.loops))
if mix.is_empty():
    st.info(
        "No table says what these loops were trained on. A corpus table has `loop, iteration, "
        "origin, generator_iteration, documents, tokens`.", icon=":material/dataset:",
    )  # fmt: skip
else:
    st.markdown("\n".join(
        f"- **{called(loop)}**: {lineage.sentence(mix.filter(loop=loop))}"
        for loop in mix["loop"].unique(maintain_order=True)
    ))  # fmt: skip
    figure = provenance_figure(lineage.parts(mix), scope.lines())
    if figure is not None:
        charts.draw(figure, "mix", "Whose words each iteration was trained on")
    st.header("Depth, and what was not stated", anchor=False)
    show_table(lineage.table(mix), hide_index=True)
    st.caption(
        "Shares of tokens. By lineage: one deeper than the deepest text that its writer saw."
    )

st.header("Evaluation questions in the training text", anchor=False)
hits: list[pl.DataFrame] = []
for loop in scope.loops:
    with isolated(loop, "compared with its questions"):
        found = scope.cut(overlap.table(loop, loop_reads.overlap(loop)))
        st.markdown(f"- **{called(loop)}**: {overlap.sentence(found)}")
        hits.append(found.filter((pl.col("found whole") > 0) | (pl.col("found nearly") > 0)))
if any(hit.height for hit in hits):
    with st.expander("By iteration"):
        show_table(pl.concat(hits, how="vertical_relaxed"), hide_index=True)
st.caption(
    "Whole: all words of a question in a row. Nearly: at least 80 % of its runs of eight words. "
    "Only texts that the loop kept are looked at: human training text is not in the store. An "
    "iteration has seen what its parents have; a parent that is not told is the one before."
)
copy_link("/provenance", scope.address())
