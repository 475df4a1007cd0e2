"""Which runs have passed their gold peak? One row a run, the most pressing first."""

import json

import polars as pl
import streamlit as st

from analytics.figures.palette import STATUS, run_colour, status_look
from analytics.onset.many_runs import standing, survivors
from analytics.wording import count, fixed, whole
from pages.shared import links, reads
from pages.shared.choices import choose_several
from pages.shared.frame import called, heading, stop_when_empty
from pages.shared.import_view import say_done
from pages.shared.run_table import elsewhere, run_table

MOST_ROWS = 300

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

left, right = st.columns(2, vertical_alignment="bottom")
project = left.selectbox(
    "Project", projects, index=None, placeholder="All projects", key="project", bind="query-params"
)
words = right.text_input(
    "Name contains", key="q", bind="query-params", placeholder="part of a run's name"
)
words_of = {status: words for status, (_, words) in STATUS.items()}
statuses = choose_several(
    st.pills, "Verdict", words_of, "status", selection_mode="multi", wrap=True
)

verdicts = reads.kept_verdicts()
pictures = reads.pictures()
rank = {status: i for i, status in enumerate(STATUS)}


def urgency(run: dict) -> tuple:
    """Sort by status, then by the lower bound of gold lost, largest first, then by name."""
    verdict = verdicts.get(run["run_id"]) or {}
    lost = (verdict.get("gold_lost") or {}).get("low") or 0.0
    return (rank.get(verdict.get("status"), len(rank)), -lost, run["run_id"])


chosen = [
    run
    for run in sorted(runs.iter_rows(named=True), key=urgency)
    if (project is None or run["project"] == project)
    and (not words or words.casefold() in run["run_id"].casefold())
    and (not statuses or (verdicts.get(run["run_id"]) or {}).get("status") in statuses)
]

facts = {run["run_id"]: json.loads(run["facts"]) for run in chosen}
others = {run["run_id"]: elsewhere(run, facts[run["run_id"]].get("algorithm")) for run in chosen}
trained = [run["run_id"] for run in chosen if not others[run["run_id"]]]
judged = [verdicts[run_id].get("status", "not_judged") for run_id in trained if run_id in verdicts]
counts = pl.Series(judged, dtype=pl.String).value_counts().rows() if judged else []
counts.sort(key=lambda row: rank.get(row[0], len(rank)))
told = ", ".join(f"{whole(n)} {status_look(status)[1]}" for status, n in counts)
alarmable = sum(s not in ("unmeasured", "too_little_gold", "not_judged") for s in judged)
sentence = f"**{whole(len(chosen))} of {count(runs.height, 'run')}**"
sentence += f": {told}." if told else "."
if alarmable:
    sentence += (
        " The alarm errs on at most 5 % of runs whose gold never falls: over "
        f"{count(alarmable, 'judged run')}, expect at most {fixed(0.05 * alarmable, 1)} false "
        "alarms."
    )
judged_alarms = {run["run_id"]: (verdicts.get(run["run_id"]) or {}).get("alarm") for run in chosen}
alarms = [run for run, alarm in judged_alarms.items() if standing(alarm)]
surviving = survivors(verdicts.values())
if alarms:
    stands = sum(run in surviving for run in alarms)
    sentence += (
        f" Tested together with all runs of their project, {whole(stands)} of "
        f"{count(len(alarms), 'alarm')} {'stands' if stands == 1 else 'stand'} (e-BH: of those at "
        "most 5 % are false on average, also where runs share prompts)."
    )
if len(judged) < len(trained):
    sentence += f" Being judged: {count(len(trained) - len(judged), 'run')}."
st.markdown(sentence)

if not chosen:
    st.info("No run fits these filters. Clear one of them to see more.")
    st.stop()
none = reads.Picture("", "nothing to draw: no rows of training were logged")
rows = [
    {
        "run": run,
        "verdict": verdicts.get(run["run_id"]),
        "colour": run_colour(run["ordinal"]),
        "stands": run["run_id"] in surviving,
        "picture": pictures.get(run["run_id"], none).address,
        "missing": pictures.get(run["run_id"], none).missing,
        "trainer": facts[run["run_id"]].get("trainer") or run["format"],
        "elsewhere": others[run["run_id"]],
    }
    for run in chosen[:MOST_ROWS]
]
st.html(run_table(rows))
if len(chosen) > MOST_ROWS:
    st.caption(
        f"The first {MOST_ROWS} of {count(len(chosen), 'run')}; narrow them by project or name."
    )
shown = [("project", project)] * bool(project) + [("q", words)] * bool(words)
shown += [("status", status) for status in statuses or []]
with st.popover("Copy link", icon=":material/link:"):
    st.code(links.page_link("/", shown), language=None, wrap_lines=True)
