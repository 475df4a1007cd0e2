"""Responses as HTML of our own: every text from a log is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

from analytics.reading import Item
from analytics.reading.difference import Piece
from analytics.reading.shown import (
    NOW_WORDS,
    PROMPT_WORDS,
    START_WORDS,
    Excerpt,
    excerpt,
    plain,
)
from analytics.shortcuts.marks import gone_from, said_of
from analytics.wording import alike, count, whole
from pages.shared.asking.response_asked import QUOTED
from pages.shared.keeping.isolation import Fault, attempt

Row = Mapping[str, Any]
Link = Callable[[Row], str]
ROW_WORDS = 30

_STYLE = """
<style>
.rsp {font-size:.9rem; line-height:1.4; display:grid; column-gap:1.3rem;
  grid-template-columns:minmax(11rem,1fr) minmax(0,1.1fr) minmax(0,1.7fr)}
.rsp > div {display:contents}
.rsp > div > * {padding:.6rem 0; border-bottom:1px solid rgba(128,128,128,.25); min-width:0;
  overflow-wrap:anywhere; overflow:hidden}
.rsp .head > * {font-size:.8rem; opacity:.75; padding:.2rem 0}
.rsp a {color:inherit; text-decoration:none; border-bottom:1.5px solid rgba(128,128,128,.5)}
.rsp a:hover {border-bottom-color:currentColor}
.rsp small {display:block; opacity:.78; font-size:.8rem}
.rsp b {font-weight:600}
.rsp mark {background:rgba(230,159,0,.3); color:inherit; border-radius:2px; padding:0 .1em}
.rsp .word {display:none}
.dif {white-space:pre-wrap; overflow-wrap:anywhere; overflow:hidden; font-size:.92rem;
  line-height:1.5; unicode-bidi:plaintext}
.dif del {background:rgba(128,128,128,.22); text-decoration:line-through;
  text-decoration-color:rgba(128,128,128,.9); border-radius:2px}
.dif ins {background:rgba(230,159,0,.3); text-decoration:none; border-bottom:2px solid #E69F00;
  border-radius:2px}
@media (max-width: 900px) {
  .rsp {display:block}
  .rsp .head {display:none}
  .rsp > div {display:block; border-bottom:1px solid rgba(128,128,128,.35); padding:.6rem 0}
  .rsp > div > * {border:0; padding:.1rem 0; display:block}
  .rsp .word {display:inline; opacity:.78; font-style:normal}
}
</style>
"""


def reading_table(
    items: Sequence[Item], firsts: Mapping[str, Row], link: Link, start: int
) -> str:  # fmt: skip
    """HTML of the reading list: why, how the policy began on the prompt, what it says now.

    Args:
        items: of the list.
        firsts: rows of the query response_firsts by prompt.
        link: the address of a response's own view.
        start: last step of the run's start; a prompt that was first drawn after it says so.
    """
    body = "".join(_safely(item.row, partial(_item, item, firsts, link, start)) for item in items)
    return _table(("why it is here", "at the start", "what it writes"), body)


def _item(item: Item, firsts: Mapping[str, Row], link: Link, start: int) -> str:
    row = item.row
    why, first = _telling(item), firsts.get(row["prompt_id"])
    return (
        f'<div><span><a href="{escape(link(row))}">step {whole(row["step"])}</a>'
        f" · {count(row['letters'], 'character')}"
        f"<small>{escape(item.why)}</small></span>"
        f'<span><i class="word">at the start: </i>{_began(first, item.shortcuts, start)}</span>'
        f"<span><small><bdi>{_cut(row['prompt'], PROMPT_WORDS)}</bdi></small>"
        f'<i class="word">now: </i>{_marked(why)}{_rest(row, why, link)}</span></div>'
    )


def _telling(item: Item) -> Excerpt:
    """What an item writes, around the words of its first shortcut that has some, else what is new.

    Marks what is paid for: what only grew beside it would mislead.
    """
    again = [one.says for one in item.traits if one.kind == "repeats"]
    marks = [words for why in (*item.shortcuts, *again) for words in QUOTED.findall(why)]
    if not item.shortcuts:
        marks = [one.name for one in item.traits if one.kind == "phrase"]
    whole_text = item.row["completion"]
    marks += [said_of(name, whole_text) for name in item.shortcuts]
    each = (excerpt(whole_text, NOW_WORDS, words.lower()) for words in marks)
    return next((one for one in each if one.phrase), excerpt(whole_text, NOW_WORDS))


def _began(first: Row | None, shortcuts: Sequence[str], start: int) -> str:
    """How the policy began; marked is what it said and says no more."""
    if first is None:
        return "<small>not drawn at the start</small>"
    text = first["completion"]
    gone = (gone_from(name, text).lower() for name in shortcuts)
    each = (excerpt(text, START_WORDS, words) for words in gone)
    start_text = next((one for one in each if one.phrase), excerpt(text, START_WORDS))
    late = ", where this prompt was first drawn" if first["step"] > start else ""
    return (f"{_marked(start_text)}<small>step {whole(first['step'])}{late} · "
            f"{count(first['letters'], 'character')}</small>")  # fmt: skip


def _rest(row: Row, cut_text: Excerpt, link: Link) -> str:
    if cut_text.whole and row["letters"] <= len(row["completion"]):
        return ""
    return (
        f'<small><a href="{escape(link(row))}">show all '
        f"{count(row['letters'], 'character')}</a></small>"
    )


def response_table(rows: Sequence[Row], link: Link, phrase: str = "") -> str:
    """HTML of some responses in their order; ``phrase`` is marked where it stands."""
    body = "".join(_safely(row, partial(_row, row, link, phrase)) for row in rows)
    return _table(("response", "prompt", "what it writes"), body)


def _row(row: Row, link: Link, phrase: str) -> str:
    cut_text = excerpt(row["completion"], ROW_WORDS, phrase)
    phase = "" if row["phase"] == "train" else f" · {row['phase']}"
    proxy, gold = alike(row["proxy_reward"], row["gold_reward"])
    return (
        f'<div><span><a href="{escape(link(row))}">step {whole(row["step"])}{phase}</a>'
        f"<small>proxy {proxy} · gold {gold}</small></span>"
        f"<span><small><bdi>{_cut(row['prompt'], PROMPT_WORDS)}</bdi></small></span>"
        f"<span>{_marked(cut_text)}{_rest(row, cut_text, link)}</span></div>"
    )


def _safely(row: Row, make: Callable[[], str]) -> str:
    made = attempt(str(row.get("prompt_id")), "shown", make)
    return f"<div><span>{escape(made.sentence)}</span></div>" if isinstance(made, Fault) else made


def _table(heads: Sequence[str], body: str) -> str:
    head = "".join(f"<span>{text}</span>" for text in heads)
    return f'{_STYLE}<div class="rsp"><div class="head">{head}</div>{body}</div>'


def _cut(text: str, words: int) -> str:
    cut_text = excerpt(text, words)
    return escape(f"{cut_text.before}{cut_text.phrase}{cut_text.after}")


def _marked(cut_text: Excerpt) -> str:
    """An excerpt with its phrase marked; in its own direction, which reaches no further."""
    if not (cut_text.before or cut_text.phrase or cut_text.after):
        return "<small>(empty)</small>"
    phrase = f"<mark>{escape(cut_text.phrase)}</mark>" if cut_text.phrase else ""
    return f"<bdi>{escape(cut_text.before)}{phrase}{escape(cut_text.after)}</bdi>"


def difference_html(pieces: Sequence[Piece], mark: str) -> str:
    """HTML of a text of which those pieces are marked that the other one has not.

    Args:
        pieces: of ``analytics.reading.difference``.
        mark: ``del`` for what is gone, ``ins`` for what is new.
    """
    marked = "".join(
        escape(plain(one.text)) if one.same else f"<{mark}>{escape(plain(one.text))}</{mark}>"
        for one in pieces
    )
    return f'{_STYLE}<div class="dif" dir="auto">{marked or "<small>(empty)</small>"}</div>'
