"""A run's KL read another way, as a project's choice says; the KL as first read can come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from data.columns import ReadOptions, RunFacts
from data.readers.kl import kl_beside
from data.readers.kl.kl_stated import KLSource
from data.readers.kl.kl_table import PER_TOKEN, UNITS
from data.readers.kl.kl_zero import is_unmeasured
from data.readers.meaning import conversion
from data.readers.meaning.settings import no_reference
from data.readers.trainers.known import named
from data.rows.run_rows import KL_AS_READ, RAW, RunRows, parked

if TYPE_CHECKING:
    from data.roles.stated_roles import Roles

KL_FACTS = (
    "kl_key", "kl_estimator", "kl_logged_unit", "kl_reference", "kl_conversion", "kl_note",
)  # fmt: skip
KL_OPTIONS = frozenset({"kl", "kl_unit", "kl_estimator", "kl_reference", "kl_coefficient"})
"""What an import, or a choice, may say of a KL."""
MENDED = "kl_mended"
"""The fact that a choice overruled what an import stated, or a table's ``kl`` seemed to be."""
_MOVES = ("kl_key", "kl_logged_unit", "kl_conversion", "kl_note")


def reread_kl(
    run: RunRows, roles: Roles, first: Mapping[str, Any], key: str | None, mends: bool
) -> None:
    """The KL as first read, then as the choice says; what the log itself says of it stays.

    Args:
        run: changed in place; its response length is the one to convert by.
        roles: the choice.
        first: facts as the reader gave them.
        key: the run's own key for the chosen one; None: as recognised.
        mends: what the choice says also overrules what an import stated.
    """
    facts = run.facts
    _restore_kl(run, first)
    facts.pop(MENDED, None)
    options, moves = _asked(run, roles, first, key, mends)
    if not moves:
        if first["kl_key"]:
            facts["kl_estimator"] = options.kl_estimator or first["kl_estimator"]
            facts["kl_reference"] = options.kl_reference or first["kl_reference"]
        return
    stated = RunFacts()
    source = _source(run, options, first, stated)
    if source is None:
        if options.kl_reference == "previous_policy" and stated.kl_note:
            _set_kl_aside(run, first)
            _tell(run, stated, first)
        return
    _set_kl_aside(run, first)
    _convert(run, source, stated)
    _tell(run, stated, first)
    if mends:
        facts[MENDED] = True


def may_mend(facts: Mapping[str, Any], first: Mapping[str, Any], stated: set[str]) -> bool:
    """Whether somebody said, or a plain table's words alone say, what the run's KL is."""
    by_column = "as column kl_logged_unit says" in str(first["kl_note"])
    return bool(stated & KL_OPTIONS) or (facts.get("dialect") is None and not by_column)


def _asked(
    run: RunRows, roles: Roles, first: Mapping[str, Any], key: str | None, mends: bool
) -> tuple[ReadOptions, bool]:
    """What of the choice holds for this run, and whether its KL has to be converted anew."""
    other = key not in (None, first["kl_key"])
    opened = other or mends or first["kl_conversion"] == "unknown"
    lacks_factor = "--kl-coefficient" in str(first["kl_note"])
    unit = roles.kl_unit if opened else None
    factor = roles.kl_coefficient if opened or lacks_factor else None
    nowhere = first["kl_reference"] in (None, "", "unknown")
    reference = roles.kl_reference if other or mends or nowhere else None
    estimator = roles.kl_estimator if mends or first["kl_estimator"] is None else None
    drifts = reference == "previous_policy"
    found = reference is not None and first["kl_key"] is None  # a reference the log does not state
    options = ReadOptions(
        kl=key, kl_unit=unit, kl_estimator=estimator, kl_reference=reference, kl_coefficient=factor
    )
    moves = other or unit is not None or factor is not None or drifts or found
    length = run.facts.get("length_key") != first.get("length_key")
    if not moves and length and first["kl_logged_unit"] == PER_TOKEN:
        moves = True
        if run.facts.get("dialect") is None:
            options = replace(options, kl_unit=_unit_of(first))
    return options, moves


def _unit_of(first: Mapping[str, Any]) -> str:
    """The unit as it was stated at first (bits are kept as such in the note alone)."""
    word = str(first["kl_note"]).partition(",")[0]
    return word if word in UNITS else PER_TOKEN


def _source(
    run: RunRows, options: ReadOptions, first: Mapping[str, Any], stated: RunFacts
) -> KLSource | None:
    """Where the KL comes from as it is asked for; ``stated`` gets what is told of it."""
    settings = run.facts.get("config") or {}
    keys, dialect = sorted(run.keys()), named(run.facts.get("dialect"))
    averaged = _steps_per_row(run, settings) > 1
    source = None
    for key in dict.fromkeys((options.kl, options.kl or first["kl_key"])):
        fresh = RunFacts()
        asked = replace(options, kl=key)
        source = conversion.of_trainer(
            keys, dialect, settings, averaged, asked, fresh,
            lambda key: kl_beside.middle(pl.Series(run.values(parked(key)), dtype=pl.Float64)),
        )  # fmt: skip
        vars(stated).update(vars(fresh))
        if source is not None and (key or first["kl_key"] in (None, source.key)):
            return source
    return source


def _convert(run: RunRows, source: KLSource, stated: RunFacts) -> None:
    """Fill the column kl from the logged values, which stand among the scalars."""
    values = run.values(parked(source.key))
    lengths = run.metrics.get_column("response_length")
    watched = {c: run.metrics.get_column(c).to_list() for c in ("proxy_reward", "response_length")}
    unmeasured = is_unmeasured(values, watched, no_reference(run.facts.get("config") or {}))
    converted: list[float | None] = [None] * len(values)
    phases = run.metrics.get_column("phase")
    for phase in dict.fromkeys(phases.to_list()):  # a length is carried on within a phase only
        at = (phases == phase).arg_true().to_list()
        new = conversion.convert(source, [values[i] for i in at], [lengths[i] for i in at])
        for i, value in zip(at, new, strict=True):
            converted[i] = None if unmeasured else value
    if unmeasured:
        stated.kl_conversion, stated.kl_note = "missing", unmeasured
    elif source.per_token and lengths.null_count() == lengths.len():
        run.warnings.append(conversion.no_length(stated))
    run.metrics = run.metrics.with_columns(pl.Series("kl", converted, pl.Float64))
    if converted != values:
        run.add(RAW, run.rows(parked(source.key)))


def _tell(run: RunRows, stated: RunFacts, first: Mapping[str, Any]) -> None:
    stale = {first["kl_note"], f"KL: {first['kl_note']}"}
    run.warnings = [w for w in run.warnings if w not in stale]
    run.facts.update({name: getattr(stated, name) for name in KL_FACTS})


def _set_kl_aside(run: RunRows, first: Mapping[str, Any]) -> None:
    """Keep the KL as first read, and as logged, under names of their own."""
    raw = run.rows(RAW)
    run.scalars = run.scalars.filter(pl.col("key") != RAW)
    if first["kl_key"] is not None:
        as_logged = raw if raw.height else run.column_rows("kl", RAW)
        run.add(parked(str(first["kl_key"])), as_logged)
    run.park("kl", KL_AS_READ)


def _restore_kl(run: RunRows, first: Mapping[str, Any]) -> None:
    """The column kl and the numbers behind it as the reader gave them, where they were moved."""
    moved = run.rows(KL_AS_READ).height or any(run.facts.get(k) != first[k] for k in _MOVES)
    run.facts.update({name: first[name] for name in KL_FACTS})
    if not moved:
        return
    run.take("kl", KL_AS_READ)
    run.scalars = run.scalars.filter(pl.col("key") != RAW)
    if first["kl_key"] is not None:
        name = parked(str(first["kl_key"]))
        if run.values(name) != run.metrics.get_column("kl").to_list():
            run.add(RAW, run.rows(name))
        run.scalars = run.scalars.filter(pl.col("key") != name)


def _steps_per_row(run: RunRows, settings: Mapping[str, Any]) -> int:
    """Optimiser steps that a training row averages: as set, or the usual spacing of the rows."""
    set_to = settings.get("logging_steps")
    if isinstance(set_to, int) and set_to > 0:
        return set_to
    steps = run.metrics.filter(pl.col("phase") == "train").get_column("step").sort().to_list()
    gaps = sorted(b - a for a, b in pairwise(steps))
    return gaps[len(gaps) // 2] if gaps else 1
