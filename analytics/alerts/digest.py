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


def pings_soon(entry: Entry, rules: Rules) -> bool:
    """Whether an alert is told by a ping as soon as it has settled, if nobody hushes it."""
    done = entry["gone"] or entry["pinged"] or entry["quiet"]
    return not done and bool(entry["adopted"]) and bool(rules[f"ping.{entry['kind']}"])


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
    begin = ledger["digest"] or stamp(now)
    news = [entry for entry in ledger["alerts"].values() if _is_news(ledger, rules, entry, now)]
    changed = _statuses(ledger, statuses, rules, now)
    lines = [*map(_line, news), *further, *changed]
    still = _still(ledger, rules, now)
    ledger["digest"], ledger["statuses"] = stamp(now), dict(statuses)
    _message(ledger, news[:MOST_LINES], now)
    for entry in ledger["alerts"].values():
        if entry["quiet"] != "cap" and muted(ledger, rules, entry["subject"], now):
            entry["told"] = True
    if not lines and not rules["digest.when_empty"]:
        return
    path = f"/this-week?since={begin[:10]}"
    shown = [*chat.cut(lines, MOST_LINES), *still] or ["Nothing changed."]
    changes = count(len(lines), "change") if lines else "nothing changed"
    put(ledger, now, "digest", f"Since {begin[:16].replace('T', ' ')} UTC: {changes}", shown,
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
        entry for entry in ledger["alerts"].values()
        if entry["quiet"] == "cap" and not entry["told"]
        and not hushed(ledger, rules, entry["subject"], now)
    ]  # fmt: skip
    oldest = min((_capped(entry) for entry in held_back), default=now)
    last = ledger.get("beyond_cap")
    if oldest >= struck or (last and time_of(last) >= struck):
        return
    listed = held_back[:MOST_LINES]
    more = len(held_back) - len(listed)
    lines = [
        *map(_line, listed),
        *([f"and {count(more, 'more alert')}, sent a day later"] if more else []),
    ]
    put(ledger, now, "digest",
        f"{count(len(held_back), 'alert')} beyond the day's most of pings", lines, server,
        f"/this-week?since={stamp(oldest)[:10]}")  # fmt: skip
    _message(ledger, listed, now)


def _message(ledger: Ledger, listed: Sequence[Entry], now: datetime.datetime) -> None:
    ledger["beyond_cap"] = stamp(now)
    for entry in listed:
        entry["told"] = True


def _capped(entry: Entry) -> datetime.datetime:
    return time_of(entry.get("capped") or entry["since"])


def _is_news(ledger: Ledger, rules: Rules, entry: Entry, now: datetime.datetime) -> bool:
    """Whether no message has told it yet, and none is about to: raised, gone, or both."""
    if entry["told"] or muted(ledger, rules, entry["subject"], now):
        return False
    return not pings_soon(entry, rules) or entry["subject"] in ledger["acknowledged"]


def _line(entry: Entry) -> str:
    name = title(entry["kind"], entry["subject"])
    if entry["gone"]:
        over = entry.get("left") or OVER[entry["kind"]]
        return chat.plain(f"{over}: {name}: {entry['why'] or 'does not hold any more'}", 400)
    note = QUIET[entry["quiet"]] or ("" if entry["adopted"] else "a policy nobody chose")
    cause = entry.get("cause", "")
    notes = "; ".join(part for part in (f"{cause[:1].lower()}{cause[1:]}", note) if part)
    line = chat.plain(f"{name}: {entry['what']}", 400)
    return f"{line} ({notes})" if notes else line


def _still(ledger: Ledger, rules: Rules, now: datetime.datetime) -> list[str]:
    """One line on what was told before and nobody has acknowledged."""
    names = [
        title(entry["kind"], entry["subject"]) for entry in ledger["alerts"].values()
        if entry["told"] and not entry["gone"] and not hushed(ledger, rules, entry["subject"], now)
    ]  # fmt: skip
    if not names:
        return []
    return [f"Still open, acknowledged by nobody: {'; '.join(chat.cut(names, 6))}"]


def _statuses(
    ledger: Ledger, statuses: Mapping[str, str], rules: Rules, now: datetime.datetime
) -> list[str]:
    """Verdicts that changed since the last digest, runs that came; of alerts more is told."""
    judged_runs = {
        entry["subject"] for entry in ledger["alerts"].values() if entry["kind"] == "alarm"
    }
    before, lines, new = ledger["statuses"], [], []
    for run, status in sorted(statuses.items()):
        if run in judged_runs or muted(ledger, rules, run, now):
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
        title(entry["kind"], entry["subject"]) for entry in ledger["alerts"].values()
        if not muted(ledger, rules, entry["subject"], now)
    ]  # fmt: skip
    for entry in ledger["alerts"].values():
        entry["told"] = True
    lines = [f"Stands already: {name}" for name in chat.cut(names, MOST_LINES)]
    put(ledger, now, "digest", "Alerts are on", lines or ["Nothing is open that would be sent."],
        server, "/this-week")  # fmt: skip
