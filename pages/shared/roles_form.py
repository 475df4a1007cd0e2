"""Asks which logged key is proxy, gold and KL in a project, where the logs do not say it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from data import project_roles
from data.columns import LogError
from data.readers.kl_table import ESTIMATORS, UNITS
from data.rereading import Roles
from data.sql import StoreError
from data.store import Store
from pages.shared.choices import choose_one
from pages.shared.frame import escaped

KINDS = {
    "score": "score (a reward model's or judge's number)",
    "rate": "rate (share of right answers)",
    "win_rate": "win rate (against another policy)",
}
SHOWN = 3  # projects with open questions that the title names


def roles_form(store: Store, asked: Mapping[str, Sequence[str]]) -> None:
    """The form of one project; it stands open while something is not known.

    Args:
        store: where the answer is kept.
        asked: project to what is not known of it (``project_roles.open_questions``).
    """
    done = st.session_state.pop("roles_done", None)
    if done:
        st.success(done, icon=":material/check:")
    runs = store.query("runs", project=None, runs=None)
    projects = list(dict.fromkeys([*asked, *runs["project"].unique().sort()]))
    title = "Which key is proxy, gold and KL in a project"
    if asked:
        told = [f"{project}: {_listed(what)}" for project, what in list(asked.items())[:SHOWN]]
        more = f"; and {len(asked) - SHOWN} more projects" if len(asked) > SHOWN else ""
        title = f"Not known yet. {escaped('; '.join(told))}{more}"
    icon = ":material/help:" if asked else ":material/tune:"
    with st.expander(title, expanded=bool(asked), icon=icon):
        project = choose_one(
            st.selectbox, "Project", dict(zip(projects, projects, strict=True)), "project",
            projects[0],
        )  # fmt: skip
        if project is not None:
            mine = runs.filter(pl.col("project") == project)
            _form(store, project, [json.loads(facts) for facts in mine["facts"]])


def _form(store: Store, project: str, facts: Sequence[dict[str, Any]]) -> None:
    said = project_roles.chosen(store).get(project, Roles())
    keys = project_roles.logged_keys(store, project)
    with st.form(f"roles of {project}", border=False):
        first, second, third = st.columns(3)
        proxy = _pick(
            first, "Proxy reward", project_roles.proxy_keys(keys), said.proxy,
            _recognised(facts, "proxy_key"),
            "What is optimised, before any KL penalty. Rewards that include one are left out.",
        )  # fmt: skip
        gold = _pick(
            second, "Gold reward", [key for key in keys if not project_roles.is_kl(key)],
            said.gold, _recognised(facts, "gold_key"), "The independent measure of the true goal.",
        )  # fmt: skip
        kind = _pick(
            third, "Kind of gold", list(KINDS), said.gold_kind, _recognised(facts, "gold_kind"),
            "It decides how the error of a gold mean is known.", KINDS.__getitem__,
        )  # fmt: skip
        first, second, third = st.columns(3)  # a row of its own: narrow pages keep the order
        kl = _pick(
            first, "KL from the initial policy", project_roles.kl_keys(keys), said.kl,
            _recognised(facts, "kl_key"), "Never a KL to an older policy or between engines.",
        )  # fmt: skip
        unit = _pick(
            second, "Unit of that KL", list(UNITS), said.kl_unit,
            _recognised(facts, "kl_logged_unit"), "Used only where the log does not say it.",
        )  # fmt: skip
        estimator = _pick(
            third, "Estimator of that KL", list(ESTIMATORS), said.kl_estimator,
            _recognised(facts, "kl_estimator"), "Used only where the log does not say it.",
        )  # fmt: skip
        count = f"{len(facts)} run" + ("" if len(facts) == 1 else "s")
        st.caption(
            f"Kept for the project: its {count} here are read again from the store, later imports "
            "follow, and verdicts are computed anew. What an import states itself "
            "(`--proxy`, `--gold` …) wins there."
        )
        if st.form_submit_button("Keep for this project", type="primary"):
            _save(store, project, Roles(proxy, gold, kind, kl, unit, estimator))


def _pick(
    place: Any,
    label: str,
    options: Sequence[str],
    said: str | None,
    recognised: str,
    about: str,
    words: Callable[[str], str] = str,
) -> str | None:
    """One of the options, or None: as recognised."""
    every = [None, *options, *([said] if said and said not in options else [])]
    chosen: str | None = place.selectbox(
        label,
        every,
        index=every.index(said),
        format_func=lambda key: recognised if key is None else words(key),
        help=about,
    )
    return chosen


def _recognised(facts: Sequence[dict[str, Any]], name: str) -> str:
    """What the readers recognised in the runs of a project, in few words."""
    found = {str((run.get("as_read") or run).get(name) or "") for run in facts} - {""}
    if not found:
        return "none recognised"
    return f"as recognised: {found.pop() if len(found) == 1 else f'{len(found)} different'}"


def _save(store: Store, project: str, roles: Roles) -> None:
    try:
        changed = project_roles.save(store, project, roles)
    except (LogError, StoreError) as refusal:
        st.error(escaped(refusal))
        return
    count = f"{len(changed)} run" + ("" if len(changed) == 1 else "s")
    st.session_state["roles_done"] = (
        f"Kept for project {escaped(project)}. {count} read again; verdicts follow."
        if changed
        else f"Kept for project {escaped(project)}. Nothing changed in the runs that are here."
    )
    st.rerun()


def _listed(what: Sequence[str]) -> str:
    return what[0] if len(what) == 1 else f"{', '.join(what[:-1])} and {what[-1]}"
