"""When an alert is told: what a look at the store changes in the ledger, and what pings."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence

from analytics.alerts import chat
from analytics.alerts.digest import beyond_the_cap, digest, digest_due, pings_soon, switched_on
from analytics.alerts.ledger import DAY, Entry, Ledger, hushed, put, stamp, tidy, time_of
from analytics.alerts.open_alerts import Alert, title
from analytics.alerts.raised import OTHERS, Own, lead, left, raised_by
from analytics.alerts.rules import Rules


def look(
    ledger: Ledger, found: Sequence[Alert], rules: Rules, now: datetime.datetime,
    rows: Mapping[str, int], statuses: Mapping[str, str], gone: Mapping[str, str],
    further: Sequence[str] = (), server: str = "", waiting: Collection[str] = (),
    own: Mapping[str, Own] | None = None,
) -> None:  # fmt: skip
    """Take in how the store is, and put into the queue what is to be told.

    Args:
        ledger: changed in place.
        found: what should be told of the store now.
        rules: who is told, when.
        now: this moment, with its zone.
        rows: how many rows each run has, of those whose verdict is of all of them.
        statuses: each run's status, in words.
        gone: why an alarm does not stand any more, by run.
        further: lines that belong into the next digest, whatever was told before.
        server: where links lead.
        waiting: runs that this program has not judged yet: with them all stays as it was.
        own: what each run shows by itself, of ``raised.own``; None = not known.
    """
    statuses = {**{run: ledger["statuses"][run] for run in waiting if run in ledger["statuses"]},
                **statuses}  # fmt: skip
    there, first = {*statuses, *waiting}, ledger["digest"] is None
    before = ledger.get("own", {})
    own = {**{run: before[run] for run in waiting if run in before}, **(own or {})}
    _take_in(ledger, found, now, rows, own, first)
    _let_go(ledger, found, now, gone, waiting, there)
    if first:
        ledger["digest"] = stamp(now)
        ledger["statuses"] = dict(statuses)
        switched_on(ledger, now, rules, server)
    else:
        _ping(ledger, rules, now, server)
        if ledger["digest"] and digest_due(ledger["digest"], rules, now):
            digest(ledger, rules, now, statuses, further, server)
        else:
            beyond_the_cap(ledger, rules, now, server)
    ledger["rows"] = {r: n for r, n in {**ledger["rows"], **rows}.items() if r in there}
    ledger["own"] = {run: list(one) for run, one in own.items()}
    tidy(ledger, rules, now)


def _take_in(
    ledger: Ledger, found: Sequence[Alert], now: datetime.datetime, rows: Mapping[str, int],
    own: Mapping[str, Own], first: bool,
) -> None:  # fmt: skip
    for alert in found:
        what, sure = chat.plain(alert.what, 600), chat.plain(alert.sure, 400)
        errs, link = chat.plain(alert.errs, 600), chat.path(alert.link)
        known = ledger["alerts"].get(alert.key)
        if known is None or _back_after_a_day(known, now):
            cause = raised_by(alert, ledger["rows"], rows, ledger.get("own", {}), own)
            known = {
                "kind": alert.kind, "subject": alert.subject, "since": stamp(now), "gone": None,
                "pinged": None, "told": False, "why": "",
                "quiet": "known" if first else "" if cause == OTHERS else cause,
                "cause": lead(alert.subject, cause, ledger["rows"], rows),
                "what": what, "sure": sure, "errs": errs, "link": link, "adopted": alert.adopted,
            }  # fmt: skip
            ledger["alerts"][alert.key] = known
            ledger["acknowledged"].pop(alert.subject, None)
        entry, back = known, bool(known["gone"])
        if back:
            entry |= {"gone": None, "why": "", "left": "", "told": False}
        entry |= {
            "what": what, "sure": sure, "errs": errs, "link": link, "adopted": alert.adopted,
        }  # fmt: skip
        if back:
            _reword(ledger, alert.key, entry)


def _back_after_a_day(entry: Entry, now: datetime.datetime) -> bool:
    return entry["gone"] is not None and now - time_of(entry["gone"]) >= DAY


def _let_go(
    ledger: Ledger, found: Sequence[Alert], now: datetime.datetime, gone: Mapping[str, str],
    waiting: Collection[str], there: Collection[str],
) -> None:  # fmt: skip
    """What does not hold any more. A ping of it that waits says so, and stays one message."""
    holds = {alert.key for alert in found}
    for key, entry in ledger["alerts"].items():
        forgotten = entry["subject"] not in there
        if entry["gone"] and forgotten and not entry["told"]:
            # what became of it meanwhile
            entry["left"], entry["why"] = left(entry["kind"], "", forgotten=True)
        if key in holds or entry["gone"] or entry["subject"] in waiting:
            continue
        why = gone.get(entry["subject"], "") if entry["kind"] == "alarm" else ""
        entry |= {"gone": stamp(now), "told": False}
        entry["left"], entry["why"] = left(entry["kind"], why, forgotten)
        _reword(ledger, key, entry)


def _reword(ledger: Ledger, key: str, entry: Entry) -> None:
    """Have a ping that still waits say how things are now: raised and withdrawn is one message.

    Not one that is on its way: the digest tells then what became of it.
    """
    for message in ledger["queue"]:
        if message["key"] == key and not message["trying"]:
            name = title(entry["kind"], entry["subject"])
            why = entry["why"].rstrip(".")
            over = [f"{why[:1].upper()}{why[1:]}."] if entry["gone"] else []
            message["title"] = f"{entry['left']}: {name}" if over else name
            message["lines"] = [*over, *_lines(entry)]
            entry["told"] = True


def _lines(entry: Entry) -> list[str]:
    """What an alert says by itself: why only now where that is not its own doing, then the rest."""
    cause = entry.get("cause", "")
    return [*([f"{cause}."] if cause else []), entry["what"], entry["sure"], entry["errs"]]


def _ping(ledger: Ledger, rules: Rules, now: datetime.datetime, server: str) -> None:
    settle = datetime.timedelta(minutes=rules["ping.settle_minutes"])
    for key, entry in sorted(ledger["alerts"].items(), key=lambda one: (one[1]["since"], one[0])):
        if not pings_soon(entry, rules) or now - time_of(entry["since"]) < settle:
            continue
        if hushed(ledger, rules, entry["subject"], now):
            continue
        if _pings(ledger, now) >= rules["ping.most_per_day"]:
            entry |= {"quiet": "cap", "capped": stamp(now)}
            continue
        entry |= {"pinged": stamp(now), "told": True}
        put(
            ledger,
            now=now,
            level="ping",
            title=title(entry["kind"], entry["subject"]),
            lines=_lines(entry),
            server=server,
            path=entry["link"],
            key=key,
        )


def _pings(ledger: Ledger, now: datetime.datetime) -> int:
    """Pings of the last 24 hours."""
    times = [entry["pinged"] for entry in ledger["alerts"].values() if entry["pinged"]]
    return sum(now - time_of(at) < DAY for at in [*times, *ledger.get("past_pings", [])])
