"""Have people looked, do they agree with gold, and the sheet with which they look next."""

import polars as pl
import streamlit as st

from analytics.gate import GateError
from analytics.gate.records.agreement import MEASURES, bias_words, sentences
from analytics.gate.records.reviews import win_rate
from analytics.gate.records.sheet import SheetError, returned_sentence
from analytics.wording import count, number, rate_interval, rate_text
from pages.shared.asking import gate_reads
from pages.shared.escaping import escaped
from pages.shared.frame import heading, stop_when_empty
from pages.shared.loops.loop_choices import choose
from pages.shared.tables import show_table
from pages.shared.truth.truth_choices import copy_link

heading(
    "Human checkpoints",
    "Blinded reviews of an iteration against the last release: when the next is due, what people "
    "preferred, and whether gold agrees with them.",
)
stop_when_empty()
chosen = choose()
try:
    state, rows, seen, release = gate_reads.people(
        chosen.loop, chosen.iteration, chosen.text, chosen.today
    )
except GateError as error:
    st.error(escaped(error), icon=":material/error:")
    st.stop()
not_known = state.sentences()
(st.warning if state.now_due else st.info)(escaped(not_known[0]), icon=":material/groups:")
st.markdown("\n".join(f"- {escaped(text)}" for text in not_known[1:]))

st.header(f"Iteration {chosen.iteration} against {release}", anchor=False)
whole, top = win_rate(seen.items), win_rate(seen.top)
if whole is None:
    st.markdown("Nobody has reviewed it yet.")
else:
    low, high = whole.ends(0.025)
    parts = [f"Win rate {rate_interval(whole.value, low, high)} on "
            f"{count(seen.items.height, 'pair')} (95 %, Wilson; ties count one half)."]  # fmt: skip
    if top is not None:
        parts.append(f"Where the proxy is highest: {rate_interval(top.value, *top.ends(0.025))} on "
                    f"{count(seen.top.height, 'pair')}.")  # fmt: skip
    parts.append(
        f"{count(len(seen.raters), 'rater')}: agreement was not measured."
        if seen.kappa is None
        else f"Cohen's κ between {count(len(seen.raters), 'rater')} {number(seen.kappa)} on "
        f"{count(seen.shared, 'shared item')}."
    )
    st.markdown("\n".join(f"- {escaped(text)}" for text in parts))

st.header("Does gold agree with people?", anchor=False)
if not rows:
    st.markdown("There are no reviews to compare it with.")
else:
    st.markdown("\n".join(f"- {escaped(text)}" for text in sentences(rows)))
    show_table(
        pl.DataFrame([
            {
                "iteration": row["iteration"], "against": row["before"],
                "measure": MEASURES[row["measure"]], "pairs": row["slice"], "n": row["n"],
                "agrees": rate_interval(row["agreement"], row["low"], row["high"]),
                "prefers the new one": bias_words(row["bias"]),
            }
            for row in rows if row["n"] or row["slice"] == "all"
        ]),
        hide_index=True,
        column_config={key: st.column_config.TextColumn(width="medium")
                       for key in ("measure", "agrees", "prefers the new one")},
    )  # fmt: skip

st.header("The review sheet", anchor=False)
st.markdown(
    "Pairs of responses to the same prompts, blinded, in random order. Give each reviewer a copy; "
    "they fill `preferred` (a, b or tie) and `rater` in any spreadsheet. Read the copies back here."
)
items = st.number_input("Pairs", 10, 100_000, chosen.policy["human_checkpoint.items"], width=160)
top_items = chosen.policy["human_checkpoint.top_proxy_items"]
st.caption(
    f"{top_items} of them are those of highest proxy, "
    f"{chosen.policy['human_checkpoint.escalation_items']} escalation cases where the policy names "
    f"words for them. For the margin of the policy ({rate_text(0.5)} against "
    f"{rate_text(chosen.policy['human_checkpoint.win_rate'])}) about "
    f"{count(state.items or 0, 'pair')} are needed."
)
try:
    text = gate_reads.review_sheet(
        chosen.loop, chosen.iteration, release, int(items), chosen.policy
    )
    st.download_button("Download the sheet", text.encode(), "review-sheet.csv", "text/csv",
                       icon=":material/download:")  # fmt: skip
except SheetError as error:
    st.info(escaped(error), icon=":material/search_off:")
with st.form("sheet", clear_on_submit=True, border=True):
    sent = st.file_uploader("A filled sheet (CSV)", type=["csv", "txt", "tsv"])
    rater = st.text_input("Rater, where the sheet names none", width=260)
    if st.form_submit_button("Read it back") and sent is not None:
        try:
            back = gate_reads.take_sheet(
                chosen.loop, chosen.iteration, sent.getvalue(), sent.name, rater, chosen.policy
            )
            st.success(f"Kept: {escaped(returned_sentence(back))}", icon=":material/check:")
        except SheetError as error:
            st.error(f"{escaped(sent.name)}: {escaped(error)}", icon=":material/error:")
copy_link("/checkpoints", chosen.address())
