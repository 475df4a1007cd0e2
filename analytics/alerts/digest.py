"""What a digest tells: what changed since the last one, and what no message told by itself."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from analytics.alerts import chat
from analytics.alerts.ledger import DAY, Entry, Ledger, hushed, muted, put, stamp, time_of
from analytics.alerts.open_alerts import title
from analytics.alerts.raised import OVER
from analytics.alerts.rules import DAYS, Rules
from analytics.wording import count

MOST_LINES = 20
QUIET = {
    "known": "it stood before alerts were on",
    "program": "on as many rows as before: by the program, a setting, or values written anew",
    "cap": "not sent by itself: the day's most was reached",
    "": "",
}
"""Why an alert pings nobody."""


def pings_soon(held: Entry, rules: Rules) -> bool:
    """Whether an alert is told by a ping as soon as it has settled, if nobody hushes it."""
    done = held["gone"] or held["pinged"] or held["quiet"]
    return not done and bool(held["adopted"]) and bool(rules[f"ping.{held['kind']}"])


def digest_due(last: str, rules: Rules, now: datetime.datetime) -> bool:
    """Whether the hour of a digest has struck since the last one."""
    every = rules["digest.every"]
    return every != "never" and time_of(last) < _struck(rules, now, every == "week")


def _struck(rules: Rules, now: datetime.datetime, weekly: bool) -> datetime.datetime:
    """When the digest's hour struck last, of the digest's weekday with ``weekly``."""
    struck = now.replace(hour=rules["digest.hour"], minute=0, second=0, microsecond=0)
    if weekly:
        struck -= DAY * ((now.weekday() - DAYS.index(rules["digest.weekday"])) % 7)
    return struck - DAY * (7 if weekly else 1) if struck > now else struck


def digest(
    ledger: Ledger, rules: Rules, now: datetime.datetime, statuses: Mapping[str, str],
    further: Sequence[str], server: str,
) -> None:  # fmt: skip
    """Put the digest into the queue. Alerts that it has no room for wait for the next one."""
    begin = ledger["digest"]
    news = [held for held in ledger["alerts"].values() if _is_news(ledger, rules, held, now)]
    changed = _statuses(ledger, statuses, rules, now)
    lines = [*map(_line, news), *further, *changed]
    still = _still(ledger, rules, now)
    ledger["digest"], ledger["statuses"] = stamp(now), dict(statuses)
    _told(ledger, news[:MOST_LINES], now)
    for held in ledger["alerts"].values():
        if held["quiet"] != "cap" and muted(ledger, rules, held["subject"], now):
            held["told"] = True
    if not lines and not rules["digest.when_empty"]:
        return
    path = f"/this-week?since={begin[:10]}"
    said = [*chat.cut(lines, MOST_LINES), *still] or ["Nothing changed."]
    changes = count(len(lines), "change") if lines else "nothing changed"
    put(ledger, now, "digest", f"Since {begin[:16].replace('T', ' ')} UTC: {changes}", said,
        server, path)  # fmt: skip


def beyond_the_cap(
    ledger: Ledger, rules: Rules, now: datetime.datetime, server: str
) -> None:  # fmt: skip
    """One message on what the day's most of pings held back, where no digest tells it that day.

    So nothing is lost with a weekly digest, or with none. It goes out when the digest's hour
    strikes next, and what it has no room for is told a day later.
    """
    struck = _struck(rules, now, False)
    held_back = [
        held for held in ledger["alerts"].values()
        if held["quiet"] == "cap" and not held["told"]
        and not hushed(ledger, rules, held["subject"], now)
    ]  # fmt: skip
    oldest = min((_capped(held) for held in held_back), default=now)
    last = ledger.get("beyond_cap")
    if oldest >= struck or (last and time_of(last) >= struck):
        return
    listed = held_back[:MOST_LINES]
    more = len(held_back) - len(listed)
    said = [
        *map(_line, listed),
        *([f"and {count(more, 'more alert')}, sent a day later"] if more else []),
    ]
    put(ledger, now, "digest",
        f"{count(len(held_back), 'alert')} beyond the day's most of pings", said, server,
        f"/this-week?since={stamp(oldest)[:10]}")  # fmt: skip
    _told(ledger, listed, now)


def _told(ledger: Ledger, listed: Sequence[Entry], now: datetime.datetime) -> None:
    ledger["beyond_cap"] = stamp(now)
    for held in listed:
        held["told"] = True


def _capped(held: Entry) -> datetime.datetime:
    return time_of(held.get("capped") or held["since"])


def _is_news(ledger: Ledger, rules: Rules, held: Entry, now: datetime.datetime) -> bool:
    """Whether no message has told it yet, and none is about to: raised, gone, or both."""
    if held["told"] or muted(ledger, rules, held["subject"], now):
        return False
    return not pings_soon(held, rules) or held["subject"] in ledger["acknowledged"]


def _line(held: Entry) -> str:
    name = title(held["kind"], held["subject"])
    if held["gone"]:
        over = held.get("left") or OVER[held["kind"]]
        return chat.plain(f"{over}: {name}: {held['why'] or 'does not hold any more'}", 400)
    note = QUIET[held["quiet"]] or ("" if held["adopted"] else "a policy nobody chose")
    cause = held.get("cause", "")
    notes = "; ".join(part for part in (f"{cause[:1].lower()}{cause[1:]}", note) if part)
    said = chat.plain(f"{name}: {held['what']}", 400)
    return f"{said} ({notes})" if notes else said


def _still(ledger: Ledger, rules: Rules, now: datetime.datetime) -> list[str]:
    """One line on what was told before and nobody has acknowledged."""
    names = [
        title(held["kind"], held["subject"]) for held in ledger["alerts"].values()
        if held["told"] and not held["gone"] and not hushed(ledger, rules, held["subject"], now)
    ]  # fmt: skip
    if not names:
        return []
    return [f"Still open, acknowledged by nobody: {'; '.join(chat.cut(names, 6))}"]


def _statuses(
    ledger: Ledger, statuses: Mapping[str, str], rules: Rules, now: datetime.datetime
) -> list[str]:
    """Verdicts that changed since the last digest, runs that came; of alerts more is told."""
    told = {held["subject"] for held in ledger["alerts"].values() if held["kind"] == "alarm"}
    before, lines, new = ledger["statuses"], [], []
    for run, status in sorted(statuses.items()):
        if run in told or muted(ledger, rules, run, now):
            continue
        if run not in before:
            new.append(run)
        elif before[run] != status:
            lines.append(f"{chat.plain(run, 120)}: {before[run]} → {status}")
    if new:
        names = chat.cut([chat.plain(run, 120) or "(a blank name)" for run in new], 5)
        lines.append(f"{count(len(new), 'new run')}: {', '.join(names)}")
    return lines


def switched_on(ledger: Ledger, now: datetime.datetime, rules: Rules, server: str) -> None:
    """The first message: that alerts are on, and what stands already. It pings nobody further."""
    names = [
        title(held["kind"], held["subject"]) for held in ledger["alerts"].values()
        if not muted(ledger, rules, held["subject"], now)
    ]  # fmt: skip
    for held in ledger["alerts"].values():
        held["told"] = True
    lines = [f"Stands already: {name}" for name in chat.cut(names, MOST_LINES)]
    put(ledger, now, "digest", "Alerts are on", lines or ["Nothing is open that would be sent."],
        server, "/this-week")  # fmt: skip
