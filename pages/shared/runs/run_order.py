"""Which runs the overview shows, in which order and in which groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from analytics.figures.drawing.palette import STATUS, status_look
from analytics.onset.alarm.many_runs import standing
from analytics.wording import count, whole

RANK = {status: place for place, status in enumerate(STATUS)}
MOST_GROUPS = 24
"""A setting with more values than that tells runs apart one by one: it groups nothing."""
ORDERS = {
    "decision": "what needs a decision", "name": "name", "newest": "newest import",
    "kl": "KL reached", "stale": "steps since gold",
}  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """A run as the overview orders it: its row of the store, its verdict, and what it says."""

    run: Mapping[str, Any]
    facts: Mapping[str, Any]
    verdict: Mapping[str, Any] = field(default_factory=dict)
    stands: bool = False

    @property
    def name(self) -> str:
        """The run's id."""
        return str(self.run["run_id"])

    @property
    def status(self) -> str:
        """The status of its verdict, "" while there is none."""
        return str(self.verdict.get("status") or "")

    @property
    def settings(self) -> dict[str, str]:
        """What the runs may be grouped and searched by, as text."""
        config = self.facts.get("config") or {}
        own = {"trainer": self.facts.get("trainer"), "algorithm": self.facts.get("algorithm")}
        stated = own | config
        return {key: str(value) for key, value in stated.items() if value not in (None, "")}

    def matches(self, words: str) -> bool:
        """Whether each of the words is in its name, project or settings, in any order."""
        text = " ".join((self.name, str(self.run["project"]), *self.settings.values())).casefold()
        return all(word in text for word in words.casefold().split())


def ordered(runs: Sequence[Listed], by: str) -> list[Listed]:
    """The runs in one of ORDERS; equal ones by name."""
    keys: dict[str, Callable[[Listed], Any]] = {
        "decision": _urgency,
        "name": lambda one: (),
        "newest": lambda one: -(_seconds(one.run["imported_at"])),
        "kl": lambda one: -_or(one.run["kl_end"], -inf),
        "stale": lambda one: -_stale(one.run),
    }
    return sorted(runs, key=lambda one: (keys[by](one), one.name))


def _urgency(one: Listed) -> tuple[Any, ...]:
    """Alarms that stand among all runs first, unknown noise last of its kind; then by evidence.

    Never by the gold that was lost: runs of different reward models have different units.
    """
    alarmed = standing(one.verdict.get("alarm"))
    unknown = "gold_noise_unknown" in (one.verdict.get("flags") or ())
    evidence = _or(one.verdict.get("e_value"), 0.0) if alarmed else 0.0
    return (RANK.get(one.status, len(RANK)), not one.stands, unknown, -evidence)


def _stale(run: Mapping[str, Any]) -> float:
    """Steps since the last gold evaluation; without any, all of them, and before the others."""
    if not run["gold_evaluations"]:
        return inf if run["points"] else -inf
    return float((run["step_end"] or 0) - (run["gold_step_end"] or 0))


def _or(value: float | None, missing: float) -> float:
    return missing if value is None else float(value)


def _seconds(when: Any) -> float:
    return float(when.timestamp()) if hasattr(when, "timestamp") else 0.0


def groupings(runs: Sequence[Listed]) -> dict[str, str]:
    """What parts these runs into groups, by name in the address, with its label."""
    found = {}
    if len({one.run["project"] for one in runs}) > 1:
        found["project"] = "project"
    values: dict[str, set[str]] = {}
    for one in runs:
        for key, value in one.settings.items():
            values.setdefault(key, set()).add(value)
    most = min(MOST_GROUPS, len(runs) - 1)
    found |= {key: key for key in sorted(values) if 1 < len(values[key]) <= most}
    return found


def grouped(runs: Sequence[Listed], by: str | None) -> list[tuple[str, list[Listed]]]:
    """The runs in groups, in the order of each group's first run; one nameless group without."""
    if by is None:
        return [("", list(runs))]
    groups: dict[str, list[Listed]] = {}
    for one in runs:
        value = str(one.run["project"]) if by == "project" else one.settings.get(by)
        groups.setdefault(f"{by} {value}" if value is not None else f"no {by} logged", []).append(
            one
        )
    return list(groups.items())


def tally(runs: Sequence[Listed]) -> str:
    """How many runs have which verdict, the pressing first.

    >>> tally([Listed({"run_id": "a"}, {}, {"status": "warning"})])
    '1 run: 1 warning'
    """
    statuses = Counter(one.status for one in runs if one.status)
    ordered = sorted(statuses.items(), key=lambda item: RANK.get(item[0], len(RANK)))
    counts = ", ".join(f"{whole(n)} {status_look(status)[1]}" for status, n in ordered)
    return f"{count(len(runs), 'run')}: {counts}" if counts else count(len(runs), "run")
