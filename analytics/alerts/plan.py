"""When an alert is told: the ledger of what was told, and what is to be sent next.

The ledger is a plain dictionary that goes to the disk as JSON, so that what was decided and what
waits to be sent are written in one piece: a kill between the two neither loses a message nor
makes it twice. Messages leave in the order of their numbers.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from analytics.alerts import chat
from analytics.alerts.open_alerts import KINDS, Alert
from analytics.alerts.open_alerts import title as title
from analytics.alerts.rules import DAYS, Rules
from analytics.wording import count

DAY = datetime.timedelta(days=1)
MOST_LINES = 20
MOST_REMEMBERED = 200
Ledger = dict[str, Any]
Entry = dict[str, Any]


def fresh() -> Ledger:
    """The ledger before the first look."""
    return {
        "version": 1, "number": 0, "queue": [], "sent": [], "aside": [], "alerts": {}, "rows": {},
        "statuses": {}, "acknowledged": {}, "muted": {}, "digest": None,
    }  # fmt: skip


def look(
    ledger: Ledger, found: Sequence[Alert], rules: Rules, now: datetime.datetime,
    rows: Mapping[str, int], statuses: Mapping[str, str], gone: Mapping[str, str],
    further: Sequence[str] = (), server: str = "", waiting: Collection[str] = (),
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
    """
    statuses = {**{run: ledger["statuses"][run] for run in waiting if run in ledger["statuses"]},
                **statuses}  # fmt: skip
    first = ledger["digest"] is None
    _take_in(ledger, found, now, rows, first)
    _let_go(ledger, found, now, gone, waiting)
    if first:
        ledger["digest"] = _stamp(now)
        ledger["statuses"] = dict(statuses)
        _switched_on(ledger, now, rules, server)
    else:
        _ping(ledger, rules, now, server)
        if _digest_due(ledger["digest"], rules, now):
            _digest(ledger, rules, now, statuses, further, server)
    there = {*statuses, *waiting}
    ledger["rows"] = {r: n for r, n in {**ledger["rows"], **rows}.items() if r in there}
    _tidy(ledger, now)


def _take_in(
    ledger: Ledger, found: Sequence[Alert], now: datetime.datetime, rows: Mapping[str, int],
    first: bool,
) -> None:  # fmt: skip
    for alert in found:
        held = ledger["alerts"].get(alert.key)
        if held is None or _back_after_a_day(held, now):
            before = ledger["rows"].get(alert.subject)
            same_rows = before is not None and before == rows.get(alert.subject)
            same_rows = same_rows and alert.kind != "checkpoint"  # which falls due without rows
            held = {
                "kind": alert.kind, "subject": alert.subject, "since": _stamp(now), "gone": None,
                "pinged": None, "told": False, "why": "",
                "quiet": "known" if first else "program" if same_rows else "",
            }  # fmt: skip
            ledger["alerts"][alert.key] = held
            ledger["acknowledged"].pop(alert.subject, None)
        back = bool(held["gone"])
        if back:
            held |= {"gone": None, "why": "", "told": False}
        held |= {
            "what": chat.plain(alert.what, 600), "sure": chat.plain(alert.sure, 400),
            "errs": chat.plain(alert.errs, 600), "link": chat.path(alert.link),
            "adopted": alert.adopted,
        }  # fmt: skip
        if back:
            _reword(ledger, alert.key, held)


def _back_after_a_day(held: Entry, now: datetime.datetime) -> bool:
    return bool(held["gone"]) and now - _time(held["gone"]) >= DAY


def _let_go(
    ledger: Ledger, found: Sequence[Alert], now: datetime.datetime, gone: Mapping[str, str],
    waiting: Collection[str],
) -> None:  # fmt: skip
    """What does not hold any more. A ping of it that waits says so, and stays one message."""
    there = {alert.key for alert in found}
    for key, held in ledger["alerts"].items():
        if key in there or held["gone"] or held["subject"] in waiting:
            continue
        why = gone.get(held["subject"], "") if held["kind"] == "alarm" else ""
        held |= {"gone": _stamp(now), "told": False, "why": chat.plain(why, 300)}
        _reword(ledger, key, held)


def _reword(ledger: Ledger, key: str, held: Entry) -> None:
    """Have a ping that still waits say how things are now: raised and withdrawn is one message.

    Not one that is on its way: the digest tells then what became of it.
    """
    for message in ledger["queue"]:
        if message["key"] == key and not message["trying"]:
            name = title(held["kind"], held["subject"])
            over = [held["why"] or "It does not hold any more."] if held["gone"] else []
            message["title"] = f"Raised and withdrawn: {name}" if over else name
            message["lines"] = [*over, held["what"], held["sure"], held["errs"]]
            held["told"] = True


def _ping(ledger: Ledger, rules: Rules, now: datetime.datetime, server: str) -> None:
    settle = datetime.timedelta(minutes=rules["ping.settle_minutes"])
    for key, held in sorted(ledger["alerts"].items(), key=lambda one: (one[1]["since"], one[0])):
        waits = not (held["gone"] or held["pinged"] or held["quiet"]) and held["adopted"]
        if not waits or not rules[f"ping.{held['kind']}"] or now - _time(held["since"]) < settle:
            continue
        if _hushed(ledger, rules, held["subject"], now):
            continue
        if _pings(ledger, now) >= rules["ping.most_per_day"]:
            held["quiet"] = "cap"
            continue
        held |= {"pinged": _stamp(now), "told": True}
        put(
            ledger, now, "ping", title(held["kind"], held["subject"]),
            [held["what"], held["sure"], held["errs"]], server, held["link"], key,
        )  # fmt: skip


def _pings(ledger: Ledger, now: datetime.datetime) -> int:
    """Pings of the last 24 hours."""
    times = [held["pinged"] for held in ledger["alerts"].values() if held["pinged"]]
    return sum(now - _time(at) < DAY for at in [*times, *ledger.get("past_pings", ())])


def _hushed(ledger: Ledger, rules: Rules, subject: str, now: datetime.datetime) -> bool:
    return subject in ledger["acknowledged"] or muted(ledger, rules, subject, now)


def muted(ledger: Ledger, rules: Rules, subject: str, now: datetime.datetime) -> bool:
    """Whether nothing of a subject is told now."""
    until = (ledger["muted"].get(subject) or {}).get("until")
    by_hand = until is not None and str(now.date()) <= until
    return by_hand or any(one.holds(subject, now.date()) for one in rules.mutes)


def _digest_due(last: str, rules: Rules, now: datetime.datetime) -> bool:
    """Whether the hour of a digest has struck since the last one."""
    if rules["digest.every"] == "never":
        return False
    struck = now.replace(hour=rules["digest.hour"], minute=0, second=0, microsecond=0)
    if rules["digest.every"] == "week":
        struck -= DAY * ((now.weekday() - DAYS.index(rules["digest.weekday"])) % 7)
        struck -= 7 * DAY if struck > now else DAY * 0
    else:
        struck -= DAY if struck > now else DAY * 0
    return _time(last) < struck


def _digest(
    ledger: Ledger, rules: Rules, now: datetime.datetime, statuses: Mapping[str, str],
    further: Sequence[str], server: str,
) -> None:  # fmt: skip
    begin = ledger["digest"]
    lines = [*_news(ledger, rules, now), *further, *_statuses(ledger, statuses, rules, now)]
    still = _still(ledger, rules, now)
    ledger["digest"], ledger["statuses"] = _stamp(now), dict(statuses)
    for held in ledger["alerts"].values():
        held["told"] = True
    if not lines and not rules["digest.when_empty"]:
        return
    path = f"/this-week?since={begin[:10]}"
    said = [*chat.cut(lines, MOST_LINES), *still] or ["Nothing changed."]
    put(ledger, now, "digest", f"Since {begin[:16].replace('T', ' ')} UTC: {_summary(lines)}", said,
        server, path)  # fmt: skip


def _summary(lines: Sequence[str]) -> str:
    return count(len(lines), "change") if lines else "nothing changed"


QUIET = {
    "known": "it stood before alerts were on",
    "program": "by the program or a setting, on the same rows",
    "cap": "not sent by itself: the day's most was reached",
    "": "",
}
"""Why an alert pings nobody."""


def _news(ledger: Ledger, rules: Rules, now: datetime.datetime) -> list[str]:
    """Alerts that no message has told yet: raised, gone, or both."""
    lines = []
    for held in ledger["alerts"].values():
        if held["told"] or muted(ledger, rules, held["subject"], now):
            continue
        name = title(held["kind"], held["subject"])
        if held["gone"]:
            why = held["why"] or "does not hold any more"
            lines.append(chat.plain(f"Raised and withdrawn: {name}: {why}", 400))
        else:
            note = QUIET[held["quiet"]] or ("" if held["adopted"] else "a policy nobody chose")
            said = chat.plain(f"{name}: {held['what']}", 400)
            lines.append(f"{said} ({note})" if note else said)
    return lines


def _still(ledger: Ledger, rules: Rules, now: datetime.datetime) -> list[str]:
    """One line on what was told before and nobody has acknowledged."""
    names = [
        title(held["kind"], held["subject"]) for held in ledger["alerts"].values()
        if held["told"] and not held["gone"] and not _hushed(ledger, rules, held["subject"], now)
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


def _switched_on(ledger: Ledger, now: datetime.datetime, rules: Rules, server: str) -> None:
    """The first message: that alerts are on, and what stands already. It pings nobody further."""
    names = [
        title(held["kind"], held["subject"]) for held in ledger["alerts"].values()
        if not muted(ledger, rules, held["subject"], now)
    ]  # fmt: skip
    for held in ledger["alerts"].values():
        held["told"] = True
    lines = [f"Stands already: {name}" for name in chat.cut(names, MOST_LINES)]
    put(ledger, now, "digest", "Alerts are on", lines or ["Nothing stands that would be told."],
        server, "/this-week")  # fmt: skip


def put(
    ledger: Ledger, now: datetime.datetime, level: str, said: str, lines: Iterable[str],
    server: str, path: str, key: str = "",
) -> None:  # fmt: skip
    """Put a message at the end of the queue."""
    ledger["number"] += 1
    ledger["queue"].append({
        "id": f"{str(ledger['number']).zfill(8)}-{now:%Y%m%dT%H%M%S}", "number": ledger["number"],
        "made": _stamp(now), "level": level, "title": said, "lines": list(lines), "key": key,
        "trying": False,
        "link": chat.link(server, path), "where": chat.where(server, path),
    })  # fmt: skip


def message(
    level: str, said: str, lines: Sequence[str], server: str, path: str, now: datetime.datetime
) -> dict[str, Any]:
    """A message that stands in no queue: the test."""
    ledger = fresh()
    put(ledger, now, level, said, lines, server, path)
    only: dict[str, Any] = ledger["queue"][0]
    return only | {"id": f"test-{now:%Y%m%dT%H%M%S%f}"}


def next_message(ledger: Ledger) -> dict[str, Any] | None:
    """The message that is to leave next, marked as on its way; None where none waits."""
    if not ledger["queue"]:
        return None
    ledger["queue"][0]["trying"] = True
    return dict(ledger["queue"][0])


def not_delivered(ledger: Ledger, name: str) -> None:
    """A message was not taken: it waits, and may be worded anew."""
    for message in ledger["queue"]:
        message["trying"] = message["trying"] and message["id"] != name


def delivered(ledger: Ledger, name: str, now: datetime.datetime) -> None:
    """A message was taken by the receiver."""
    for message in [one for one in ledger["queue"] if one["id"] == name]:
        ledger["queue"].remove(message)
        told = {"id": name, "title": message["title"], "level": message["level"]}
        ledger["sent"].append(told | {"at": _stamp(now)})


def set_aside(ledger: Ledger, name: str, why: str) -> None:
    """A message that the receiver refuses for good: the others go on, and it is kept."""
    for message in [one for one in ledger["queue"] if one["id"] == name]:
        ledger["queue"].remove(message)
        ledger["aside"].append(message | {"why": chat.plain(why)})


def acknowledge(ledger: Ledger, subject: str, by: str, now: datetime.datetime) -> bool:
    """Somebody has seen what is told of a subject; False where nothing is."""
    if not any(h["subject"] == subject and not h["gone"] for h in ledger["alerts"].values()):
        return False
    ledger["acknowledged"][subject] = {"by": chat.plain(by, 80), "at": _stamp(now)}
    return True


def mute(ledger: Ledger, subject: str, until: datetime.date, by: str) -> None:
    """Tell nothing of a subject up to and with a day; a day that is over ends it."""
    ledger["muted"][subject] = {"until": str(until), "by": chat.plain(by, 80)}


def _tidy(ledger: Ledger, now: datetime.datetime) -> None:
    """Forget what was told and is over, but for how many pings the last day had."""
    over = [
        key for key, held in ledger["alerts"].items()
        if held["gone"] and held["told"] and now - _time(held["gone"]) >= DAY
    ]  # fmt: skip
    past = [ledger["alerts"].pop(key)["pinged"] for key in over]
    recent = [at for at in [*ledger.get("past_pings", ()), *past] if at and now - _time(at) < DAY]
    ledger["past_pings"] = recent
    ledger["muted"] = {
        name: one for name, one in ledger["muted"].items() if one["until"] >= str(now.date())
    }
    there = {held["subject"] for held in ledger["alerts"].values()}
    kept = {name: one for name, one in ledger["acknowledged"].items() if name in there}
    ledger["acknowledged"] = kept
    ledger["sent"] = ledger["sent"][-MOST_REMEMBERED:]


def usable(ledger: object) -> bool:
    """Whether something read from the disk is a ledger of this program."""
    return (
        isinstance(ledger, dict) and ledger.get("version") == 1 and set(fresh()) <= set(ledger)
        and all(isinstance(ledger[key], type(value)) for key, value in fresh().items()
                if value is not None)
        and all(isinstance(one, dict) and one.get("kind") in KINDS
                for one in ledger["alerts"].values())
    )  # fmt: skip


def _stamp(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).isoformat(timespec="seconds")


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
