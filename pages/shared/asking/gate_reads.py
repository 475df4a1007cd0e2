"""What the pages on the gate ask of the store and write into it. data and analytics meet."""

from __future__ import annotations

import datetime
import hashlib
import json
from functools import partial

import polars as pl

from analytics.collapse import kept
from analytics.collapse.indicators import IndicatorRow
from analytics.gate import Evidence, Gate, Policy, judge, read_policy
from analytics.gate.records import sealed
from analytics.gate.records.agreement import AgreementRow, agreement
from analytics.gate.records.reviews import Reviewed, reviewed
from analytics.gate.records.sheet import Returned, draw, read_back, sheet
from analytics.gate.result.due import Due, due
from analytics.gate.result.gathering import arrived, gather, loosened_since, snapshot
from analytics.gate.rules.limits import proposal
from analytics.loops.decided import in_order
from data.home import home
from data.people import policies, reviewing, sealing, written
from pages.shared import reads
from pages.shared.keeping import collapsing, judging
from pages.shared.keeping.caching import cached, pulse

PROPOSED = "proposal"


@cached(4)
def loops() -> dict[str, list[int]]:
    """Loops with the iterations that a gate can judge: those after iteration 0."""
    found = reads.store().query("loops")
    return {
        row["loop"]: list(range(1, int(row["last_iteration"]) + 1))
        for row in found.iter_rows(named=True) if (row["last_iteration"] or 0) >= 1
    }  # fmt: skip


def policy_texts() -> dict[str, tuple[str, str]]:
    """Policies that were ever judged by, by hash: (title, text), the newest first, the proposal
    last."""
    texts = [text for text, _ in reversed(policies.kept(home()))]
    texts = [text for text in texts if text != proposal()]
    by_name = {}
    for text in texts:
        text_read = _readable(text)
        if text_read is not None:
            by_name[text_read.hash] = (text_read.title, text)
    return {**by_name, PROPOSED: ("the proposed policy", proposal())}


def _readable(text: str) -> Policy | None:
    try:
        return read_policy(text)
    except ValueError:
        return None  # kept by another version


def gate(
    loop: str, iteration: int, policy: str, submitter: str | None, release: int | None,
    today: datetime.date,
) -> Gate:  # fmt: skip
    """The gate of one iteration under a policy's text.

    Raises:
        GateError: the evidence contradicts itself, or is not there.
    """
    seen = tuple(text for text, _ in policies.kept(home()))
    return _gate(loop, iteration, policy, submitter, release, today, seen)


def state(*_: object) -> object:
    """Changes whenever rows, verdicts or indicators do."""
    return pulse(), reads.store().indicators_saved


@cached(32, state)
def _gate(
    loop: str, iteration: int, text: str, submitter: str | None, release: int | None,
    today: datetime.date, seen: tuple[str, ...],
) -> Gate:  # fmt: skip
    store, policy = reads.store(), read_policy(text)
    opened = sealed.opened(store.query, loop, iteration, policy, partial(sealing.look, store))
    gathered = evidence(loop, iteration, submitter, release, today, opened)
    since = arrived(store.query, loop, iteration)
    loosened = loosened_since(policies.kept(home()), policy, since)
    return judge(gathered, policy, loosened, snapshot(store.generation, policy))


def evidence(
    loop: str, iteration: int, submitter: str | None, release: int | None, today: datetime.date,
    opened: pl.DataFrame | None = None,
) -> Evidence:  # fmt: skip
    """All that the store holds of a loop up to an iteration; opened: its sealed gold."""
    query = reads.store().query
    run = query("runs", project=None, runs=[loop]).row(0, named=True)
    row = json.loads(judging.verdict(reads.store(), run, iteration, None)["verdict"])
    return gather(
        query, loop, iteration, alarm=row, indicators=indicators(loop), release=release,
        submitter=submitter, today=today, opened=opened,
    )  # fmt: skip


def indicators(loop: str) -> list[IndicatorRow]:
    """Rows of the collapse indicators, where those that hold have been computed."""
    store = reads.store()
    if kept.missing(store.query, [loop], collapsing.method()):
        return []  # the worker computes them; the page shows them when they are there
    return kept.rows(store.query("indicators", loops=[loop]))


def keep_policy(text: str) -> None:
    """Keep a copy of a policy that something was judged by."""
    policies.keep(home(), text)


def decide(loop: str, iteration: int, decision: str, by: str, expires: datetime.date | None,
           note: str, rests_on: str) -> None:  # fmt: skip
    """Write down a decision."""
    now = written.now()
    reviewing.keep_decision(reads.store(), {
        "loop": loop, "iteration": iteration, "decision": decision, "by": by, "at": now,
        "expires": None if expires is None else str(expires), "snapshot": rests_on,
        "note": note or None,
    })  # fmt: skip


def decisions(loop: str) -> pl.DataFrame:
    """What was decided on a loop so far, in the order of its instants."""
    return in_order(reads.store().query("decisions", loops=[loop], until=None))


@cached(16)
def people(
    loop: str, iteration: int, text: str, today: datetime.date
) -> tuple[Due, list[AgreementRow], Reviewed, int]:
    """When the next checkpoint is due, gold against people, the reviews, and the last release."""
    query, policy = reads.store().query, read_policy(text)
    gathered = gather(query, loop, iteration, today=today)
    rows, (release, _) = gathered.frame("reviews"), gathered.released()
    return (
        due(gathered, policy), agreement(rows, gathered.frame("generations")),
        reviewed(gathered.at("reviews", iteration), iteration, release), release,
    )  # fmt: skip


def _texts(loop: str, iteration: int) -> pl.DataFrame:
    return reads.store().query("generations", loops=[loop], iterations=None, until=iteration)


def review_sheet(loop: str, iteration: int, release: int, items: int, policy: Policy) -> str:
    """The blinded CSV.

    Raises:
        SheetError: nothing can be compared.
    """
    return sheet(
        draw(
            _texts(loop, iteration),
            loop=loop,
            iteration=iteration,
            release=release,
            items=items,
            top=policy["human_checkpoint.top_proxy_items"],
            escalation=policy["human_checkpoint.escalation_items"],
            words=policy["human_checkpoint.escalation_words"],
        )
    )


def take_sheet(
    loop: str, iteration: int, content: bytes, name: str, rater: str, policy: Policy
) -> Returned:
    """Read a filled sheet and keep its judgements.

    Raises:
        SheetError: it cannot be read back: line and column.
    """
    now = written.now()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")  # as spreadsheets save in the West
    back = read_back(text, _texts(loop, iteration), loop, iteration, now, rater or None,
                     policy["human_checkpoint.escalation_words"])  # fmt: skip
    digest = hashlib.sha256(content).hexdigest()[:10]
    reviewing.keep_reviews(reads.store(), loop, back.rows, f"sheet-{digest}-{name}")
    return back
