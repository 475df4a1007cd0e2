"""What the user states of a KL: unit, estimator, reference, coefficient."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from data.columns import LogError, ReadOptions, RunFacts
from data.readers import kl_headings
from data.readers.kl_table import ESTIMATORS, PER_TOKEN, UNITS

UNKNOWN = "unknown"
STATED_BY = ("kl_estimator", "kl_logged_unit", "kl_reference")
"""Columns of a table that say what its KL is."""
REFERENCES = ("initial_policy", "previous_policy", "other")


@dataclass
class KLSource:
    """Where a run's KL comes from and how it becomes nats per response."""

    key: str
    per_token: bool = False
    factor: float = 1.0
    of_unit: float = 1.0  # the part of the factor that a stated unit is


def check_options(options: ReadOptions) -> None:
    """Refuse an unknown unit, estimator, reference or gold kind, and a coefficient that is none.

    Raises:
        LogError: names the option, its value, and the values that are known.
    """
    for option, value, known in (
        ("--kl-unit", options.kl_unit, tuple(UNITS)),
        ("--kl-estimator", options.kl_estimator, ESTIMATORS),
        ("--kl-reference", options.kl_reference, REFERENCES),
        ("gold_kind", options.gold_kind, ("score", "rate", "win_rate")),
    ):
        if value is not None and value not in known:
            raise LogError(f"{option} {value} is unknown; known are {', '.join(known)}")
    coefficient(options)


def coefficient(options: ReadOptions) -> float | None:
    """The value of ``--kl-coefficient``; None where it is not given.

    Raises:
        LogError: it is no number, or 0.
    """
    if options.kl_coefficient is None:
        return None
    try:
        value = float(options.kl_coefficient)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value == 0:
        raise LogError(
            f"--kl-coefficient {options.kl_coefficient} is no coefficient: expected a number other "
            "than 0, as 0.05"
        )
    return value


def stated(
    source: KLSource, options: ReadOptions, facts: RunFacts, named: bool = False
) -> KLSource:
    """Apply what ``--kl-unit``, ``--kl-estimator`` and ``--kl-reference`` state over the log.

    ``named``: the user named the key; then all of it is as the user says, and no more than that.
    """
    if options.kl_estimator:
        facts.kl_estimator = options.kl_estimator
    if options.kl_unit:
        set_unit(source, options.kl_unit, facts, "as stated by --kl-unit", named)
    if options.kl_reference:
        facts.kl_reference = options.kl_reference
    return source


def set_unit_of_heading(source: KLSource, facts: RunFacts, ours: bool) -> None:
    """Set the unit that the heading of a KL states; unknown where it does not say per what.

    Args:
        source: changed in place.
        facts: changed in place.
        ours: whether the table holds our own words, beside which a KL is per response from the
            initial policy unless something else is said.
    """
    said = kl_headings.of(source.key)
    assert said is not None
    unit = said.unit or (said.base if ours else "")
    if not unit:
        facts.kl_note = (
            f"the heading {source.key} says {said.base}, and not whether per token or per "
            "response: state it with --kl-unit"
        )
        return
    set_unit(source, unit, facts, "as the heading says")
    if not said.base:
        facts.kl_note += "; nats are taken, because the heading names no other unit"
    if not ours:
        facts.kl_reference, facts.kl_conversion = UNKNOWN, "as_stated"
        facts.kl_note += "; that it is the KL from the initial policy is not said"


def set_unit(source: KLSource, unit: str, facts: RunFacts, why: str, named: bool = False) -> None:
    """Set the logged unit (a key of UNITS) of a source whose unit was not known for sure."""
    logged, factor = UNITS[unit]
    source.factor *= factor / source.of_unit  # a unit that was stated before gives way
    source.of_unit = factor
    source.per_token = logged == PER_TOKEN
    facts.kl_logged_unit = logged
    if not named:
        facts.kl_reference = facts.kl_reference or "initial_policy"
    if facts.kl_conversion == "unreliable":
        return
    facts.kl_conversion = "approximate" if source.per_token else "exact"
    facts.kl_note = f"{unit}, {why}"
    if source.per_token:
        # Whether the tokens were weighted is not known, and lengths go with KL where they were not.
        facts.kl_note += "; times the mean response length, which is approximate"
    if named:
        facts.kl_conversion = "as_stated"
        facts.kl_note += "; that it is the KL from the initial policy is as the user says"


def stated_by_columns(
    columns: Mapping[str, set[str]], options: ReadOptions, source: KLSource, facts: RunFacts
) -> None:
    """Apply what a table's own columns (STATED_BY) say of its KL, where each says one thing.

    Args:
        columns: their values, by name.
        options: what the import was told, which wins.
        source: changed in place.
        facts: changed in place.
    """
    said = {key: next(iter(values)) for key, values in columns.items() if len(values) == 1}
    if len(columns.get("kl_reference", ())) > 1:
        facts.kl_reference = "other"
    if said.get("kl_estimator") in ESTIMATORS and not options.kl_estimator:
        facts.kl_estimator = said["kl_estimator"]
    unit = "" if options.kl_unit else said.get("kl_logged_unit", "")
    if unit == UNKNOWN:  # as our own export says it
        facts.kl_logged_unit = facts.kl_conversion = UNKNOWN
        facts.kl_note = unknown_unit(source.key)
    elif unit in UNITS:
        set_unit(source, unit, facts, "as column kl_logged_unit says")
    if said.get("kl_reference") in REFERENCES:
        facts.kl_reference = said["kl_reference"]


def unknown_unit(key: str) -> str:
    """What is said of a KL whose unit nobody knows."""
    return f"the unit of {key} is unknown: state it with --kl-unit"
