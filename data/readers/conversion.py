"""KL at the door: a logged KL to nats per response, with a label for how exact that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.columns import LogError, ReadOptions, RunFacts
from data.readers.dialect import Dialect
from data.readers.dialects import NO_KL_DIALECTS, NOT_POLICY_KL
from data.readers.kl_table import (
    ESTIMATOR_NAMES,
    ESTIMATORS,
    MISMATCH,
    MISMATCH_PREFIX,
    PER_RESPONSE,
    PER_TOKEN,
    UNITS,
    LoggedKL,
    setting,
)

NO_KEY = "KL is missing: the log has no key"
"""How the note and the warning begin that no KL was logged."""

REFERENCES = ("initial_policy", "previous_policy", "other")


@dataclass
class KLSource:
    """Where a run's KL comes from and how it becomes nats per response."""

    key: str
    per_token: bool = False
    factor: float = 1.0


def check_options(options: ReadOptions) -> None:
    """Refuse an unknown unit, estimator or gold kind.

    Raises:
        LogError: names the option, its value, and the values that are known.
    """
    for option, value, known in (
        ("--kl-unit", options.kl_unit, tuple(UNITS)),
        ("--kl-estimator", options.kl_estimator, ESTIMATORS),
        ("gold_kind", options.gold_kind, ("score", "rate", "win_rate")),
    ):
        if value is not None and value not in known:
            raise LogError(f"{option} {value} is unknown; known are {', '.join(known)}")


def of_trainer(
    keys: Sequence[str],
    dialect: Dialect | None,
    settings: Mapping[str, Any],
    rows_average_steps: bool,
    options: ReadOptions,
    facts: RunFacts,
) -> KLSource | None:
    """Find a trainer log's KL by the declared table and write what it is into ``facts``.

    Args:
        keys: the log's keys.
        dialect: the trainer's dialect; None = unknown trainer.
        settings: the trainer's settings where logged.
        rows_average_steps: a row is a mean over several optimiser steps.
        options: an explicit ``--kl`` key wins, but never for a KL to another policy.
        facts: gets kl_key, estimator, unit, reference, conversion and note.
    """
    entries = logged_kls(dialect, settings) if dialect else []
    there = [e for e in entries if e.key in keys and options.kl in (None, e.key)]
    if there:
        entry = there[0]
        facts.kl_key = entry.key
        facts.kl_estimator, facts.kl_logged_unit = _estimator(entry, settings), entry.unit
        facts.kl_reference, facts.kl_conversion = entry.reference, entry.conversion
        facts.kl_note = entry.note
        if settings.get("sync_ref_model") is True:
            facts.kl_reference = "other"
            facts.kl_note += "; the reference model is synchronised with the policy"
        if settings.get("use_bias_correction_kl") is True:
            facts.kl_note += "; weighted by the importance ratio (use_bias_correction_kl)"
        if entry.unit == PER_TOKEN and rows_average_steps and entry.conversion == "exact":
            facts.kl_conversion = "approximate"
            facts.kl_note += "; approximate, because a row averages several steps"
        source = KLSource(entry.key, per_token=entry.unit == PER_TOKEN)
        return stated(source, options, facts)
    if options.kl in (None, "kl") and dialect is not None and dialect.name in NO_KL_DIALECTS:
        facts.kl_note = NO_KL_DIALECTS[dialect.name]
        return None
    if entries and options.kl is None:
        facts.kl_note = f"{NO_KEY} {entries[0].key}"
        if settings.get("beta") == 0:
            facts.kl_note += ", because beta is 0 and the trainer then measures none"
        return None
    plain = dialect is None and bool({"proxy_reward", "gold_reward"} & set(keys))
    return of_table(keys, options, facts, by_contract=plain)


def logged_kls(dialect: Dialect, settings: Mapping[str, Any]) -> list[LoggedKL]:
    """The KLs of a dialect that hold with these settings, the best first."""
    return [
        entry
        for entry in dialect.kls
        if all(setting(settings, name) in values for name, values in entry.when)
    ]


def _estimator(entry: LoggedKL, settings: Mapping[str, Any]) -> str | None:
    """The estimator that the settings choose, else the trainer's default."""
    for name in entry.chosen_by:
        stated_as = str(setting(settings, name))
        if stated_as in ESTIMATOR_NAMES:
            return ESTIMATOR_NAMES[stated_as]
    return entry.estimator


def of_table(
    keys: Sequence[str], options: ReadOptions, facts: RunFacts, by_contract: bool = True
) -> KLSource | None:
    """Find the KL of a log without a known trainer.

    Under our own name ``kl`` in a table of our columns (``by_contract``) it is nats per response
    against the initial policy; under any other name only ``--kl-unit`` can say what it is.
    """
    key = options.kl or "kl"
    what = NOT_POLICY_KL.get(key) or (MISMATCH if key.startswith(MISMATCH_PREFIX) else None)
    if what:
        facts.kl_note = f"{key} is {what}, not KL from the initial policy"
        return None
    if key not in keys:
        loss = next((k for k in NOT_POLICY_KL if k in keys), None)
        if loss:
            facts.kl_note = f"KL is missing: {loss} is {NOT_POLICY_KL[loss]}, not the KL"
        else:
            facts.kl_note = f"{NO_KEY} {key}"
        return None
    facts.kl_key = key
    if by_contract and key == "kl":
        facts.kl_logged_unit, facts.kl_reference = PER_RESPONSE, "initial_policy"
        facts.kl_conversion, facts.kl_note = "exact", "nats per response, as logged"
    else:
        facts.kl_conversion = "unknown"
        facts.kl_note = f"the unit of {key} is unknown: state it with --kl-unit"
    return stated(KLSource(key), options, facts)


def stated(source: KLSource, options: ReadOptions, facts: RunFacts) -> KLSource:
    """Apply what ``--kl-unit`` and ``--kl-estimator`` state over what the log says."""
    if options.kl_estimator:
        facts.kl_estimator = options.kl_estimator
    if options.kl_unit:
        set_unit(source, options.kl_unit, facts, "as stated by --kl-unit")
    return source


def set_unit(source: KLSource, unit: str, facts: RunFacts, why: str) -> None:
    """Set the logged unit (a key of UNITS) of a source whose unit was not known for sure."""
    logged, source.factor = UNITS[unit]
    source.per_token = logged == PER_TOKEN
    facts.kl_logged_unit = logged
    facts.kl_reference = facts.kl_reference or "initial_policy"
    if facts.kl_conversion == "unreliable":
        return
    facts.kl_conversion = "approximate" if source.per_token else "exact"
    facts.kl_note = f"{unit}, {why}"
    if source.per_token:
        # Whether the tokens were weighted is not known, and lengths go with KL where they were not.
        facts.kl_note += "; times the mean response length, which is approximate"


def convert(
    source: KLSource, values: Sequence[float | None], lengths: Sequence[float | None]
) -> list[float | None]:
    """Logged values to nats per response; None where a value or a needed length is missing.

    Args:
        source: key, factor, and whether values are per token.
        values: as logged, by row.
        lengths: mean response length in tokens, by row. A row without one takes the last known:
            with steps_per_generation > logging_steps it is the same generation batch.
    """
    if not source.per_token and source.factor == 1.0:
        return list(values)
    last: float | None = None
    converted: list[float | None] = []
    for value, length in zip(values, lengths, strict=True):
        last = length if length is not None else last
        if value is None or (source.per_token and last is None):
            converted.append(None)
        else:
            factor = source.factor * (last if source.per_token and last is not None else 1.0)
            converted.append(value * factor if factor != 1.0 else value)
    return converted


def no_length(facts: RunFacts) -> str:
    """Mark a per-token KL that no length can convert as missing; returns the warning."""
    facts.kl_conversion = "missing"
    facts.kl_note = (
        f"{facts.kl_key} is logged per token and the log has no response length to convert it, "
        "so KL is missing"
    )
    return facts.kl_note
