"""The overview's table, written as HTML of our own: every text from a log is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from analytics.figures.drawing.palette import status_look
from analytics.measured.published import matching_scenario
from analytics.onset.alarm.many_runs import standing
from analytics.wording import alike, count, interval, number, steps, whole
from pages.shared.escaping import shown_name
from pages.shared.keeping.isolation import Fault, attempt
from pages.shared.links import local_link
from pages.shared.runs.decision_card import reason_of, what_to_do

_STYLE = """
<style>
.ovr-box {container-type:inline-size}
.ovr {display:grid; column-gap:1.1rem; font-size:.92rem; line-height:1.35;
  grid-template-columns:minmax(9rem,1.2fr) minmax(9rem,1.1fr) minmax(9.5rem,1.1fr)
  minmax(8.5rem,1.1fr) minmax(6rem,.7fr) minmax(7rem,.8fr) 150px}
.ovr > div {display:contents}
.ovr > div > * {padding:.55rem 0; border-bottom:1px solid rgba(128,128,128,.25); min-width:0;
  overflow-wrap:anywhere}
.ovr .head > * {font-size:.8rem; opacity:.75; padding:.2rem 0}
.ovr a {font-weight:600; text-decoration:none; color:inherit;
  border-bottom:1.5px solid rgba(128,128,128,.5)}
.ovr a:hover {border-bottom-color:currentColor}
.ovr a.rates {font-weight:400; border-bottom-width:1px}
.ovr small {display:block; opacity:.8; font-size:.8rem; overflow:hidden; white-space:nowrap;
  text-overflow:ellipsis}
.ovr input {margin:0 .55rem 0 0; vertical-align:-1px; accent-color:currentColor}
.ovr .group > * {grid-column:1 / -1; font-weight:600; padding:1.1rem 0 .35rem}
.ovr .group a {font-weight:400; font-size:.8rem; margin-left:.8rem}
.ovr-bar {position:sticky; bottom:.6rem; width:fit-content; display:flex; gap:.9rem;
  align-items:center; margin:.8rem auto 0; padding:.45rem 1rem; border-radius:.6rem;
  background:#1F4E79; box-shadow:0 2px 10px rgba(0,0,0,.3)}
.ovr-bar[hidden] {display:none}
.ovr-bar a, .ovr-bar button {color:#FFFFFF; background:none; border:0; padding:0; font:inherit}
.ovr-bar a {font-weight:600}
.ovr-bar button {font-size:.85rem; text-decoration:underline; cursor:pointer}
.ovr .dot {display:inline-block; width:.65rem; height:.65rem; border-radius:50%;
  margin-right:.45rem}
.ovr .square {border-radius:2px}
.ovr b {font-weight:600}
.ovr img {display:block; width:150px; height:40px}
.ovr .word {display:none}
@container (max-width: 1060px) {
  .ovr {grid-template-columns:minmax(8rem,1.3fr) minmax(5.5rem,.8fr) minmax(6.5rem,1fr)
    minmax(7rem,1.1fr) minmax(5.6rem,.75fr) minmax(6.6rem,.85fr) 100px; column-gap:.7rem}
  .ovr img {width:100px}
}
.ovr .tap {display:none}
@container (max-width: 760px) {
  .ovr {display:block}
  .ovr .head {display:none}
  .ovr > div {display:grid; grid-template-columns:minmax(0,1fr) auto; column-gap:.7rem;
    border-bottom:1px solid rgba(128,128,128,.35); padding:.45rem 0}
  .ovr > div > * {border:0; padding:.1rem 0; grid-column:1 / -1}
  .ovr > div > :nth-child(1) {grid-area:1 / 1}
  .ovr > div > :nth-child(3) {grid-area:1 / 2}
  .ovr > div > :nth-child(2) {grid-area:2 / 1; white-space:nowrap; overflow:hidden;
    text-overflow:ellipsis}
  .ovr > div > .tap {display:block; grid-area:2 / 2; text-align:right; font-size:.8rem}
  .ovr summary {cursor:pointer; padding:.15rem .1rem; opacity:.85}
  .ovr > div:not(:has([open])) > :nth-child(n+4):not(.tap) {display:none}
  .ovr > div:not(:has([open])) > :is(:nth-child(1), :nth-child(3)) > small {display:none}
  .ovr > div:has([open]) > :nth-child(2) {white-space:normal}
  .ovr > div > :nth-child(2) small {display:inline; margin-left:.4rem}
  .ovr > div:has([open]) small {white-space:normal}
  .ovr .word {display:inline; opacity:.75}
}
</style>
"""

_BAR = (
    '<div class="ovr-bar" hidden><a href="/overoptimization">Compare</a>'
    '<button type="button">Clear</button></div>'
)
"""Filled and shown by choosing.js once two runs are ticked."""
MOST_SEEDS = 20
"""More runs than that are no seeds of one setting, and an address has an end."""

HEADS = ("run", "do", "verdict", "gold peaks at (90 %), KL in nats", "gold lost since (90 %)",
         "gold evaluations", "gold —, proxy ·· over √KL")  # fmt: skip


@dataclass(frozen=True)
class Elsewhere:
    """What is no training run but stands in the store: the page that shows it, and its key."""

    page: str
    key: str
    what: str
    about: str


def elsewhere(run: Mapping[str, Any], algorithm: str | None) -> Elsewhere | None:
    """A pool of samples, or answers alone; None for a run with rows of its own."""
    if run["points"] or run["gold_evaluations"]:
        return None
    if algorithm == "best_of_n":
        about = f"{count(run['samples'], 'response')}, on the page Best-of-n"
        return Elsewhere("/best-of-n", "run", "a pool", about)
    if run["answers"]:
        about = f"{count(run['answers'], 'answer')}, on the page Hallucination"
        return Elsewhere("/hallucination", "loop", "graded answers", about)
    return None


@dataclass(frozen=True)
class Group:
    """Runs that share something: its words ("" = all runs), every name in it, and the rows shown.

    A row has run (of the query runs), verdict (or None while it is computed), stands (whether its
    alarm survives e-BH), colour, picture (data address or ""), missing (why there is none),
    elsewhere (`Elsewhere` where it is no training run).
    """

    words: str
    names: Sequence[str]
    rows: Sequence[Mapping[str, Any]]


def run_table(groups: Sequence[Group]) -> str:
    """HTML of the runs. A row that cannot be written says so in its place."""
    head = "".join(f'<span role="columnheader">{escape(text)}</span>' for text in HEADS)
    body = "".join(_group(group) + "".join(_row(row) for row in group.rows) for group in groups)
    head += '<span role="columnheader" class="tap">more</span>'
    return (
        f'{_STYLE}<div class="ovr-box"><div class="ovr" role="table" aria-label="Runs">'
        f'<div class="head" role="row">{head}</div>{body}</div></div>{_BAR}'
    )


def _group(group: Group) -> str:
    """The line over a group; its runs may be seen as seeds of one setting."""
    if not group.words:
        return ""
    seeds = ""
    if 1 < len(group.names) <= MOST_SEEDS:
        asked = [("run", name) for name in group.names] + [("band", "true")]
        link = escape(local_link("/overoptimization", asked))
        seeds = f'<a href="{link}">mean and band</a>'
    words = escape(shown_name(group.words, 160))
    return f'<div class="group" role="row"><span role="cell">{words}{seeds}</span></div>'


def _row(row: Mapping[str, Any]) -> str:
    name = row["run"]["run_id"]
    cells = attempt(name, "shown", lambda: _cells(row))
    if isinstance(cells, Fault):
        cells = [f"<span>{escape(cells.sentence)}</span>", *["<span></span>"] * 5]
    page, key = "/overoptimization", "run"
    if isinstance(row.get("elsewhere"), Elsewhere):
        page, key = row["elsewhere"].page, row["elsewhere"].key
    link = escape(local_link(page, [(key, name)]))
    box = ""
    if page == "/overoptimization":
        box = (f'<input type="checkbox" data-run="{escape(name)}" '
               f'aria-label="Compare {escape(shown_name(name))}">')  # fmt: skip
    about = [escape(shown_name(str(text)))
             for text in (row.get("trainer"), row["run"].get("project")) if text]  # fmt: skip
    first = (
        f'<span>{box}<i class="dot" style="background:{row["colour"]}"></i>'
        f'<a href="{link}" title="{escape(name)}">{escape(shown_name(name))}</a>'
        f"<small>{' · '.join(about)}</small></span>"
    )
    html = "".join(cell.replace("<span", '<span role="cell"', 1) for cell in (first, *cells))
    more = f'<summary aria-label="More of {escape(shown_name(name))}">more</summary>'
    html += f'<span role="cell" class="tap"><details>{more}</details></span>'
    return f'<div role="row">{html}</div>'


def _cells(row: Mapping[str, Any]) -> list[str]:
    """The cells of a run behind its name."""
    run, verdict = row["run"], row["verdict"]
    other: Elsewhere | None = row.get("elsewhere")
    cells = []
    if other:
        about = f"{escape(other.what)}<small>{escape(other.about)}</small>"
        cells += ["<span></span>", f"<span>{about}</span>", "<span></span>", "<span></span>"]
    elif verdict is None:
        nothing = "<span></span>"
        cells += [nothing, "<span>being judged …</span>", nothing, nothing]
    else:
        ink, words = status_look(verdict["status"])
        notes = ", ".join(flag.replace("_", " ") for flag in verdict["flags"])
        notes = f"updating … {notes}" if verdict.get("updating") else notes
        if standing(verdict.get("alarm")):  # among all runs of its project
            word = "stands" if row.get("stands") else "does not stand"
            notes = f"{word}, {notes}".removesuffix(", ")
        if verdict["status"] == "not_judged":
            notes = " ".join(verdict["reasons"])
        cells.append(_do(verdict))
        cells.append(
            f'<span><i class="dot square" style="background:{ink}"></i><b>{escape(words)}</b>'
            f'<small title="{escape(notes)}">{_rates(verdict)}{escape(notes)}</small></span>'
        )
        cells.append(f'<span><i class="word">gold peaks at </i>{_onset(verdict)}</span>')
        cells.append(f"<span>{_lost(verdict)}</span>")
    cells.append(f"<span>{'' if other else _gold(run, verdict)}</span>")
    words = f"gold and proxy reward of {run['run_id']}"
    picture = row["picture"]
    nothing = "" if other else f"<small>{escape(row.get('missing') or 'nothing to draw')}</small>"
    drawn = f'<img src="{picture}" alt="{escape(words)}">' if picture else nothing
    return [*cells, f"<span>{drawn}</span>"]


def _do(verdict: Mapping[str, Any]) -> str:
    """What the verdict asks for, with its reason where the pointer rests."""
    action, about = what_to_do(verdict)
    word = escape(shown_name(action))
    word = f"<b>{word}</b>" if about else word
    return (f'<span title="{escape(reason_of(verdict))}"><i class="word">do: </i>{word}'
            f"<small>{escape(about)}</small></span>")  # fmt: skip


def _rates(verdict: Mapping[str, Any]) -> str:
    """The link to the error rates of verdicts like this one."""
    if matching_scenario(verdict) is None:
        return ""
    link = escape(local_link("/quality", [("run", verdict["run"])]))
    return f' <a class="rates" href="{link}" aria-label="how sure?">sure?</a> '


def _onset(verdict: Mapping[str, Any]) -> str:
    peak = verdict["peak"]
    if not peak:
        return "cannot tell"
    where = steps(peak["step_low"], peak.get("step_high")) if _has_steps(peak) else ""
    if verdict["axis"] == "step":
        return f"{where}<small>KL was not measured</small>"
    if verdict["status"] in ("no_onset", "warning"):
        low, end = alike(peak["kl_low"], verdict["kl_end"])
        seen = "none sure" if verdict["status"] == "warning" else "none"
        return f"{seen} up to KL {end}<small>ruled out before KL {low}</small>"
    kl = interval(peak["kl_low"], peak["kl_high"])
    return f"KL {escape(kl)}<small>{where}</small>"


def _has_steps(peak: Mapping[str, Any]) -> bool:
    return peak.get("step_low") is not None


def _lost(verdict: Mapping[str, Any]) -> str:
    lost = verdict["gold_lost"]
    if not lost:
        return ""
    value, low, high = alike(lost["value"], lost["low"], lost["high"])
    return f'<i class="word">gold lost </i><b>{value}</b><small>{low} to {high}</small>'


def _gold(run: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> str:
    """How many evaluations of the source that the verdict goes by, and how old the last one is."""
    many = verdict["gold_evaluations"] if verdict else run["gold_evaluations"]
    if not many:
        return "none"
    words = f'{whole(many)}<i class="word"> gold evaluations</i>'
    if verdict and len(verdict.get("gold_sources") or ()) > 1:
        words += f"<small>{escape(str(verdict['gold_source']))} gold</small>"
    ago = (run["step_end"] or 0) - (run["gold_step_end"] or 0)
    if not ago:
        return f"{words}<small>the last at the end</small>"
    moved, now, then = "", run["kl_end"], run["gold_kl_end"]
    # Single rows of KL are noisy: a small or backward step says nothing.
    if now is not None and then is not None and now - then > 0.05 * now:
        moved = f"{number(now - then)} nats and "
    return f"{words}<small>the last {moved}{count(ago, 'step')} ago</small>"
