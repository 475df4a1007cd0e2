"""May the next iteration of a loop start? Six blocks, under a policy that people wrote down."""

from contextlib import suppress

import streamlit as st

from analytics.gate import GateError, PolicyError, proposal, read_policy
from analytics.gate.result.after import other_arms, steps
from analytics.gate.result.command import DECISIONS
from analytics.gate.result.markdown import markdown
from analytics.gate.result.power import chances
from pages.shared.asking import gate_reads
from pages.shared.escaping import escaped
from pages.shared.frame import heading, stop_when_empty
from pages.shared.loops import gate_view
from pages.shared.loops.loop_choices import choose
from pages.shared.page_parts.fault_view import isolated
from pages.shared.tables import show_table
from pages.shared.truth.truth_choices import copy_link

heading(
    "Gate",
    "Whether an iteration may go on: six blocks, each against limits that you wrote down. What is "
    "not measured, or not shown, blocks.",
)
stop_when_empty()
chosen = choose()
try:
    with st.spinner("Comparing with the last release and with iteration 0 …"):
        gate = gate_reads.gate(chosen.loop, chosen.iteration, chosen.text, None, None, chosen.today)
except GateError as error:
    st.error(escaped(error), icon=":material/error:")
    st.stop()

st.markdown(f"**{escaped(gate.summary)}**")
st.caption(
    f"Compared with the last release, iteration {gate.release} ({gate.release_known}), and with "
    "iteration 0."
)
if gate.gold_used:
    st.caption(escaped(gate.gold_used))
st.html(gate_view.blocks(gate))

failed = [block.name for block in gate.blocks if block.result == "FAIL"]
arms: list[str] = []
if failed:
    st.header("What the literature supports", anchor=False)
    st.markdown("\n".join(f"- {step.what} [{step.source}]({step.link})" for step in steps(failed)))
    st.header("What the other arms show", anchor=False)
    with isolated("The other arms", "judged"):
        others = [loop for loop, there in gate_reads.loops().items()
                  if loop != chosen.loop and chosen.iteration in there][:5]  # fmt: skip
        found = {chosen.loop: gate.to_dict()}
        for loop in others:
            with suppress(GateError):  # its tables leave this iteration out
                found[loop] = gate_reads.gate(
                    loop, chosen.iteration, chosen.text, None, None, chosen.today
                ).to_dict()
        arms = other_arms(found, chosen.loop)
    st.markdown("\n".join(f"- {escaped(missing)}" for missing in arms)
                or "No other loop in this store was measured at this iteration.")  # fmt: skip

left, right = st.columns(2, gap="medium")
with left, st.expander("What was not looked at"):
    st.markdown("\n".join(f"- {escaped(missing)}" for missing in gate.not_looked_at))
with right, st.expander("Errors over a year, and what these limits can show"):
    st.markdown(escaped(gate.looks))
    st.markdown("\n".join(f"- {escaped(row.sentence())}" for row in chances(chosen.policy)))

st.header("Decide", anchor=False)
past = gate_reads.decisions(chosen.loop)
if past.height:
    show_table(past.drop("loop"), hide_index=True)
with st.form("decide", border=True):
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    decision = row.selectbox("Decision", DECISIONS, width=170)
    by = row.text_input("Name", width=220, help="Whoever asks for the release cannot approve it.")
    expires = row.date_input("Holds until", value=None, width=170)
    note = row.text_input("Why", width=320)
    if st.form_submit_button("Write it down"):
        if by.strip():
            gate_reads.keep_policy(chosen.text)
            gate_reads.decide(chosen.loop, chosen.iteration, decision, by.strip(), expires, note,
                              gate.snapshot)  # fmt: skip
            st.rerun()
        st.warning("A decision needs a name.", icon=":material/person:")

with st.expander("Policy"):
    st.caption("A policy is a TOML file. Every number of the proposal is one: change it, say why.")
    sent = st.file_uploader("Judge by another policy", type="toml")
    if sent is not None:
        try:
            text = sent.getvalue().decode()
            other = read_policy(text, sent.name)
            gate_reads.keep_policy(text)
            st.success(f"{escaped(other.title)} can be chosen above now.", icon=":material/check:")
        except (PolicyError, UnicodeDecodeError) as error:
            st.error(escaped(error), icon=":material/error:")
    st.code(chosen.text, language=None, wrap_lines=True)
    st.download_button("The proposal", proposal(), "policy.toml", "application/toml")
st.download_button("As Markdown", markdown(gate, arms), f"gate-{chosen.iteration}.md",
                   "text/markdown")  # fmt: skip
copy_link("/gate", chosen.address())
