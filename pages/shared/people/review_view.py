"""The lines of *This week* as HTML of our own: every text of logs and people is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import PurePath

from analytics.review.changes import Change
from analytics.wording import count
from pages.shared.escaping import shown_name

STYLE = """
<style>
.wk {display:grid; grid-template-columns:150px 1fr; column-gap:1rem; align-items:start;
  font-size:.94rem; line-height:1.4; padding:.35rem 0; border-top:1px solid rgba(128,128,128,.3)}
.wk img {width:150px; height:40px; display:block; margin-top:.2rem}
.wk a {color:inherit; font-weight:600; text-decoration:none; overflow-wrap:anywhere;
  border-bottom:1.5px solid rgba(128,128,128,.6)}
.wk a:hover {border-bottom-color:currentColor}
.wk p {margin:0; overflow-wrap:anywhere}
.wk small {opacity:.8; font-size:.82rem; display:block; overflow-wrap:anywhere}
.wk .kind, .wk .kind a {font-size:.78rem; font-weight:400; opacity:.85}
.wk .kind {margin-left:.5rem}
@media (max-width: 640px) {.wk {grid-template-columns:1fr} .wk img {order:2}}
</style>
"""
KINDS = {
    "decision_due": "overdue", "alarm_raised": "alarm", "alarm_withdrawn": "alarm withdrawn",
    "status": "verdict", "not_judged": "verdict", "new_run": "new run", "run_gone": "forgotten",
    "forecast": "forecast", "judge": "judge of gold", "blind": "blind KL",
    "unit_unknown": "unit of KL", "grown": "grown", "wrong_answers": "hallucination",
    "diversity": "diversity", "gate": "gate", "checkpoint_due": "people", "skipped": "not read",
    "watch": "watch", "setting": "setting", "software": "software",
}  # fmt: skip
"""What kind of change it is, in a word or two."""
CAUSES = {"judge": "by a new judge", "setting": "by a setting", "software": "by the program"}
LONGEST = 240
SHOWN = 4
"""Changes of one subject that are written out."""


def line(group: Sequence[Change], pictures: Mapping[str, str]) -> str:
    """The changes of one run, loop or file: its picture, its name as a link, what changed."""
    first = group[0]
    picture = pictures.get(first.subject, "")
    drawn = f'<img src="{picture}" alt="{escape(_alt(first))}">' if picture else ""
    name = escape(shown_name(_subject(first)))
    lines_html = "".join(_line_of(change, change.link == first.link) for change in group[:SHOWN])
    more = len(group) - SHOWN
    lines_html += f"<small>and {count(more, 'more change')}</small>" if more > 0 else ""
    done = f"<small>Decided: {escape(shown_name(first.decided, LONGEST))}</small>"
    return (
        f'<div class="wk"><div>{drawn}</div><div>'
        f'<p><a href="{escape(first.link)}" title="{escape(first.subject[:300])}">{name}</a></p>'
        f"{lines_html}{done if first.decided else ''}</div></div>"
    )


def _line_of(change: Change, linked: bool) -> str:
    kind = KINDS.get(change.kind, change.kind)
    kind = f"{kind} · {CAUSES[change.cause]}" if change.cause in CAUSES else kind
    kind = escape(kind) if linked else f'<a href="{escape(change.link)}">{escape(kind)}</a>'
    evidence = f"<small>{escape(shown_name(change.evidence, LONGEST))}</small>"
    return (
        f'<p>{escape(shown_name(change.what, LONGEST))}<span class="kind">{kind}</span></p>'
        f"{evidence if change.evidence else ''}"
    )


def lines(groups: Sequence[Sequence[Change]], pictures: Mapping[str, str]) -> str:
    """Several of them, with their style."""
    return STYLE + "".join(line(group, pictures) for group in groups)


def _subject(change: Change) -> str:
    """A file is called by its name; where it lies stands in its tooltip."""
    files = change.kind in ("skipped", "watch")
    return PurePath(change.subject).name if files else change.subject


def _alt(change: Change) -> str:
    return f"gold and proxy reward of {change.subject}"
