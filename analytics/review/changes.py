"""What changed between two states of a store, and what of it needs a decision."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from analytics.figures.drawing.palette import status_look
from analytics.review import loop_changes
from analytics.review.state import RunState, State
from analytics.wording import count, interval, number, whole
from analytics.words.notes import decided, overdue, when

BAD = ("overoptimized", "collapsed", "warning")
"""Statuses that ask for a decision."""
ORDER = (
    "decision_due", "alarm_raised", "status", "gate", "wrong_answers", "judge", "checkpoint_due",
    "diversity", "blind", "unit_unknown", "watch", "skipped", "not_judged",
    "alarm_withdrawn", "forecast", "new_run", "grown", "run_gone", "setting", "software",
)  # fmt: skip
"""Kinds of change, what is decided first."""
FOLDED = ("setting", "software")
"""Causes that are no news of a run: shown on demand."""


@dataclass(frozen=True)
class Change:
    """One change. The document's JSON has these keys."""

    kind: str
    subject: str
    what: str
    evidence: str
    link: str
    needs_decision: bool
    cause: str = "rows"
    decided: str = ""
    weight: int = 1


def changes(
    then: State, now: State, kinds: Mapping[str, set[str]], notes: Sequence[Mapping[str, Any]],
    since: str, today: datetime.date, shown: Mapping[str, Any] | None = None,
) -> list[Change]:  # fmt: skip
    """What changed, what needs a decision first.

    Args:
        then: the state at the beginning, judged by today's method.
        now: the state at the end.
        kinds: kinds of segments that changed each run since.
        notes: rows of the question "notes": a decision written since settles its run.
        since: ISO 8601 time of the beginning.
        today: what is due before it is overdue.
        shown: of the review that was closed at the beginning: ``method`` and ``runs`` (status by
            run) as its readers saw them; None = it is not known.
    """
    found = [
        change for run in sorted({*then.runs, *now.runs})
        for change in _of_run(run, then, now, kinds.get(run, set()))
    ]  # fmt: skip
    of_loops = [Change(*subjects) for subjects in loop_changes.found(then, now)]
    subjects = {one.subject for one in of_loops}  # what grew by what is told of it
    found = [one for one in found if one.kind != "grown" or one.subject not in subjects] + of_loops
    found += list(_skips(then, now))
    found += list(_software(then, shown, set(kinds)))
    settled = _settled(notes, since)
    found = [
        replace(one, decided=settled[one.subject], needs_decision=False)
        if one.subject in settled and one.needs_decision else one
        for one in found
    ]  # fmt: skip
    found += list(_due(notes, today))
    return sorted(found, key=_place)


def _place(change: Change) -> tuple[Any, ...]:
    return (
        not change.needs_decision, change.cause in FOLDED, ORDER.index(change.kind),
        change.weight, change.subject, change.what,
    )  # fmt: skip


def _of_run(run: str, then: State, now: State, kinds: set[str]) -> Iterator[Change]:
    old, new = then.runs.get(run), now.runs.get(run)
    if new is None:
        yield Change("run_gone", run, "was forgotten", "", _link(run), False)
    elif old is None:
        yield _new_run(run, new, run in now.stands())
        yield from _told_of(run, None, new, "rows")
    elif kinds:
        yield from _changed_run(run, old, new, now, kinds)


def _new_run(run: str, new: RunState, stands: bool) -> Change:
    words = "is being judged" if new.verdict is None else _words(new)
    bad = new.status in BAD
    kind = "alarm_raised" if new.alarm else "status" if bad else "new_run"
    evidence = _first_reason(new) or _rows({}, new.rows())
    return Change(
        kind, run, f"new run: {words}", evidence, _link(run), bad, weight=0 if stands else 1
    )


def _changed_run(
    run: str, old: RunState, new: RunState, now: State, kinds: set[str]
) -> Iterator[Change]:
    found = list(_told_of(run, old, new, _cause(old, new, kinds)))
    anew = "forget" in kinds
    status = list(_status(run, old, new, run in now.stands(), _cause(old, new, kinds), anew))
    yield from (*status, *found)
    if not status and not found:
        grown = _rows(old.rows(), new.rows())
        if anew and old.rows() != new.rows():
            sentence = f"{_anew(old, new)}; {_words(new)}"
            yield Change("grown", run, sentence, "", _link(run), False)
            return
        if kinds == {"roles"}:
            sentence = "its project's logs are read in another way"
            yield Change("setting", run, sentence, "", _link(run), False, "setting")
        elif grown:
            yield Change("grown", run, f"{grown}; {_words(new)}", "", _link(run), False)


def _cause(old: RunState, new: RunState, kinds: set[str]) -> str:
    if kinds == {"roles"}:
        return "setting"
    return "judge" if old.judges and new.judges - old.judges else "rows"


def _status(
    run: str, old: RunState, new: RunState, stands: bool, cause: str, anew: bool
) -> Iterator[Change]:
    """The change of alarm or status: one at most.

    anew: the run was forgotten and imported again. Then an alarm that its rows do not show is gone
    with the rows that raised it: no later row withdrew it.
    """
    if old.verdict is None or new.verdict is None:
        return
    words, evidence = f"{_words(old)} → {_words(new)}", _evidence(old, new)
    if anew:
        evidence = ". ".join(filter(None, (_first_reason(new), _anew(old, new))))
    if new.alarm and not old.alarm:
        at = f" at step {whole(new.alarm['step'])}"
        also = ", and it stands among all runs of its project" if stands else ""
        yield Change("alarm_raised", run, f"alarm raised{at}{also}: {words}", evidence, _link(run),
                     True, cause, weight=0 if stands else 1)  # fmt: skip
    elif new.status == "not_judged":  # whatever it showed before: nothing was withdrawn
        if old.status != new.status:
            yield Change("not_judged", run, words, evidence, _link(run), True, cause)
    elif anew and old.alarm and not new.verdict.get("alarm"):
        yield Change("status", run, f"forgotten and imported anew, its alarm with it: {words}",
                     evidence, _link(run), new.status in BAD, cause)  # fmt: skip
    elif old.alarm and not new.alarm:
        yield Change("alarm_withdrawn", run, f"alarm withdrawn: {words}", evidence, _link(run),
                     new.status in BAD, cause)  # fmt: skip
    elif old.status != new.status:
        yield Change("status", run, words, evidence, _link(run), new.status in BAD, cause)


def _told_of(run: str, old: RunState | None, new: RunState, cause: str) -> Iterator[Change]:
    """What else changed: the judge, the forecast, blind KL, the unit of KL."""
    link = _link(run)
    if old is not None and cause == "judge":
        names = sorted(" ".join(filter(None, one)) for one in new.judges - old.judges)
        yield Change("judge", run, f"gold has a new judge: {', '.join(names)}",
                     "gold of two judges is not one scale", link, True, "judge")  # fmt: skip
    if old is not None and (moved := _forecast(old, new)):
        yield Change("forecast", run, moved, "", link, False, cause)
    for flag, kind, words in (
        ("blind", "blind", "KL has moved on since the last gold evaluation"),
        ("kl_unit_unknown", "unit_unknown", "the unit of its KL is not known"),
    ):
        if flag in _flags(new) and (old is None or flag not in _flags(old)):
            yield Change(kind, run, words, "", link, True, cause)


def _forecast(old: RunState, new: RunState) -> str:
    """How the forecast of the peak moved, beyond its own interval before; empty if it did not."""
    was, is_now = (one.verdict.get("forecast") if one.verdict else None for one in (old, new))
    if not was or not is_now or was["kl_low"] <= is_now["kl"] <= was["kl_high"]:
        return ""
    reach = [interval(one["kl_low"], one["kl_high"], "nats") for one in (was, is_now)]
    return f"the forecast peak moved from KL {reach[0]} to KL {reach[1]}"


def _skips(then: State, now: State) -> Iterator[Change]:
    for path in sorted(set(now.skips) - set(then.skips)):
        yield Change("skipped", path, "could not be read", now.skips[path], "/sources", True)
    for paths, last in sorted(now.watches.items()):
        sentence = (
            f"is not followed any more: the watch gave its last sign at {when({'at': last})} UTC"
        )
        again = "nobody ended it; start it again: python -m data watch"
        yield Change("watch", paths, sentence, again, "/sources", True)


def _software(then: State, shown: Mapping[str, Any] | None, changed: set[str]) -> Iterator[Change]:
    """Verdicts on the same rows that today's program makes otherwise than that of the review."""
    for run, status in sorted((shown or {}).get("runs", {}).items()):
        before = then.runs.get(run)
        if before is not None and before.status not in (None, status):
            sentence = f"{status_look(str(status))[1]} → {_words(before)} on the same rows"
            yield Change("software", run, sentence, "the program that judges has changed",
                         _link(run), False, "software")  # fmt: skip


def _settled(notes: Sequence[Mapping[str, Any]], since: str) -> dict[str, str]:
    """What was decided on each run since the beginning, the latest decision."""
    start = datetime.datetime.fromisoformat(since)
    settled: dict[str, str] = {}
    for note in notes:
        written = datetime.datetime.fromisoformat(note["at"])
        if note["run_id"] and note["decision"] and written >= start:
            settled.setdefault(note["run_id"], f"{decided(note)}, {note['by']}")
    return settled


def _due(notes: Sequence[Mapping[str, Any]], today: datetime.date) -> Iterator[Change]:
    for note in notes:
        if overdue(note, today):
            subject = str(note["run_id"] or note["topic"] or note["pin_id"])
            yield Change("decision_due", subject, f"{decided(note, today)}",
                         f"decided by {note['by']}", _link(subject), True)  # fmt: skip


def _words(state: RunState) -> str:
    return "being judged" if state.status is None else status_look(state.status)[1]


def _flags(state: RunState) -> set[str]:
    """Flags of the verdict; the unit of KL is known of runs without a verdict, too."""
    unknown = state.facts.get("kl_conversion") == "unknown"
    return {*((state.verdict or {}).get("flags") or ()), *(["kl_unit_unknown"] * unknown)}


def _first_reason(state: RunState) -> str:
    """The first sentence of the first reason: the verdict's own page has all of them."""
    reasons = (state.verdict or {}).get("reasons") or [""]
    return str(reasons[0]).partition(". ")[0]


def _evidence(old: RunState, new: RunState) -> str:
    grown = _rows(old.rows(), new.rows())
    return ". ".join(part.rstrip(".") for part in (grown, _first_reason(new)) if part)


def _rows(old: Mapping[str, int], new: Mapping[str, int]) -> str:
    """What came in, counted.

    >>> _rows({"points": 10}, {"points": 12, "samples": 1})
    '2 more rows, 1 more response'
    """
    words = {"points": "row", "gold_evaluations": "gold evaluation", "samples": "response",
             "answers": "answer"}  # fmt: skip
    more = {name: new.get(name, 0) - old.get(name, 0) for name in words}
    lead = "more " if old else ""
    return ", ".join(
        count(n, f"{lead}{words[name]}") for name, n in more.items() if n > 0
    )  # fmt: skip


def _anew(old: RunState, new: RunState) -> str:
    before, now = (count(one.rows()["points"], "row") for one in (old, new))
    return f"It was forgotten and imported anew: {before} before, {now} now"


def _link(run: str) -> str:
    return f"/overoptimization?{urlencode([('run', run)])}"


def grouped(found: Sequence[Change]) -> list[list[Change]]:
    """The changes of each subject together, in the order of the first: one decision settles them.

    What is folded stands apart from what is not.
    """
    groups: dict[tuple[str, bool], list[Change]] = {}
    for one in found:
        folded = one.cause in FOLDED and not one.needs_decision
        groups.setdefault((one.subject, folded), []).append(one)
    return list(groups.values())


def summary(found: Sequence[Change]) -> str:
    """The review in a sentence: the answer first. Runs, loops and files are counted.

    >>> summary([])
    'Nothing needs a decision.'
    """
    groups = grouped(found)
    waiting = sum(group[0].needs_decision for group in groups)
    others = sum(
        not group[0].needs_decision and group[0].cause not in FOLDED for group in groups
    )  # fmt: skip
    sentence = (
        "Nothing needs a decision"
        if not waiting
        else f"{number(waiting)} "
        + ("thing needs a decision" if waiting == 1 else "things need a decision")
    )
    return f"{sentence}{'; ' + count(others, 'other change') if others else ''}."
