"""What should be told of a store as it is now: alarms that stand, gates that fail, people who are
overdue. Each says what it is, how sure, and how often such an alert errs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from analytics.alerts.chat import plain
from analytics.measured.likeness import measured_on_like
from analytics.measured.published import published
from analytics.onset.alarm.many_runs import RATE, standing, survivors
from analytics.onset.sentences.headline import headline
from analytics.review.state import GateState
from analytics.wording import percent, rate_text, whole, with_interval

KINDS = {"alarm": "Alarm", "gate": "Gate", "checkpoint": "Human checkpoint"}
LONGEST_NAME = 120
SUREST = 0.99
"""Largest probability that is stated: errors have no Gaussian tails."""


@dataclass(frozen=True)
class Alert:
    """One thing to be told.

    place: iteration, where the subject has any. rows: rows of its subject now, by which new rows
    are told from a new program. adopted: whether somebody chose what it goes by; else it pings
    nobody.
    """

    kind: str
    subject: str
    what: str
    sure: str
    errs: str
    link: str
    rows: int = 0
    place: int | None = None
    adopted: bool = True

    @property
    def key(self) -> str:
        """By which the same alert is known again."""
        return f"{self.kind}\n{self.subject}\n{'' if self.place is None else self.place}"


def alarms(
    verdicts: Iterable[Mapping[str, Any]], rows: Mapping[str, int],
    waiting: Mapping[str, str] | None = None,
) -> list[Alert]:  # fmt: skip
    """Alarms that stand among all runs of their project.

    Args:
        verdicts: rows of ``verdict --json`` of every judged run.
        rows: how many each run has.
        waiting: project of each run that waits for its first verdict: it counts as one that shows
            nothing, so that what stands does not fall when it is judged.
    """
    known = list(verdicts)
    stands = _standing(known, waiting)
    return [
        Alert(
            "alarm", row["run"], _sentence(row), _sure(row), _alarm_errs(row),
            f"/overoptimization?{urlencode([('run', row['run'])])}", rows.get(row["run"], 0),
        )
        for row in known if row["run"] in stands
    ]  # fmt: skip


def _standing(known: Sequence[Mapping[str, Any]], waiting: Mapping[str, str] | None) -> set[str]:
    blank = {"e_value": 0.0, "alarm": None}
    others = [{"run": run, "project": of, **blank} for run, of in (waiting or {}).items()]
    return survivors([*known, *others])


def withdrawals(
    verdicts: Iterable[Mapping[str, Any]], waiting: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Why an alarm of a run does not stand any more, by run; the arguments are those of alarms."""
    known, alerts = list(verdicts), {}
    stands = _standing(known, waiting)
    for row in known:
        if standing(row.get("alarm")) and row["run"] not in stands:
            alerts[str(row["run"])] = (
                "it does not stand among all runs of its project any more; the alarm of the run "
                "itself is still there"
            )
        if (alarm := row.get("alarm")) and not standing(alarm):
            taken = alarm["withdrawn"]
            alerts[str(row["run"])] = (
                f"withdrawn at step {whole(taken.get('step'))}: {taken.get('reason')}"
            )
    return alerts


def gates(found: Mapping[str, GateState], rows: Mapping[str, int], policy: str) -> list[Alert]:
    """Gates that fail, and people who are to look.

    policy: title of the policy that somebody judged by; empty = the proposal, which nobody chose.
    """
    alerts = []
    for loop, gate in sorted(found.items()):
        asked: list[tuple[str, object]] = [("loop", loop), ("iteration", gate.iteration)]
        address = urlencode(asked)
        by = f"Judged by {policy}." if policy else "Judged by the proposed policy."
        many, at = rows.get(loop, 0), gate.iteration
        if gate.result == "FAIL":
            why = gate.reason.removeprefix("FAIL: ")
            alerts.append(
                Alert(
                    "gate",
                    subject=loop,
                    what=f"gate of iteration {at}: FAIL: {why}",
                    sure=by,
                    errs=_gate_errs(),
                    link=f"/gate?{address}",
                    rows=many,
                    place=at,
                    adopted=bool(policy),
                )
            )
        if gate.people_due:
            alerts.append(Alert(
                "checkpoint", subject=loop, what=gate.people_due, sure=by,
                errs="A date or a distance in KL that the policy sets: no test, so nothing to err.",
                link=f"/checkpoints?{address}", rows=many, place=at, adopted=bool(policy),
            ))  # fmt: skip
    return alerts


def title(kind: str, subject: str) -> str:
    """What an alert is about, in a few words."""
    return f"{KINDS[kind]}: {plain(subject, LONGEST_NAME) or '(a blank name)'}"


def _sentence(row: Mapping[str, Any]) -> str:
    return f"{headline(row)}; alarm at step {whole(row['alarm']['step'])}"


def _sure(row: Mapping[str, Any]) -> str:
    parts = []
    if row.get("p_past_peak") is not None:
        odds = row["p_past_peak"]
        odds_text = percent(odds) if odds < SUREST else f"more than {percent(SUREST)}"
        parts.append(f"past the peak with probability {odds_text}")
    if lost := row.get("gold_lost"):
        size = with_interval(lost["value"], lost["low"], lost["high"])
        parts.append(f"gold lost {size}, 90 %")
    return f"Confidence:  {'; '.join(parts)}." if parts else "Confidence: the verdict does not say."


def _alarm_errs(row: Mapping[str, Any]) -> str:
    like = measured_on_like(row)
    among = (
        f"How often it errs: of the alarms that stand among all runs of a project at most "
        f"{percent(RATE)} are false on average (e-BH)."
    )
    return f"{among} {like}" if like else among


def _gate_errs() -> str:
    """The published share of years in which a harm at its limit, and none, is called FAIL."""
    rows = [row for row in (published("gate") or {"rows": []})["rows"] if "harm" in row]
    usual = [row for row in rows if row["retraining"] <= 0.1]
    none, limit = (
        max((row["fail"] for row in usual if row["harm"] == harm), default=None)
        for harm in (0.0, 1.0)
    )
    if none is None or limit is None:
        return "How often it errs: not measured."
    return (
        f"How often it errs: in simulated years without harm {rate_text(none)} had a FAIL, with a "
        f"harm just at its limit {rate_text(limit)} (the worst block)."
    )
