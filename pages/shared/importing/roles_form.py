"""Asks which logged key is proxy, gold and KL in a project, where the logs do not say it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl
import streamlit as st

from data.columns import LogError
from data.database.sql import StoreError
from data.people import project_roles
from data.readers.kl.kl_stated import REFERENCES
from data.readers.kl.kl_table import ESTIMATORS, UNITS
from data.roles.rereading_kl import KL_OPTIONS
from data.roles.stated_roles import Roles
from data.store import Store
from pages.shared.choices import choose_one
from pages.shared.escaping import called, escaped

KINDS = {
    "score": "score (a reward model's or judge's number)",
    "rate": "rate (share of right answers)",
    "win_rate": "win rate (against another policy)",
}
ANSWERS = {
    "question": "Question", "grade": "Grade", "answer": "Model's answer",
    "reference": "Right answer", "confidence": "Confidence", "topic": "Topic",
}  # fmt: skip
"""Columns of a table of graded answers: the role, and what a page calls it."""
GRADE_MAP = "What the grades mean"
GRADE_MAP_HELP = (
    "Such as yes=correct, no=incorrect, idk=not_attempted; scores by limit: >=0.5=correct, "
    "<0.5=incorrect; WORD=none leaves a word out of every rate."
)
MEND = "What is said of the KL also overrules imports"
OVERRULE = f"An import or a table said what the KL is: tick “{MEND}” where that was wrong. "
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
        lines = [f"{project}: {_listed(what)}" for project, what in list(asked.items())[:SHOWN]]
        more = f"; and {len(asked) - SHOWN} more projects" if len(asked) > SHOWN else ""
        title = f"Not known yet. {escaped('; '.join(lines))}{more}"
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
    stated = project_roles.chosen(store).get(project, Roles())
    keys = project_roles.logged_keys(store, project)
    suggested = _unit_evidence(store, project)
    with st.form(f"roles of {project}", border=False):
        first, second, third = st.columns(3)
        proxy = _pick(
            first, "Proxy reward", project_roles.proxy_keys(keys), stated.proxy,
            _recognised(facts, "proxy_key"),
            "What is optimised, before any KL penalty. Rewards that include one are left out.",
        )  # fmt: skip
        gold = _pick(
            second, "Gold reward", [key for key in keys if not project_roles.is_kl(key)],
            stated.gold, _recognised(facts, "gold_key"),
            "The independent measure of the true goal.",
        )  # fmt: skip
        kind = _pick(
            third, "Kind of gold", list(KINDS), stated.gold_kind, _recognised(facts, "gold_kind"),
            "It decides how the error of a gold mean is known.", KINDS.__getitem__,
        )  # fmt: skip
        first, second, third = st.columns(3)  # a row of its own: narrow pages keep the order
        kl = _pick(
            first, "KL from the initial policy", project_roles.kl_keys(keys), stated.kl,
            _recognised(facts, "kl_key"), "Never a KL to an older policy or between engines.",
        )  # fmt: skip
        unit = _pick(
            second, "Unit of that KL", list(UNITS), stated.kl_unit,
            _recognised(facts, "kl_logged_unit"), "Used only where the log does not say it.",
            lambda word: unit_words(word, suggested),
        )  # fmt: skip
        estimator = _pick(
            third, "Estimator of that KL", list(ESTIMATORS), stated.kl_estimator,
            _recognised(facts, "kl_estimator"), "Used only where the log does not say it.",
        )  # fmt: skip
        first, second, third = st.columns(3)
        reference = _pick(
            first, "Policy that the KL is from", list(REFERENCES), stated.kl_reference,
            _recognised(facts, "kl_reference"), "Used only where the log does not say it.",
            lambda word: word.replace("_", " "),
        )  # fmt: skip
        length = _pick(
            second, "Response length", keys, stated.length, _recognised(facts, "length_key"),
            "In tokens; a KL per token is converted by it.",
        )  # fmt: skip
        lower = _pick(
            third, "A gold of which less is better", keys, stated.lower_is_better, "none",
            "Such as a perplexity or a loss: gold is minus this key.",
        )  # fmt: skip
        first, second, third = st.columns(3)
        step = _text(first, "Step column, in later imports", stated.step)
        column = _text(second, "Run column, in later imports", stated.run_column)
        factor = _text(third, "Coefficient, where minus it × KL is logged", stated.kl_coefficient)
        answers = _of_answers(stated)
        mend = _stated(facts) and st.checkbox(
            MEND,
            help="Where an import stated another unit, or a table's `kl` was taken for nats per "
            "response. What a trainer's log says of its KL stays.",
        )
        count = f"{len(facts)} run" + ("" if len(facts) == 1 else "s")
        st.caption(
            f"Kept for the project: its {count} here are read again from the store, later imports "
            "follow, and verdicts are computed anew. What an import states itself "
            "(`--proxy`, `--gold` …) wins there."
        )
        if st.form_submit_button("Keep for this project", type="primary"):
            roles = Roles(
                proxy=proxy, gold=gold, gold_kind=kind, kl=kl, kl_unit=unit, kl_estimator=estimator,
                kl_reference=reference, kl_coefficient=factor, length=length, step=step,
                run_column=column, lower_is_better=lower, **answers,
            )  # fmt: skip
            hint = "" if mend or not _stated(facts) or not _other_kl(roles, stated) else OVERRULE
            _save(store, project, roles, bool(mend), hint)


def _of_answers(stated: Roles) -> dict[str, str | None]:
    """Columns of graded answers, for later imports; their names are typed, as those of steps."""
    st.caption("Tables of graded answers, in later imports:")
    places = [*st.columns(3), *st.columns(3)]
    given = {
        name: _text(where, label, getattr(stated, name))
        for where, (name, label) in zip(places, ANSWERS.items(), strict=True)
    }
    meant = st.text_input(
        GRADE_MAP, value=stated.grade_map or "", placeholder="as recognised", help=GRADE_MAP_HELP
    )
    return given | {"grade_map": meant.strip() or None}


def _unit_evidence(store: Store, project: str) -> str | None:
    """Say what the numbers tell of an unknown unit; the unit that they suggest."""
    found = project_roles.unit_evidence(store, project)
    if found is None:
        return None
    run, evidence = found
    st.markdown(f"The unit of the KL of {called(run)} is not known.")
    for sentence in evidence.sentences:
        st.markdown(f"- {escaped(sentence)}")
    return evidence.suggested


def unit_words(unit: str, suggested: str | None) -> str:
    """A unit in a list to choose from."""
    return f"{unit} (the numbers suggest this)" if unit == suggested else unit


def _text(place: Any, label: str, stated_text: str | None) -> str | None:
    value: str = place.text_input(label, value=stated_text or "", placeholder="as recognised")
    return value.strip() or None


def _stated(facts: Sequence[dict[str, Any]]) -> bool:
    """Whether the KL of any run is what an import or a plain table says, and no trainer's log."""
    return any(
        run.get("kl_key") and (KL_OPTIONS & set(run.get("stated") or []) or not run.get("dialect"))
        for run in facts
    )


def _pick(
    place: Any,
    label: str,
    options: Sequence[str],
    value: str | None,
    recognised: str,
    about: str,
    words: Callable[[str], str] = str,
) -> str | None:
    """One of the options, or None: as recognised."""
    every = [None, *options, *([value] if value and value not in options else [])]
    chosen: str | None = place.selectbox(
        label,
        every,
        index=every.index(value),
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


def _other_kl(roles: Roles, stated: Roles) -> bool:
    return any(getattr(roles, name) != getattr(stated, name) for name in KL_OPTIONS)


def _save(store: Store, project: str, roles: Roles, mend: bool, hint: str) -> None:
    try:
        changed = project_roles.save(store, project, roles, mend)
    except (LogError, StoreError) as refusal:
        st.error(escaped(refusal))
        return
    count = f"{len(changed)} run" + ("" if len(changed) == 1 else "s")
    st.session_state["roles_done"] = hint + (
        f"Kept for project {called(project)}. {count} read again; verdicts follow."
        if changed
        else f"Kept for project {called(project)}. Nothing changed in the runs that are here."
    )
    st.rerun()


def _listed(what: Sequence[str]) -> str:
    return what[0] if len(what) == 1 else f"{', '.join(what[:-1])} and {what[-1]}"
