"""A review as one document: HTML that needs nothing else, or Markdown for a chat or a wiki.

The same review gives the same text: nothing in it depends on the moment of writing.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.rewards.rewards import reward_figure
from analytics.figures.sent.embedded import embedded, plotly_code
from analytics.gate.result.markdown import plain as escaped
from analytics.onset.sentences.headline import headline
from analytics.review.changes import FOLDED, Change, grouped, summary
from analytics.review.dictionary import DICTIONARY
from analytics.review.markdown import UNSEEN, note_html
from analytics.words.notes import about, decided, when

MOST_FIGURES = 20
"""So many runs have a figure, those first that are decided first."""
LONGEST = 300
Note = Mapping[str, Any]
Group = Sequence[Change]

_STYLE = """
:root {color-scheme: light}
body {font:15px/1.5 system-ui,sans-serif; color:#1B2733; background:#fff; margin:0 auto;
  overflow-wrap:anywhere;  max-width:62rem; padding:1.5rem}
h1 {font-size:1.7rem; margin:0} h2 {font-size:1.15rem; margin:1.8rem 0 .2rem}
h3 {font-size:1rem; margin:1.2rem 0 .1rem; overflow-wrap:anywhere}
p, li {margin:.15rem 0; overflow-wrap:anywhere} ul {margin:.2rem 0; padding-left:1.2rem}
small {color:#54616D; display:block} .answer {font-size:1.15rem; font-weight:600; margin:.6rem 0}
section {break-inside:avoid; border-top:1px solid #D5DBE1; padding-top:.2rem; margin-top:.8rem}
table {border-collapse:collapse; font-size:.85rem} td, th {border:1px solid #D5DBE1;
  padding:.15rem .5rem; text-align:left; vertical-align:top; overflow-wrap:anywhere}
.said {unicode-bidi:isolate} pre, code {white-space:pre-wrap; overflow-wrap:anywhere}
a {color:inherit}
@page {margin:14mm} @media print {body {padding:0; max-width:none; font-size:11pt}
  details > * {display:block} .modebar {display:none}}
"""
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)
"""The document asks no machine for anything, whatever stands in it."""


def html(
    found: Sequence[Change], since: str, until: str, today: datetime.date,
    curves: Sequence[RunCurve], notes: Sequence[Note], server: str = "",
) -> str:  # fmt: skip
    """The document as HTML.

    Args:
        found: the changes, as ``changes`` orders them.
        since: first moment, ISO 8601.
        until: last moment.
        today: the day that "overdue" goes by.
        curves: runs that a figure may be drawn of.
        notes: rows of the question "notes"; those with a decision are written out.
        server: where links lead, such as http://monitor.example:8501; empty = addresses are named.
    """
    by_name = {curve.run_id: curve for curve in curves}
    first, others, folded = _parts(found)
    drawn = iter([g[0].subject for g in first if g[0].subject in by_name][:MOST_FIGURES])
    with_figure = {name: f"figure{i}" for i, name in enumerate(drawn)}
    body = [
        "<h1>Weekly review</h1>",
        f"<small>{escape(_period(since, until, today))}</small>",
        f'<p class="answer">{escape(summary(found))}</p>',
        *(_section(group, by_name, with_figure, server) for group in first),
        *_listed("Other changes", others, server),
        *_listed("Changed by settings or by the program, not by rows", folded, server),
        *_decisions(notes, today),
        "<h2>The data</h2><p>Beside this document: one table a file, as CSV and Parquet.</p>",
        _dictionary(),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Weekly review, {escape(since[:10])} to {escape(until[:10])}</title>"
        f"<style>{_STYLE}</style>"
        f"{f'<script>{plotly_code()}</script>' if with_figure else ''}</head>\n<body>"
        + "\n".join(body) + "\n</body></html>\n"
    )  # fmt: skip


def _parts(found: Sequence[Change]) -> tuple[list[Group], list[Group], list[Group]]:
    """What needs a decision, what does not, and what is folded."""
    groups: list[Group] = list(grouped(found))
    first = [group for group in groups if group[0].needs_decision]
    rest = [group for group in groups if not group[0].needs_decision]
    return (
        first, [group for group in rest if group[0].cause not in FOLDED],
        [group for group in rest if group[0].cause in FOLDED],
    )  # fmt: skip


def _period(since: str, until: str, today: datetime.date) -> str:
    return f"From {when({'at': since})} to {when({'at': until})} UTC; overdue as of {today}."


def _cut(text: str) -> str:
    line = " ".join(UNSEEN.sub("", text).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _section(
    group: Group, curves: Mapping[str, RunCurve], drawn: Mapping[str, str], server: str
) -> str:
    name = group[0].subject
    parts = [f"<section><h3>{_linked(name, group[0].link, server)}</h3>", _points(group)]
    if name in drawn:
        curve = curves[name]
        axis = "sqrt_kl" if "kl" in curve.axes else "step"
        figure = embedded(reward_figure([curve], axis, "raw", ()), drawn[name])
        parts += [f"<p>{escape(_cut(f'{name} {headline(curve.verdict)}'))}.</p>", figure]
    return "".join([*parts, "</section>"])


def _points(group: Group) -> str:
    items = "".join(
        f"<li>{escape(_cut(one.what))}"
        f"{f'<small>{escape(_cut(one.evidence))}</small>' if one.evidence else ''}</li>"
        for one in group
    )
    settled = group[0].decided
    done = f"<li><b>Decided: {escape(_cut(settled))}</b></li>" if settled else ""
    return f"<ul>{items}{done}</ul>"


def _linked(text: str, link: str, server: str) -> str:
    if not server:
        return f"{escape(_cut(text))} <small><code>{escape(_cut(link))}</code></small>"
    return f'<a href="{escape(server + link)}">{escape(_cut(text))}</a>'


def _listed(title: str, groups: Sequence[Group], server: str) -> list[str]:
    if not groups:
        return []
    rows = "".join(
        f"<section><h3>{_linked(group[0].subject, group[0].link, server)}</h3>{_points(group)}"
        "</section>" for group in groups
    )  # fmt: skip
    return [f"<h2>{escape(title)}</h2>{rows}"]


def _decisions(notes: Sequence[Note], today: datetime.date) -> list[str]:
    items = "".join(
        f"<section><b>{escape(_cut(decided(note, today)))}</b>"
        f"<small>{escape(_cut(_meta(note)))}</small>"
        f'<div class="said" dir="auto">{note_html(note["text"] or "")}</div></section>'
        for note in notes if note["decision"]
    )  # fmt: skip
    return [f"<h2>Decisions</h2>{items}"] if items else []


def _meta(note: Note) -> str:
    subject = str(note["run_id"] or note["topic"] or f"pin {note['pin_id']}")
    return " · ".join(filter(None, [subject, about(note), str(note["by"]), when(note)]))


def _dictionary() -> str:
    rows = "".join(
        f"<tr><td>{escape(table)}</td><td>{escape(name)}</td><td>{escape(text)}</td></tr>"
        for table, columns in DICTIONARY.items() for name, text in columns.items()
    )  # fmt: skip
    head = "<tr><th>table</th><th>column</th><th>meaning, unit</th></tr>"
    return f"<details><summary>Data dictionary</summary><table>{head}{rows}</table></details>"


def plain(text: str) -> str:
    """Text for Markdown, never markup; an @ calls nobody in a chat, an address is no link."""
    return escaped(text).replace("@", "@\u2060").replace("://", ":\u2060//")


def markdown(
    found: Sequence[Change], since: str, until: str, today: datetime.date,
    notes: Sequence[Note], server: str = "",
) -> str:  # fmt: skip
    """The document as Markdown, without figures; arguments as of ``html``."""
    first, others, folded = _parts(found)
    lines = ["# Weekly review", "", plain(_period(since, until, today)), "",
             f"**{plain(summary(found))}**", ""]  # fmt: skip
    for title, groups in (
        ("Needs a decision", first), ("Other changes", others),
        ("Changed by settings or by the program, not by rows", folded),
    ):  # fmt: skip
        if groups:
            lines += [f"## {title}", "", *(row for g in groups for row in _items(g, server)), ""]
    with_decision = [note for note in notes if note["decision"]]
    if with_decision:
        lines += ["## Decisions", ""]
        lines += [f"- {plain(_cut(f'{decided(n, today)}: {_meta(n)}'))}" for n in with_decision] + [
            ""
        ]
    return "\n".join(lines)


def _items(group: Group, server: str) -> list[str]:
    name = plain(_cut(group[0].subject))
    head = f"[{name}]({server}{group[0].link})" if server else name
    parts = [plain(_cut(f"{one.what} ({one.evidence})" if one.evidence else one.what))
             for one in group]  # fmt: skip
    parts += [f"Decided: {plain(_cut(group[0].decided))}"] if group[0].decided else []
    return [f"- {head}: {'; '.join(parts)}"]
