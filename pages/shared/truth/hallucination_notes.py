"""What is to be kept in mind of rates of wrong answers, said once for all loops."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import streamlit as st

from analytics.answers.claims import runs_of_claims, summary
from analytics.answers.claims import sentence as of_claims
from analytics.hallucination.grader import corrected, sentence, unmatched_sentences
from analytics.hallucination.words import grader_unknown, unclear_sentences
from pages.shared import reads
from pages.shared.asking import answer_reads
from pages.shared.escaping import escaped
from pages.shared.page_parts.fault_view import isolated
from pages.shared.truth import changes_view
from pages.shared.truth.truth_choices import Scope


def not_known(loops: Sequence[str]) -> str:
    """In a line under the answer: what would change it. Empty where nothing is known to."""
    graders = answer_reads.ask("graders", loops=tuple(loops))
    open_ones = [
        loop for loop in loops if grader_unknown(graders.filter(loop=loop)["grader"].to_list())
    ]
    if not open_ones:
        return ""
    whom = "" if len(open_ones) == len(loops) else f" of {', '.join(open_ones)}"
    return (
        f"Not known: how often the grader{whom} errs (not one grader is named throughout). A "
        "change may be the grader's."
    )


def show_notes(scope: Scope, loops: tuple[str, ...], totals: pl.DataFrame) -> None:
    """Unclear answers, graders, claims and clusters of the loops."""
    asked = {"loops": loops, "until": None}
    notes: dict[str, list[str]] = {}
    for row in scope.cut(answer_reads.ask("answers_unclear", **asked)).iter_rows(named=True):
        for text in unclear_sentences(row):
            notes.setdefault(text, []).append(row["loop"])
    graders = answer_reads.ask("graders", loops=loops)
    for loop in loops:
        if text := grader_unknown(graders.filter(loop=loop)["grader"].to_list()):
            notes.setdefault(text, []).append(loop)
    lines = [f"{', '.join(of)}: {text}" for text, of in notes.items()]
    for loop in runs_of_claims(reads.runs().filter(pl.col("run_id").is_in(loops))):
        with isolated(loop, "judged by its claims"):
            iterations: list[int] = totals.filter(pl.col("loop") == loop)["iteration"].to_list()
            at = max(iterations, default=None)
            judged = summary(answer_reads.ask("claims", run=loop, iteration=at))
            lines.append(f"{loop}, iteration {at}: {of_claims(judged)}")
    audits = scope.cut(answer_reads.ask("audits", loops=loops, until=None))
    lines += [f"{row['loop']}: {sentence(row)}" for row in corrected(totals, audits)]
    lines += unmatched_sentences(audits)
    lines += changes_view.clustered_notes(totals)
    st.markdown("**To keep in mind**")
    st.markdown("\n".join(f"- {escaped(text)}" for text in lines or ["Every answer is as logged."]))
