"""The ledger of alerts: what was told and to whom it need not be told, and the queue of messages.

It is a plain dictionary that goes to the disk as JSON, so that what was decided and what
waits to be sent are written in one piece: a kill between the two neither loses a message nor
makes it twice. Messages leave in the order of their numbers.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Required, TypedDict, TypeGuard

from analytics.alerts import chat
from analytics.alerts.open_alerts import KINDS
from analytics.alerts.rules import Rules

DAY = datetime.timedelta(days=1)
MOST_REMEMBERED = 200
MOST_REFUSED = 10
"""So often a receiver may refuse one message before the others go on without it."""


class Entry(TypedDict, total=False):
    """What was told of one subject and one kind of alert; times as `stamp` writes them.

    gone: since when it holds no more, None while it does; quiet: why nobody is pinged (QUIET).
    """

    kind: Required[str]
    subject: Required[str]
    since: Required[str]
    gone: Required[str | None]
    pinged: Required[str | None]
    told: Required[bool]
    why: Required[str]
    quiet: Required[str]
    cause: Required[str]
    what: Required[str]
    sure: Required[str]
    errs: Required[str]
    link: Required[str]
    adopted: Required[bool]
    left: str
    capped: str


class Message(TypedDict, total=False):
    """A message of the queue. trying: it is on its way; refused: how often; why: put aside."""

    id: Required[str]
    number: Required[int]
    made: Required[str]
    level: Required[str]
    title: Required[str]
    lines: Required[list[str]]
    key: Required[str]
    trying: Required[bool]
    link: Required[str]
    where: Required[str]
    refused: int
    why: str


class Receipt(TypedDict):
    """A message that was taken."""

    id: str
    title: str
    level: str
    at: str


class Acknowledged(TypedDict):
    """Who has seen what is told of a subject, and when."""

    by: str
    at: str


class Muted(TypedDict):
    """Up to which day nothing is told of a subject, and by whose wish."""

    until: str
    by: str


class Ledger(TypedDict, total=False):
    """All that is kept of alerts."""

    version: Required[int]
    number: Required[int]
    queue: Required[list[Message]]
    sent: Required[list[Receipt]]
    aside: Required[list[Message]]
    alerts: Required[dict[str, Entry]]
    rows: Required[dict[str, int]]
    statuses: Required[dict[str, str]]
    acknowledged: Required[dict[str, Acknowledged]]
    muted: Required[dict[str, Muted]]
    digest: Required[str | None]
    own: dict[str, list[str]]
    beyond_cap: str
    past_pings: list[str]


def fresh() -> Ledger:
    """The ledger before the first look."""
    return {
        "version": 1, "number": 0, "queue": [], "sent": [], "aside": [], "alerts": {}, "rows": {},
        "statuses": {}, "acknowledged": {}, "muted": {}, "digest": None,
    }  # fmt: skip


def put(
    ledger: Ledger, now: datetime.datetime, level: str, title: str, lines: Iterable[str],
    server: str, path: str, key: str = "",
) -> None:  # fmt: skip
    """Put a message at the end of the queue."""
    ledger["number"] += 1
    ledger["queue"].append({
        "id": f"{str(ledger['number']).zfill(8)}-{now:%Y%m%dT%H%M%S}", "number": ledger["number"],
        "made": stamp(now), "level": level, "title": title, "lines": list(lines), "key": key,
        "trying": False,
        "link": chat.link(server, path), "where": chat.where(server, path),
    })  # fmt: skip


def message(
    level: str, title: str, lines: Sequence[str], server: str, path: str, now: datetime.datetime
) -> Message:
    """A message that stands in no queue: the test."""
    ledger = fresh()
    put(ledger, now, level, title, lines, server, path)
    return ledger["queue"][0] | {"id": f"test-{now:%Y%m%dT%H%M%S%f}"}


def next_message(ledger: Ledger) -> Message | None:
    """The message that is to leave next, marked as on its way; None where none waits."""
    if not ledger["queue"]:
        return None
    ledger["queue"][0]["trying"] = True
    return ledger["queue"][0].copy()


def not_delivered(ledger: Ledger, name: str, why: str, refused: bool) -> None:
    """A message was not taken: it waits, and may be worded anew.

    One that the receiver has refused so often that it will not have it is put aside. The count
    stands with the message, so that it is the same for a server and for a timer's commands.
    """
    for message in [one for one in ledger["queue"] if one["id"] == name]:
        message["trying"] = False
        message["refused"] = message.get("refused", 0) + refused
        if message["refused"] >= MOST_REFUSED:
            set_aside(ledger, name, why)


def delivered(ledger: Ledger, name: str, now: datetime.datetime) -> None:
    """A message was taken by the receiver."""
    for message in [one for one in ledger["queue"] if one["id"] == name]:
        ledger["queue"].remove(message)
        ledger["sent"].append({
            "id": name, "title": message["title"], "level": message["level"], "at": stamp(now),
        })  # fmt: skip


def set_aside(ledger: Ledger, name: str, why: str) -> None:
    """A message that the receiver refuses for good: the others go on, and it is kept."""
    for message in [one for one in ledger["queue"] if one["id"] == name]:
        ledger["queue"].remove(message)
        ledger["aside"].append(message | {"why": chat.plain(why)})


def acknowledge(ledger: Ledger, subject: str, by: str, now: datetime.datetime) -> bool:
    """Somebody has seen what is told of a subject; False where nothing is."""
    if not any(h["subject"] == subject and not h["gone"] for h in ledger["alerts"].values()):
        return False
    ledger["acknowledged"][subject] = {"by": chat.plain(by, 80), "at": stamp(now)}
    return True


def mute(ledger: Ledger, subject: str, until: datetime.date, by: str) -> None:
    """Tell nothing of a subject up to and with a day; a day that is over ends it."""
    ledger["muted"][subject] = {"until": str(until), "by": chat.plain(by, 80)}


def hushed(ledger: Ledger, rules: Rules, subject: str, now: datetime.datetime) -> bool:
    """Whether somebody looks after a subject, or wants to hear nothing of it."""
    return subject in ledger["acknowledged"] or muted(ledger, rules, subject, now)


def muted(ledger: Ledger, rules: Rules, subject: str, now: datetime.datetime) -> bool:
    """Whether nothing of a subject is told now."""
    until = ledger["muted"].get(subject)
    by_hand = until is not None and str(now.date()) <= until["until"]
    return by_hand or any(one.holds(subject, now.date()) for one in rules.mutes)


def tidy(ledger: Ledger, rules: Rules, now: datetime.datetime) -> None:
    """Forget what was told (or no message would tell) and is over, but for how many pings the last
    day had."""
    untold = rules["digest.every"] == "never"
    over = [
        key for key, entry in ledger["alerts"].items()
        if entry["gone"] and now - time_of(entry["gone"]) >= DAY
        and (entry["told"] or (untold and entry["quiet"] != "cap"))
    ]  # fmt: skip
    past = [ledger["alerts"].pop(key)["pinged"] for key in over]
    recent = [at for at in [*ledger.get("past_pings", []), *past] if at and now - time_of(at) < DAY]
    ledger["past_pings"] = recent
    ledger["muted"] = {
        name: one for name, one in ledger["muted"].items() if one["until"] >= str(now.date())
    }
    there = {entry["subject"] for entry in ledger["alerts"].values()}
    kept = {name: one for name, one in ledger["acknowledged"].items() if name in there}
    ledger["acknowledged"] = kept
    ledger["sent"] = ledger["sent"][-MOST_REMEMBERED:]


def usable(ledger: object) -> TypeGuard[Ledger]:
    """Whether something read from the disk is a ledger of this program."""
    return (
        isinstance(ledger, dict) and ledger.get("version") == 1 and set(fresh()) <= set(ledger)
        and all(isinstance(ledger[key], type(value)) for key, value in fresh().items()
                if value is not None)
        and all(isinstance(one, dict) and one.get("kind") in KINDS
                for one in ledger["alerts"].values())
    )  # fmt: skip


def stamp(at: datetime.datetime) -> str:
    """A moment as the ledger has it: ISO 8601, UTC, to the second."""
    return at.astimezone(datetime.UTC).isoformat(timespec="seconds")


def time_of(text: str) -> datetime.datetime:
    """The moment of a stamp."""
    return datetime.datetime.fromisoformat(text)
