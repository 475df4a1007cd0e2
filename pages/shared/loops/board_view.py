"""A loop's board as a table of our own: every text from a log is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from analytics.loops.board import first_failed
from analytics.loops.cells import MARKS, NOTHING, Cell, Question
from analytics.loops.story import TITLES, End, ends
from pages.shared.escaping import shown_name
from pages.shared.links import local_link

_STYLE = """
<style>
.brd {overflow-x:auto; margin-bottom:.4rem}
.brd table {border-collapse:separate; border-spacing:0; font-size:.8rem; line-height:1.3}
.brd th, .brd td {padding:.22rem .24rem; text-align:left; white-space:nowrap; font-weight:400;
  vertical-align:top;
  border-bottom:1px solid rgba(128,128,128,.25)}
.brd thead th {opacity:.8; font-size:.8rem}
.brd tbody th {position:sticky; left:0; background:var(--brd-ground); min-width:8.6rem;
  white-space:normal; overflow-wrap:anywhere; font-weight:600; z-index:1}
.brd td a {color:inherit; text-decoration:none; display:block}
.brd td a:hover {text-decoration:underline}
.brd small {display:block; opacity:.8; font-size:.66rem}
.brd i {font-style:normal; display:inline-block; width:1.1em}
.brd .worse {background:rgba(213,94,0,.20)}
.brd .worse i {color:var(--brd-worse)}
.brd .better {background:rgba(0,158,115,.16)}
.brd .changed {background:rgba(0,114,178,.12)}
.brd .none {opacity:.8}
.brd {--brd-ground:#FCFDFE; --brd-worse:#9E4600}
@media (prefers-color-scheme: dark) {.brd {--brd-ground:#11181F; --brd-worse:#FF9F63}}
.story tbody th, .story tbody td {border-bottom:0}
.story tbody th {min-width:7.8rem}
.story th, .story td {padding-left:.18rem; padding-right:.18rem}
.story tbody .said {white-space:normal; padding-bottom:.5rem;
  border-bottom:1px solid rgba(128,128,128,.25)}
.story .said div {position:sticky; left:.24rem; width:100%; max-width:calc(100vw - 4rem)}
.story b {font-weight:600}
.brd-key {font-size:.8rem; opacity:.85}
.brd-key span {padding:.05rem .4rem; margin-right:.5rem; border-radius:3px; white-space:nowrap}
@media (max-width: 640px) {.brd tbody th {min-width:7rem; max-width:7rem}}
</style>
"""
_CLASS = {"worse": "worse", "better": "better", "changed": "changed", "not measured": "none"}


def board_table(loop: str, board: Sequence[Question], iterations: Sequence[int]) -> str:
    """HTML of a board: a row a question, a column an iteration; each cell leads to its evidence."""
    head = "".join(f"<th scope='col'>{at}</th>" for at in iterations)
    body = "".join(_row(loop, question, iterations) for question in board)
    return (
        f"{_STYLE}<div class='brd' tabindex='0' role='region' aria-label='{escape(loop)}'><table>"
        f"<thead><tr><th>iteration</th>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def story(boards: Mapping[str, Sequence[Question]]) -> str:
    """HTML of the loops in one row each: from the first to the last iteration, and what failed
    first; a cell's colour is that of its last iteration's test."""
    changes = {loop: ends(board) for loop, board in boards.items()}
    names = [
        name
        for name in TITLES
        if any(name in changes_of_loop for changes_of_loop in changes.values())
    ]
    head = "".join(f"<th scope='col'>{escape(TITLES[name])}</th>" for name in names)
    body = "".join(
        f"<tr><th scope='row'>{escape(shown_name(loop))}</th>"
        + "".join(_end(changes_of_loop.get(name)) for name in names)
        + f"</tr><tr><td class='said' colspan='{len(names) + 1}'><div>"
        f"{escape(_without_name(first_failed(boards[loop], loop), loop))}</div></td></tr>"
        for loop, changes_of_loop in changes.items()
    )
    return (
        f"{_STYLE}<div class='brd story' tabindex='0' role='region' aria-label='The loops in one "
        f"row each'><table><thead><tr><th>loop</th>{head}</tr></thead><tbody>{body}</tbody>"
        "</table></div>"
    )


def _end(end: End | None) -> str:
    if end is None:
        return "<td class='none'>– not measured</td>"
    mark = f"<i aria-hidden='true'>{MARKS[end.change]}</i>"
    return (
        f"<td class='{_CLASS.get(end.change, '')}' title='{escape(end.change)} at iteration "
        f"{end.at}'>{mark}{escape(end.first)} → <b>{escape(end.last)}</b></td>"
    )


def _without_name(sentence: str, loop: str) -> str:
    bare = sentence.removeprefix(f"{loop}: ")
    return bare[:1].upper() + bare[1:]


def key() -> str:
    """What the colours and marks say."""
    words = {
        "worse": "worse than at iteration 0, by its test", "better": "better",
        "changed": "changed", "unchanged": "no change beyond chance",
        "not tested": "a number without a test", "not measured": "not measured",
    }  # fmt: skip
    parts = (
        f"<span class='{_CLASS.get(change, '')}'><i>{MARKS[change]}</i> {meaning}</span>"  # type: ignore[index]
        for change, meaning in words.items()
    )
    return f"{_STYLE}<div class='brd brd-key'>{''.join(parts)}</div>"


def _row(loop: str, question: Question, iterations: Sequence[int]) -> str:
    cells = "".join(_cell(loop, question, at, question.cells.get(at, NOTHING)) for at in iterations)
    says = escape(question.says)
    return f"<tr><th scope='row' title='{says}'>{escape(question.title)}</th>{cells}</tr>"


def _cell(loop: str, question: Question, at: int, cell: Cell) -> str:
    shown = escape(cell.text) + (f"<small>{escape(cell.more)}</small>" if cell.more else "")
    note = escape(f"{cell.change}{': ' if cell.note else ''}{cell.note}")
    mark = f"<i aria-hidden='true'>{MARKS[cell.change]}</i>"
    if cell.text and question.page.startswith("/"):
        key = "run" if question.page == "/overoptimization" else "loop"
        asked = [(key, loop)] if question.page != "/gate" else [(key, loop), ("iteration", at)]
        shown = f'<a href="{escape(local_link(question.page, asked))}">{mark}{shown}</a>'
    else:
        shown = mark + shown
    return f"<td class='{_CLASS.get(cell.change, '')}' title='{note}'>{shown}</td>"
