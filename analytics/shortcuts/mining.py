"""Shortcut mining: features that grow with steps and that the proxy pays for, and gold does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from analytics.shortcuts.candidates import candidates
from analytics.shortcuts.design import (
    WITHIN,
    Blocks,
    Pairs,
    Windows,
    blocks,
    halves,
    pairs,
    windows,
)  # fmt: skip
from analytics.shortcuts.evidence import BETS, chosen
from analytics.shortcuts.found import Mined, cannot_tell
from analytics.shortcuts.grouping import groups
from analytics.shortcuts.marks import Mark, marks, unused
from analytics.shortcuts.pay import Pay, agreement
from analytics.shortcuts.reading_in import Missing, read_in
from analytics.shortcuts.rules import Texts
from analytics.shortcuts.sides import LEAST_AGREEMENT, Side
from analytics.shortcuts.telling import Evidence, tell
from analytics.wording import count, whole

ALPHA = 0.05
"""Bound on the share of false ones among the features and stretches that are reported (e-BH)."""
MINED = 0.5
"""Share of ALPHA that is spent on n-grams; the rest on features that need no mining."""
RANKS = 5
"""The n-gram of rank r in the mined half weighs 1 / (r + RANKS) in the test on the other half."""

STAGES = 4
Progress = Callable[[str, int, int], None]

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def no_progress(what: str, done: int, of: int) -> None:
    """Nobody is told."""


def mine(
    responses: pl.DataFrame, *, patterns: Sequence[str] = (), rubric: str = "",
    gold_onset: int | None = None, progress: Progress = no_progress,
) -> Mined:  # fmt: skip
    """Shortcuts of a run from its responses.

    A feature is a shortcut where e-values bound that it grew (late against the policy's own start,
    prompt by prompt), that the proxy pays for it among responses to the same prompt, and, where
    gold is known, that it pays more than gold confirms; the least of the three counts. N-grams are
    looked for on half of the prompts and tested on the other half. Features that explain each
    other are one group.

    Args:
        responses: step, prompt_id (or prompt), completion, proxy_reward; where known sample_id,
            phase, prompt, gold_reward, letters (of completions that are cut).
        patterns: regular expressions of the user (RE2's kind), a feature each.
        rubric: the judge's rubric, whose words are features.
        gold_onset: step from which gold falls, to stand beside each shortcut's onset.
        progress: told what is done, how much of it, of how much.

    Returns:
        Shortcuts, or why there are none; bad data are a reason, not an error.

    Raises:
        ValueError: a pattern is no regular expression.
    """
    progress("reading", 0, STAGES)
    read = read_in(responses)
    if isinstance(read, Missing):
        return cannot_tell(read.why, of=responses.height, gold_onset=gold_onset)
    frame = read.frame
    window = windows(frame["step"])
    if window is None:
        return cannot_tell(
            "all responses are of one step: nothing can have grown", read=frame.height,
            of=read.of, gold_onset=gold_onset,
        )  # fmt: skip
    texts = Texts(frame)
    run = _Run(frame, window, read.with_gold)
    start = frame["step"].is_between(*window.start).to_numpy()
    progress("looking at length, format, repetition", 1, STAGES)
    fixed = marks(texts, start, patterns, rubric)
    there = [texts.has(one.rule) for one in fixed]
    some = [at for at, one in enumerate(there) if one.any() and not one.all()]
    left_out = unused(fixed, there, patterns, rubric)
    if frame["completion"].n_unique() == 1:
        return cannot_tell(
            "all responses are the same text: nothing differs that could be paid for",
            read=frame.height, of=read.of, unused=left_out, gold_onset=gold_onset,
        )  # fmt: skip
    fixed = [fixed[at] for at in some]
    presence = (
        sparse.csc_array(np.column_stack([there[at] for at in some]).astype(float))
        if some
        else (sparse.csc_array((frame.height, 0)))
    )
    whole_run = run.side(fixed, presence, np.ones(frame.height, dtype=bool))
    if whole_run is None:
        return cannot_tell(
            "no two responses to a prompt, nor of a step, have a proxy reward to be compared",
            read=frame.height, of=read.of, unused=left_out, gold_onset=gold_onset,
        )  # fmt: skip
    sides = [whole_run]
    progress("counting words", 2, STAGES)
    grams, there_grams = run.mined(texts)
    if grams:
        other = run.side(grams, there_grams, ~run.mined_half)
        sides += [other] if other is not None else []
    unjudged = Mined(
        "none",
        reason="",
        shortcuts=(),
        read=frame.height,
        of=read.of,
        prompts=run.prompts,
        tested=sum(len(s.marks) for s in sides),
        unused=left_out,
        with_gold=read.with_gold,
        within=whole_run.proxy.blocks.within,
        gold_onset=gold_onset,
    )
    progress("testing", 3, STAGES)
    return _judged(unjudged, texts, start, sides, window)


def _judged(
    unjudged: Mined, texts: Texts, start: Bools, sides: list[Side], window: Windows
) -> Mined:
    stretches = len(window.late)
    weight = _weights([len(side.marks) for side in sides], stretches)
    growth = np.concatenate([side.growth() for side in sides])
    paid = np.concatenate([side.paid() for side in sides])
    logs = np.minimum(growth, paid[:, None])
    passed, limit = chosen(logs, weight, ALPHA)
    better = _confirmed(passed, sides) if unjudged.with_gold else np.zeros(len(passed), dtype=bool)
    passed &= ~better[:, None]
    if not passed.any() and better.any():
        return replace(unjudged, reason=(
            f"gold is surely higher with {'each of ' if better.sum() > 1 else ''}"
            f"{count(int(better.sum()), 'feature')} that grew and that the proxy pays for; whether "
            "it pays more than gold confirms is not asked then"
        ))  # fmt: skip
    if not passed.any():
        most, units = _compared(sides[0])
        needed = int(np.ceil(np.log2(len(BETS) * logs.size / ALPHA / weight.max())))
        if most < needed:
            return replace(unjudged, status="cannot tell", reason=(
                f"{count(most, units)} can be compared; it takes {whole(needed)} to tell "
                f"{count(unjudged.tested, 'feature')} from chance"
            ))  # fmt: skip
        beyond = " beyond what gold confirms" if unjudged.with_gold else ""
        return replace(unjudged, reason=(
            f"of {count(unjudged.tested, 'feature')} none both surely grew and is surely paid for "
            f"by the proxy{beyond}"
        ))  # fmt: skip
    presence = sparse.csc_array(sparse.hstack([side.presence for side in sides]))
    scale = float(np.std(texts.frame["proxy_reward"].to_numpy()[start], ddof=1)) or 1.0
    earned = np.concatenate([side.earned(scale) for side in sides])
    every = [mark for side in sides for mark in side.marks]
    with np.errstate(divide="ignore"):
        needs = np.where(passed, logs + np.log(weight), -np.inf).max(axis=1)
        spare = np.log(weight.max(axis=1))
    places = np.flatnonzero(np.isfinite(needs))
    found = groups(
        [one.rule for one in every],
        presence=presence,
        found=places,
        earned=earned,
        sure=logs.max(axis=1),
        needed=limit - spare,
        paid=lambda taken: np.concatenate([side.paid(taken) for side in sides]),
        texts=texts,
    )
    evidence = Evidence(every, presence, sides, earned, logs.max(axis=1))
    return replace(unjudged, status="found", shortcuts=tell(found, evidence, texts, window))


def _confirmed(passed: npt.NDArray[np.bool_], sides: Sequence[Side]) -> Bools:
    """Which of the features that passed go with higher gold, by its 95 % interval.

    That the proxy pays for them is no sign of a hack then, whatever it pays: with gold of much
    noise, how much of the pay gold should confirm cannot be told.
    """
    better = np.zeros(len(passed), dtype=bool)
    first = 0
    for side in sides:
        here = first + np.flatnonzero(passed[first : first + len(side.marks)].any(axis=1))
        if here.size and side.gold is not None:
            _, low, _ = side.gold.effects(sparse.csc_array(side.presence[:, here - first]))
            better[here] = low > 0
        first += len(side.marks)
    return better


def _compared(side: Side) -> tuple[int, str]:
    """How many independent things tell of growth and pay, the fewer of both; what they are."""
    grown = max(len(np.unique(one.cluster)) for one in side.pairs)
    pays = [one for one in (side.proxy, side.gap) if one is not None]
    paid = min(len(np.unique(one.blocks.cluster)) for one in pays)
    if paid < grown and side.proxy.blocks.within == WITHIN[-1]:
        return paid, "step"
    return min(grown, paid), "prompt"


def _weights(sizes: Sequence[int], stretches: int) -> Floats:
    """Weights of e-BH, features x stretches, with a mean of 1: half of it for what was mined."""
    every = sum(sizes)
    if len(sizes) == 1 or not sizes[0]:
        return np.ones((every, stretches))
    fixed, mined = sizes
    ranks = 1 / (np.arange(mined) + RANKS)
    weights = np.r_[
        np.full(fixed, (1 - MINED) * every / fixed), MINED * every * ranks / ranks.sum()
    ]
    return np.repeat(weights[:, None], stretches, axis=1)


class _Run:
    """The responses of a run, and what is compared with what."""

    def __init__(self, frame: pl.DataFrame, window: Windows, with_gold: bool) -> None:
        self.frame, self.window, self.with_gold = frame, window, with_gold
        self.mined_half = halves(frame["prompt_id"])
        self.keys = frame.select("row", "step", "cluster", "lot", mined=pl.Series(self.mined_half))
        self.prompts = int(frame["cluster"].n_unique())
        self.start = frame["step"].is_between(*window.start).to_numpy()

    def side(self, marks: list[Mark], presence: sparse.csc_array, rows: Bools) -> Side | None:
        """The features on some of the responses; None where nothing can be compared."""
        keys = self.keys.filter(pl.Series(rows))
        proxy, gold = (self._values(f"{one}_reward") for one in ("proxy", "gold"))
        compared = self._blocks(keys)
        if compared is None or not marks:
            return None
        confirmed = gap = None
        if self.with_gold:
            both = self._blocks(keys.filter(pl.Series(np.isfinite(gold[rows]))))
            if both is None:
                return None
            confirmed, gap = self._pay(both, gold), self._pay(both, self.gap)
        late = [pairs(keys, self.window.start, one) for one in self.window.late]
        return Side(marks, presence, late, self._pay(compared, proxy), gap, confirmed, self.prompts)

    def mined(self, texts: Texts) -> tuple[list[Mark], sparse.csc_array]:
        """N-grams that promise most on the half of the prompts that is mined."""
        keys = self.keys.filter(pl.col("mined"))
        late = (self.window.late[0][0], self.window.late[-1][1])
        compared = self._blocks(keys)
        between: Pairs = pairs(keys, self.window.start, late)
        if compared is None or not between.late.size:
            return [], sparse.csc_array((self.frame.height, 0))
        return candidates(texts, between, self._pay(compared, self._values("proxy_reward")).z)

    @property
    def gap(self) -> Floats:
        """How far proxy is above what gold confirms, in standard deviations of the start.

        Gold's standing is expected to be as much of proxy's as the two agreed within prompts at the
        start: a better response by both is no gap, whatever the noise of either.
        """
        rewards = [self._values(one) for one in ("proxy_reward", "gold_reward")]
        begun = np.isfinite(rewards[1]) & self.start
        if begun.sum() < 2:  # gold came later: it may confirm as little as it ever does
            begun = np.isfinite(rewards[1])
        proxy, gold = ((one - one[begun].mean()) / (one[begun].std() or 1.0) for one in rewards)
        compared = self._blocks(self.keys.filter(pl.Series(begun)))
        agreed = 0.0
        if compared is not None:
            agreed = agreement(self._pay(compared, proxy), self._pay(compared, gold))
        return np.asarray(max(agreed, LEAST_AGREEMENT) * proxy - gold)

    def _values(self, column: str) -> Floats:
        return self.frame[column].to_numpy()

    def _blocks(self, keys: pl.DataFrame) -> Blocks | None:
        return blocks(keys, self.window.start[0], self.window.late[-1][1])

    def _pay(self, compared: Blocks, values: Floats) -> Pay:
        mine = values[compared.row]
        step = self.frame["step"].to_numpy()[compared.row]
        _, number = np.unique(step, return_inverse=True)
        mine = mine - (np.bincount(number, mine) / np.bincount(number))[number]
        clusters = max(self.prompts, int(compared.cluster.max()) + 1)
        return Pay(compared, mine, clusters)
