"""Every loop since its start, a line each: wrong, confidently wrong, silent, and the test."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

import polars as pl
import streamlit as st

from analytics.hallucination.since_start import (
    SinceRow,
    change_words,
    first_iterations,
    since_start,
)
from analytics.hallucination.words import origin_words
from analytics.wording import number, whole
from analytics.words.names import cut
from pages.shared import links
from pages.shared.asking import answer_reads
from pages.shared.keeping.isolation import Fault, attempt
from pages.shared.truth.truth_choices import Scope

STYLE = """
<style>
.since {border-collapse:collapse; width:100%; font-size:.9rem; line-height:1.3}
.since th, .since td {text-align:left; vertical-align:top; padding:.4rem 1rem .4rem 0;
  border-bottom:1px solid rgba(128,128,128,.3); font-weight:400; overflow-wrap:anywhere}
.since thead th {font-size:.8rem; white-space:nowrap}
.since .of {font-size:.8rem; padding-top:.7rem}
.since b {font-weight:600}
.since th[scope="row"], .since td[data-of] {white-space:nowrap}
.since i {display:inline-block; width:22px; margin-right:.45rem; vertical-align:middle;
  border-top:3px solid}
.since small {display:block; font-size:.8rem; opacity:.8; white-space:nowrap}
.since a {color:inherit}
@media (max-width: 700px) {
  .since thead {position:absolute; clip-path:inset(50%); width:1px; overflow:hidden}
  .since tr, .since td, .since th {display:block; border:0; padding:.08rem 0}
  .since tr {border-bottom:1px solid rgba(128,128,128,.3); padding:.45rem 0}
  .since td[data-of]::before {content:attr(data-of) ' '}
}
</style>
"""
MOVED = {
    "more": "↑ more", "fewer": "↓ fewer", "chance": "within chance", "unknown": "cannot tell",
}  # fmt: skip
DASHED = {"solid": "solid", "dash": "dashed", "dot": "dotted", "dashdot": "double",
          "longdash": "ridge"}  # fmt: skip


def compared_with_start(
    scope: Scope, loops: tuple[str, ...], tau: float, every: pl.DataFrame, since: int | None
) -> pl.DataFrame:
    """All levels at the last iteration of each loop, compared with ``since``, or with its first.

    Args:
        scope: the loops, and where they are frozen.
        loops: those with graded answers.
        tau: confidence from which a wrong answer is a confident one.
        every: the rates of all iterations.
        since: the iteration that the reader asked for; None = each loop's first.
    """
    starts = first_iterations(every)
    asked: dict[int, list[str]] = {}
    for loop in loops:
        if loop in starts:
            asked.setdefault(starts[loop] if since is None else since, []).append(loop)
    parts = [
        scope.cut(answer_reads.hallucination(tuple(some), tau, start, scope.frozen))
        for start, some in asked.items()
    ]
    if not parts:
        return every.clear()
    last = pl.col("iteration") == pl.col("iteration").max().over("loop", "origin")
    return pl.concat(parts, how="diagonal_relaxed").filter(last)


def rows_since(every: pl.DataFrame, compared: pl.DataFrame) -> list[SinceRow]:
    """The rows of the table, of totals."""
    total = pl.col("level") == "total"
    return since_start(every.filter(total), compared.filter(total))


def since_table(rows: Sequence[SinceRow], scope: Scope, tau: float) -> str:
    """HTML of the table; the mark before a loop's name is its line in the figures below."""
    marks = {line.key: mark(line.colour, line.dash) for line in scope.lines()}
    heads = ("loop", "wrong answers", "wrong, of all graded",
             f"wrong, sure (≥ {number(tau)})", "not attempted", "test")  # fmt: skip
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body, origin = [], None
    several = len({row["origin"] for row in rows}) > 1
    for row in rows:
        if row["origin"] != origin and several:
            origin = row["origin"]
            words = origin_words(origin)
            body.append(
                f'<tr><th scope="colgroup" class="of" colspan="6">On {escape(words)}</th></tr>'
            )
        made = attempt(row["loop"], "told", partial(_cells, row, marks, heads))
        body.append(f"<tr><td>{escape(made.sentence)}</td></tr>" if isinstance(made, Fault)
                    else made)  # fmt: skip
    return (
        f'{STYLE}<table class="since"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _cells(row: SinceRow, marks: dict[str, str], heads: Sequence[str]) -> str:
    loop = row["loop"]
    asked: list[tuple[str, object]] = [("loop", loop), ("origin", row["origin"]),
                                       ("iteration", row["iteration"])]  # fmt: skip
    if row["since"] is not None:
        asked += [("change", "newly_wrong"), ("with", row["since"])]
    tested = escape(row["tested"])
    if "newly wrong" in row["tested"]:
        tested = f'<a href="{escape(links.local_link("/answers", asked))}">{tested}</a>'
    at = f"iteration {whole(row['iteration'])}"
    cells = [f"<b>{MOVED[row['moved']]}</b>"]
    cells += [_change(row[name]) for name in ("rate", "confident", "silent")]
    html = "".join(
        f'<td data-of="{escape(name)}">{cell}</td>'
        for name, cell in zip(("", "wrong", heads[3], "not attempted"), cells, strict=True)
    )
    name = f'<th scope="row" title="{escape(at)}">{marks.get(loop, "")}<b>{escape(cut(loop))}</b>'
    return f"<tr>{name}</th>{html}<td>{tested}</td></tr>"


def _change(part: Sequence[float | None]) -> str:
    """Before and now, the interval below."""
    moved, reach = change_words(part)
    return f"{escape(moved)}<small>{escape(reach)}</small>" if reach else escape(moved)


def mark(colour: str, dash: str) -> str:
    """HTML of a line's look, before its name."""
    return f'<i style="border-top:3px {DASHED[dash]} {colour}"></i>'


def show_since(rows: Sequence[SinceRow], scope: Scope, tau: float) -> None:
    """Put the table on the page."""
    st.html(since_table(rows, scope, tau))
