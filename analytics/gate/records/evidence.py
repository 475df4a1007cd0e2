"""What a gate looks at: the frames of one loop, and the moment of judging."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

import polars as pl

from analytics.loops.decided import GOING, last_word
from analytics.wording import count

T = TypeVar("T")
TEXT, WHOLE, NUMBER, TRUTH, DAY = pl.String, pl.Int64, pl.Float64, pl.Boolean, pl.Date

FRAMES: dict[str, dict[str, Any]] = {
    "answers": {
        "iteration": WHOLE, "origin": TEXT, "question_id": TEXT, "sample_id": WHOLE, "topic": TEXT,
        "question": TEXT, "grade": TEXT, "confidence": NUMBER, "knowledge": TEXT,
        "entity_id": TEXT, "in_training": TRUTH,
    },
    "generations": {
        "iteration": WHOLE, "text_id": TEXT, "prompt": TEXT, "text": TEXT, "proxy_reward": NUMBER,
        "gold_reward": NUMBER, "kept": TRUTH, "logprob_policy": NUMBER, "logprob_base": NUMBER,
        "n_tokens": WHOLE,
    },
    "corpus": {
        "iteration": WHOLE, "origin": TEXT, "generator_iteration": WHOLE, "documents": WHOLE,
        "tokens": WHOLE, "depth": WHOLE, "verified": TRUTH, "verifier": TEXT, "licence": TEXT,
        "reward_model": TEXT,
    },
    "indicators": {
        "iteration": WHOLE, "indicator": TEXT, "value": NUMBER, "low": NUMBER, "high": NUMBER,
        "n": WHOLE, "first_difference": NUMBER, "first_low": NUMBER, "first_high": NUMBER,
        "previous_difference": NUMBER, "previous_low": NUMBER, "previous_high": NUMBER,
        "reference": TEXT,
    },
    "metrics": {
        "iteration": WHOLE, "kl": NUMBER, "kl_se": NUMBER, "n_responses": WHOLE,
        "gold_reward": NUMBER, "gold_reward_se": NUMBER,
    },
    "sealed": {
        "iteration": WHOLE, "source": TEXT, "prompt": TEXT, "gold_reward": NUMBER,
        "proxy_reward": NUMBER, "logprob_policy": NUMBER, "logprob_base": NUMBER, "n_tokens": WHOLE,
    },
    "overlap": {"iteration": WHOLE, "hits": WHOLE, "compared": WHOLE},
    "reviews": {
        "iteration": WHOLE, "item_id": TEXT, "prompt": TEXT, "response_a": TEXT,
        "response_b": TEXT, "origin_a": TEXT, "origin_b": TEXT, "proxy_a": NUMBER,
        "proxy_b": NUMBER, "rater": TEXT, "preferred": TEXT, "graded_at": TEXT, "slice": TEXT,
    },
    "outcomes": {
        "iteration": WHOLE, "metric": TEXT, "n": WHOLE, "value": NUMBER, "higher_is_better": TRUTH,
    },
    "decisions": {
        "iteration": WHOLE, "decision": TEXT, "by": TEXT, "at": TEXT, "expires": TEXT,
        "snapshot": TEXT, "note": TEXT,
    },
}  # fmt: skip
"""Table -> the columns that the gate reads of it; absent columns are null."""

KEYS = {
    "generations": ("iteration", "text_id"),
    "corpus": ("iteration", "origin", "generator_iteration", "depth", "licence", "reward_model",
               "verified", "verifier"),
    "indicators": ("iteration", "indicator"),
    "outcomes": ("iteration", "metric"),
    "reviews": ("iteration", "item_id", "rater"),
    "answers": ("iteration", "origin", "question_id", "sample_id"),
}  # fmt: skip


class GateError(ValueError):
    """Evidence that contradicts itself, or is not there at all."""


@dataclass(frozen=True)
class Evidence:
    """Frames of one loop by table, all iterations up to the judged one, and who asks when.

    Args:
        frames: by the names in `FRAMES`; what is absent was not measured.
        release: iteration of the last release; None: the last decision to continue, else the one
            before.
        submitter: who asks for the release; None = nobody said.
        told: the submitter that the loop's file names, whoever was named since.
        alarm: the loop's verdict (`verdict --json`), or None.
        gold_uses: how often its gold was used to choose (the store's question of this name).
        kin: what is said where judge and reward model are of one family; None = cannot be told.
        seals: acts on the sealed gold of its project (the store's question `seals`); empty where
            none is sealed.
        sealed: sources of gold that are sealed and were not opened for this look.
        memo: averages by iteration; looks at one loop share it.
    """

    loop: str
    iteration: int
    frames: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    release: int | None = None
    submitter: str | None = None
    today: datetime.date = field(default_factory=datetime.date.today)
    alarm: Mapping[str, Any] | None = None
    named: str | None = None
    gold_uses: tuple[Mapping[str, Any], ...] = ()
    kin: str | None = ""
    seals: tuple[Mapping[str, Any], ...] = ()
    sealed: tuple[str, ...] = ()
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """What `make` gives, kept: no iteration is averaged or compared twice."""
        # The frames are kept beside the answer: another loop's never get the same id.
        mine = (id(self.frames), key)
        if mine not in self.memo:
            self.memo[mine] = (self.frames, make())
        made: T = self.memo[mine][1]
        return made

    def frame(self, name: str) -> pl.DataFrame:
        """The rows of a table up to the iteration."""
        return self.every(name).filter(pl.col("iteration") <= self.iteration)

    def every(self, name: str) -> pl.DataFrame:
        """All rows of a table, with every column that the gate reads."""
        return self.once(("every", name), lambda: _read(self.frames.get(name), FRAMES[name]))

    def at(self, name: str, iteration: int) -> pl.DataFrame:
        """The rows of one iteration."""
        parts = self.once(("parts", name), lambda: parted(self.every(name)))
        return parts.get(iteration, self.every(name).clear())

    def link(self, page: str, **choices: Any) -> str:
        """Address of the page that shows the evidence."""
        key = "run" if page == "overoptimization" else "loop"
        return f"/{page}?{urlencode({key: self.loop, **choices})}"

    def check(self) -> None:
        """Say what contradicts itself.

        Raises:
            GateError: two iterations of one number, a rater who judged an item twice.
        """
        if self.iteration < 1:
            raise GateError(
                f"{self.loop}: iteration {self.iteration} has nothing before it; a gate judges "
                "iterations from 1 on"
            )
        if self.release is not None and not 0 <= self.release < self.iteration:
            raise GateError(
                f"{self.loop}: the last release (--release {self.release}) must be an iteration "
                f"before {self.iteration}, from 0 on"
            )
        self.once("check", self._check_keys)

    def _check_keys(self) -> None:
        for name, key in KEYS.items():
            frame = self.every(name)
            doubled = frame.filter(frame.select(key).is_duplicated()).unique()
            if doubled.height and frame.unique().select(key).is_duplicated().any():
                raise GateError(_doubled(self.loop, name, doubled, key))

    def released(self) -> tuple[int, str]:
        """The last release, and how it is known."""
        if self.release is not None:
            return self.release, "as asked"
        earlier = self.frame("decisions").filter(
            pl.col("iteration") < self.iteration, pl.col("iteration").is_not_null()
        )
        lasts = {at: last_word(rows.to_dicts()) for at, rows in parted(earlier).items()}
        # Not what was rolled back since.
        going = [at for at, last in lasts.items() if last and last["decision"] in GOING]
        if going:
            return max(going), "the last decision to continue"
        if earlier.height:
            return 0, "no earlier iteration was decided to continue"
        return self.iteration - 1, "no decision is recorded: the iteration before"


def _read(frame: pl.DataFrame | None, columns: Mapping[str, Any]) -> pl.DataFrame:
    if frame is None:
        return pl.DataFrame(schema=columns)
    return frame.select(
        pl.col(key).cast(dtype, strict=False) if key in frame.columns
        else pl.lit(None, dtype).alias(key)
        for key, dtype in columns.items()
    )  # fmt: skip


def parted(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    """The rows of each iteration."""
    return {key[0]: rows for key, rows in frame.partition_by("iteration", as_dict=True).items()}


def _doubled(loop: str, name: str, doubled: pl.DataFrame, key: tuple[str, ...]) -> str:
    row = doubled.sort(key).row(0, named=True)
    at = ", ".join(f"{part} {row[part]}" for part in key if row[part] is not None)
    if name == "reviews":
        return (
            f"{loop}: table reviews: {row['rater']} judged item {row['item_id']} more than once "
            f"at iteration {row['iteration']}, in different ways; keep one row an item and rater"
        )
    return (
        f"{loop}: table {name} has {count(doubled.height, 'row')} for {at} that differ, such as "
        "two iterations under one number; give each iteration a number of its own"
    )
