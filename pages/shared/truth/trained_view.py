"""What each loop was trained on, a line each: how false at first and last, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

from analytics.hallucination.repeated import Repeated
from analytics.hallucination.since_start import change_words
from analytics.wording import MISSING, p_value, points, rate_text, whole
from analytics.words.names import cut
from pages.shared.keeping.isolation import Fault, attempt
from pages.shared.truth.since_view import STYLE, mark
from pages.shared.truth.truth_choices import Scope

HEADS = ("loop", "claims trained on, false", "texts kept, false", "false ones repeated",
         "more if trained on", "human text")  # fmt: skip


def trained_table(
    rows: Sequence[Mapping[str, Any]], claims: Mapping[str, Repeated],
    mistakes: Mapping[str, Repeated], scope: Scope,
) -> str:  # fmt: skip
    """HTML of the table.

    Args:
        rows: of ``analytics.hallucination.trained_on.trained_rows``.
        claims: what became of claims in training texts, by loop.
        mistakes: what became of wrong benchmark answers, by loop.
        scope: the loops with their lines.
    """
    marks = {line.key: mark(line.colour, line.dash) for line in scope.lines()}
    body = []
    for row in rows:
        loop = row["loop"]
        counts = (claims.get(loop), mistakes.get(loop))
        made = attempt(loop, "told", partial(_cells, row, *counts))
        if isinstance(made, Fault):
            body.append(f"<tr><td>{escape(made.sentence)}</td></tr>")
            continue
        cells = "".join(
            f'<td data-of="{escape(name)}:">{cell}</td>'
            for name, cell in zip(HEADS[1:], made, strict=True)
        )
        name = f'<th scope="row">{marks.get(loop, "")}<b>{escape(cut(loop))}</b></th>'
        body.append(f"<tr>{name}{cells}</tr>")
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in HEADS)
    return (
        f'{STYLE}<table class="since"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def _cells(row: Mapping[str, Any], claims: Repeated | None, mistakes: Repeated | None) -> list[str]:
    changes = [change_words(row[name]) for name in ("false", "kept")]
    changes += [_repeated(claims), _gap(mistakes), change_words(row["human"])]
    return [
        f"{escape(text)}<small>{escape(about)}</small>" if about else escape(text)
        for text, about in changes
    ]


def _repeated(repeated: Repeated | None) -> tuple[str, str]:
    """The share of false claims said again, and that of the control."""
    if repeated is None or not repeated.checked:
        return MISSING, ""
    if not repeated.asked:
        return MISSING, "none was asked again"
    share = f"{rate_text(repeated.repeated / repeated.asked)} of {whole(repeated.asked)}"
    if repeated.other is None:
        return share, "no control: an association"
    return share, f"control: {rate_text(repeated.other[0] / repeated.other[1])}, not tested"


def _gap(repeated: Repeated | None) -> tuple[str, str]:
    """How much more often a wrong answer is repeated where it was trained on."""
    if repeated is None or not repeated.asked:
        return MISSING, ""
    share = rate_text(repeated.repeated / repeated.asked)
    if repeated.gap is None:
        return f"{share} of {whole(repeated.asked)}", "no control: an association"
    gap, low, high = repeated.gap
    test = "" if repeated.p is None else f", {p_value(repeated.p)}"
    return f"{points(gap)} points", f"{points(low)} to {points(high)}{test}"
