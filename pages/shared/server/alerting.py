"""Alerts in the background, where rules lie beside the store; and what the page asks and does.

A thread of its own: a receiver that does not answer keeps neither a page nor a verdict waiting.
"""

from __future__ import annotations

import datetime
import sys
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from analytics.alerts import command, sending
from analytics.alerts import ledger as outbox
from analytics.alerts.ledger import Ledger
from analytics.alerts.open_alerts import title
from analytics.alerts.rules import Rules
from analytics.alerts.rules import RulesError as RulesError
from analytics.alerts.rules import proposal as proposal
from analytics.wording import number
from data.home import home
from data.outgoing import alert_files
from data.outgoing.delivery import NotDelivered as NotDelivered
from data.store import Store

TICK = 2.0
"""Seconds between looks at whether there are rules and something waits."""
LOOK_EVERY = 30.0
"""Seconds between looks at the store: so long a live run's next verdict waits here at most."""
AGAIN = 600.0
"""Seconds after which it is looked again though nothing has changed: days and hours pass."""
TESTS_EVERY = 30.0
_tested: list[float] = []
_boxes: list[sending.Outbox] = []


class Watch:
    """Looks after a store has changed, or after a while; sends what waits."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing happens before ``turn``. clock: seconds that only go up."""
        self.box = sending.Outbox(store.home, clock)
        self._store, self._clock = store, clock
        self._seen: object = None
        self._looked = -AGAIN
        self.failure = ""

    def turn(self) -> None:
        """One look, where one is due, and one attempt to send."""
        try:
            rules = sending.rules_of(self._store.home)
        except RulesError as error:
            self._say(str(error))
            return
        self._say("")
        if rules is None:
            return
        self._look(rules)
        self.box.send(sending.delivering(rules), _now)

    def _look(self, rules: Rules) -> None:
        store, now = self._store, self._clock()
        state = store.generation, store.verdicts_saved, store.indicators_saved
        waited = now - self._looked
        if waited >= AGAIN or (state != self._seen and waited >= LOOK_EVERY):
            if sending.look(store, rules, _now()):
                self._seen = state
            self._looked = now

    def _say(self, text: str) -> None:
        if text and text != self.failure:
            print(f"Alerts are not sent: {text}", file=sys.stderr, flush=True)
        self.failure = text


def start(store: Store) -> Callable[[], None]:
    """Start looking and sending; returns what stops it."""
    stopping, watch = threading.Event(), Watch(store)
    _boxes[:] = [watch.box]

    def work() -> None:
        while not stopping.wait(TICK):
            try:
                watch.turn()
            except Exception as error:  # a full disk, a store that is being closed
                if not stopping.is_set():
                    watch._say(repr(error))
                    stopping.wait(LOOK_EVERY)

    thread = threading.Thread(target=work, daemon=True, name="alerts")
    thread.start()

    def stop() -> None:
        stopping.set()
        thread.join(2)  # what a receiver keeps waiting is sent again by the next server

    return stop


def rules() -> Rules | None:
    """The rules, None where there are none.

    Raises:
        RulesError: they cannot be read.
    """
    return sending.rules_of(home())


def rules_file() -> str:
    """Where the rules lie, or would."""
    return str(alert_files.rules_file(home()))


def ledger() -> Ledger:
    """What was told, and what waits."""
    return sending.ledger_of(home())


def failure() -> str:
    """Why the last attempt to send failed; empty where it did not."""
    return _boxes[0].failure if _boxes else ""


class Line(NamedTuple):
    """An alert on the page: its name, the address of its view, what it says, since when."""

    name: str
    link: str
    what: str
    since: str


def lines(ledger: Ledger) -> list[Line]:
    """Every alert that is open, or was until a day ago."""
    return [
        Line(title(one["kind"], one["subject"]), one["link"], one["what"],
             command.since(ledger, one))
        for one in ledger["alerts"].values()
    ]  # fmt: skip


def waiting(ledger: Ledger) -> list[str]:
    """What waits to be sent, what was refused, what is muted, in sentences."""
    return command.waiting_lines(ledger)


def test(by: Rules) -> None:
    """Send one message that says it is a test.

    Raises:
        NotDelivered: the receiver did not take it, or the last test was just now.
    """
    if _tested and time.monotonic() - _tested[-1] < TESTS_EVERY:
        raise NotDelivered(f"one test in {number(TESTS_EVERY)} seconds is enough")
    _tested[:] = [time.monotonic()]
    sending.delivering(by)(sending.test_message(_now()))


def acknowledge(subject: str, by: str) -> bool:
    """Somebody looks after what is told of a subject; False where nothing is any more."""
    with sending.changing(home()) as ledger:
        return outbox.acknowledge(ledger, subject, by, _now())


def mute(subject: str, until: datetime.date, by: str) -> None:
    """Tell nothing of a subject up to and with a day."""
    with sending.changing(home()) as ledger:
        outbox.mute(ledger, subject, until, by)


def open_subjects(ledger: Ledger) -> list[str]:
    """Runs and loops that something is told of now."""
    return list(
        dict.fromkeys(one["subject"] for one in ledger["alerts"].values() if not one["gone"])
    )


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
