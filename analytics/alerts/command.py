"""``python -m analytics alerts``: what would be told, sent now, tried out, acknowledged, muted."""

from __future__ import annotations

import argparse
import copy
import datetime
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from analytics.alerts import chat, sending
from analytics.alerts import ledger as outbox
from analytics.alerts.ledger import Entry, Ledger
from analytics.alerts.open_alerts import title
from analytics.alerts.rules import Rules, RulesError, proposal
from analytics.wording import count
from analytics.words.notes import when
from data.home import existing, named
from data.outgoing import alert_files
from data.outgoing.delivery import NotDelivered
from data.remote import StoreAccess
from data.words.terminal import one_line

PATIENCE = 60.0
"""Seconds that --send tries a receiver that fails."""


def add_alerts(commands: Any) -> None:
    """Add the command to those of ``python -m analytics``."""
    parser = commands.add_parser(
        "alerts", help="who is alerted to what: sent now, tried out, acknowledged, muted"
    )
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--proposal", action="store_true", help="print commented rules to start from")
    does.add_argument("--test", action="store_true", help="send one message that says it is a test")
    does.add_argument("--send", action="store_true", help="look, and send what waits, now")
    does.add_argument("--dry-run", action="store_true", help="print what --send would send")
    does.add_argument("--acknowledge", metavar="R", help="a run or loop that somebody looks after")
    does.add_argument("--mute", metavar="R", help="a run or loop to mute")
    parser.add_argument(
        "--until", type=datetime.date.fromisoformat, metavar="DATE", help="of --mute"
    )
    parser.add_argument("--by", metavar="NAME", help="who acknowledges or mutes")
    parser.add_argument("--patience", type=float, default=PATIENCE, metavar="S",
                      help="seconds that --send goes on trying")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.set_defaults(do=run)


def run(options: argparse.Namespace) -> int:
    """0 = done, 1 = no rules, no such alert, or the receiver did not take it."""
    if options.proposal:
        print(proposal(), end="")
        return 0
    if options.acknowledge is not None or options.mute is not None:
        return _by_hand(options, existing())
    if not (options.test or options.send or options.dry_run):
        _show(sending.ledger_of(existing()), options.json)
        return 0
    place = named()
    try:
        rules = sending.rules_of(place)
        if rules is None:
            raise RulesError(_no_rules(place))
    except RulesError as error:
        return _failed(str(error))
    if options.test:
        return _test(rules)
    place = existing()
    return _dry_run(place, rules, options.json) if options.dry_run else _send(place, rules, options)


def _no_rules(place: Path) -> str:
    folder = "." if place.is_dir() else ", nor is the folder. Is OVEROPT_HOME right?"
    return (
        f"there are no rules: {alert_files.rules_file(place)} is not there{folder} Begin with: "
        "python -m analytics alerts --proposal"
    )


def _test(rules: Rules) -> int:
    try:
        sending.delivering(rules)(sending.test_message(_now()))
    except NotDelivered as error:
        return _failed(f"the test was not delivered: {error}")
    print("The test was delivered.")
    return 0


def _dry_run(place: Path, rules: Rules, as_json: bool) -> int:
    ledger = copy.deepcopy(sending.ledger_of(place))
    with StoreAccess(place) as store:
        sending.judge_missing(store)
        sending.look(store, rules, _now(), ledger)
    if as_json:
        print(json.dumps([chat.as_chat(one) for one in ledger["queue"]], indent=1))
        return 0
    for one in ledger["queue"]:
        print(f"{one_line(one['title'], 300)}\n{chat.as_text(one)}\n")
    print(f"{count(len(ledger['queue']), 'message')}; nothing was sent.")
    return 0


def _send(place: Path, rules: Rules, options: argparse.Namespace) -> int:
    with StoreAccess(place) as store:
        sending.judge_missing(store)
        sending.look(store, rules, _now())
    box = sending.Outbox(place, time.monotonic)
    taken = patiently(box, sending.delivering(rules), options.patience, threading.Event().wait)
    waits = len(sending.ledger_of(place)["queue"])
    if options.json:
        print(json.dumps({"sent": taken, "waiting": waits, "failure": box.failure}))
    else:
        print(f"{count(taken, 'message')} sent, {waits} waiting.")
    return _failed(f"{box.failure}; it is tried again") if waits and box.failure else 0


def patiently(
    box: sending.Outbox, deliver: sending.Deliver, patience: float,
    wait: Callable[[float], object],
) -> int:  # fmt: skip
    """Send, and try again until all is sent or patience (seconds) is at its end; how many went."""
    end = box.clock() + patience
    taken = box.send(deliver, _now)
    while (
        box.failure and sending.ledger_of(box.home)["queue"] and box.clock() + box.resting() < end
    ):
        wait(box.resting())
        taken += box.send(deliver, _now)
    return taken


def _by_hand(options: argparse.Namespace, place: Path) -> int:
    if not (options.by or "").strip():
        return _failed("say who: --by NAME")
    if options.acknowledge is not None:
        with sending.changing(place) as ledger:
            done = outbox.acknowledge(ledger, options.acknowledge, options.by, _now())
        if done:
            print("Acknowledged: no digest names it until something changes.")
            return 0
        return _failed("there is no alert about it; see: python -m analytics alerts")
    if options.until is None or options.until < _now().date():
        return _failed("say until when, a day to come: --until DATE")
    with sending.changing(place) as ledger:
        outbox.mute(ledger, options.mute, options.until, options.by)
    print(f"Muted until {options.until}.")
    return 0


def _show(ledger: Ledger, as_json: bool) -> None:
    if as_json:
        print(json.dumps({
            "alerts": list(ledger["alerts"].values()), "waiting": ledger["queue"],
            "aside": ledger["aside"], "acknowledged": ledger["acknowledged"],
            "muted": ledger["muted"], "sent": ledger["sent"],
        }, indent=1))  # fmt: skip
        return
    for line in state_lines(ledger) or ["Nothing is open, and nothing waits."]:
        print(one_line(line, 300))


def state_lines(ledger: Ledger) -> list[str]:
    """What is told, what waits, what was put aside, in sentences; texts as they are."""
    lines = [f"{title(one['kind'], one['subject'])}, {since(ledger, one)}"
            for one in ledger["alerts"].values()]  # fmt: skip
    return lines + waiting_lines(ledger)


def since(ledger: Ledger, entry: Entry) -> str:
    """Since when an alert is there, and who looks after it."""
    by = ledger["acknowledged"].get(entry["subject"])
    seen = f"; acknowledged by {by['by']}" if by else ""
    why = f" ({entry['why']})" if entry.get("why") else ""
    over = f"; over since {when({'at': entry['gone']})} UTC{why}" if entry["gone"] else ""
    return f"since {when({'at': entry['since']})} UTC{over}{seen}"


def waiting_lines(ledger: Ledger) -> list[str]:
    """What waits to be sent, what the receiver refused, what is muted."""
    lines = [f"Waits to be sent: {one['title']}" for one in ledger["queue"]]
    lines += [f"The receiver refused: {one['title']} ({one['why']})" for one in ledger["aside"]]
    return lines + [
        f"Muted until {one['until']} by {one['by']}: {chat.plain(name, 120)}"
        for name, one in ledger["muted"].items()
    ]


def _failed(reason: str) -> int:
    print(one_line(reason, 500), file=sys.stderr)
    return 1


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
