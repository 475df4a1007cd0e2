"""What failed first in a loop, and at which iteration? Generations beside each other."""

import streamlit as st

from analytics.collapse.words import table
from analytics.figures.truth.iterations import arms_figure
from analytics.loops.board import first_failed
from analytics.loops.story import since_first
from pages.shared import charts
from pages.shared.asking import loop_reads
from pages.shared.escaping import called, escaped, named
from pages.shared.frame import heading, stop_when_empty, tab
from pages.shared.loops import board_view
from pages.shared.page_parts.fault_view import isolated
from pages.shared.people.notes_view import show_notes
from pages.shared.tables import show_table
from pages.shared.truth.truth_choices import choose_scope, copy_link

heading(
    "Iterations",
    "The generations of a self-improvement loop: what was won, what was lost, what nobody looked "
    "at.",
)
stop_when_empty()
there = loop_reads.loops()
if not there:
    st.info("There is no loop in the store yet.", icon=":material/cycle:")
    st.code("python -m data import loop.toml", language=None, wrap_lines=True)
    st.markdown("A `loop.toml` names a loop's iterations, parents and tables: see docs/loops.md.")
    st.stop()
scope = choose_scope(there, "iterations, corpora or kept texts")
tab("Iterations", scope.named)
boards = {}
for loop in scope.loops:
    with isolated(loop, "read"):
        boards[loop] = loop_reads.questions(loop, scope.frozen.get(loop))
st.html(board_view.key())
if len(boards) > 1:
    st.html(board_view.story(boards))
for loop, board in boards.items() if len(boards) == 1 else ():
    st.markdown(escaped(first_failed(board, loop)))
    st.caption(escaped(since_first(board)))
waiting = [loop for loop in boards if not loop_reads.indicators(loop)[1]]
if waiting:
    st.info(
        f"Diversity and tails of {named(waiting)} are being measured anew; "
        "they come by themselves.", icon=":material/hourglass_top:",
    )  # fmt: skip
if len(boards) > 1:
    figure = arms_figure(boards, [line for line in scope.lines() if line.key in boards])
    if figure is not None:
        charts.draw(figure, "arms", "The arms side by side, by iteration")
        st.caption("One scale a row. A triangle: worse than at iteration 0, by its test.")
for loop, board in boards.items():
    with isolated(loop, "shown"):
        iterations = sorted({at for question in board for at in question.cells})
        if len(boards) > 1:
            st.header(called(loop), anchor=False)
        st.html(board_view.board_table(loop, board, iterations))
st.caption(
    "Below a number: its 95 % interval. Each cell is tested against iteration 0, at 5 % over all "
    "iterations of its row together; texts are paired by prompt, wrong answers by question."
)
rows = [row for loop in boards for row in loop_reads.indicators(loop)[0]]
if rows:
    with st.expander("All indicators of the texts"):
        show_table(scope.cut(table(rows)), hide_index=True)
with isolated("The notes", "shown"):
    show_notes(scope.loops, "iteration")
copy_link("/iterations", scope.address())
