"""What the user states of a KL: unit, estimator, reference, coefficient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data.columns import LogError, ReadOptions, RunFacts
from data.readers.kl import kl_headings, kl_remarks
from data.readers.kl.kl_table import ESTIMATORS, PER_TOKEN, UNITS

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
    doubted: bool = False  # what the file says of its unit is not understood, or is contradictory


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


def set_unit_of_words(
    source: KLSource, stated: kl_headings.Heading, facts: RunFacts, ours: bool, where: str
) -> None:
    """Set the unit that words state of a KL; unknown where they do not say per what.

    Args:
        source: changed in place.
        stated: what they say.
        facts: changed in place.
        ours: whether the table holds our own words, beside which a KL is per response from the
            initial policy unless something else is said.
        where: what says it, as ``the heading``.
    """
    unit = stated.unit or (stated.base if ours else "")
    if not unit:
        facts.kl_note = (
            f"{where} of {source.key} says {stated.base}, and not whether per token or per "
            "response: state it with --kl-unit"
        )
        return
    set_unit(source, unit, facts, f"as {where} says")
    if not stated.base:
        facts.kl_note += "; nats are taken, because it names no other unit"
    if not ours:
        facts.kl_reference, facts.kl_conversion = UNKNOWN, "as_stated"
        facts.kl_note += "; that it is the KL from the initial policy is not stated"


def remarked(
    source: KLSource, keys: Sequence[str], options: ReadOptions, facts: RunFacts, ours: bool
) -> bool:
    """Heed what the file says of its KL around its rows (``options.remarks``).

    Args:
        source: changed in place.
        keys: the log's columns.
        options: what the import was told, which wins.
        facts: changed in place.
        ours: as for ``set_unit_of_words``.

    Returns:
        Whether it still is a KL from the initial policy, as far as is known.
    """
    claims = kl_remarks.claims(options.remarks, source.key, keys) if options.remarks else []
    policies = {claim.policy: claim.quote for claim in claims if claim.policy}
    if options.kl_reference is None and len(policies) == 1 and "initial_policy" not in policies:
        [(facts.kl_reference, quote)] = policies.items()
        facts.kl_conversion = "missing"
        facts.kl_note = (
            f"KL is missing: the file says {quote!r}, so {source.key} is from another policy than "
            "the initial one; --kl-reference initial_policy if it is not"
        )
        return False
    if options.kl_unit or not claims:
        return True
    heading = kl_headings.of(source.key)
    bases, overs = {c.base for c in claims} - {""}, {c.over for c in claims} - {""}
    if heading is not None:
        bases, overs = bases | ({heading.base} - {""}), overs | ({heading.over} - {""})
    if any(c.odd for c in claims) or (options.kl_reference is None and len(policies) > 1):
        _doubt(source, facts, claims, "is not understood")
    elif len(bases) > 1 or len(overs) > 1 or _differs(source, facts, bases, overs):
        _doubt(source, facts, claims, "contradicts what is known of it")
    elif any(c.base or c.over for c in claims) and not _declared(facts):
        words = kl_headings.Heading("".join(bases), "".join(overs))
        set_unit_of_words(source, words, facts, ours, f"the file ({claims[0].quote!r})")
    return True


def _doubt(source: KLSource, facts: RunFacts, claims: Sequence[kl_remarks.Claim], why: str) -> None:
    """Make a KL's unit unknown, with what the file says of it."""
    quotes = " and ".join(repr(claim.quote) for claim in claims[:3])
    doubt(source, facts, f"{unknown_unit(source.key)} (the file says {quotes}, which {why})")


def doubt(source: KLSource, facts: RunFacts, note: str) -> None:
    """Make what a KL is unknown, with a note that says why."""
    source.factor, source.of_unit = source.factor / source.of_unit, 1.0
    source.per_token, source.doubted = False, True
    facts.kl_logged_unit = facts.kl_conversion = UNKNOWN
    facts.kl_note = note


def _declared(facts: RunFacts) -> bool:
    """Whether a trainer's table says what its KL is."""
    return facts.dialect is not None and facts.kl_logged_unit not in (None, UNKNOWN)


def _differs(source: KLSource, facts: RunFacts, bases: set[str], overs: set[str]) -> bool:
    """Whether words contradict the unit that the trainer is known to log."""
    if not _declared(facts):
        return False
    return "bits" in bases or (bool(overs) and ("token" in overs) is not source.per_token)


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
) -> bool:
    """Apply what a table's own columns (STATED_BY) say of its KL, where each says one thing.

    Args:
        columns: their values, by name.
        options: what the import was told, which wins.
        source: changed in place.
        facts: changed in place.

    Returns:
        Whether it still is a KL that may be from the initial policy.
    """
    units = {key: next(iter(values)) for key, values in columns.items() if len(values) == 1}
    if len(columns.get("kl_reference", ())) > 1:
        facts.kl_reference = "other"
    if units.get("kl_estimator") in ESTIMATORS and not options.kl_estimator:
        facts.kl_estimator = units["kl_estimator"]
    unit = "" if options.kl_unit else units.get("kl_logged_unit", "")
    if unit == UNKNOWN:  # as our own export says it
        facts.kl_logged_unit = facts.kl_conversion = UNKNOWN
        facts.kl_note = unknown_unit(source.key)
    elif unit in UNITS and not source.doubted:
        set_unit(source, unit, facts, "as column kl_logged_unit says")
    if units.get("kl_reference") in REFERENCES and not options.kl_reference:
        facts.kl_reference = units["kl_reference"]
        if facts.kl_reference == "previous_policy":
            facts.kl_conversion = "missing"
            facts.kl_note = (
                f"KL is missing: {source.key} is the drift from the previous policy, as column "
                "kl_reference says"
            )
            return False
    return True


def unknown_unit(key: str) -> str:
    """What is said of a KL whose unit nobody knows."""
    return f"the unit of {key} is unknown: state it with --kl-unit"
