"""Alerts of a store: looked for, put into the outbox, sent. Here data and analytics meet.

The server does it in the background and the command does it at once; both by what lies on the
disk, so that either goes on where the other was killed.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from analytics.alerts import chat, plan, raised
from analytics.alerts import ledger as outbox
from analytics.alerts.ledger import Ledger, Message
from analytics.alerts.open_alerts import Alert, alarms, gates, withdrawals
from analytics.alerts.rules import Rules, RulesError, read_rules
from analytics.figures.drawing.palette import status_look
from analytics.gate import read_policy
from analytics.gate.rules.limits import proposal
from analytics.gate.rules.policy import PolicyError
from analytics.kept_verdicts.verdicts import method
from analytics.review import reading
from analytics.review.state import GateState
from analytics.words.notes import decided, overdue
from data.database.any_store import AnyStore
from data.database.kept_verdicts import kept_rows
from data.database.questions import meaning
from data.outgoing import alert_files, delivery
from data.outgoing.delivery import NotDelivered
from data.people import policies
from data.serving import watches
from data.serving.hosts import BadAddress, listed

LONGEST_WAIT = 3600.0
COUNTED = ("points", "gold_evaluations", "samples", "answers")
Deliver = Callable[[Mapping[str, Any]], None]


def rules_of(home: Path) -> Rules | None:
    """The rules of a home; None where there are none.

    Raises:
        RulesError: they cannot be read, or make no sense.
    """
    file = alert_files.rules_file(home)
    try:
        text = file.read_text()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{file} cannot be read: {error}") from error
    return read_rules(text, str(file), os.environ.get(alert_files.URL, "").strip())


@contextmanager
def changing(home: Path) -> Iterator[Ledger]:
    """The ledger to be changed, kept afterwards."""
    with alert_files.changing(home, outbox.usable, outbox.fresh) as ledger:
        yield ledger


def ledger_of(home: Path) -> Ledger:
    """The ledger to be read."""
    return alert_files.read(home, outbox.usable) or outbox.fresh()


def look(store: AnyStore, rules: Rules, now: datetime.datetime, dry: Ledger | None = None) -> bool:
    """Put into the outbox what is to be told; False before the first verdict of every run.

    A run that grows all the time is told by the verdict that it has, however new its rows are.
    dry: a ledger that is changed in place of that on the disk.
    """
    by = method(meaning)
    runs = store.query("runs", project=None, runs=None)
    kept = kept_rows(store, by)
    waiting = {
        row["run_id"]: row["project"] for row in runs.iter_rows(named=True)
        if row["run_id"] not in set(kept["run_id"])
    }  # fmt: skip
    if waiting and (dry or ledger_of(store.home))["digest"] is None:
        return False  # the first message names what stands, so all is judged before it
    verdicts = [json.loads(row) for row in kept["verdict"]]
    current = set(kept.filter("current")["run_id"])
    many = {
        row["run_id"]: sum(int(row[name] or 0) for name in COUNTED)
        for row in runs.iter_rows(named=True) if row["run_id"] in current
    }  # fmt: skip
    policy, title = _policy(store.home)
    states = _gates(store, policy, now.date())
    found: list[Alert] = [*alarms(verdicts, many, waiting), *gates(states, many, title)]
    report = partial(
        plan.look, found=found, rules=rules, now=now, rows=many,
        statuses={row["run"]: status_look(row["status"])[1] for row in verdicts},
        gone=withdrawals(verdicts, waiting), server=server(), own=raised.own(verdicts),
        further=[*_overdue(store, now.date()), *_stale(store.home, now)], waiting=set(waiting),
    )  # fmt: skip
    if dry is not None:
        report(dry)
    else:
        with changing(store.home) as ledger:
            report(ledger)
    return True


def judge_missing(store: AnyStore) -> None:
    """Judge what no server has judged yet."""
    runs = store.query("runs", project=None, runs=None)
    reading.verdicts_of(store, runs, runs, wait=True)


def server() -> str:
    """Where links lead: the first address of OVEROPT_URL, empty where it names none."""
    try:
        return listed()[0].url if listed() else ""
    except BadAddress:
        return ""


def _policy(home: Path) -> tuple[str, str]:
    """Text and title of the policy that was first used last; the proposal has no title."""
    for text, _ in reversed(policies.kept(home)):
        if text != proposal():
            try:
                return text, chat.plain(read_policy(text).title, 120)
            except PolicyError:  # kept by another version
                continue
    return proposal(), ""


def _gates(store: AnyStore, policy: str, today: datetime.date) -> dict[str, GateState]:
    """The gate of every loop's last iteration; judged again only where the loop has changed."""
    states: dict[str, GateState] = {}
    loops = [row["loop"] for row in store.query("loops").to_dicts() if row["last_iteration"]]
    for loop in loops:
        runs = store.query("runs", project=None, runs=[loop])
        texts = store.query("indicators", loops=[loop])
        decisions = store.query("decisions", loops=[loop], until=None)
        state = runs["generation"].to_list(), texts["generation"].to_list(), decisions.height
        found = _gate(_Asked(store), str(store.home), loop, repr(state), today, policy)
        states |= dict([found] if found else [])
    return states


class _Asked:
    """A store as the argument of a kept answer: which one it is says its folder."""

    def __init__(self, store: AnyStore) -> None:
        self.store = store

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked)

    def __hash__(self) -> int:
        return 0


@lru_cache(maxsize=128)
def _gate(
    asked: _Asked, _home: str, loop: str, _state: str, today: datetime.date, policy: str
) -> tuple[str, GateState] | None:
    return reading.gate_of(asked.store, today, loop, policy)


def _overdue(store: AnyStore, today: datetime.date) -> list[str]:
    notes = store.query("notes", runs=None, pin=None).to_dicts()
    return [
        chat.plain(f"Overdue: {note['run_id'] or note['topic'] or note['pin_id']}: "
                   f"{decided(note, today)}")
        for note in notes if overdue(note, today)
    ]  # fmt: skip


def _stale(home: Path, now: datetime.datetime) -> list[str]:
    return [
        chat.plain(f"Not followed any more since {one.last[:16]}: {one.paths}")
        for one in watches.stale(home, now)
    ]


def delivering(rules: Rules) -> Deliver:
    """What hands a message over, as the rules say."""
    way, url, patience = (
        rules[f"deliver.{key}"] for key in ("by", "url", "timeout_seconds")
    )  # fmt: skip
    if way == "webhook":
        return lambda one: delivery.post(url, chat.as_chat(one), str(one["id"]), patience)
    if way == "command":
        return lambda one: delivery.run(rules["deliver.command"], one, patience)
    return lambda one: delivery.notify(url, chat.plain(one["title"]), chat.as_text(one), patience)


@dataclass
class Outbox:
    """Sends what waits, in order; after a failure it waits longer and longer.

    clock: seconds that only go up. failure: why the last attempt failed, empty = it did not.
    """

    home: Path
    clock: Callable[[], float]
    failure: str = ""
    _failures: int = 0
    _rest_until: float = field(default=0.0)

    def resting(self) -> float:
        """Seconds until the next attempt may be made."""
        return max(0.0, self._rest_until - self.clock())

    def send(self, deliver: Deliver, now: Callable[[], datetime.datetime]) -> int:
        """Send until the outbox is empty or the receiver fails; how many were taken."""
        taken = 0
        with alert_files.sending(self.home) as mine:
            while mine and not self.resting() and self._next(deliver, now):
                taken += 1
        return taken

    def _next(self, deliver: Deliver, now: Callable[[], datetime.datetime]) -> bool:
        if not ledger_of(self.home)["queue"]:
            return False
        with changing(self.home) as ledger:
            message = outbox.next_message(ledger)
        if message is None:
            return False
        name = str(message["id"])
        try:
            deliver(message)
        except NotDelivered as error:
            self._failed(name, error)
            return False
        with changing(self.home) as ledger:
            outbox.delivered(ledger, name, now())
        self.failure, self._failures = "", 0
        return True

    def _failed(self, name: str, error: NotDelivered) -> None:
        self.failure = chat.plain(error)
        with changing(self.home) as ledger:
            outbox.not_delivered(ledger, name, str(error), error.refused)
        self._failures += 1
        wait = min(2.0 ** min(self._failures - 1, 20), LONGEST_WAIT)
        self._rest_until = self.clock() + max(wait, error.after)


def test_message(now: datetime.datetime) -> Message:
    """What the test button and the command send; named so that nobody takes it for an alarm."""
    lines = ["This is a test. Alerts of the monitor arrive here."]
    return outbox.message("test", "Test of the monitor's alerts", lines, server(), "/", now)
