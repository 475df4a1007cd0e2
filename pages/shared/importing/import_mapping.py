"""Which column is which, said in place while an import is previewed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from data.incoming.previewing import Preview
from data.people import project_roles
from data.readers.kl.kl_stated import REFERENCES
from data.readers.kl.kl_table import UNITS
from data.roles.stated_roles import Roles
from pages.shared.importing.roles_form import ANSWERS, GRADE_MAP, GRADE_MAP_HELP, KINDS, unit_words

UNIT_OPTION = "--kl-unit"
LACKS_COEFFICIENT = "--kl-coefficient"
LOWER = "Less of this gold is better"


def mapping(seen: Preview, stated: Roles, place: str) -> tuple[Roles, Roles]:
    """The choices of the reader for this import, and what the project says from then on.

    What the project says already is chosen where it fits these logs; of what does not, nothing is
    asked, and it stays.

    Args:
        seen: what was recognised without any choice.
        stated: what somebody said of the project's logs before.
        place: tells the widgets of this upload and project from those of others.
    """
    opened = not seen.runs or any(_lacks(run.facts) for run in seen.runs)
    with st.expander("Which column is which", expanded=opened, icon=":material/tune:"):
        if not seen.keys:
            st.caption("No columns were found to choose from.")
            return Roles(), stated
        st.caption("Kept for the project: its later imports are read the same way.")
        fits = fitting(seen, stated)
        chosen = _choices(seen, fits, place)
    before, after, kept = fits.to_dict(), chosen.to_dict(), stated.to_dict()
    kept |= {name: value for name, value in after.items() if value is not None or before[name]}
    return chosen, Roles(**kept)


def fitting(seen: Preview, stated: Roles) -> Roles:
    """What the project says that fits these logs: keys that they have, and a unit, a reference or
    an estimator only where the logs do not say it themselves."""
    keys, facts = set(seen.keys), [run.facts for run in seen.runs if run.facts.kl_key]
    chosen = {name: key if key in keys else None for name, key in stated.to_dict().items()}
    other = chosen["kl"] is not None and all(chosen["kl"] != f.kl_key for f in facts)
    # Nothing was stated yet: a unit that is "as stated" comes from the project already.
    by_project = any(f"as stated by {UNIT_OPTION}" in f.kl_note for f in facts)
    unknown = other or by_project or any(f.kl_conversion == "unknown" for f in facts)
    lacking = any(LACKS_COEFFICIENT in f.kl_note for f in (run.facts for run in seen.runs))
    nowhere = other or any(f.kl_reference in (None, "unknown") for f in facts)
    return Roles(**chosen | {
        "gold_kind": stated.gold_kind, "grade_map": stated.grade_map if chosen["grade"] else None,
        "kl_unit": stated.kl_unit if unknown else None,
        "kl_reference": stated.kl_reference if nowhere else None,
        "kl_estimator": None, "kl_coefficient": stated.kl_coefficient if lacking else None,
    })  # fmt: skip


def _lacks(facts: Any) -> bool:
    return not (facts.proxy_key and facts.gold_key) or facts.kl_conversion in ("unknown", "missing")


def _choices(seen: Preview, stated: Roles, place: str) -> Roles:
    keys = seen.keys

    def pick(
        where: Any, label: str, options: Sequence[str], before: str | None, recognised: str,
        words: Callable[[str], str] = str,
    ) -> str | None:  # fmt: skip
        every = [None, *options]
        chosen: str | None = where.selectbox(
            label, every, index=every.index(before) if before in options else 0,
            format_func=lambda key: recognised if key is None else words(key),
            key=f"import {place} {label}",
        )  # fmt: skip
        return chosen

    rewards = [key for key in keys if not project_roles.is_kl(key)]
    one, two, three = st.columns(3)
    step = pick(one, "Step", keys, stated.step, "as recognised")
    proxy = pick(two, "Proxy reward", project_roles.proxy_keys(keys), stated.proxy,
                 _recognised(seen, "proxy_key"))  # fmt: skip
    gold = pick(three, "Gold reward", rewards, stated.lower_is_better or stated.gold,
                _recognised(seen, "gold_key"))  # fmt: skip
    one, two, three = st.columns(3)
    kls = [*project_roles.kl_keys(keys), *project_roles.penalties(keys)]
    kl = pick(one, "KL from the initial policy", kls, stated.kl,
              _recognised(seen, "kl_key"))  # fmt: skip
    suggested = _suggested(seen)
    unit = pick(two, "Unit of that KL", list(UNITS), stated.kl_unit,
                _recognised(seen, "kl_logged_unit"),
                lambda word: unit_words(word, suggested))  # fmt: skip
    length = pick(three, "Response length, tokens", keys, stated.length,
                  _recognised(seen, "length_key"))  # fmt: skip
    one, two, three = st.columns(3)
    column = pick(one, "Column that tells runs apart", keys, stated.run_column, "as recognised")
    kind = pick(two, "Kind of gold", list(KINDS), stated.gold_kind, _recognised(seen, "gold_kind"),
                KINDS.__getitem__)  # fmt: skip
    reference = pick(three, "Policy that the KL is from", list(REFERENCES), stated.kl_reference,
                     _recognised(seen, "kl_reference"), lambda w: w.replace("_", " "))  # fmt: skip
    coefficient = _coefficient(seen, stated.kl_coefficient, place)
    lower = gold is not None and st.checkbox(
        LOWER, value=gold == stated.lower_is_better, key=f"import {place} {gold} lower",
        help="Such as a perplexity or a loss: gold is minus this column.",
    )  # fmt: skip
    answers = _of_answers(pick, keys, stated, place)
    return Roles(
        proxy=proxy, gold=None if lower else gold, lower_is_better=gold if lower else None,
        gold_kind=kind, kl=kl, kl_unit=unit, kl_reference=reference, length=length, step=step,
        run_column=column, kl_coefficient=coefficient, **answers,
    )  # fmt: skip


def _of_answers(
    pick: Callable[..., str | None], keys: Sequence[str], stated: Roles, place: str
) -> dict[str, str | None]:
    """Which columns of a table of graded answers are what, and what its grades mean."""
    if not keys:
        return {}
    st.caption("Of a table of graded answers:")
    chosen: dict[str, str | None] = {}
    columns = [*st.columns(3), *st.columns(3)]
    for where, (name, label) in zip(columns, ANSWERS.items(), strict=True):
        chosen[name] = pick(where, label, keys, getattr(stated, name), "as recognised")
    meant = st.text_input(
        GRADE_MAP, value=stated.grade_map or "", key=f"import {place} {GRADE_MAP}",
        placeholder="as recognised", help=GRADE_MAP_HELP,
    )  # fmt: skip
    return chosen | {"grade_map": meant.strip() or None}


def _coefficient(seen: Preview, coefficient: str | None, place: str) -> str | None:
    """By what a logged KL is divided, which is asked where a log holds a product of one."""
    asked = any(LACKS_COEFFICIENT in run.facts.kl_note for run in seen.runs)
    if not asked and coefficient is None and not project_roles.penalties(seen.keys):
        return None
    value = st.text_input(
        "Coefficient, where minus it × KL is logged", value=coefficient or "", placeholder="none",
        key=f"import {place} coefficient", help="A number, as 0.05: the KL is divided by it.",
    )  # fmt: skip
    return value.strip() or None


def _suggested(seen: Preview) -> str | None:
    """The unit that the numbers suggest; None where no unit is unknown, or they cannot tell."""
    units = [run.unit for run in seen.runs if run.unit is not None]
    found = {unit.suggested for unit in units}
    return found.pop() if len(found) == 1 else None


def _recognised(seen: Preview, name: str) -> str:
    """What was recognised, for the choice that leaves it so."""
    found = {str(getattr(run.facts, name) or "") for run in seen.runs} - {""}
    if not found:
        return "none recognised"
    return f"as recognised: {found.pop() if len(found) == 1 else f'{len(found)} different'}"
