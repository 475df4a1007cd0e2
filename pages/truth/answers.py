"""Single questions and their answers over the iterations, the newly wrong ones first."""

import math
from collections.abc import Mapping
from typing import Any

import streamlit as st

from analytics.wording import count, whole
from pages.shared import links
from pages.shared.asking import answer_reads
from pages.shared.choices import choose_number, choose_one
from pages.shared.escaping import LONGEST, called, escaped
from pages.shared.frame import heading, stop_when_empty, tab
from pages.shared.truth.answer_table import (
    CHANGES,
    GRADES,
    answer_table,
    history_table,
    topics_sentence,
)
from pages.shared.truth.truth_choices import choose_scope, copy_link, no_answers

ROWS = 25

heading(
    "Answers",
    "What was answered before and now; a question leads to all of its answers.",
)
stop_when_empty()
graded = answer_reads.loops()
if not graded:
    no_answers("graded answers", "the columns `loop, iteration, question_id, answer, grade`")
scope = choose_scope(graded, "graded answers")
tab("Answers", scope.named)

counts = scope.cut(answer_reads.ask("answer_counts", loops=scope.loops, until=None))
if asked := links.asked("question"):
    question = asked[0]
    origins = links.asked("origin")
    history = answer_reads.answer_history(scope.loops, question, origins[0] if origins else None)
    history = scope.cut(history)
    back = [(k, v) for k, v in scope.address() if k == "loop"]
    st.markdown(f"[All questions]({links.local_link('/answers', back)})")
    if history.is_empty():
        st.error(
            f"The link asks for question {called(question)}, which is not in these loops.",
            icon=":material/search_off:",
        )
        st.stop()
    for (origin,), part in history.group_by("origin", maintain_order=True):
        texts = part["question"].drop_nulls().unique(maintain_order=True).to_list()
        st.markdown(f"## {escaped(texts[0] if texts else question, LONGEST)}")
        right = part["reference"].drop_nulls().unique(maintain_order=True).to_list()
        known = [v for v in (part["topic"][0], part["knowledge"][0]) if v]
        about = " · ".join([question, str(origin).replace("_", "-"), *known])
        st.markdown(f"Reference: **{escaped(', '.join(right) or 'not logged', LONGEST)}**")
        st.caption(escaped(about))
        if len(texts) > 1:
            st.warning(
                f"{len(texts)} different texts share this question_id: they are different "
                "questions, and are not paired."
            )
        st.html(history_table(part.to_dicts()))
    choices = [*scope.address(), ("question", question)]
    copy_link("/answers", choices + [("origin", o) for o in origins[:1]])
    st.stop()

steps = counts["iteration"].unique().sort(descending=True).to_list()
if not steps:
    st.info("There are no answers up to the step at which this view is frozen.")
    st.stop()
row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
search = row.text_input(
    "Contains", key="q", bind="query-params", width=260,
    placeholder="question, answer, reference or id",
)  # fmt: skip
asked_step = choose_one(row.selectbox, "Iteration", {str(step): str(step) for step in steps},
                        "iteration", str(steps[0]), width=150)  # fmt: skip
step = int(asked_step or steps[0])
compare = choose_number(
    row.number_input, "Changed since", min_value=0, value=None, step=1, key="with",
    placeholder="previous", width=150,
)  # fmt: skip


def options(column: str) -> dict[str, str]:
    """The values of a column as choices."""
    return {v: v.replace("_", "-") for v in counts[column].drop_nulls().unique().sort()}


change = choose_one(row.selectbox, "Change", CHANGES, "change", None, placeholder="all", width=150)
more = row.popover("More filters", icon=":material/filter_list:")
filters = {"change": change} | {
    name: choose_one(more.selectbox, label, options_there, name, None, placeholder="all")
    for name, label, options_there in (
        ("grade", "Grade", {key: words for key, (_, words) in GRADES.items()}),
        ("origin", "Questions", options("origin")),
        ("topic", "Topic", options("topic")),
        ("knowledge", "Knowledge", options("knowledge")),
    )
    if options_there
}
for name in ("topic", "knowledge"):
    filters.setdefault(name, None)
# A loop that is frozen earlier has no answers of this iteration in this view.
loops = tuple(loop for loop in scope.loops if scope.frozen.get(loop, step) >= step)

signature = (loops, step, search, compare, tuple(filters.items()))
if st.session_state.get("answers_asked", signature) != signature:
    st.session_state["page"] = 1
st.session_state["answers_asked"] = signature
number = choose_number(row.number_input, "Page", min_value=1, step=1, key="page", width=110)

asked_rows = {"iteration": step, "until": None, "search": search.strip() or None,
              "compare_to": compare, **filters}  # fmt: skip
found = answer_reads.answers_page(loops, ROWS, ROWS * (number - 1), **asked_rows)
if found.is_empty() and number > 1:
    first = answer_reads.answers_page(loops, ROWS, 0, **asked_rows)
    last = math.ceil((first["total"][0] if first.height else 0) / ROWS)
    st.info(f"There is no page {whole(number)}: these filters give {count(last, 'page')}.")
    st.stop()
if found.is_empty():
    st.info("No answer fits these filters. Clear one of them to see more.")
    st.stop()
total = int(found["total"][0])
shown = f"{whole(ROWS * (number - 1) + 1)} to {whole(ROWS * (number - 1) + found.height)}"
st.caption(
    f"{count(total, 'answer')} at iteration {whole(step)}, newly wrong and surest first; shown are "
    f"{shown}, page {whole(number)} of {whole(math.ceil(total / ROWS))}. "
    f"{topics_sentence(found.row(0, named=True)['topics'])}"
)


def address(row: Mapping[str, Any]) -> str:
    """The view of one question, in the same loops."""
    chosen = [(k, v) for k, v in scope.address() if k == "loop"] if scope.named else []
    own = [("question", row["question_id"]), ("origin", row["origin"])]
    return links.local_link("/answers", [*chosen, *own])


st.html(answer_table(found.to_dicts(), address))
choices = [*scope.address(), ("iteration", step), ("page", number)]
choices += [(name, value) for name, value in filters.items() if value]
choices += [("q", search)] * bool(search) + [("with", compare)] * (compare is not None)
copy_link("/answers", choices)
