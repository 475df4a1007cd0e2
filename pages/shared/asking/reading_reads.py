"""What the page of responses asks, cached by the run. Here data and analytics meet."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Mapping
from math import ceil
from typing import Any, NamedTuple

import polars as pl

from analytics import reading, shortcuts
from analytics.shortcuts.words import short
from data.outgoing import patterns, responses
from data.words.formulas import csv_bytes
from pages.shared import reads
from pages.shared.asking import answer_reads
from pages.shared.asking.response_asked import Filters
from pages.shared.asking.response_names import Name, read, written
from pages.shared.keeping.caching import cached

START, EARLY = 0.05, 0.2
"""Shares of the steps with responses: the run's start, and how long a prompt's first draw counts as
the policy's own start on it."""
STRETCHES, EACH = 8, 60
"""Candidates of the reading list: so many from each of so many stretches of steps."""
READ, STEPS_READ = 2_000, 40
"""Responses whose words are counted after the start, and steps that they are drawn from."""
READ_OF_START = 1_000
LONGEST = 4_000
"""Characters of a text that are read for the list."""
LONGEST_SHOWN = 20_000
MOST_DRAWS = 2_000
ROWS = 25
LOOKED_AT, MOST_LOOKED = 1_000, 20_000
"""Responses that are asked for a shortcut at once, and for one page."""


class Extent(NamedTuple):
    """A run's responses by step: the phase that the list reads, its steps, where it began.

    ``start`` and ``early`` are last steps; ``begun`` has the mean and sd of proxy and gold there.
    """

    phase: str
    steps: tuple[tuple[int, int], ...]  # step, responses
    start: int
    early: int
    begun: Mapping[str, Any]
    total: int

    @property
    def has_gold(self) -> bool:
        """Whether gold can be compared with the start."""
        return bool(self.begun["gold_sd"])


@cached(64, reads.run_generation)
def by_step(run: str, until: int | None) -> pl.DataFrame:
    """Responses by phase and step."""
    return reads.store().query("response_steps", run=run, until=until)


@cached(64, reads.run_generation)
def extent(run: str, until: int | None) -> Extent | None:
    """Where a run's responses begin and end; None where it has none."""
    by_each_step = by_step(run, until)
    if by_each_step.is_empty():
        return None
    there = set(by_each_step["phase"])
    phase = next(one for one in ("train", "mixed", "eval") if one in there)
    own = by_each_step.filter(phase=phase)
    steps = own["step"].to_list()
    start = steps[ceil(START * len(steps)) - 1]
    begun = reads.store().query("response_starts", run=run, phase=phase, last=start)
    return Extent(
        phase, tuple(zip(steps, own["n"].to_list(), strict=True)), start,
        steps[ceil(EARLY * len(steps)) - 1], begun.row(0, named=True), int(by_each_step["n"].sum()),
    )  # fmt: skip


@cached(64, reads.run_generation)
def apart(run: str, until: int | None) -> tuple[float, float] | None:
    """Shares of responses with proxy above and gold below the start's means: there, and last.

    The last steps are as many as those of the start. None without gold, or without later steps.
    """
    at = extent(run, until)
    if at is None or not at.has_gold or not at.begun["proxy_sd"]:
        return None
    late = at.steps[-ceil(START * len(at.steps))][0]
    counts = reads.store().query(
        "response_apart", run=run, phase=at.phase, start=at.start, late=late, last=at.steps[-1][0],
        proxy=at.begun["proxy"], gold=at.begun["gold"],
    ).row(0, named=True)  # fmt: skip
    if late <= at.start or not counts["begun"] or not counts["late"]:
        return None
    return counts["begun_apart"] / counts["begun"], counts["late_apart"] / counts["late"]


@cached(64, reads.run_generation)
def environments(run: str) -> list[str]:
    """Environments that monitors named for the run's trajectories."""
    counts = answer_reads.ask("behaviour_counts", runs=(run,), until=None)
    return sorted(set(counts["environment"].drop_nulls())) if counts.height else []


class Reading(NamedTuple):
    """The reading list and what it was made of, or why there is none."""

    items: list[reading.Item]
    firsts: Mapping[str, Mapping[str, Any]]  # by prompt: how the policy began
    read: int
    missing: str


@cached(64, reads.run_generation)
def reading_list(
    run: str, until: int | None, filters: Filters, asked: shortcuts.found.Asked = ()
) -> Reading:
    """The reading list of the responses that pass the filters.

    asked: the shortcuts that it is to cover, of ``shortcuts.asked_of``.
    """
    at = extent(run, until)
    assert at is not None
    after = [step for step, _ in at.steps if step > at.start and _within(step, filters)]
    if not at.begun["proxy_sd"]:
        return Reading([], {}, 0, "no proxy reward of the first responses was logged, or all are "
                       "the same")  # fmt: skip
    if not after:
        return Reading([], {}, 0, "no step after the start has responses that fit")
    found = _candidates(run, at, after, filters)
    if found.is_empty():
        return Reading([], {}, 0, "no response after the start that fits has "
                       + ("proxy above and gold below" if at.has_gold else "proxy above")
                       + " its own start")  # fmt: skip
    begun, many = _beginning(run, until)
    holds = {short(name): there for name, there in shortcuts.which_have(asked, found).items()}
    if (mine := holds.get(filters.shortcut or "")) is not None:
        found = found.filter(pl.Series(mine))
        holds = {name: [has for has, one in zip(there, mine, strict=True) if one]
                 for name, there in holds.items()}  # fmt: skip
    if found.is_empty():
        return Reading([], {}, 0, "no candidate of the list has this shortcut")
    items = reading.reading_list(found, begun, holds)
    firsts = reads.store().query(
        "response_firsts", run=run, phase=at.phase, early=at.early, longest=LONGEST,
        prompts=sorted({item.row["prompt_id"] for item in items}),
    )  # fmt: skip
    known = {row["prompt_id"]: row for row in firsts.iter_rows(named=True)}
    return Reading(items, known, many, "")


def _within(step: int, filters: Filters) -> bool:
    return (filters.first is None or step >= filters.first) and (
        filters.last is None or step <= filters.last
    )


def _candidates(run: str, at: Extent, after: list[int], filters: Filters) -> pl.DataFrame:
    found = reads.store().query(
        "response_candidates", run=run, phase=at.phase, early=at.early, first=after[0],
        last=after[-1], proxy=at.begun["proxy"], proxy_sd=at.begun["proxy_sd"],
        gold=at.begun["gold"], gold_sd=at.begun["gold_sd"] or None, with_gold=at.has_gold,
        bins=STRETCHES, each=EACH, **filters.asked(),
    )  # fmt: skip
    texts = reads.store().query(
        "response_texts", run=run, places=found["place"].to_list(), longest=LONGEST
    )
    # A place is that of another row where rows came in between: then it is left out.
    return found.join(texts, on=["place", "step", "prompt_id", "sample_id"])


@cached(32, reads.run_generation)
def _beginning(run: str, until: int | None) -> tuple[reading.Beginning, int]:
    at = extent(run, until)
    assert at is not None
    first = [(step, n) for step, n in at.steps if step <= at.start]
    later = [(step, n) for step, n in at.steps if step > at.start]
    later = [later[i * len(later) // STEPS_READ] for i in range(STEPS_READ)] if later else []
    parts = []
    for steps, most in ((first, READ_OF_START), (sorted(set(later)), READ)):
        parts.append(reads.store().query(
            "response_sample", run=run, phase=at.phase, steps=[step for step, _ in steps],
            first=min((s for s, _ in steps), default=0), longest=LONGEST,
            last=max((s for s, _ in steps), default=-1),
            one_of=max(1, round(sum(n for _, n in steps) / most)),
        ))  # fmt: skip
    start, after = parts
    return reading.beginning(start, after), start.height + after.height


class Shown(NamedTuple):
    """A page of responses, texts and all; how far the search went where that is not to the end.

    ``further``: the ``after`` of an address that goes on from there; ``up_to``: its last step;
    ``looked``: responses whose texts were asked for a shortcut.
    """

    rows: pl.DataFrame
    further: str | None = None
    up_to: int | None = None
    looked: int = 0


@cached(128, reads.run_generation)
def page(
    run: str, until: int | None, filters: Filters, after: Name | None,
    rule: shortcuts.found.Asked = (),
) -> Shown:  # fmt: skip
    """One page of the responses that pass the filters.

    rule: of the shortcut that they must have, none or one of ``shortcuts.asked_of``. It is no SQL:
    texts are read and asked, LOOKED_AT at a time, until the page is full or MOST_LOOKED were.
    """
    if not rule:
        found = _next(run, until, filters, after, ROWS)
        return Shown(_texts(run, found.rows), *_further(found))
    began, looked, kept, at = time.monotonic(), 0, [], after
    while True:
        found = _next(run, until, filters, at, LOOKED_AT)
        rows = _texts(run, found.rows)
        looked += rows.height
        (has,) = shortcuts.which_have(rule, rows).values()
        kept.append(rows.filter(pl.Series(has, dtype=pl.Boolean)))
        shown_rows = pl.concat(kept)
        if shown_rows.height >= ROWS:
            return Shown(shown_rows.head(ROWS), looked=looked)
        if found.rows.height < LOOKED_AT and found.stopped_after is None:
            return Shown(shown_rows, looked=looked)
        further, up_to = _further(found)
        if further is None:
            last = found.rows.row(-1, named=True)
            further, up_to = written(last), last["step"]
        if looked >= MOST_LOOKED or time.monotonic() - began > responses.SECONDS:
            return Shown(shown_rows, further, up_to, looked)
        at = read(further)


def _further(found: responses.Page) -> tuple[str | None, int | None]:
    step = found.stopped_after
    return (None, None) if step is None else (f"{step + 1}..-1", step)


def _next(
    run: str, until: int | None, filters: Filters, after: Name | None, rows: int
) -> responses.Page:  # fmt: skip
    at = extent(run, until)
    assert at is not None
    per_step = by_step(run, until).group_by("step").agg(pl.col("n").sum()).sort("step")
    steps = [row for row in per_step.iter_rows() if _within(row[0], filters)]
    if after is not None:
        steps = steps[bisect_right(steps, after.step - 1, key=lambda row: row[0]) :]
    key = after or Name("", 0, "", 0)
    asked = filters.asked() | {
        "after_step": None if after is None else key.step, "after_prompt": key.prompt,
        "after_sample": key.sample, "after_phase": key.phase,
        **{name: at.begun[name] for name in ("proxy", "gold")},
        **{name: at.begun[name] or None for name in ("proxy_sd", "gold_sd")},
    }  # fmt: skip
    return responses.page(reads.store(), run, steps, asked, rows)


def _texts(run: str, rows: pl.DataFrame) -> pl.DataFrame:
    texts = reads.store().query(
        "response_texts", run=run, places=rows["place"].to_list(), longest=LONGEST
    )
    key_columns = ["place", "phase", "step", "prompt_id", "sample_id"]
    return rows.join(
        texts.select(*key_columns, "prompt", "completion", "letters"), on=key_columns,
        maintain_order="left",
    )  # fmt: skip


def one(run: str, name: Name, longest: int = LONGEST_SHOWN) -> dict[str, Any] | None:
    """A response by its name, texts cut to ``longest`` characters; None where there is none."""
    found = reads.store().query("response_one", run=run, longest=longest, **name._asdict())
    return found.row(0, named=True) if found.height else None


@cached(64, reads.run_generation)
def draws(run: str, prompt: str, until: int | None) -> pl.DataFrame:
    """The responses to one prompt, without texts, in the order of steps."""
    return reads.store().query(
        "response_draws", run=run, prompt=prompt, until=until, rows=MOST_DRAWS
    )


def pattern_fault(pattern: str) -> str | None:
    """Why a regular expression cannot be used; None where it can."""
    return patterns.fault_of(reads.store(), pattern)


def csv(items: list[reading.Item]) -> bytes:
    """The reading list as CSV."""
    kept = ("step", "phase", "prompt_id", "sample_id", "proxy_reward", "gold_reward", "prompt",
            "completion")  # fmt: skip
    rows = [
        {key: item.row[key] for key in kept}
        | {"proxy_above_start": item.row["gain"], "gold_below_start": item.row["loss"],
           "why": item.why, "shortcuts": ", ".join(item.shortcuts)}
        for item in items
    ]  # fmt: skip
    return csv_bytes(pl.DataFrame(rows, infer_schema_length=None))
