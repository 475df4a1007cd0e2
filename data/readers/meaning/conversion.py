"""KL at the door: a logged KL to nats per response, with a label for how exact that is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from data.columns import ReadOptions, RunFacts
from data.readers.kl import kl_beside, kl_headings, kl_remarks, own_words
from data.readers.kl.kl_stated import (
    UNKNOWN,
    KLSource,
    coefficient,
    doubt,
    remarked,
    set_unit_of_words,
    stated,
    unknown_unit,
)
from data.readers.kl.kl_table import (
    DRIFT,
    ESTIMATOR_NAMES,
    LOSS_TERM,
    PER_RESPONSE,
    PER_TOKEN,
    LoggedKL,
    setting,
)
from data.readers.names.mapping import folded
from data.readers.raw.scalars import as_number
from data.readers.trainers.dialect import Dialect
from data.readers.trainers.known import NO_KL_DIALECTS, why_not

NO_KEY = "KL is missing: the log has no key"
"""How the note and the warning begin that no KL was logged."""
K2 = "the estimator was set to k2, which is several times the KL far from the initial policy"
"""What the note says of a KL whose estimator the settings, or the user, made k2."""

_OUR_WORDS = frozenset({
    "proxyreward", "proxyrewardmean", "proxy", "goldreward", "goldrewardmean", "rewardproxy",
    "rewardgold",
})  # fmt: skip
"""Our own names of rewards, as ``folded`` (``reward`` and ``gold`` are everybody's)."""
_CHANGED = re.compile(r"[\u221a\u00b2%*\u00d7\u00f7\u2207\u2202\u0394]|^\s*[-\u2212]|^\s*\d")
"""Marks of a heading by which it is something made of a KL, or a part of it."""
_TO = frozenset({"ref", "reference", "init", "initial", "base", "sft"})
"""Words of the policy from which an axis is measured."""
_TRACKED_WORDS = frozenset({"proxyreward", "proxyrewardmean"})
"""Those that a tracker's or a trainer's log must hold: any trainer may log a ``gold_reward``."""


def of_trainer(
    keys: Sequence[str],
    dialect: Dialect | None,
    settings: Mapping[str, Any],
    rows_average_steps: bool,
    options: ReadOptions,
    facts: RunFacts,
    middle_of: kl_beside.MiddleOf = kl_beside.unknown_middle,
) -> KLSource | None:
    """Find a trainer log's KL by the declared table and write what it is into ``facts``.

    Args:
        keys: the log's keys.
        dialect: the trainer's dialect; None = unknown trainer.
        settings: the trainer's settings where logged.
        rows_average_steps: a row is a mean over several optimiser steps.
        options: an explicit ``--kl`` key wins, but never for a KL to another policy.
        facts: gets kl_key, estimator, unit, reference, conversion and note.
        middle_of: the median of what was logged under a key, if known.
    """
    options = replace(options, remarks=(*options.remarks, *kl_remarks.of_settings(settings)))
    if dialect is None:
        return of_table(keys, options, facts, words=_TRACKED_WORDS, middle_of=middle_of)
    entries = logged_kls(dialect, settings)
    none = _no_kl(dialect, settings, options)
    if none:
        facts.kl_note = none
        return None
    there = [e for e in entries if e.key in keys and options.kl in (None, e.key)]
    if there:
        return _declared(there[0], keys, settings, rows_average_steps, options, facts)
    if options.kl in (None, "kl") and dialect.name in NO_KL_DIALECTS:
        facts.kl_note = NO_KL_DIALECTS[dialect.name]
        return None
    if entries and options.kl is None:
        facts.kl_note = f"{NO_KEY} {entries[0].key}"
        for name in ("beta", "kl_penalty_coef"):
            if setting(settings, name) == 0:
                facts.kl_note += f", because {name} is 0 and the trainer then measures none"
        return None
    return of_table(keys, options, facts, dialect, middle_of=middle_of)


def _no_kl(dialect: Dialect, settings: Mapping[str, Any], options: ReadOptions) -> str:
    """Why a log of this trainer holds no KL from the initial policy; empty where it may."""
    if dialect.no_kl_with is not None and options.kl_reference is None:
        name, value, why = dialect.no_kl_with
        if setting(settings, name) is value:
            return why
    return dialect.no_kl if options.kl is None else ""


def _declared(
    entry: LoggedKL,
    keys: Sequence[str],
    settings: Mapping[str, Any],
    rows_average_steps: bool,
    options: ReadOptions,
    facts: RunFacts,
) -> KLSource | None:
    """The KL that a row of the table declares."""
    facts.kl_key = entry.key
    facts.kl_estimator, facts.kl_logged_unit = _estimator(entry, settings), entry.unit or UNKNOWN
    facts.kl_reference, facts.kl_conversion = entry.reference, entry.conversion
    facts.kl_note = entry.note
    if entry.estimator and facts.kl_estimator:
        facts.kl_note = entry.note.replace(entry.estimator, facts.kl_estimator)
    if settings.get("sync_ref_model") is True:
        facts.kl_reference = "other"
        facts.kl_note += "; the reference model is synchronised with the policy"
    if settings.get("use_bias_correction_kl") is True:
        facts.kl_note += "; weighted by the importance ratio (use_bias_correction_kl)"
    if entry.unit == PER_TOKEN and rows_average_steps and entry.conversion == "exact":
        facts.kl_conversion = "approximate"
        facts.kl_note += "; approximate, because a row averages several steps"
    source = KLSource(entry.key, per_token=entry.unit == PER_TOKEN)
    if entry.coefficient:
        factor = coefficient(options) or _stated_coefficient(entry, settings)
        if factor is None:
            facts.kl_conversion = "missing"
            facts.kl_note = (
                f"KL is missing: {entry.key} is minus the coefficient times KL, and the log does "
                "not state the coefficient: state it with --kl-coefficient"
            )
            return None
        source.factor = -1 / factor
    if not remarked(source, keys, options, facts, ours=False):
        return None
    source = stated(source, options, facts)
    if facts.kl_estimator == "k2" and facts.kl_conversion in ("exact", "approximate"):
        facts.kl_conversion = "unreliable"
        facts.kl_note += f"; {K2}"
    return source


def _stated_coefficient(entry: LoggedKL, settings: Mapping[str, Any]) -> float | None:
    values = [setting(settings, name) for name in entry.coefficient]
    known = [number for value in values if (number := as_number(value)) and isfinite(number)]
    return known[0] if known else None


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


def holds_our_words(keys: Collection[str], words: frozenset[str] = _OUR_WORDS) -> bool:
    """Whether keys hold a reward under our own name, under any prefix such as ``train/``.

    Beside one of these ``kl`` is by our contract: nats per response, from the initial policy.

    >>> holds_our_words(["train/kl", "eval/gold_reward"]), holds_our_words(["kl", "reward"])
    (True, False)
    """
    return any(folded(part) in words for key in keys for part in _last_parts(key))


def _last_parts(key: str) -> tuple[str, str]:
    """The last part of a name, and the last two."""
    above, _, last = key.rpartition("/")
    return last, f"{above.rpartition('/')[2]}/{last}"


def of_table(
    keys: Sequence[str],
    options: ReadOptions,
    facts: RunFacts,
    dialect: Dialect | None = None,
    words: frozenset[str] = _OUR_WORDS,
    middle_of: kl_beside.MiddleOf = kl_beside.unknown_middle,
) -> KLSource | None:
    """Find the KL of a log for which no trainer declares one.

    Under our own name ``kl`` beside a reward of our own words it is nats per response against the
    initial policy; anything else is what ``--kl-unit`` and ``--kl-reference`` say, or unknown.
    Where a key beside it may be a trainer's, only numbers too large for a mean per token are.
    """
    key, foreign = options.kl or our_kl(keys), ""
    if key not in keys and not options.kl and holds_our_words(keys, words):
        foreign = own_words.another_kl(keys) or ""
        key = foreign or key
    what = why_not(key, dialect)
    factor = coefficient(options)
    if what == LOSS_TERM and factor is not None and key in keys:
        what = ""
    if what:
        facts.kl_note = f"{key} is {what}, not KL from the initial policy"
        if what == LOSS_TERM and options.kl == key:
            facts.kl_note += "; --kl-coefficient X states the coefficient, and divides by it"
        return None
    if options.kl_reference == "previous_policy":
        facts.kl_note = f"KL is missing: {key} is {DRIFT}, as stated by --kl-reference"
        return None
    if key not in keys:
        loss = next((k for k in keys if why_not(k, dialect)), None)
        if loss:
            facts.kl_note = f"KL is missing: {loss} is {why_not(loss, dialect)}, not the KL"
        else:
            facts.kl_note = f"{NO_KEY} {key}{_perhaps(keys)}"
        return None
    facts.kl_key = key
    source = KLSource(key)
    if factor is not None:
        source.factor = 1 / factor if why_not(key, dialect) else -1 / factor
    stands = () if {"phase", "stretch"} <= set(keys) else keys  # our export: it is converted
    trained, beside = kl_beside.weighed(stands, key, middle_of, foreign)
    ours = bool(foreign or _is_ours(key)) and holds_our_words(keys, words) and not trained
    if ours and dialect is None:
        facts.kl_logged_unit, facts.kl_reference = PER_RESPONSE, "initial_policy"
        facts.kl_conversion, facts.kl_note = "exact", f"nats per response, as logged{beside}"
    else:
        facts.kl_logged_unit = facts.kl_conversion = UNKNOWN
        facts.kl_note = unknown_unit(key)
        if trained and (foreign or _is_ours(key)):
            facts.kl_note += f" ({kl_beside.why(trained, key)})"
        unit = kl_headings.of(key)
        if unit and not options.kl_unit:
            ours = holds_our_words(keys, words) and dialect is None
            set_unit_of_words(source, unit, facts, ours, "the heading")
    if not remarked(source, keys, options, facts, ours):
        return None
    stated(source, options, facts, named=bool(options.kl) and not ours)
    others = [k for k in stands if not why_not(k, dialect)] if foreign or _is_ours(key) else []
    if not options.kl and (rival := kl_beside.rival(others, key, middle_of)):
        doubt(source, facts, rival)
    return source


def _perhaps(keys: Sequence[str]) -> str:
    """What is said of a key that is a KL by its name, and of unknown meaning; empty without one."""
    found = [k for k in keys if "kl" in kl_headings.words(k)]
    found.sort(key=lambda k: _TO.isdisjoint(kl_headings.words(k)))
    return (
        f"; if {found[0]} is the KL from the initial policy, say --kl {found[0]}" if found else ""
    )


def our_kl(keys: Sequence[str]) -> str:
    """The key ``kl`` of a log without a trainer, as the log writes it, else one whose heading
    states a KL's unit; ``kl`` where it has neither."""
    if "kl" in keys:
        return "kl"
    ours = next((key for key in keys if _is_ours(key)), None)
    return ours or kl_headings.find(keys) or "kl"


def _is_ours(key: str) -> bool:
    if _CHANGED.search(key):
        return False
    return folded(key.lower().removeprefix("train/")) == "kl"


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
