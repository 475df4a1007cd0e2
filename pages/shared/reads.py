"""What the pages ask of the store, cached by its generation. Here data and analytics meet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import polars as pl

from analytics.figures.drawing.curves import RunCurve
from analytics.figures.drawing.palette import run_colour
from analytics.figures.runs.sparkline import sparkline, why_not_drawn
from analytics.kept_verdicts import verdicts
from data.home import home
from data.outgoing import exporting
from data.people import project_roles
from data.store import Store
from data.upkeep import checking
from data.words.formulas import csv_bytes as csv_bytes
from pages.shared.keeping import judging
from pages.shared.keeping.caching import cached, generation, pulse
from pages.shared.keeping.isolation import Fault, attempt
from pages.shared.keeping.last_verdicts import ShownVerdict, last_verdicts
from pages.shared.keeping.ownership import owner


def store() -> Store:
    """The open store."""
    return owner().store


@cached(8, shared=True)
def runs() -> pl.DataFrame:
    """Every run with its summary (query runs)."""
    return store().query("runs", project=None, runs=None)


def run_generation(run: str, *_: object) -> int:
    """The generation in which a run was last changed; the state of caches of one run."""
    return run_generations()[run]


@cached(2, shared=True)
def run_generations() -> dict[str, int]:
    """When each run was last changed, by run_id."""
    return {row["run_id"]: int(row["generation"]) for row in runs().iter_rows(named=True)}


def _generations(run_ids: tuple[str, ...] | None) -> object:
    if run_ids is None:
        return generation()
    known = run_generations()
    return tuple(known.get(run) for run in run_ids)


@cached(64, _generations, shared=True)
def curves(run_ids: tuple[str, ...] | None) -> pl.DataFrame:
    """Pooled curves of some runs, or of all."""
    return store().query("curves", runs=list(run_ids) if run_ids is not None else None)


@cached(8, pulse, shared=True)
def kept_verdicts() -> dict[str, ShownVerdict]:
    """The last verdict of each run by run_id, with "updating" where newer rows wait for one."""
    last = last_verdicts(store(), run_generations())
    return {str(row["run"]): cast("ShownVerdict", row)
            for row in judging.advised(list(last.values()))}  # fmt: skip


RunState = tuple[int, int, str]


def run_state(run: str, generation: int) -> RunState:
    """Changes whenever rows, verdict or advice of a run do. generation: of the rows in hand."""
    verdict = kept_verdicts().get(run)
    advice = json.dumps(verdict["recommendation"] if verdict else None)
    return generation, store().verdict_change(run), advice


MOST_PICTURES = 4096
AT_ONCE = 8
"""Runs without any verdict that a page judges itself; with more, it leaves them to the worker."""


def run_curves(
    chosen: Sequence[Mapping[str, Any]], frozen: Mapping[str, int], source: str | None
) -> tuple[list[RunCurve], list[Fault]]:
    """Runs ready to draw: rows, looks, verdict.

    The kept verdict where it is what is asked for. One that is frozen or by another gold source is
    judged and kept, once. Runs that were never judged are too, unless they are more than AT_ONCE:
    then they are left out (``frame.say_waiting``) until the worker has judged them. One that cannot
    be read is left out too, and is a fault.

    Args:
        chosen: rows of the query runs.
        frozen: step to freeze at, by run_id.
        source: gold source; None = the default.
    """
    names = tuple(run["run_id"] for run in chosen)
    return _run_curves(names, tuple(frozen.items()), source, _states(chosen))


def _states(chosen: Sequence[Mapping[str, Any]]) -> tuple[RunState, ...]:
    return tuple(run_state(run["run_id"], run["generation"]) for run in chosen)


@cached(16, lambda *_: None, shared=True)
def _run_curves(
    names: tuple[str, ...], frozen: tuple[tuple[str, int], ...], source: str | None,
    _: tuple[RunState, ...],
) -> tuple[list[RunCurve], list[Fault]]:  # fmt: skip
    every = {row["run_id"]: row for row in runs().iter_rows(named=True)}
    rows = curves(names).filter(pl.col("phase") == "train")
    whole, nothing = rows.partition_by("run_id", as_dict=True), rows.clear()
    spreads = store().query("base_spread", runs=list(names))
    spread = {row["run_id"]: row for row in spreads.iter_rows(named=True)}
    steps, kept = dict(frozen), kept_verdicts()
    never = [name for name in names if name not in kept and name not in steps and source is None]
    left_out = set(never) if len(never) > AT_ONCE else set()

    def ready(name: str) -> RunCurve:
        run, until = every[name], steps.get(name)
        curve = whole.get((name,), nothing)
        if until is not None and until < (run["step_end"] or 0):
            every_phase = store().query("curve_until", run=name, until=until)
            curve = every_phase.filter(pl.col("phase") == "train")
        known = kept.get(name) if until is None and source is None else None
        # A verdict of older rows is shown, marked as updating: the page does not wait.
        if not known:
            row = judging.verdict(store(), run, until, source)
            known = json.loads(row["verdict"]) | {"looks_rows": row["looks"]}
        return RunCurve(
            run_id=name,
            ordinal=run["ordinal"],
            curve=curve,
            looks=verdicts.unpacked_looks(known["looks_rows"]),
            verdict={k: v for k, v in known.items() if k != "looks_rows"},
            base=spread.get(name),
            checkpoints=_saved(run, until),
        )

    made = [
        attempt(name, "read or judged", partial(ready, name))
        for name in names
        if name not in left_out
    ]
    faults = [one for one in made if isinstance(one, Fault)]
    return [one for one in made if isinstance(one, RunCurve)], faults


def _saved(run: Mapping[str, Any], until: int | None) -> tuple[int, ...]:
    """The steps of which the policy was saved, up to where the view is frozen."""
    steps = json.loads(run["facts"]).get("checkpoints") or []
    return tuple(sorted(step for step in steps if until is None or step <= until))


@cached(64)
def gold_sources(run_ids: tuple[str, ...]) -> list[str]:
    """Every gold source that any of these runs has."""
    found = store().query("gold_sources", runs=list(run_ids))
    return sorted(set(found["source"]))


@cached(8)
def prompts(run_id: str, until: int | None) -> pl.DataFrame:
    """Gold of one run's responses by step and prompt: of evaluations where they are there."""
    held_out = store().query("evaluated", run=run_id, until=until)
    return held_out if held_out.height else store().query("prompts", run=run_id, until=until)


@cached(32)
def completions(run_id: str, spans: tuple[tuple[str, int, int], ...]) -> pl.DataFrame:
    """Logged responses within named spans of steps, with the column span."""
    frames = [
        store()
        .query("responses", run=run_id, first=first, last=last)
        .with_columns(span=pl.lit(name))
        for name, first, last in spans
    ]
    return pl.concat(frames)


def export_csv(run_id: str) -> bytes:
    """The run's metric rows as CSV (as ``python -m data export`` writes them)."""
    return csv_bytes(exporting.run_rows(store(), run_id))


class Picture(NamedTuple):
    """A run in the size of a word: the data address of an SVG image, or why there is none."""

    address: str
    missing: str


@cached(2, pulse)
def pictures() -> dict[str, Picture]:
    """A small curve of every run that has rows, by run_id."""
    known = kept_verdicts()
    every = {row["run_id"]: row for row in runs().iter_rows(named=True)}
    return {
        run_id: _picture(
            curve, every[run_id]["generation"],
            json.dumps(known[run_id].get("peak") if run_id in known else None),
            run_colour(every[run_id]["ordinal"]),
        )
        for (run_id,), curve in curves(None).group_by("run_id", maintain_order=True)
        if run_id in every
    }  # fmt: skip


_drawn: dict[tuple[object, ...], Picture] = {}


def _picture(curve: pl.DataFrame, run_generation: int, peak: str, colour: str) -> Picture:
    """Drawn anew only where this run changed: every verdict that is kept asks for all of them."""
    run = curve["run_id"][0]
    key = str(home()), run, run_generation, peak, colour
    if key not in _drawn:
        if len(_drawn) > MOST_PICTURES:
            _drawn.clear()
        line = attempt(run, "drawn", lambda: sparkline(curve, {"peak": json.loads(peak)}, colour))
        if isinstance(line, Fault):
            _drawn[key] = Picture("", line.sentence)
        else:
            _drawn[key] = Picture(line, "" if line else f"nothing to draw: {why_not_drawn(curve)}")
    return _drawn[key]


@cached(2)
def check() -> checking.Checked:
    """Data quality of every run (``python -m data check --json``)."""
    return checking.check(store())


def open_questions() -> dict[str, list[str]]:
    """Projects of which proxy, gold or the KL's unit is not known, until somebody says it."""
    return project_roles.open_questions(check()["runs"], project_roles.chosen(store()))
