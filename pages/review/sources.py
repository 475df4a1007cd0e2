"""Where every run came from, what was lost on the way, and how old its gold is."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import streamlit as st

from analytics.wording import MISSING, count, whole
from pages.shared import links, reads
from pages.shared.escaping import called, escaped
from pages.shared.frame import heading, stop_when_empty
from pages.shared.importing.import_view import import_view, say_done
from pages.shared.importing.roles_form import roles_form
from pages.shared.page_parts.damage_view import show_damage
from pages.shared.page_parts.fault_view import isolated
from pages.shared.tables import show_table

heading(
    "Sources",
    "Where every run came from, what was lost on the way, how its KL was converted, and how old "
    "its last gold evaluation is.",
)
stop_when_empty()
checked = reads.check()
rows = checked["runs"]
show_damage(checked["damaged"])
names = [row["run"] for row in rows]
for missing in (run for run in links.asked("run") if run not in names):
    st.error(f"The link asks for run {called(missing)}, which is not in this store.")

say_done()
with st.expander("Import logs", icon=":material/upload_file:"):
    import_view(reads.store())
roles_form(reads.store(), reads.open_questions())


def kl_words(row: Mapping[str, Any]) -> str:
    """Estimator and unit of a run's KL as it was logged."""
    if not row["kl_key"]:
        return "not logged"
    return (
        f"{row['kl_logged_unit'] or 'unit unknown'}, {row['kl_estimator'] or 'estimator unknown'}"
    )


def problems(row: Mapping[str, Any]) -> int:
    """How many things of a run ask for attention."""
    lost = sum(bool(row[name]) for name in ("steps_replaced", "nan_rows"))
    unknown = row["kl_conversion"] in ("unknown", "unreliable", "missing")
    return len(row["warnings"]) + lost + unknown


rows = sorted(rows, key=lambda row: (-problems(row), row["run"]))
troubled = sum(problems(row) > 0 for row in rows)
without = sum(row["kl_conversion"] == "missing" for row in rows)
inexact = sum(row["kl_conversion"] not in ("exact", "as_stated", "missing") for row in rows)
st.markdown(
    f"## {count(len(checked['skipped']), 'log')} not read; {whole(troubled)} of "
    f"{count(len(rows), 'run')} with notes; KL not exact in {whole(inexact)}, "
    f"missing in {whole(without)}"
)
# What may ask for attention stands first: a narrow window cuts the right side off.
table = [
    {
        "run": row["run"],
        "notes": len(row["warnings"]),
        "gold age, steps": row["gold_age_steps"],
        "steps replaced": row["steps_replaced"],
        "rows with NaN": row["nan_rows"],
        "rows": row["points"],
        "KL as logged": kl_words(row),
        "converted": row["kl_conversion"],
        "gold": row["gold_key"] or "none",
        "last grown": row["last_grown"],
        "trainer": row["trainer"] or row["format"],
        "project": row["project"],
    }
    for row in rows
]
show_table(
    pl.DataFrame(table, infer_schema_length=None),
    hide_index=True,
    placeholder=MISSING,
    column_config={"run": st.column_config.TextColumn(pinned=True)},
)

chosen = st.multiselect(
    "Look closer at", names, key="run", bind="query-params", placeholder="Choose one or more runs"
)


def show_source(row: Mapping[str, Any]) -> None:
    """Where one run came from, key by key."""
    st.markdown(f"## {called(row['run'])}")
    st.markdown(
        f"Read from {escaped(row['path'])}, last grown {row['last_grown']}. "
        f"{count(row['points'], 'metric row')}, {count(row['samples'], 'response')}. Rows without "
        f"KL: {whole(row['without_kl'])}, without proxy reward: {whole(row['without_proxy'])}, "
        f"without gold reward: {whole(row['without_gold'])}."
    )
    note = row["kl_note"] or "not logged"
    st.markdown(f"- KL: {escaped(row['kl_key'] or 'no key')}, {escaped(note)}")
    st.markdown(
        f"- Proxy reward: {escaped(row['proxy_key'] or 'not recognised')}. "
        f"Gold reward: {escaped(row['gold_key'] or 'not recognised')}."
    )
    if row["steps_replaced"]:
        st.markdown(
            f"- {count(row['steps_replaced'], 'step')} logged twice (after a resume): the later "
            "row is kept."
        )
    if row["nan_rows"]:
        st.markdown(f"- {count(row['nan_rows'], 'row')} with a NaN or an infinity: not drawn.")
    for warning in row["warnings"]:
        st.markdown(f"- {escaped(warning)}")
    if row["sources"]:
        show_table(
            pl.DataFrame(row["sources"], infer_schema_length=None),
            hide_index=True,
            placeholder=MISSING,
        )


for row in (row for row in rows if row["run"] in chosen):
    with st.container(border=True), isolated(row["run"], "shown"):
        show_source(row)

st.header("Not read", anchor=False)
if checked["skipped"]:
    show_table(
        pl.DataFrame(checked["skipped"]).rename({"seen_at": "last tried"}),
        hide_index=True,
        placeholder=MISSING,
        column_config={
            "path": st.column_config.TextColumn(width="medium"),
            "reason": st.column_config.TextColumn(width="large"),
        },
    )
else:
    st.caption("Every log that was named could be read.")
with st.popover("Copy link", icon=":material/link:"):
    st.code(
        links.page_link("/sources", [("run", run) for run in chosen]), language=None,
        wrap_lines=True,
    )  # fmt: skip
