"""What a run's verdict asks for, in a card on top of its page and in a word on the overview.

Candidates, not orders: what stands in ``recommendation`` (a row of ``verdict --json``), no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from analytics.figures.drawing.palette import status_look
from analytics.onset.evidence.verdict_keys import OtherHalfRow
from analytics.onset.sentences.checkpoints import other_half_sentence
from analytics.onset.sentences.headline import headline
from analytics.wording import alike, fixed, number, whole
from pages.shared.escaping import shown_name

CARD_STYLE = """<style>
.dec {border:1px solid rgba(128,128,128,.35); border-radius:.4rem; padding:.8rem 1.1rem;
  max-width:72rem}
.dec h2 {font-size:1.15rem; line-height:1.4; font-weight:600; margin:0; padding:0}
.dec p {margin:.35rem 0 0; max-width:62rem}
.dec .note {font-size:.85rem; opacity:.85}
.dec .mark {display:inline-block; min-width:1.3em; font-weight:600}
.dec .dot {display:inline-block; width:.7rem; height:.7rem; border-radius:2px; margin-right:.5rem}
</style>"""
WORDS = {"candidate": "candidate", "measure": "measure", "none": "nothing"}
SIGNS = {"candidate": "★", "measure": "◎", "none": "–"}
"""Each action has a shape, so that nothing hangs on a colour."""


NO_CANDIDATE = "No candidate:"
"""What a reason begins with where an alarm asks for a candidate and there is none."""
IN_FEW = (
    ("no saved checkpoint of this run", "none is saved"),
    ("no saved checkpoint is likely", "none looks better"),
    ("tested together with all runs", "alarm is in doubt"),
)
"""Reasons as a narrow column has room for them; the whole one stands where the pointer rests."""


def advice_of(verdict: Mapping[str, Any]) -> Mapping[str, Any]:
    """The recommendation of a verdict; {} where one of an older version was kept."""
    advice = verdict.get("recommendation")
    return advice if isinstance(advice, Mapping) and advice.get("action") in WORDS else {}


def what_to_do(verdict: Mapping[str, Any]) -> tuple[str, str]:
    """The action in a word or two, and what stands under it; ("–", "") where none is known."""
    advice = advice_of(verdict)
    action = advice.get("action")
    if action == "candidate":
        return str(advice["checkpoint"]), f"candidate, better with p {_sure(advice)}"
    if action == "measure":
        kl, evaluations = advice.get("kl"), advice.get("evaluations")
        where = f"at KL {number(kl)}" if kl is not None else ""
        many = f"{whole(evaluations)} more" if evaluations else ""
        return "measure", " ".join(part for part in (many, where) if part)
    if action == "none":
        _, after_all, why = reason_of(verdict).partition(NO_CANDIDATE)
        if not after_all:
            return "nothing", ""
        why = why.strip().rstrip(".")
        return "no candidate", next((few for begins, few in IN_FEW if why.startswith(begins)), why)
    return "–", ""


def reason_of(verdict: Mapping[str, Any]) -> str:
    """Why that is recommended, a sentence; "" where nothing is known."""
    return str(advice_of(verdict).get("reason") or "")


def card(run: str, verdict: Mapping[str, Any], notes: str) -> str:
    """HTML of the card: the verdict in a line, what to do and how sure that is, what to know.

    Args:
        run: its id.
        verdict: row of ``verdict --json``.
        notes: on unit and evidence, one line; text, not HTML.
    """
    ink, words = status_look(verdict["status"])
    first = (
        f'<h2><i class="dot" style="background:{ink}" title="{escape(words)}"></i>'
        f"{escape(shown_name(run))} {escape(headline(verdict))}</h2>"
    )
    return f'{CARD_STYLE}<div class="dec">{first}{_advice(verdict)}<p class="note">' + (
        f"{escape(notes)}</p></div>"
    )


def _advice(verdict: Mapping[str, Any]) -> str:
    advice = advice_of(verdict)
    if not advice:
        return ""
    action = str(advice["action"])
    sign = f'<span class="mark" aria-hidden="true">{SIGNS[action]}</span>'
    reason = escape(reason_of(verdict))
    html = f"<p>{sign}{reason}</p>"
    if action == "candidate":
        html += f'<p class="note">{escape(_price(advice))}</p>'
        half: OtherHalfRow | None = advice.get("other_half")
        if half:
            html += f'<p class="note">{escape(other_half_sentence(half))}</p>'
    return html


def _price(advice: Mapping[str, Any]) -> str:
    """What going back gains and costs."""
    gold = advice.get("gold") or {}
    value, low, high = alike(*(gold.get(key) for key in ("value", "low", "high")))
    parts = [f"Gold there {value} (90 %: {low} to {high})"]
    gain, cost = advice.get("gain"), advice.get("cost")
    if isinstance(gain, int | float):
        parts.append(f"going back gains {number(gain)}")
    if isinstance(cost, int | float):
        parts.append(f"and gives up {whole(cost)} steps")
    return ", ".join(parts).replace(", and", " and") + "."


def _sure(advice: Mapping[str, Any]) -> str:
    return fixed(advice.get("p_better"), 2)
