"""Scalars by phase and step: what every store of one run is read into before it becomes columns.

The stores of a run (trainer_state.json, TensorBoard files) say the same in different wrappings, so
they meet here, under the trainer's own key names, and only the merged rows are mapped to columns.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from data.declared.foreign import JsonObject
from data.readers.raw.scalar_columns import Columns, Row

SUMMARY_KEYS = frozenset(
    {
        "train_runtime",
        "train_samples_per_second",
        "train_steps_per_second",
        "train_loss",
        "total_flos",
    }
)
"""Keys of the Hugging Face trainer's closing summary: about the run, not about its last step."""

CLOCK_KEYS = frozenset({"epoch", "step", "train/global_step", "global_step", "time"})
"""Keys that every log call of a step repeats: sharing them does not make two rows duplicates."""

VALIDATION = ("val-core/", "val-aux/")
"""How the names of verl's validation metrics begin."""

HELD_OUT = ("validation", "val", "valid", "test")
REWARDS = frozenset({
    "reward", "proxy_reward", "gold_reward", "gold", "score", "reward/mean", "score/mean",
})  # fmt: skip
"""What is an evaluation's under ``val/``, below which trainers log other things of training."""


MAX_STEP = 2**63 - 1


@dataclass
class Scalars:
    """The scalars of one store (or of several, once merged).

    They stand in rows by phase and step, or a phase of them in columns: the reader of a large log
    hands over columns, merging stores works on rows, and either is made of the other.
    """

    path: str
    format: str
    config: JsonObject = field(default_factory=dict)
    function_order: list[str] = field(default_factory=list)  # metric keys in the order logged
    logging_steps: int | None = None
    max_steps: int | None = None
    replaced: set[tuple[str, int]] = field(default_factory=set)
    restarts: list[tuple[int, int, int]] = field(default_factory=list)
    """Of each later attempt its first step, the steps that it took over, and the last of these."""
    notes: list[str] = field(default_factory=list)
    marks: frozenset[str] = frozenset()  # names that hold no metric and tell the trainer
    _rows: dict[str, dict[int, Row]] = field(default_factory=lambda: {"train": {}, "eval": {}})
    _columns: dict[str, Columns] = field(default_factory=dict)
    _newest: int = -1
    first_time: float = 0.0  # seconds, of what was logged; 0 = not stated
    last_time: float = 0.0
    started_at: int | None = None  # the step from which on the writer says that it replaces

    @property
    def rows(self) -> dict[str, dict[int, Row]]:
        """By phase and step; what stood in columns stands in these rows from now on."""
        for phase, columns in self._columns.items():
            self._rows[phase] = columns.rows()
        self._columns = {}
        return self._rows

    @property
    def columns(self) -> dict[str, Columns]:
        """By phase, without empty ones; what stood in rows stands in these from now on."""
        for phase, rows in self._rows.items():
            if rows:
                self._columns[phase], self._rows[phase] = Columns.of_rows(rows), {}
        return self._columns

    def seen(self, *times: float) -> None:
        """Note when something was logged (seconds; 0 = not stated)."""
        for time in times:
            if time > 0:
                self.first_time = min(self.first_time or time, time)
                self.last_time = max(self.last_time, time)

    def drop_clock_rows(self) -> None:
        """Leave out rows that hold nothing but CLOCK_KEYS: they say nothing."""
        for phase, rows in self._rows.items():
            self._rows[phase] = {s: row for s, row in rows.items() if row.keys() - CLOCK_KEYS}
        for phase, columns in self._columns.items():
            self._columns[phase] = columns.with_any_beside(CLOCK_KEYS)

    def put(self, phase: str, step: int, row: Row, whole: bool = False) -> None:
        """Add one log call; a key said twice for one step keeps the later value.

        With ``whole`` a call that repeats a key takes the place of all that was said of the step:
        each call holds all metrics of its step, so the earlier one is of an abandoned attempt.
        """
        rows = self.rows.setdefault(phase, {})
        known = rows.get(step)
        if phase == "train":
            if step < self._newest and self._is_again(step, known, row):
                self._restart(step)
                known = None
            self._newest = max(self._newest, step)
        if known is None:
            rows[step] = row
            return
        if (known.keys() & row.keys()) - CLOCK_KEYS:
            self.replaced.add((phase, step))
            if whole:
                rows[step] = row
                return
        known.update(row)

    def _is_again(self, step: int, known: Row | None, row: Row) -> bool:
        """Whether a row of an earlier step than the newest logs again what was logged of it."""
        if known is not None:
            return bool((known.keys() & row.keys()) - CLOCK_KEYS)
        # An attempt that repeats no step exactly: as many of its keys as a row has.
        newest = self._rows["train"].get(self._newest, {}).keys() - CLOCK_KEYS
        later = [s for s in self._rows["train"] if s > step]
        return len(later) >= 3 and len(newest & row.keys()) * 2 > len(newest)

    def _restart(self, step: int) -> None:
        """A new attempt begins at a step: what was logged of later ones is of an abandoned one."""
        gone: set[int] = set()
        for phase, rows in self.rows.items():
            dead = [s for s in rows if s >= step]
            gone.update(dead)
            for s in dead:
                del rows[s]
                self.replaced.add((phase, s))
        self.restarts.append((step, len(gone), max(gone, default=step)))
        self._newest = step

    def overtake(self, later: Scalars) -> None:
        """Let a later store of the same kind (a resume) take over from its first step on.

        Nothing of the abandoned attempt stays from there on: half of each would mix two policies.
        Stores that share no key are two writers of the same steps and are joined.
        """
        first = min(later.rows["train"], default=None)
        if later.started_at is not None and first is not None:
            first = min(first, later.started_at)
        if first is not None and self._shares(later, first):
            self._restart(first)
        self.restarts += later.restarts
        for phase, rows in later.rows.items():
            mine = self.rows.setdefault(phase, {})
            for step, row in rows.items():
                known = mine.get(step)
                if known is None:
                    mine[step] = row
                elif (known.keys() & row.keys()) - CLOCK_KEYS:
                    mine[step] = row
                    self.replaced.add((phase, step))
                else:
                    known.update(row)
        self._adopt(later)
        self.config.update(later.config)
        self.replaced |= later.replaced

    def fill(self, poorer: Scalars) -> None:
        """Take from a poorer store what this one lacks: whole steps, and keys of known steps."""
        for phase, rows in poorer.rows.items():
            mine = self.rows.setdefault(phase, {})
            for step, row in rows.items():
                known = mine.get(step)
                if known is None:
                    mine[step] = row
                else:
                    for key, value in row.items():
                        known.setdefault(key, value)
        self._adopt(poorer)
        self.config = {**poorer.config, **self.config}
        self.replaced |= poorer.replaced

    def _shares(self, later: Scalars, first: int) -> bool:
        """Whether a later store logs again any key of this one's steps from ``first`` on."""
        mine = {key for s, row in self.rows["train"].items() if s >= first for key in row}
        theirs = {key for row in later.rows["train"].values() for key in row}
        return bool((mine & theirs) - CLOCK_KEYS)

    def _adopt(self, other: Scalars) -> None:
        self.notes += [note for note in other.notes if note not in self.notes]
        self.marks |= other.marks
        self.function_order = self.function_order or other.function_order
        self.logging_steps = self.logging_steps or other.logging_steps
        self.max_steps = self.max_steps or other.max_steps

    def steps_with(self, phase: str, key: str) -> set[int]:
        """The steps of a phase for which a key was logged."""
        columns = self.columns.get(phase)
        if columns is None or key not in columns.values:
            return set()
        return set(columns.steps[columns.values[key].is_not_null().to_numpy()].tolist())

    def count(self) -> int:
        """Number of rows over all phases."""
        points = sum(len(columns.steps) for columns in self._columns.values())
        return points + sum(len(rows) for rows in self._rows.values())

    def keys(self) -> list[str]:
        """All keys of all phases, in order of first appearance."""
        seen: dict[str, None] = {}
        for phase, rows in self._rows.items():
            if phase in self._columns:
                seen.update(dict.fromkeys(self._columns[phase].values))
            for row in rows.values():
                seen.update(dict.fromkeys(row))
        return list(seen)


def split_key(name: str) -> tuple[str, str]:
    """Phase and bare key of a tracker's metric name.

    >>> split_key("train/kl"), split_key("eval/reward"), split_key("critic/score/mean")
    (('train', 'kl'), ('eval', 'reward'), ('train', 'critic/score/mean'))
    >>> split_key("validation/accuracy"), split_key("val/reward"), split_key("val/num_eos_tokens")
    (('eval', 'accuracy'), ('eval', 'reward'), ('train', 'val/num_eos_tokens'))
    >>> split_key("val-core/math/acc/mean@1")  # verl's validation keeps its name
    ('eval', 'val-core/math/acc/mean@1')
    """
    phase, _, key = name.partition("/")
    if phase in ("train", "eval") and key:
        return phase, key
    if phase in HELD_OUT and key and _is_evaluation(phase, key):
        return "eval", key
    return ("eval" if name.startswith(VALIDATION) else "train"), name


def _is_evaluation(phase: str, key: str) -> bool:
    """Whether a key under a word of HELD_OUT is an evaluation's, for any trainer known."""
    return phase == "validation" or (phase == "test" and key.startswith("env/")) or key in REWARDS


def as_number(value: object) -> float | None:
    """A logged JSON value as a float; None where it is not a number (text, lists, booleans)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer beyond 1.8e308: as little a reward as infinity is
        return float("inf") if value > 0 else float("-inf")


def as_step(value: object) -> int | None:
    """A logged step as an integer in 0 .. 2^63-1; None where it is none."""
    number = as_number(value)
    if number is None or not number.is_integer() or not 0 <= number < MAX_STEP:
        return None
    return int(value) if isinstance(value, int) else int(number)
