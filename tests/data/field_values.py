"""What is right for an input: the words in which the tables of inputs say it, and their runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FIELD = Path(__file__).resolve().parent / "field"

EXACT = frozenset({"exact"})
APPROXIMATE = frozenset({"approximate"})
CONVERTED = EXACT | APPROXIMATE
STATED = frozenset({"as_stated"})
UNKNOWN = frozenset({"unknown"})
MISSING = frozenset({"missing"})

Values = tuple[float | None, ...]
Gold = Mapping[int, float]


@dataclass(frozen=True)
class Kl:
    """One right reading of a run's KL: the stored values by training row, and how they are called.

    ``values`` None: whatever they are (only the label is looked at); (): no row has any.
    """

    values: Values | None
    labels: frozenset[str]


@dataclass(frozen=True)
class Run:
    """One run as it should stand in the store; several ``kls`` or ``golds``: any of them is right.

    ``steps`` and ``proxy`` are of the training rows, ``golds`` by step (by row number where
    ``steps`` is None: they are then not looked at). ``evaluation``: step -> (proxy, gold), None =
    not looked at.
    """

    name: str | None = None
    steps: tuple[int, ...] | None = None
    kls: tuple[Kl, ...] = ()
    proxy: Values | None = None
    golds: tuple[Gold, ...] = ()
    evaluation: Mapping[int, tuple[float | None, float | None]] | None = field(default_factory=dict)
    proxy_keys: frozenset[str] = frozenset()  # any of; empty = not looked at
    references: frozenset[str | None] = frozenset()  # of the KL; empty = not looked at
    samples: int = 0
    rows: int | None = None  # training rows, where steps are not looked at

    @property
    def height(self) -> int | None:
        """The number of training rows; None = not looked at."""
        return len(self.steps) if self.steps is not None else self.rows


@dataclass(frozen=True)
class Loop:
    """Answers of one loop: iteration -> (correct, incorrect, not attempted)."""

    name: str | None
    grades: Mapping[int, tuple[int, int, int]]


@dataclass(frozen=True)
class Verdict:
    """What ``verdict --json`` says of every run of an input; None = not looked at."""

    holds_peak: float | None = None  # nats per response that the peak's interval holds
    peak_step: tuple[int, int] | None = None  # the measured peak lies between
    statuses: frozenset[str] = frozenset()
    axis: str | None = None
    never: str | None = None  # a pattern that no reason matches
    says: str | None = None  # a pattern that one reason matches


@dataclass(frozen=True)
class Input:
    """One thing that a user imports, and what is right.

    ``says`` are patterns (without case) that warnings, KL notes or refusals must match, ``never``
    those that none may. ``refused``: nothing comes in and the exit code is 1. ``or_refused``:
    that is right too, if what is said matches ``says``.
    """

    name: str
    kind: str  # "1 units" … as the points of the issue are numbered
    paths: tuple[str, ...] = ()  # below FIELD, patterns allowed
    make: Callable[[Path], Sequence[Path]] | None = None  # instead: writes the input, names it
    options: tuple[str, ...] = ()
    then: tuple[str, ...] | None = None  # options of a second import of the same paths
    renames: tuple[str, str] | None = None  # a folder that is renamed before the second import
    runs: tuple[Run, ...] = ()
    loops: tuple[Loop, ...] = ()
    refused: bool = False
    or_refused: bool = False
    more_runs: bool = False  # further runs may come in
    exit: int | None = None  # None: 0, or 1 where refused
    says: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    verdict: Verdict | None = None

    @property
    def handed(self) -> bool:
        """Whether the input lies in FIELD (else it is made by the tests)."""
        return self.make is None


@dataclass(frozen=True)
class Curve:
    """A run's truth: per training row the step, nats per response, proxy, gold and tokens."""

    steps: tuple[int, ...]
    kl: tuple[float, ...]
    proxy: tuple[float, ...]
    gold: tuple[float, ...]
    length: tuple[float, ...]

    def golds(self, every: int = 1, start: int = 0) -> dict[int, float]:
        """The gold of each ``every``-th row, by step."""
        return dict(list(zip(self.steps, self.gold, strict=True))[start::every])

    def per_token(self) -> tuple[float, ...]:
        """KL as trainers log it that divide by the tokens."""
        return tuple(kl / n for kl, n in zip(self.kl, self.length, strict=True))

    def part(self, start: int, stop: int, shift: float = 0.0) -> Curve:
        """Rows ``start`` to before ``stop``; proxy and gold shifted."""
        return Curve(
            self.steps[start:stop], self.kl[start:stop],
            tuple(x + shift for x in self.proxy[start:stop]),
            tuple(x + shift for x in self.gold[start:stop]), self.length[start:stop],
        )  # fmt: skip

    def then(self, other: Curve) -> Curve:
        """These rows and then the other's."""
        return Curve(
            self.steps + other.steps, self.kl + other.kl, self.proxy + other.proxy,
            self.gold + other.gold, self.length + other.length,
        )  # fmt: skip

    def at(self, steps: Sequence[int]) -> Curve:
        """The same rows under other steps."""
        return Curve(tuple(steps), self.kl, self.proxy, self.gold, self.length)

    def run(self, name: str | None = None, labels: frozenset[str] = EXACT, **more: object) -> Run:
        """The run as read rightly; ``more`` overrides single fields."""
        given: dict[str, object] = {
            "name": name, "steps": self.steps, "kls": (Kl(self.kl, labels),),
            "proxy": self.proxy, "golds": (self.golds(),),
        }  # fmt: skip
        return Run(**{**given, **more})  # type: ignore[arg-type]


@cache
def base() -> Curve:
    """The run of the numbered tables: 40 rows, 20 tokens a response."""
    with (FIELD / "tables" / "22c_pandas_index.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kl, proxy, gold = (
        tuple(float(row[key]) for row in rows) for key in ("kl", "proxy_reward", "gold_reward")
    )
    return Curve(tuple(int(row["step"]) for row in rows), kl, proxy, gold, (20.0,) * len(rows))


@cache
def second() -> Curve:
    """The other run of the exports that hold two (seed-1, other, calm-bear-1)."""
    with (FIELD / "tables" / "02_wandb_ui_several_runs.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kl, proxy, gold = (
        tuple(float(row[f"seed-1 - train/{key}"]) for row in rows)
        for key in ("kl", "reward", "gold_reward")
    )
    return Curve(tuple(int(row["Step"]) for row in rows), kl, proxy, gold, (20.0,) * len(rows))


@cache
def trained(first_step: int = 0) -> Curve:
    """The run that each trainer's logger wrote: 60 rows, gold peaks at 5.2 nats per response."""
    rows = json.loads((FIELD / "tables" / "log_history.json").read_text(encoding="utf-8"))
    length = tuple(row["completions/mean_length"] for row in rows)
    return Curve(
        tuple(range(first_step, first_step + len(rows))),
        tuple(row["kl"] * tokens for row, tokens in zip(rows, length, strict=True)),
        tuple(row["reward"] for row in rows),
        tuple(row["rewards/gold_rm/mean"] for row in rows),
        length,
    )


def as_logged(curve: Curve, labels: frozenset[str] = UNKNOWN) -> Kl:
    """The KL of a log whose values are nats per response already."""
    return Kl(curve.kl, labels)


NO_KL = Kl((), MISSING)
