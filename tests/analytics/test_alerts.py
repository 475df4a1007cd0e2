"""Alerts: who is told of what, once, in order, whatever becomes of receiver and server."""

from __future__ import annotations

import datetime
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from analytics.__main__ import main
from analytics.alerts import chat, plan, raised, sending
from analytics.alerts import ledger as outbox
from analytics.alerts.open_alerts import Alert, alarms, gates, withdrawals
from analytics.alerts.rules import Rules, RulesError, matches, proposal, read_rules
from analytics.review.state import GateState
from data import spool
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.outgoing import alert_files, delivery
from data.outgoing.delivery import NotDelivered
from data.remote import StoreAccess

T0 = datetime.datetime(2026, 11, 23, 9, tzinfo=datetime.UTC)  # a Monday, after the digest's hour
MINUTE, HOUR, DAY = (datetime.timedelta(**{n: 1}) for n in ("minutes", "hours", "days"))
URL = "http://127.0.0.1:1/hook"


def rules(text: str = "") -> Rules:
    return read_rules(text, url=URL)


def alarm(run: str = "a", rows: int = 10, **more: Any) -> Alert:
    alarm_row = {"kind": "alarm", "what": "is past its peak", "sure": "sure", "errs": "errs",
            "link": f"/overoptimization?run={run}"}  # fmt: skip
    return Alert(subject=run, rows=rows, **(alarm_row | more))


class Week:
    """A ledger and the clock, with what a receiver got."""

    def __init__(self, text: str = "", found: tuple[Alert, ...] = ()) -> None:
        self.rules, self.ledger, self.rows = rules(text), outbox.fresh(), 0
        self.got: list[dict[str, Any]] = []
        self.look(T0, *found)
        assert self.titles() == ["Alerts are on"]
        self.got.clear()

    def look(
        self, now: datetime.datetime, *found: Alert, receives: bool = True, grown: bool = True,
        statuses: dict[str, str] | None = None, gone: dict[str, str] | None = None,
        waiting: set[str] | None = None, rows: dict[str, int] | None = None,
        own: dict[str, raised.Own] | None = None,
    ) -> None:  # fmt: skip
        self.rows += grown
        many = {one.subject: self.rows for one in found} | dict.fromkeys("abcdefgh", self.rows)
        known = dict.fromkeys([*"abcdefgh", *(one.subject for one in found)], "x")
        plan.look(
            self.ledger, found, self.rules, now, many | (rows or {}),
            known if statuses is None else statuses, gone or {}, waiting=waiting or (), own=own,
        )  # fmt: skip
        json.dumps(self.ledger)
        while receives and (message := outbox.next_message(self.ledger)):
            self.got.append(message)
            outbox.delivered(self.ledger, message["id"], now)

    def titles(self, level: str | None = None) -> list[str]:
        return [one["title"] for one in self.got if level in (None, one["level"])]


def test_an_alarm_pings_once_when_it_has_settled() -> None:
    week = Week()
    for minutes in range(0, 120, 5):
        week.look(T0 + HOUR + minutes * MINUTE, alarm())
        assert len(week.got) == (minutes >= 10)
    (ping,) = week.got
    assert ping["title"] == "Alarm: a" and ping["lines"] == ["is past its peak", "sure", "errs"]
    week.look(T0 + DAY, alarm())
    assert week.titles("ping") == ["Alarm: a"]
    assert week.got[-1]["lines"] == ["Still open, acknowledged by nobody: Alarm: a"] or (
        week.titles("digest") == []
    )


def test_what_stands_when_alerts_are_switched_on_pings_nobody() -> None:
    week = Week(found=(alarm(),))
    for hours in range(1, 30):
        week.look(T0 + hours * HOUR, alarm())
    assert week.titles("ping") == []


@pytest.mark.parametrize("hours", [0.05, 3, 23])
def test_raised_and_withdrawn_within_a_day_is_one_message(hours: float) -> None:
    week, raised = Week('[digest]\nevery = "never"'), T0 + HOUR
    week.look(raised, alarm())
    week.look(raised + min(11 * MINUTE, hours * HOUR / 2), alarm())
    week.look(raised + hours * HOUR, gone={"a": "withdrawn at step 9: gold came back"})
    week.look(raised + hours * HOUR + MINUTE, alarm())  # and again
    week.look(raised + hours * HOUR + HOUR, alarm())
    assert week.titles() == ["Alarm: a"]


def test_a_withdrawal_is_told_in_the_digest_and_a_new_alarm_later_pings_again() -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    week.look(T0 + HOUR, alarm())
    week.look(T0 + 2 * HOUR, gone={"a": "withdrawn at step 9: gold came back"})
    week.look(T0 + DAY)
    assert week.titles() == ["Alarm: a", "Since 2026-11-23 09:00 UTC: 1 change"]
    assert week.got[1]["lines"] == [
        "Raised and withdrawn: Alarm: a: withdrawn at step 9: gold came back"
    ]
    week.look(T0 + 3 * DAY, alarm())
    assert week.titles("ping") == ["Alarm: a", "Alarm: a"]


def test_a_ping_that_waits_says_that_it_was_withdrawn() -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    week.look(T0 + HOUR, alarm(), receives=False)
    week.look(T0 + 2 * HOUR, receives=False, gone={"a": "gold came back"})
    week.look(T0 + 3 * HOUR)
    assert week.titles() == ["Raised and withdrawn: Alarm: a"]
    assert week.got[0]["lines"][0] == "Gold came back."
    week.look(T0 + DAY)
    assert len(week.got) == 1  # the digest has nothing to add

    back = Week("[ping]\nsettle_minutes = 0")
    back.look(T0 + HOUR, alarm(), receives=False)
    back.look(T0 + 2 * HOUR, receives=False)
    back.look(T0 + 3 * HOUR, alarm())
    assert back.titles() == ["Alarm: a"]


def test_a_withdrawal_while_its_ping_is_on_its_way_is_not_lost() -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    week.look(T0 + HOUR, alarm(), receives=False)
    on_its_way = outbox.next_message(week.ledger)
    assert on_its_way is not None
    week.look(T0 + 2 * HOUR, receives=False)
    outbox.delivered(week.ledger, on_its_way["id"], T0 + 2 * HOUR)
    week.look(T0 + DAY)
    assert week.got[0]["lines"] == ["Raised and withdrawn: Alarm: a: does not hold any more"]


def test_a_day_has_a_most_and_the_digest_tells_the_rest() -> None:
    week = Week("[ping]\nsettle_minutes = 0\nmost_per_day = 2")
    week.look(T0 + HOUR, *map(alarm, "abcd"))
    assert week.titles() == ["Alarm: a", "Alarm: b"]
    week.look(T0 + 2 * HOUR, alarm("e"))  # the first two are over, and count all the same
    week.look(T0 + DAY, *map(alarm, "cde"))
    lines = "\n".join(week.got[-1]["lines"])
    assert week.titles("ping") == ["Alarm: a", "Alarm: b"]
    assert all(f"Alarm: {run}" in lines for run in "cde") and "the day's most" in lines


@pytest.mark.parametrize("every", ["never", "week"])
@pytest.mark.parametrize("most", [0, 2])
def test_what_the_cap_held_back_is_told_the_next_day_without_a_daily_digest(
    every: str, most: int
) -> None:
    week = Week(f'[ping]\nsettle_minutes = 0\nmost_per_day = {most}\n[digest]\nevery = "{every}"')
    for hours in range(1, 40):
        week.look(T0 + hours * HOUR, *map(alarm, "abcd" if hours < 20 else "abc"))
    held_back = "abcd"[most:]
    assert week.titles("ping") == [f"Alarm: {run}" for run in "abcd"[:most]]
    (digest,) = [one for one in week.got if one["level"] == "digest"]
    assert digest["title"] == f"{len(held_back)} alerts beyond the day's most of pings"
    assert [line.split(": is past")[0].split(": does")[0] for line in digest["lines"]] == [
        *(f"Alarm: {run}" for run in held_back[:-1]), "Raised and withdrawn: Alarm: d"
    ]  # fmt: skip
    assert all("the day's most" in line for line in digest["lines"][:-1])


@pytest.mark.parametrize("every", ["never", "day", "week"])
def test_every_alert_beyond_the_cap_is_told_once_however_many(every: str) -> None:
    week = Week(f'[ping]\nsettle_minutes = 0\nmost_per_day = 3\n[digest]\nevery = "{every}"')
    found = [alarm(f"run{i:02}") for i in range(50)]
    for hours in range(1, 24 * 9, 3):
        week.look(T0 + hours * HOUR, *found)
    titles = "\n".join([*week.titles("ping"), *(
        line for one in week.got if one["level"] == "digest" for line in one["lines"]
        if not line.startswith("Still open")
    )])  # fmt: skip
    assert [titles.count(f"Alarm: {one.subject}") for one in found] == [1] * 50
    assert max(len(one["lines"]) for one in week.got) <= 22


def test_what_the_cap_held_back_of_a_muted_run_is_told_when_the_mute_ends() -> None:
    week = Week('[ping]\nsettle_minutes = 0\nmost_per_day = 0\n[digest]\nevery = "never"')
    week.look(T0 + HOUR, *map(alarm, "ab"))
    outbox.mute(week.ledger, "b", (T0 + 2 * DAY).date(), "Ada")
    assert outbox.acknowledge(week.ledger, "a", "Ada", T0 + HOUR)
    week.look(T0 + DAY, *map(alarm, "ab"))
    assert week.got == []
    week.look(T0 + 3 * DAY, *map(alarm, "ab"))
    assert week.titles() == ["1 alert beyond the day's most of pings"]
    assert week.got[0]["lines"][0].startswith("Alarm: b")


def test_a_ledger_of_before_tells_what_its_cap_held_back() -> None:
    week = Week('[ping]\nsettle_minutes = 0\nmost_per_day = 0\n[digest]\nevery = "never"')
    week.look(T0 + HOUR, alarm())
    for name in ("capped", "cause"):
        week.ledger["alerts"]["alarm\na\n"].pop(name)
    week.look(T0 + DAY, alarm())
    assert week.titles() == ["1 alert beyond the day's most of pings"]


def test_what_settles_while_the_digest_is_sent_is_told_once() -> None:
    week = Week()
    week.look(T0 + DAY - MINUTE, alarm(), statuses={"a": "x"})
    week.look(T0 + DAY, alarm(), statuses={"a": "x"})
    week.look(T0 + DAY + HOUR, alarm(), statuses={"a": "x"})
    assert json.dumps([one["title"] + "".join(one["lines"]) for one in week.got]).count(
        "is past its peak"
    ) == 1  # fmt: skip


def test_without_a_digest_the_ledger_forgets_what_none_will_tell() -> None:
    week = Week('[digest]\nevery = "never"')
    week.look(T0 + HOUR, alarm())
    week.look(T0 + 2 * HOUR)
    week.look(T0 + 3 * DAY)
    assert week.ledger["alerts"] == {}


# -- why an alert came and went

ONE = {"a": ["p", "50 30 None"], "b": ["p", "0.1 None None"], "c": ["q", "1 None None"]}


@pytest.mark.parametrize(
    ("now", "rows", "sentence"),
    [
        (ONE | {"b": ["p", "90 20 None"]}, {"b": 9}, "others"),  # its rows came
        ({"a": ONE["a"], "c": ONE["c"]}, {}, "others"),  # it was forgotten
        (ONE | {"d": ["p", "90 20 None"]}, {"d": 9}, "others"),  # a new one
        (ONE | {"b": ["q", ONE["b"][1]]}, {}, "others"),  # it moved to another project
        (ONE | {"b": ["p", "90 20 None"]}, {}, "program"),  # judged otherwise on the same rows
        (ONE | {"a": ["p", "90 20 None"]}, {}, "program"),
        (ONE | {"a": ["p", "90 20 None"], "b": ["p", "90 20 None"]}, {"b": 9}, "program"),
        (ONE | {"c": ["q", "90 20 None"]}, {"c": 9}, "program"),  # another project's run
        (ONE, {}, "program"),
        (ONE | {"a": ["p", "90 20 None"]}, {"a": 9}, "own"),
        (ONE | {"b": ["p", "90 20 None"]}, {"a": 9, "b": 9}, "grown"),
    ],
)  # fmt: skip
def test_an_alarm_says_whose_doing_it_is(
    now: dict[str, raised.Own], rows: dict[str, int], sentence: str
) -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    before = dict.fromkeys("abc", 5)
    week.look(T0 + HOUR, rows=before, own=ONE)
    week.look(T0 + 2 * HOUR, alarm(), rows=before | rows, own=now)
    week.look(T0 + DAY, alarm(), rows=before | rows, own=now)
    if sentence == "program":
        assert week.titles("ping") == [] and "by the program" in week.got[0]["lines"][0]
        return
    ping = week.got[0]
    first = {"others": raised.STANDS_NOW + ".", "grown": raised.OWN_AS_BEFORE + ".",
             "own": "is past its peak"}[sentence]  # fmt: skip
    assert ping["title"] == "Alarm: a" and ping["lines"][0] == first
    assert ("the run itself has not changed" in json.dumps(ping)) == (sentence == "others")
    assert "by the program" not in json.dumps(week.got)


def test_an_alarm_by_other_runs_beyond_the_cap_has_its_cause_in_the_digest() -> None:
    week = Week("[ping]\nsettle_minutes = 0\nmost_per_day = 0")
    before = dict.fromkeys("abc", 5)
    week.look(T0 + HOUR, rows=before, own=ONE)
    week.look(T0 + DAY, alarm(), rows=before, own={"a": ONE["a"]})
    line = week.got[0]["lines"][0]
    assert "the run itself has not changed" in line and "the day's most" in line


def judged(run: str, e_value: float, project: str = "p", step: int | None = 30) -> dict[str, Any]:
    return {"run": run, "project": project, "status": "overoptimized", "e_value": e_value,
            "axis": "kl", "alarm": step and {"step": step}, "flags": [],
            "peak": {"kl_low": 2.0, "kl_high": 3.0}, "gold_lost": None}  # fmt: skip


def test_from_verdicts_to_the_cause_that_other_runs_are() -> None:
    """`a` (e = 50) stands among two runs, not among four; then two of them are forgotten."""
    week, rows = Week("[ping]\nsettle_minutes = 0"), dict.fromkeys("abcd", 5)
    four = [judged("a", 50.0), *(judged(run, 0.1, step=None) for run in "bcd")]
    for hours, verdicts in ((1, four), (2, four[:2]), (3, four)):
        week.look(
            T0 + hours * HOUR, *alarms(verdicts, rows), rows=rows, own=raised.own(verdicts),
            gone=withdrawals(verdicts), statuses={row["run"]: "x" for row in verdicts},
        )  # fmt: skip
    assert week.titles() == ["Alarm: a"]
    assert week.got[0]["lines"][0] == raised.STANDS_NOW + "."
    week.look(T0 + DAY, gone=withdrawals(four), statuses=dict.fromkeys("abcd", "x"))
    assert "the alarm of the run itself is still there" in week.got[1]["lines"][0]


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("kind", ["alarm", "gate", "checkpoint"])
def test_a_run_that_was_forgotten_was_not_withdrawn(kind: str, waits: bool) -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    week.look(T0 + HOUR, alarm(kind=kind), receives=not waits)
    week.look(T0 + 2 * HOUR, statuses={"b": "x"}, receives=not waits)
    week.look(T0 + DAY, statuses={"b": "x"})
    (message,) = [one for one in week.got if "forgotten" in json.dumps(one)]
    text = json.dumps(message).replace("nothing was withdrawn", "")
    assert "Run forgotten: " in text and "withdrawn" not in text


def test_a_gate_and_a_checkpoint_are_over_and_not_withdrawn() -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    week.look(T0 + HOUR, alarm("g", kind="gate"), alarm("h", kind="checkpoint"))
    week.look(T0 + DAY)
    assert "withdrawn" not in json.dumps(week.got) and "Not due any more" in json.dumps(week.got)


def test_a_new_program_on_the_same_rows_pings_nobody() -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    week.look(T0 + HOUR)
    week.look(T0 + 2 * HOUR, alarm(), grown=False)
    week.look(T0 + DAY, alarm())
    assert week.titles("ping") == [] and "by the program" in week.got[-1]["lines"][0]
    late = alarm("l", kind="checkpoint", place=3)
    week.look(T0 + DAY + HOUR, alarm(), late)
    assert week.titles("ping") == ["Human checkpoint: l"]


def test_a_run_that_this_program_has_not_judged_yet_stays_as_it_was() -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    week.look(T0 + HOUR, alarm(), statuses={"a": "past", "b": "x"})
    for hours in range(2, 20):  # after an upgrade
        week.look(T0 + hours * HOUR, statuses={"b": "x"}, waiting={"a"})
    week.look(T0 + 20 * HOUR, alarm(), statuses={"a": "past", "b": "x"})
    week.look(T0 + 22 * HOUR, statuses={"b": "x"}, waiting={"a", "c"})
    week.look(T0 + DAY, alarm(), statuses={"a": "past", "b": "x"})
    assert week.titles("ping") == ["Alarm: a"]
    assert "withdrawn" not in json.dumps(week.got) and "new run: a" not in json.dumps(week.got)


def test_a_run_that_grows_while_it_is_judged_pings() -> None:
    """Its verdict is of fewer rows than there are: that does not make it an old story."""
    week = Week("[ping]\nsettle_minutes = 0")
    plan.look(week.ledger, [], week.rules, T0 + HOUR, {"a": 5}, {"a": "x"}, {})
    plan.look(week.ledger, [alarm()], week.rules, T0 + 2 * HOUR, {}, {"a": "y"}, {})
    assert [one["title"] for one in week.ledger["queue"]] == ["Alarm: a"]


def test_runs_that_wait_for_a_verdict_make_no_alarm_stand() -> None:
    row = {"run": "a", "project": "p", "status": "overoptimized", "e_value": 50.0, "axis": "kl",
           "alarm": {"step": 30}, "flags": [], "peak": {"kl_low": 2.0, "kl_high": 3.0},
           "gold_lost": None}  # fmt: skip
    assert len(alarms([row], {})) == 1
    assert alarms([row], {}, {f"r{i}": "p" for i in range(9)}) == []
    assert len(alarms([row], {}, {f"r{i}": "other" for i in range(9)})) == 1


def test_acknowledged_and_muted() -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    week.look(T0 + HOUR, alarm())
    assert outbox.acknowledge(week.ledger, "a", "Ada", T0 + HOUR)
    assert not outbox.acknowledge(week.ledger, "nobody", "Ada", T0)
    week.look(T0 + DAY, alarm(), alarm("b"))
    assert all("acknowledged by nobody" not in one or "Alarm: a" not in one
               for one in week.got[-1]["lines"])  # fmt: skip
    outbox.mute(week.ledger, "c", (T0 + 2 * DAY).date(), "Ada")
    week.look(T0 + DAY + HOUR, alarm("c"))
    assert "Alarm: c" not in week.titles()
    week.look(T0 + 4 * DAY, alarm("c"))
    assert "Alarm: c" in week.titles()
    hushed = Week('[ping]\nsettle_minutes = 0\n[[mute]]\nsubject = "a*"\nuntil = 2026-11-30\n'
                  'reason = "trial"')  # fmt: skip
    hushed.look(T0 + HOUR, alarm("abc"))
    hushed.look(T0 + DAY, alarm("abc"), statuses={"abc": "x"})
    assert hushed.got == []


@pytest.mark.parametrize(
    ("pattern", "name", "mutes"),
    [("a?", "ab", False), ("a?", "a?", True), ("[ab]", "a", False), ("[ab]", "[ab]", True),
     ("r[1]*", "r[1]-x", True), ("r[!1]*", "r2", False), ("*", "", True), ("a**b", "ab", True),
     ("*x*", "axb", True), ("a*a", "a", False), ("a*a", "aa", True), ("*ab*ab", "ab", False),
     ("*ab*ab", "abxab", True), ("A", "a", False), ("a*", "x\na", False), ("*a", "x\na", True),
     ("a.c", "abc", False), ("\\\\*", "\\\\x", True), ("a*b*c", "a-c-b", False)],
)  # fmt: skip
def test_only_a_star_is_a_pattern(pattern: str, name: str, mutes: bool) -> None:
    assert matches(pattern, name) == mutes
    assert matches("*a" * 5_000 + "b", "a" * 50_000) is False  # and no pattern takes long
    (mute,) = rules(f"[[mute]]\nsubject = {json.dumps(pattern)}\nuntil = 2026-11-30\n"
                    "reason = 'x'").mutes  # fmt: skip
    assert mute.holds(name, T0.date()) == mutes


def test_a_gate_under_a_policy_that_nobody_chose_pings_nobody() -> None:
    found = {"l": GateState(2, "FAIL", "truth", "due now")}
    week = Week("[ping]\nsettle_minutes = 0")
    week.look(T0 + HOUR, *gates(found, {}, ""))
    week.look(T0 + DAY, *gates(found, {}, ""))
    assert week.titles("ping") == [] and "a policy nobody chose" in week.got[0]["lines"][0]
    other = Week("[ping]\nsettle_minutes = 0")
    other.look(T0 + HOUR, *gates(found, {}, "ours (abc)"))
    assert other.titles() == ["Human checkpoint: l", "Gate: l"]
    assert other.got[0]["where"].startswith("No link")
    assert (
        "simulated years" in other.got[1]["lines"][2] and "ours (abc)" in other.got[1]["lines"][1]
    )
    assert gates({"l": GateState(2, "PASS", "all")}, {}, "ours") == []


@pytest.mark.parametrize(
    ("text", "hours"),
    [("", [(15, False), (22, False), (23, True), (24, False), (47, True)]),
     ('[digest]\nevery = "week"\nweekday = "tuesday"', [(15, False), (23, True), (47, False)]),
     ('[digest]\nevery = "never"', [(23, False), (200, False)])],
)  # fmt: skip
def test_the_hour_of_the_digest(text: str, hours: list[tuple[int, bool]]) -> None:
    week = Week(text)
    for n, (hour, due) in enumerate(hours):
        before = len(week.got)
        week.look(T0 + hour * HOUR, statuses={f"run{i}": "no onset" for i in range(n + 1)})
        assert (len(week.got) > before) == due, hour


def test_the_digest_names_what_changed() -> None:
    week = Week()
    week.look(T0 + DAY, statuses={"a": "no onset seen", "y": "x", "z": "x"})
    week.look(T0 + 2 * DAY, statuses={"a": "may be past", "y": "x", "z": "x"})
    assert week.got[0]["lines"] == ["a: x → no onset seen", "2 new runs: y, z"]
    assert week.got[1]["lines"] == ["a: no onset seen → may be past"]
    week.look(T0 + 3 * DAY, statuses={"a": "may be past", "y": "x", "z": "x"})
    assert len(week.got) == 2


def test_an_alarm_says_how_sure_it_is_and_how_often_such_a_one_errs() -> None:
    row = {"run": "a", "project": "p", "status": "overoptimized", "e_value": 900.0, "axis": "kl",
           "alarm": {"step": 30}, "p_past_peak": 0.9999, "flags": [], "noise": "stated",
           "peak": {"kl_low": 2.0, "kl_high": 3.0}, "rows_per_look": 1,
           "gold_lost": {"value": 1, "low": 0.5, "high": 2}}  # fmt: skip
    (alarm_row,) = alarms([row, row | {"run": "b", "e_value": 1.0}], {"a": 5})
    assert "more than 99 %" in alarm_row.sure and "90 %" in alarm_row.sure
    assert (
        "at most 5 % are false" in alarm_row.errs and "Measured on simulated logs" in alarm_row.errs
    )
    taken = {"step": 30, "withdrawn": {"step": 60, "reason": "gold recovered"}}
    assert alarms([row | {"alarm": taken}], {}) == []
    assert withdrawals([row | {"alarm": taken}]) == {"a": "withdrawn at step 60: gold recovered"}


# -- rules

WRONG = [
    ("[ping]\n\nalarm = 1", "line 3: ping.alarm = 1; expected true or false"),
    ("[pings]", "line 1: 'pings' is no section"), ("ping = 3", "line 1"),
    ('[deliver]\nby = "fax"', 'line 2: deliver.by = \'fax\'; expected one of "webhook"'),
    ("[digest]\nhour = 24", "line 2: digest.hour = 24; expected a whole number from 0 to 23"),
    ("[digest]\nwhen = 1", "line 2: unknown key 'when' in [digest]; expected one of every"),
    ('[deliver]\nurl = "ftp://x"', "line 2: the url of a webhook"),
    ('[deliver]\nurl = "http://[x"', "line 2: the url of a webhook"),
    ('[deliver]\nurl = "http://a b/"', "line 2: the url of a webhook"),
    ('[deliver]\nby = "command"', 'by = "command" needs the command'),
    ('[deliver]\nby = "apprise"\nurl = "hello"', 'line 3: the url of by = "apprise" is no'),
    ('[deliver]\nby = "apprise"\nurl = "mailto://"', 'line 3: the url of by = "apprise" is no'),
    ('[deliver]\nby = "apprise"\nurl = "fax://a"', "expected one such as mailto://"),
    ('[deliver]\nby = "apprise"', "line 1: OVEROPT_ALERT_URL, the url of by = "),
    ("a =", "this is not TOML"), ("mute = 3", "line 1: expected [[mute]]"),
    ('[ping]\n[[mute]]\nsubject = "a"', "line 2: a mute has subject, until, reason"),
    ('[[mute]]\nsubject = "a"\nreason = "b"\nuntil = "soon"', "line 1: the mute's until"),
    ('[[mute]]\nsubject = " "\nreason = "b"\nuntil = 2026-12-01', "line 1: the mute's subject"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), WRONG)
def test_rules_that_make_no_sense_name_their_line(text: str, sentence: str) -> None:
    with pytest.raises(RulesError) as refused:
        read_rules(text, "r.toml", URL)
    assert str(refused.value).startswith("r.toml") and sentence in str(refused.value)


def test_the_proposal_is_the_rules() -> None:
    assert read_rules(proposal(), url=URL) == rules()
    with pytest.raises(RulesError, match="needs an address"):
        read_rules(proposal())


# -- what names may do

HOSTILE = (
    "<!channel>", "<!here|x>", "@here", "@channel @all", "＠here", "<@U123>", "<http://evil.example|a>",
    "[a](javascript:alert(1))", "![a](http://evil.example/a.png)", "http://evil.example",
    "www.evil.example", "evil.example/a", "*a* _b_ ~c~ `d` ```e```", "$x^2$", "# a", "> a", "| a |",
    ":fire:", ":material/home:", ":red[a]", "<b>a</b><script>alert(1)</script>", "&lt;!channel&gt;",
    "=1+1", "\x00\x07\x1b[31m", "\u202eabc\u2066", "a\nb\r\n@here\u2028c", "\ud800", '"}{"text":"x',
    "\\u0040here", "a" * 1_000_000, "@" * 100_000, "", " ", "@\u200bhere", "~town-square",
    "mailto:a@b.c", "[x]: http://evil.example",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_pings_nobody_and_breaks_nothing(name: str) -> None:
    week = Week("[ping]\nsettle_minutes = 0")
    hostile = alarm(
        name, what=f"{name} is past", sure=name, link="/overoptimization?run=" + "%40" * 10
    )
    week.look(T0 + HOUR, hostile)
    (message,) = week.got
    sent = json.dumps(chat.as_chat(message)).encode()
    assert len(sent) < 20_000
    text = json.dumps(chat.as_chat(json.loads(json.dumps(message))), ensure_ascii=False)
    body = json.loads(sent)
    texts = "\n".join(
        [body["text"], body["attachments"][0]["text"], body["attachments"][0]["title"]]
    )
    assert set(body) == {"text", "attachments"} and text
    for calls in ("<", ">", "@here", "@channel", "@all", "@U", "](", "![", "http://evil",
                  "www.evil", "evil.example", "`", "*", "$", ":fire:", ":red[", "\x1b", "\x00",
                  "\u202e", "mailto:a", "~town", "]:"):  # fmt: skip
        assert calls not in texts, calls
    assert texts.isprintable() or {c for c in texts if not c.isprintable()} <= {"\n", chat.JOINER}
    assert len(chat.as_text(message)) < 3_000


def test_a_name_as_people_write_them_stays_readable() -> None:
    assert chat.quiet("r3_grpo_bigrm-v1.2, seed 7") == "r3_grpo_bigrm-v1.2, seed 7"


def test_a_link_too_long_for_a_message_leads_to_the_week() -> None:
    assert chat.link("http://m", "/overoptimization?run=" + "a" * 2_000) == "http://m/this-week"
    assert chat.link("http://m", "/gate?loop=a") == "http://m/gate?loop=a"


# -- delivery


class Receiver:
    """A webhook on this machine; ``fails`` says of each request whether it is refused."""

    def __init__(self, fails: Callable[[int], object] = lambda n: False, code: int = 503) -> None:
        self.fails, self.code, self.seen, self.bodies = fails, code, 0, []
        self.taken: dict[str, str] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.seen += 1
                if outer.fails(outer.seen):
                    self.send_response(outer.code)
                else:
                    message = json.loads(body)
                    outer.bodies.append(message)
                    outer.taken.setdefault(self.headers["Idempotency-Key"], message.get("text", ""))
                    self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


class Clock:
    """Seconds that pass where somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def queued(home: Path, many: int) -> list[str]:
    names = [f"Message {n}" for n in range(many)]
    with sending.changing(home) as ledger:
        for name in names:
            outbox.put(ledger, T0, "ping", name, ["a"], "", "/")
    return names


def test_a_receiver_that_fails_half_of_the_time_gets_each_once_in_order(home: Path) -> None:
    from analytics.alerts.command import patiently

    names, clock = queued(home, 12), Clock()
    with receiving(Receiver(lambda n: n % 2 or n % 7 == 0)) as hook:
        box = sending.Outbox(home, clock)
        deliver = sending.delivering(read_rules("", url=hook.url))
        assert patiently(box, deliver, 1e6, clock.wait) == 12
    assert list(hook.taken.values()) == names and len(hook.bodies) == 12
    assert sending.ledger_of(home)["queue"] == []
    assert [one["title"] for one in sending.ledger_of(home)["sent"]] == names


def test_back_off_grows_and_heeds_the_receiver(home: Path) -> None:
    from analytics.alerts.command import patiently

    queued(home, 1)
    clock = Clock()

    def busy(_: object) -> None:
        raise NotDelivered("busy", after=100.0 if len(clock.waits) == 3 else 0.0)

    box = sending.Outbox(home, clock)
    assert patiently(box, busy, 20_000, clock.wait) == 0
    assert clock.waits[:6] == [1, 2, 4, 100, 16, 32] and max(clock.waits) == 3600
    assert len(sending.ledger_of(home)["queue"]) == 1 and box.failure == "busy"


def test_a_message_that_is_refused_for_good_keeps_no_other_waiting(home: Path) -> None:
    from analytics.alerts.command import patiently

    names, clock = queued(home, 2), Clock()

    def picky(message: dict[str, Any]) -> None:
        if message["title"] == names[0]:
            raise NotDelivered("the receiver answered 400", refused=True)

    assert patiently(sending.Outbox(home, clock), picky, 1e6, clock.wait) == 1
    ledger = sending.ledger_of(home)
    assert [one["title"] for one in ledger["aside"]] == names[:1] and "400" in ledger["aside"][0][
        "why"
    ]


def test_refusals_are_counted_over_the_commands_of_a_timer(home: Path) -> None:
    """Each `--send` is a process of its own: what it knows of refusals lies on the disk."""
    names = queued(home, 2)
    with receiving(Receiver(lambda n: n <= 10, 400)) as hook:
        deliver, clock = sending.delivering(read_rules("", url=hook.url)), Clock()
        for n in range(11):
            assert [one["title"] for one in sending.ledger_of(home)["queue"]] == names[n // 10 :]
            sending.Outbox(home, clock).send(deliver, lambda: T0)
    ledger = sending.ledger_of(home)
    assert [one["title"] for one in ledger["aside"]] == names[:1] and ledger["queue"] == []
    assert list(hook.taken.values()) == names[1:]


SENDER = """
import sys
from pathlib import Path
from analytics.alerts import command, sending
from analytics.alerts.rules import read_rules
clock = [0.0]
def wait(seconds): clock[0] += seconds
box = sending.Outbox(Path(sys.argv[1]), lambda: clock[0])
command.patiently(box, sending.delivering(read_rules("", url=sys.argv[2])), 1e9, wait)
"""


def test_after_kill_9_each_arrives_once_in_order(home: Path, root: Path) -> None:
    """Killed while the receiver refuses, and while it has taken a message but not answered yet:
    the second is sent again under the same key, by which a receiver knows it."""
    names, senders = queued(home, 8), []

    def fails(request: int) -> bool:
        if request in (4, 9):
            os.kill(senders[-1].pid, signal.SIGKILL)
        return request % 2 == 0

    with receiving(Receiver(fails)) as hook:
        for _ in range(3):
            command = [sys.executable, "-c", SENDER, str(home), hook.url]
            senders.append(subprocess.Popen(command, cwd=root))
            senders[-1].wait(60)
    assert [one.returncode for one in senders] == [-9, -9, 0]
    assert list(hook.taken.values()) == names
    assert len(hook.bodies) <= len(names) + 1
    assert sending.ledger_of(home)["queue"] == []


def test_two_senders_do_not_send_twice(home: Path) -> None:
    queued(home, 3)
    got: list[str] = []

    def slow(message: dict[str, Any]) -> None:
        other = sending.Outbox(home, Clock())
        assert other.send(lambda one: got.append(one["title"]), lambda: T0) == 0
        got.append(message["title"])

    assert sending.Outbox(home, Clock()).send(slow, lambda: T0) == 3
    assert got == ["Message 0", "Message 1", "Message 2"]


def test_a_damaged_ledger_is_kept_aside(home: Path, capsys: pytest.CaptureFixture) -> None:
    queued(home, 1)
    file = home / "alerts" / "ledger.json"
    for damage in ("{", "[]", '{"version": 1}', "null", '{"version": 2}'):
        file.write_text(damage)
        assert sending.ledger_of(home) == outbox.fresh()
        assert "alerts begin anew" in capsys.readouterr().err
    assert len(list(file.parent.glob("damaged-*"))) == 5


@pytest.mark.parametrize("code", [301, 302, 307, 400, 500])
def test_an_answer_that_is_no_yes_is_no_delivery(code: int) -> None:
    with receiving(Receiver(lambda n: True, code)) as hook:
        with pytest.raises(NotDelivered, match=str(code)) as error:
            delivery.post(hook.url, {"text": "a"}, "1", 5)
        assert error.value.refused == (code == 400)
    with pytest.raises(NotDelivered, match="no answer"):
        delivery.post(hook.url, {"text": "a"}, "1", 5)


@contextmanager
def dribbling(start: bytes) -> Iterator[str]:
    """A receiver that says the beginning of an answer, and then a byte now and then for ever."""
    over = threading.Event()

    def answer() -> None:
        client = None
        while client is None and not over.is_set():
            with suppress(TimeoutError):
                client = listener.accept()[0]
        if client is None:
            return
        with client:
            try:
                client.sendall(start)
                while not over.wait(0.02):
                    client.sendall(b"x")
            except OSError:
                pass  # the sender has gone

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    "start",
    [b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\nA: ",
     b"HTTP/1.1 503 No\r\nContent-Length: 999999\r\n"],
)  # fmt: skip
def test_a_receiver_that_dribbles_does_not_hold_the_sender(start: bytes) -> None:
    with dribbling(start) as url, pytest.raises(NotDelivered, match="did not answer in full"):
        delivery.post(url, {"text": "a"}, "1", 0.15)
    left = [one for one in threading.enumerate() if one.name == "delivery"]
    for one in left:
        one.join(10)
    assert not any(one.is_alive() for one in left)


def test_a_service_of_apprise_that_dribbles_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "SLOWEST_SERVICE", 0.0)
    start = b"HTTP/1.1 200 OK\r\nA: "
    with dribbling(start) as url, pytest.raises(NotDelivered, match="more than"):
        delivery.notify(url.replace("http:", "json:"), "a", "b", 0.8)


def test_a_command_gets_the_alert_on_its_standard_input(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    name = "$(touch /tmp/x); <!channel>"
    message = outbox.message("ping", name, ["`a`"], "", "/", T0)
    read = f"import sys; open({str(out)!r}, 'wb').write(sys.stdin.buffer.read())"
    delivery.run([sys.executable, "-c", read], message, 30)
    assert json.loads(out.read_bytes())["title"] == name
    with pytest.raises(NotDelivered, match="ended with 3"):
        delivery.run([sys.executable, "-c", "raise SystemExit(3)"], message, 30)
    with pytest.raises(NotDelivered, match="cannot be run"):
        delivery.run(["/no/such/program"], message, 30)
    with pytest.raises(NotDelivered, match="took more than"):
        delivery.run([sys.executable, "-c", "input(); import time; time.sleep(99)"], message, 0.3)


def test_apprise_delivers_where_it_can() -> None:
    with receiving(Receiver()) as hook:
        delivery.notify(hook.url.replace("http:", "json:"), "a title", "text", 60)
    assert [(one["title"], one["message"]) for one in hook.bodies] == [("a title", "text")]
    with pytest.raises(NotDelivered, match="no such address"):
        delivery.notify("nonsense", "a", "b", 60)
    with pytest.raises(NotDelivered, match="did not take it"):
        delivery.notify("json://127.0.0.1:1/", "a", "b", 60)


# -- the command


def falling(folder: Path, run: str, end: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{run},{i},{i / 5},{i / 5},{min(i, 16 - i) / 10},0.05\n" for i in range(end))
    file = folder / f"{run.strip('<>')}.csv"
    file.write_text("run_id,step,kl,proxy_reward,gold_reward,gold_reward_se\n" + lines)
    return file


def test_from_a_falling_run_to_the_receiver(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("OVEROPT_URL", "http://monitor.example:8501")
    assert main(["alerts", "--send"]) == 1 and "--proposal" in capsys.readouterr().err
    assert main(["alerts", "--proposal"]) == 0
    home.mkdir(exist_ok=True)
    given = capsys.readouterr().out.replace("settle_minutes = 10", "settle_minutes = 0")
    alert_files.rules_file(home).write_text(given)
    assert main(["alerts", "--test"]) == 1 and "OVEROPT_ALERT_URL" in capsys.readouterr().err
    import_paths(home, [falling(tmp_path, "<!channel>", 8)], ReadOptions())
    with receiving(Receiver()) as hook:
        monkeypatch.setenv("OVEROPT_ALERT_URL", hook.url)
        assert main(["alerts", "--send", "--json"]) == 0
        assert [one["text"] for one in hook.bodies] == ["Alerts are on"]
        capsys.readouterr()
        import_paths(home, [falling(tmp_path, "<!channel>", 30)], ReadOptions())
        assert main(["alerts", "--dry-run"]) == 0
        assert "past its gold peak" in capsys.readouterr().out and len(hook.bodies) == 1
        assert main(["alerts", "--send"]) == main(["alerts", "--send"]) == 0
        assert main(["alerts", "--test"]) == 0
    ping, test = hook.bodies[1:]
    (attachment,) = ping["attachments"]
    assert ping["text"] == "Alarm: &lt;!channel&gt;" and "past its gold peak" in attachment["text"]
    assert "How often it errs" in attachment["text"] and "Confidence: " in attachment["text"]
    assert attachment["title_link"] == (
        "http://monitor.example:8501/overoptimization?run=%3C%21channel%3E"
    )
    assert test["text"].startswith("Test")
    assert main(["alerts", "--acknowledge", "<!channel>", "--by", "Ada"]) == 0
    assert main(["alerts", "--acknowledge", "nobody", "--by", "Ada"]) == 1
    assert main(["alerts", "--mute", "x", "--by", "Ada", "--until", "2999-01-01"]) == 0
    assert main(["alerts", "--mute", "x", "--until", "2999-01-01"]) == 1
    capsys.readouterr()
    assert main(["alerts"]) == 0
    printed = capsys.readouterr().out
    assert "acknowledged by Ada" in printed and "Muted until 2999-01-01" in printed
    assert list(sending.ledger_of(home)["own"]) == ["<!channel>"]
    spool.write_forget(home, ["<!channel>"])
    monkeypatch.setenv("OVEROPT_ALERT_URL", "http://127.0.0.1:1/")
    assert main(["alerts", "--send", "--patience", "0"]) == 0
    capsys.readouterr()
    assert main(["alerts"]) == 0 and "the run was forgotten" in capsys.readouterr().out


def test_a_look_without_rows_and_again(home: Path) -> None:
    home.mkdir()
    with StoreAccess(home) as store:
        assert sending.look(store, rules(), T0) and sending.look(store, rules(), T0 + DAY)
    assert [one["title"] for one in sending.ledger_of(home)["queue"]] == ["Alerts are on"]
