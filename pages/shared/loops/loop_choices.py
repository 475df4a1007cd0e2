"""Which loop, iteration and policy a page on the gate shows, bound to the address."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import streamlit as st

from analytics.gate.rules.policy import Policy, read_policy
from pages.shared import links, reads
from pages.shared.asking import gate_reads, loop_reads
from pages.shared.choices import choose_one
from pages.shared.escaping import called, escaped


@dataclass(frozen=True)
class Chosen:
    """What the page shows."""

    loop: str
    iteration: int
    last: int
    text: str
    policy: Policy
    today: datetime.date

    def address(self) -> list[tuple[str, object]]:
        """As a link pins it."""
        return [
            ("loop", self.loop),
            ("iteration", self.iteration),
            ("policy", self.policy.hash),
            ("on", self.today),
        ]


def choose() -> Chosen:
    """Ask for loop, iteration and policy; ends the page where there is none."""
    there = gate_reads.loops()
    asked = [name for name in links.asked("loop") if name]
    found = [name for name in asked if name in there]
    runs = set(reads.runs()["run_id"]) - set(loop_reads.loops())  # they come along by the menu
    for name in [name for name in asked if name not in there and name not in runs][:1]:
        st.error(f"The link asks for the loop {called(name)}, which is not in this store, or has "
                 "no iteration after 0.", icon=":material/search_off:")  # fmt: skip
        if not found:
            st.stop()
    if not there:
        st.info("There is no loop with an iteration after 0 in the store yet.",
                icon=":material/loop:")  # fmt: skip
        st.code("python -m data import loop.toml", language=None, wrap_lines=True)
        st.markdown("What a `loop.toml` holds is written in docs/loops.md.")
        st.stop()
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    names = {name: name for name in there}
    loop = choose_one(
        row.selectbox, "Loop", names, "loop", next(iter(names)), asked=found, width=260
    )
    if asked and not found:
        st.info(f"{called(asked[-1])} is a run, not a loop. Shown is {called(loop)}.",
                icon=":material/loop:")  # fmt: skip
    steps = {str(at): str(at) for at in there[loop]}
    if st.session_state.get("iteration") not in (None, *steps):
        del st.session_state["iteration"]  # of another loop
    at = choose_one(row.selectbox, "Iteration", steps, "iteration", list(steps)[-1], width=120)
    policies = gate_reads.policy_texts()
    by = {"proposal" if key == gate_reads.PROPOSED else key: options[0]
          for key, options in policies.items()}  # fmt: skip
    proposed = read_policy(policies[gate_reads.PROPOSED][1])
    if st.query_params.get("policy") == proposed.hash:
        st.query_params["policy"] = gate_reads.PROPOSED
    key = choose_one(row.selectbox, "Policy", by, "policy", next(iter(by)), width=320) or ""
    text = policies[key][1]
    return Chosen(loop, int(at or 1), there[loop][-1], text, read_policy(text), _day())


def _day() -> datetime.date:
    """The day that a link was copied on, else today: reviews and approvals expire."""
    asked = st.query_params.get("on")
    if not asked:
        return datetime.date.today()
    try:
        day = datetime.date.fromisoformat(asked)
    except ValueError:
        st.warning(f"The link's on={escaped(asked[:40])} is no date, so today is taken.")
        return datetime.date.today()
    st.caption(f"As of {day}: what expires is judged by that day.")
    return day
