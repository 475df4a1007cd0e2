"""What an import would bring in, shown before anything is stored."""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import streamlit as st

from data.columns import Skip
from data.incoming.previewing import Preview, SeenRun
from data.incoming.uploads import NAMELESS, bare
from data.readers.runs.formats import KNOWN
from data.words.wording import MISSING, count, number
from pages.shared.escaping import called, escaped
from pages.shared.tables import show_table

MOST = 12
"""Runs, and skipped files, of which each is shown."""


WORDS = {
    "--kl-unit": "Unit of that KL", "--kl-reference": "Policy that the KL is from",
    "--kl": "KL from the initial policy", "--proxy": "Proxy reward", "--gold": "Gold reward",
    "--length": "Response length", "--step": "Step", "--run-column": "Column that tells runs apart",
    "--run": "Name of the run",
    "--kl-coefficient": "Coefficient, where minus it × KL is logged",
    "--lower-is-better": "Less of this gold is better",
    "--question": "Question", "--grade": "Grade", "--answer": "Model's answer",
    "--reference": "Right answer", "--confidence": "Confidence", "--topic": "Topic",
    "--grade-map": "What the grades mean",
}  # fmt: skip
"""What the commands call an option, and the page a choice."""
EACH, WIDEST = 8, 1000
"""Pixels of a character in a table, and of a column at most."""
FORMATS = " Known formats: "
"""How the list of formats begins in the readers' sentences."""
_OPTION = re.compile(r"--[a-z]+(?:-[a-z]+)*")


def show_preview(seen: Preview) -> None:
    """Each run with the first and last values of step, KL, proxy and gold; notes; what is not
    read."""
    for number_of, run in enumerate(seen.runs[:MOST]):
        st.markdown(f"**{called(run.run)}**, {escaped(_contents(run))}")
        if run.rows or run.gold_evaluations:
            show_table(
                pl.DataFrame(_rows(run)), hide_index=True, key=f"import_seen_run_{number_of}",
                width="content", placeholder=MISSING, column_config=_whole(_rows(run)),
            )  # fmt: skip
        notes = _notes(run)
        if notes:
            st.markdown("\n".join(f"- {escaped(bare(in_page_words(line)))}" for line in notes))
    if len(seen.runs) > MOST:
        more = ", ".join(called(run.run) for run in seen.runs[MOST : 3 * MOST])
        st.caption(f"And {len(seen.runs) - MOST} more runs: {more}")
    _skips(seen.skipped, bool(seen.runs))


def in_page_words(text: str) -> str:
    """A sentence that names options of the commands, with the names of the page's choices.

    >>> in_page_words("name one with --proxy if it has, or --format")
    'name one with “Proxy reward” if it has, or --format'
    """

    def word(found: re.Match[str]) -> str:
        known = WORDS.get(found[0])
        return f"“{known}”" if known else found[0]

    return _OPTION.sub(word, text)


def _contents(run: SeenRun) -> str:
    """What a run brings: as what it is read, and how much of each."""
    counts = {"row": run.rows, "gold evaluation": run.gold_evaluations,
              "response": run.samples, "answer": run.answers}  # fmt: skip
    parts = [count(n, what) for what, n in counts.items() if n]
    if run.grades:
        each = ", ".join(
            f"{number(n)} {grade.replace('_', ' ')}" for grade, n in run.grades.items()
        )
        parts[-1] += f" ({each})"
    parts += [f"{count(n, 'row')} of {name.replace('_', ' ')}" for name, n in run.others.items()]
    return f"read as {run.facts.trainer or run.format}: {', '.join(parts) or 'nothing by step'}"


def _rows(run: SeenRun) -> list[dict[str, str]]:
    """Step, KL, proxy and gold: first and last value, and the column that they are read from."""
    facts = run.facts
    unknown = facts.kl_conversion == "unknown"
    kl = "KL, unit unknown" if unknown else "KL, nats per response"
    logged = f"{facts.kl_key} ({facts.kl_logged_unit or 'unit unknown'})" if facts.kl_key else ""
    named = (
        ("step", "step", ""), (kl, "kl", logged), ("proxy reward", "proxy_reward", facts.proxy_key),
        ("gold reward", "gold_reward", facts.gold_key),
    )  # fmt: skip
    return [
        {"what": what, "first": number(run.ends[name].first), "last": number(run.ends[name].last),
         "read from": column or ("" if name == "step" else "nothing recognised")}
        for what, name, column in named
    ]  # fmt: skip


def _whole(rows: list[dict[str, str]]) -> dict[str, Any]:
    """Columns as wide as their longest text, of which nothing is cut."""
    return {
        name: st.column_config.TextColumn(width=min(WIDEST, 32 + EACH * max(
            len(text) for text in (name, *(row[name] for row in rows)))))
        for name in rows[0]
    }  # fmt: skip


def _notes(run: SeenRun) -> list[str]:
    """How the KL was read, what its numbers say of its unit, and every warning."""
    note, notes = run.facts.kl_note, []
    if note and run.rows:
        notes.append(f"KL ({run.facts.kl_conversion.replace('_', ' ')}): {note}")
    if run.unit is not None:
        notes += run.unit.sentences
    notes += [warning for warning in run.warnings if not note or note not in warning]
    if run.run == NAMELESS:
        notes.append("these files say no name for their run: give it one above")
    return list(dict.fromkeys(notes))


def _skips(skipped: list[Skip], some: bool) -> None:
    """What is not read, each with its reason; the known formats are listed once."""
    if not skipped:
        return
    st.warning("Not read:" if some else "Nothing could be read:", icon=":material/block:")
    known = ""
    for skip in skipped[:MOST]:
        reason, listed, _ = skip.reason.partition(FORMATS)
        known += listed
        name, words = bare(skip.path), bare(in_page_words(reason))
        line = words if words.startswith(name) else f"{name}: {words}"
        st.markdown(f"- {escaped(line)}")
    if len(skipped) > MOST:
        st.caption(f"And {len(skipped) - MOST} more.")
    if known:
        st.caption(escaped(f"{FORMATS.strip()} {KNOWN}."))
