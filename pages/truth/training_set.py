"""What a loop trained on: how much of it was false, and what became of it afterwards."""

from collections.abc import Sequence

import polars as pl
import streamlit as st

from analytics.figures.truth.rates import Panel, rate_figure
from analytics.hallucination.trained_on import trained_headline, trained_rows
from analytics.wording import MISSING, rate_interval
from pages.shared import charts
from pages.shared.asking import answer_reads
from pages.shared.choices import choose_one
from pages.shared.escaping import called, escaped, shown_name
from pages.shared.frame import heading, stop_when_empty, tab
from pages.shared.page_parts.fault_view import isolated, together
from pages.shared.tables import show_table
from pages.shared.truth.trained_view import trained_table
from pages.shared.truth.truth_choices import choose_scope, copy_link, no_answers

BEFORE = (
    Panel("false_share", "claims false before<br>training, of checked", "false_low", "false_high"),
    Panel("kept_false", "false claims in the<br>texts kept for training", "kept_low", "kept_high",
          part="dropped_false", part_words="in texts not kept"),
)  # fmt: skip
AFTER = (
    Panel("repeated_share", "false claims repeated<br>after training", "repeated_low",
          "repeated_high"),
    Panel("human_share", "human text in the<br>training mix (tokens)", top=1.0),
)  # fmt: skip
CHECKED = Panel("checked_share", "claims checked<br>against a source", top=1.0)

heading(
    "Training set",
    "What each iteration was trained on: how much of it was false before training, and whether "
    "the model repeats it afterwards.",
)
stop_when_empty()
graded = answer_reads.loops()
if not graded:
    no_answers(
        "graded answers with what was trained on",
        "beside its other columns `self_claim` (what the model had said in a training text) or "
        "`in_training` (whether the question is about what was trained on)",
    )
scope = choose_scope(graded, "graded answers")
tab("Training set", scope.named)
usual = [loop for loop in graded if "control" in loop or "random" in loop]
control = choose_one(
    st.popover("Control …", icon=":material/tune:").selectbox,
    "Control loop", {loop: loop for loop in graded}, "control",
    usual[0] if len(usual) == 1 else None, placeholder="none", width=260,
    help="A loop trained on statements drawn at random: what it repeats, it repeats without "
    "selection. Without a control, repeating is an association.",
)  # fmt: skip

ends = set(scope.frozen.values())
until = max(ends) if len(scope.frozen) == len(scope.loops) else None
asked = tuple(dict.fromkeys([*scope.loops, *([control] if control else [])]))
with st.spinner("Following statements …"):
    claims = answer_reads.training_claims(asked, control, until)
    mistakes = answer_reads.training_mistakes(scope.loops, until)
    texts = scope.cut(answer_reads.training_texts(scope.loops))
    mix = scope.cut(answer_reads.corpus(scope.loops))
if claims.frame.is_empty() and mistakes.frame.is_empty() and texts.is_empty() and mix.is_empty():
    st.info(
        "The logs of these loops do not say what was trained on: answers have neither "
        "`self_claim` nor `in_training`, and there is no corpus table or kept text.",
        icon=":material/dataset:",
    )
    st.stop()

keys = ["loop", "iteration"]
parts = [
    claims.frame.filter(
        pl.col("knowledge").is_null(), pl.col("group") == "trained on",
        pl.col("loop").is_in(scope.loops),
    ),
    texts.filter(pl.col("kept")).select(
        "loop", pl.col("iteration") + 1, kept_false="false_share", kept_low="false_low",
        kept_high="false_high",
    ).join(
        texts.filter(~pl.col("kept")).select(
            "loop", pl.col("iteration") + 1, dropped_false="false_share"
        ), on=keys, how="left",
    ),
    mix.group_by(keys).agg(
        human_share=pl.col("tokens").filter(pl.col("origin") == "human").sum()
        / pl.col("tokens").sum()
    ),
]  # fmt: skip
points = parts[0]
for part in parts[1:]:
    points = points.join(part, on=keys, how="full", coalesce=True)
points = points.with_columns(line="loop", kl=pl.lit(None, pl.Float64)).sort(keys)
loops_there = set(points["loop"]) | set(claims.repeated) | set(mistakes.repeated)
rows = trained_rows(points, [loop for loop in scope.loops if loop in loops_there])
with isolated("These loops", "summed up"):
    shown = [{**row, "loop": shown_name(row["loop"])} for row in rows]
    st.markdown(f"## {escaped(trained_headline(shown))}")
    if rows:
        st.html(trained_table(rows, claims.repeated, mistakes.repeated, scope))


def draw(panels: Sequence[Panel], key: str, says: str, keyed: bool) -> None:
    """Panels below each other, of the loops that can be drawn."""
    figure = together(
        scope.lines(), lambda line: line.label, "drawn",
        lambda some: rate_figure(
            points.filter(pl.col("line").is_in([line.key for line in some])), some, panels,
            x_title="iteration trained on it", keyed=keyed,
        ),
    )  # fmt: skip
    if figure is not None:
        charts.draw(figure, key, says)


partly = points["checked_share"].drop_nulls().min() if "checked_share" in points.columns else None
left, right = st.columns([1.15, 1], gap="medium")
with left:
    unchecked = (CHECKED,) if isinstance(partly, float) and partly < 1 else ()
    draw((*BEFORE, *unchecked), "before", "How false the training set was", True)
with right:
    draw(AFTER, "after", "What was repeated, and the human share", False)
st.caption("Bars: 95 % intervals. Dotted: false claims in texts that were written but not kept.")

with st.expander("Each loop in words: what became of false claims and wrong answers"):
    st.markdown("**Claims in training texts, and what became of them**")
    sentences = [f"- **{called(loop)}**: {escaped(claims.sentences[loop])}"
            for loop in scope.loops if loop in claims.sentences]  # fmt: skip
    st.markdown("\n".join(sentences) or "No answer says what a training text had claimed.")
    st.markdown("**Wrong benchmark answers, repeated one iteration later**")
    sentences = [f"- **{called(loop)}**: {escaped(mistakes.sentences[loop])}"
            for loop in scope.loops if loop in mistakes.sentences]  # fmt: skip
    st.markdown("\n".join(sentences) or "No answer says whether its entity was trained on.")
    st.caption(
        "Trained on means that texts about the same entity were trained on, not that the very "
        "answer was. Claims are sampled, answers greedy: the two kinds are not compared. "
        "Intervals are Wilson's; of texts, with the text as cluster. Texts count for the iteration "
        "that was, or would have been, trained on them."
    )
known = claims.frame.filter(pl.col("knowledge").is_not_null(), pl.col("loop").is_in(scope.loops))
last = known.filter(pl.col("iteration") == pl.col("iteration").max().over("loop"))
if last.height:
    with st.expander("By what the base model knew, last iteration"):
        show_table(
            pl.DataFrame([
                {
                    "loop": row["loop"], "iteration": row["iteration"],
                    "knowledge": row["knowledge"], "claims": row["statements"],
                    "checked": row["checked"],
                    "false before training": rate_interval(
                        row["false_share"], row["false_low"], row["false_high"]
                    ),
                    "asked again": row["asked"],
                    "repeated": rate_interval(
                        row["repeated_share"], row["repeated_low"], row["repeated_high"]
                    ),
                }
                for row in last.iter_rows(named=True)
            ]),
            hide_index=True, placeholder=MISSING,
        )  # fmt: skip
if mix.height:
    with st.expander("The training mix of every iteration"):
        show_table(mix, hide_index=True, placeholder=MISSING)
choices = [*scope.address(), *([("control", control)] if control else [])]
copy_link("/training-set", choices)
