"""Which runs have passed their gold peak? One row a run, the most pressing first."""

import json

import streamlit as st

from analytics.figures.drawing.palette import STATUS, run_colour
from analytics.onset.alarm.many_runs import standing, survivors
from analytics.wording import count, fixed, whole
from pages.shared import links, reads
from pages.shared.choices import choose_number, choose_one, choose_several
from pages.shared.escaping import called, named
from pages.shared.frame import heading, stop_when_empty
from pages.shared.importing.import_view import say_done
from pages.shared.runs.run_order import ORDERS, Listed, grouped, groupings, ordered, tally
from pages.shared.runs.run_table import Group, elsewhere, run_table

ROWS = 32

heading(
    "Overview",
    "Every run, and whether optimising the proxy reward still pays in gold reward.",
)
stop_when_empty()
say_done()

runs = reads.runs()
projects = sorted(runs["project"].unique())
for wanted in links.asked("project"):
    if wanted not in projects:
        st.warning(f"The link asks for project {called(wanted)}, which is not in this store.")
verdicts = reads.kept_verdicts()
surviving = survivors(verdicts.values())
every = [
    Listed(run, json.loads(run["facts"]), verdicts.get(run["run_id"]) or {},
           run["run_id"] in surviving)
    for run in runs.iter_rows(named=True)
]  # fmt: skip

answer = st.container()  # above what it is asked by
cells = st.container(key="overview-choices").columns([2, 2, 2, 2], vertical_alignment="bottom")
project = cells[0].selectbox(
    "Project", projects, index=None, placeholder="All projects", key="project", bind="query-params"
)
words = cells[1].text_input(
    "Find", key="q", bind="query-params", placeholder="words of a name or setting",
    help="Words in any order: of a run's name, project, trainer or settings.",
)  # fmt: skip
order = choose_one(cells[2].selectbox, "Order by", ORDERS, "sort", "decision") or "decision"
by = choose_one(
    cells[3].selectbox, "Group by", groupings(every), "group", None, placeholder="nothing",
)  # fmt: skip
words_of = {status: words for status, (_, words) in STATUS.items()}
statuses = choose_several(
    st.pills, "Verdict", words_of, "status", selection_mode="multi", wrap=True
)

chosen = [
    one
    for one in ordered(every, order)
    if (project is None or one.run["project"] == project)
    and one.matches(words or "")
    and (not statuses or one.status in statuses)
]
others = {one.name: elsewhere(one.run, one.facts.get("algorithm")) for one in chosen}
trained = [one for one in chosen if not others[one.name]]
judged = [one for one in trained if one.verdict]
alarmable = sum(one.status not in ("unmeasured", "too_little_gold", "not_judged") for one in judged)
sentence = f"**{whole(len(chosen))} of {count(runs.height, 'run')}**"
parts = [part for part in (tally(judged).partition(": ")[2],) if part]
if apart := len(chosen) - len(trained):
    parts.append(f"{whole(apart)} on another page")
sentence += f": {', '.join(parts)}." if parts else "."
alarms = [one for one in chosen if standing(one.verdict.get("alarm"))]
if alarms:
    stands = sum(one.stands for one in alarms)
    sentence += (
        f" Tested together with all runs of their project, {whole(stands)} of "
        f"{count(len(alarms), 'alarm')} {'stands' if stands == 1 else 'stand'}"
    )
    if fallen := [one.name for one in alarms if not one.stands]:
        sentence += f", not {named(fallen, 3)}"
    sentence += "."
if len(judged) < len(trained):
    sentence += f" Being judged: {count(len(trained) - len(judged), 'run')}."
answer.markdown(
    sentence,
    help=(
        "The alarm errs on at most 5 % of runs whose gold never falls: over "
        f"{count(alarmable, 'judged run')}, expect at most {fixed(0.05 * alarmable, 1)} false "
        "alarms. Stands: kept by e-BH (Wang and Ramdas 2022); of those at most 5 % are false on "
        "average, also where runs share prompts."
    ),
)

if not chosen:
    st.info("No run fits these filters. Clear one of them to see more.")
    st.stop()
table = st.container()
last = -(-len(chosen) // ROWS)
page = 1
if last > 1:
    below = st.container(horizontal=True, vertical_alignment="bottom")
    page = choose_number(
        below.number_input, "Page", min_value=1, step=1, key="page", width=130
    )  # fmt: skip
    page = min(int(page or 1), last)
    below.caption(f"of {whole(last)}: {count(len(chosen), 'run')}, {ROWS} a page")
in_groups = [one for _, part in grouped(chosen, by) for one in part]
here = {one.name for one in in_groups[ROWS * (page - 1) : ROWS * page]}
pictures = reads.pictures()
none = reads.Picture("", "nothing to draw: no rows of training were logged")
groups = [
    Group(
        name and f"{name}: {tally(part)}",
        [one.name for one in part if not others[one.name]],
        [
            {
                "run": one.run,
                "verdict": one.verdict or None,
                "colour": run_colour(one.run["ordinal"]),
                "stands": one.stands,
                "picture": pictures.get(one.name, none).address,
                "missing": pictures.get(one.name, none).missing,
                "trainer": one.facts.get("trainer") or one.run["format"],
                "elsewhere": others[one.name],
            }
            for one in part
            if one.name in here
        ],
    )
    for name, part in grouped(chosen, by)
]
table.html(run_table([group for group in groups if group.rows]))
shown: list[tuple[str, object]] = [("project", project)] * bool(project) + [("q", words)] * bool(
    words
)
shown += [("status", status) for status in statuses or []]
shown += [("sort", order)] * (order != "decision") + [("group", by)] * bool(by)
shown += [("page", page)] * (page > 1)
with st.popover("Copy link", icon=":material/link:"):
    st.code(links.page_link("/", shown), language=None, wrap_lines=True)
