"""The shortcuts of a run out of a store's questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import polars as pl

from analytics.shortcuts.found import Mined, cannot_tell
from analytics.shortcuts.mining import Progress, mine, no_progress
from analytics.shortcuts.reading_in import LONGEST, most_of, shares
from analytics.words.steps import none_yet

Query = Callable[..., pl.DataFrame]

PHASES = ("train", "mixed", "eval")
"""Responses of one phase are compared: of training where there are any."""
FALLS = ("overoptimized", "collapsed", "warning")
_PARTS = 1_000_000


class Responses(NamedTuple):
    """Responses that are mined, and of how many."""

    frame: pl.DataFrame
    of: int


def responses(query: Query, run: str, until: int | None = None) -> Responses:
    """The responses of a run that are read: all, or as many as are enough.

    query: answers "shortcut_extent" and "shortcut_responses".
    """
    extent = query("shortcut_extent", run=run, until=until, longest=LONGEST)
    there = {row["phase"]: row for row in extent.to_dicts()}
    phase = next((one for one in PHASES if one in there), PHASES[0])
    counts = there.get(phase, {"n": 0, "prompts": 0, "groups": 0, "letters": 0})
    part = shares(counts["n"], counts["prompts"], counts["groups"], most_of(counts["letters"] or 0))
    frame = query(
        "shortcut_responses", run=run, phase=phase, until=until, longest=LONGEST, parts=_PARTS,
        prompts=round(part.of_prompts * _PARTS), groups=round(part.of_groups * _PARTS),
        rows=round(part.of_rows * _PARTS),
    )  # fmt: skip
    return Responses(frame, counts["n"])


def of_run(
    query: Query, run: str, until: int | None = None, patterns: Sequence[str] = (),
    rubric: str = "", gold_onset: int | None = None, progress: Progress = no_progress,
) -> Mined:  # fmt: skip
    """The shortcuts of a run, up to a step.

    Raises:
        ValueError: a pattern is no regular expression.
    """
    progress("reading", 0, 0)
    read = responses(query, run, until)
    if read.frame.is_empty() and (why := none_yet(query, run, until)):
        return cannot_tell(why, gold_onset=gold_onset)
    mined = mine(
        read.frame, patterns=patterns, rubric=rubric, gold_onset=gold_onset, progress=progress
    )
    return replace(mined, of=read.of)


def gold_onset(verdict: Mapping[str, Any] | None) -> int | None:
    """Step of gold's peak, where a verdict says that gold falls from there; else None."""
    if not verdict or verdict.get("status") not in FALLS or not verdict.get("peak"):
        return None
    step = verdict["peak"].get("step")
    return None if step is None else int(step)
