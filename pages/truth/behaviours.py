"""How often do monitors see bad behaviour, in which environments does it rise, and does gold?"""

import polars as pl
import streamlit as st

from analytics.behaviours import beyond_chance
from analytics.behaviours.words import HEADS, cells, sentences
from analytics.wording import MISSING
from pages.shared.choices import choose_one
from pages.shared.escaping import escaped
from pages.shared.frame import heading, stop_when_empty
from pages.shared.page_parts.fault_view import isolated
from pages.shared.tables import show_table
from pages.shared.truth import behaviours_view
from pages.shared.truth.truth_choices import copy_link

heading(
    "Behaviours",
    "What monitors, scanners and tests saw in trajectories, by environment and step, beside gold.",
)
stop_when_empty()
there = behaviours_view.runs()
if not there:
    behaviours_view.say_how()
row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
run = choose_one(row.selectbox, "Run", {name: name for name in there}, "run", there[0], width=280)
until = behaviours_view.frozen(run)
rows = behaviours_view.rows(run, until)
kinds = behaviours_view.kinds(rows)
first = next(iter(kinds))
kind = choose_one(row.selectbox, "Behaviour", kinds, "behaviour", first, width=380) or first
rewarded = row.toggle("Gold, proxy and KL", value=True, key="rewards", bind="query-params")
part = [one for one in rows if behaviours_view.kind_of(one) == kind]

with isolated(str(run), "in words"):
    for sentence in sentences(part):
        st.markdown(escaped(sentence))
others = [one for one in beyond_chance(rows) if behaviours_view.kind_of(one) != kind]
if others:
    named = dict.fromkeys(kinds[behaviours_view.kind_of(one)] for one in others)
    st.caption(f"Beyond chance too: {escaped(', '.join(named))}.")
behaviours_view.show_figure(str(run), part, until, rewarded)
table = pl.DataFrame([dict(zip(HEADS, cells(one), strict=True)) for one in part])
show_table(table, hide_index=True, placeholder=MISSING)
st.caption(
    "Rates of all trajectories looked at, with 95 % intervals (Wilson, wider where steps scatter "
    "more than independent trajectories do). p: trend over steps, two-sided; q: Benjamini and "
    "Hochberg over the environments and behaviours of the run, so that of those with q ≤ .05 at "
    "most one in twenty is expected to be chance. All environments: each compared with itself."
)
with st.expander("All behaviours of the run"):
    show_table(behaviours_view.flat(rows), hide_index=True, placeholder=MISSING)
copy_link("/behaviours", behaviours_view.address(run, kind, rewarded, until, rows))
