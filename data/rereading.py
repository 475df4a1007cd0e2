"""A run's rows read another way: another logged key as proxy, gold or KL, without a new import.

The store keeps every number of a log, those that are mapped to our columns as well. So the key of
a role can change afterwards: the numbers in the role's column go back under the name as logged,
those of the other key take their place, and what the log says of the run changes with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

import polars as pl

from data.columns import LogError, ReadOptions, RunFacts
from data.readers import conversion
from data.readers.dialects import named
from data.readers.kl_zero import is_unmeasured
from data.readers.mapping import gold_kind_of
from data.readers.roles import NO_GOLD, named_key, reward_functions
from data.readers.settings import no_reference
from data.run_rows import KL_AS_READ, RAW, RunRows, parked

KL_FACTS = (
    "kl_key", "kl_estimator", "kl_logged_unit", "kl_reference", "kl_conversion", "kl_note",
)  # fmt: skip
READ_FACTS = ("proxy_key", "gold_key", "gold_kind", "gold_candidates", *KL_FACTS)
"""What a choice may change of the facts; as first read, they are kept in ``as_read``."""


@dataclass(frozen=True)
class Roles:
    """What somebody said of a project's logs; None = as the reader recognised it."""

    proxy: str | None = None
    gold: str | None = None
    gold_kind: str | None = None
    kl: str | None = None
    kl_unit: str | None = None  # only for logs that do not say it themselves
    kl_estimator: str | None = None  # likewise

    def to_dict(self) -> dict[str, str | None]:
        """By field."""
        return asdict(self)


ROLE_NAMES = tuple(field.name for field in fields(Roles))


def reread(run: RunRows, roles: Roles, known: Mapping[str, Any] | None = None) -> bool:
    """Give the run the roles that were chosen; whether anything changed.

    Roles that the import itself was told (``facts["stated"]``) stay. A key that the run does not
    log leaves what was recognised.

    Args:
        run: changed in place.
        roles: the choice; ``Roles()`` brings back what the reader recognised.
        known: facts under which the store keeps the run already: a part of a log may lack keys.
    """
    facts = run.facts
    stated = set(facts.get("stated") or [])
    first = facts.get("as_read") or {name: facts.get(name) for name in READ_FACTS}
    warnings = first.get("warnings", run.warnings)
    wanted = {
        role: None if role in stated else _resolved(run, getattr(roles, role), role, known)
        for role in ("proxy", "gold", "kl")
    }
    before = {name: facts.get(name) for name in READ_FACTS}, list(run.warnings)
    proxy = wanted["proxy"] or first["proxy_key"]
    gold = wanted["gold"] or first["gold_key"]
    if proxy == gold and proxy is not None:  # one key is never both: the one that was said stays
        proxy, gold = (proxy, None) if wanted["proxy"] else (None, gold)
    run.warnings = [w for w in warnings if gold is None or not w.startswith(NO_GOLD)]
    _reward(run, {"proxy_reward": proxy, "gold_reward": gold})
    facts["gold_candidates"] = first["gold_candidates"] if gold is None else []
    facts["gold_kind"] = first["gold_kind"]
    if "gold_kind" not in stated:
        facts["gold_kind"] = roles.gold_kind or (
            first["gold_kind"] if gold == first["gold_key"] else _kind(run, gold)
        )
    if not stated & {"kl", "kl_unit", "kl_estimator"}:
        _kl(run, roles, first, wanted["kl"])
    changed = before != ({name: facts.get(name) for name in READ_FACTS}, run.warnings)
    if changed or facts.get("as_read"):
        facts["as_read"] = {**first, "warnings": warnings} if roles != Roles() else {}
    return changed


def _resolved(
    run: RunRows, given: str | None, role: str, known: Mapping[str, Any] | None
) -> str | None:
    """The run's own key for a chosen one; None where nothing was chosen or it does not log it."""
    if given is None:
        return None
    for keys in (run.keys(), {str((known or {}).get(f"{role}_key"))}):
        try:
            return named_key(given, sorted(keys), reward_functions(sorted(keys)), role)
        except LogError:
            continue
    return None


def _reward(run: RunRows, wanted: dict[str, str | None]) -> None:
    """Put the values of the wanted keys into the columns proxy_reward and gold_reward.

    First everything goes back under its logged key, so that the two may change places.
    """
    moving = {c: key for c, key in wanted.items() if run.facts.get(_fact(c)) != key}
    for column in moving:
        for name, ending in _spreads(column):
            old = run.facts.get(_fact(column)) or column
            run.park(name, spread(old, ending) if ending else old)
    for column, key in moving.items():
        for name, ending in _spreads(column):
            run.take(name, None if key is None else spread(key, ending) if ending else key)
        run.facts[_fact(column)] = key


def _fact(column: str) -> str:
    return column.replace("_reward", "_key")


def _spreads(column: str) -> list[tuple[str, str]]:
    """A reward's columns with the ending of their keys: the mean, its spread, its error."""
    columns = [(column, ""), (f"{column}_sd", "sd")]
    return [*columns, (f"{column}_se", "se")] if column == "gold_reward" else columns


def spread(key: str, ending: str) -> str:
    """The key of a reward's spread (``sd``) or error (``se``) beside that of its mean.

    >>> spread("rewards/f/mean", "sd"), spread("critic/score/mean", "sd")
    ('rewards/f/std', 'critic/score/mean sd')
    """
    if ending == "sd" and key.startswith("rewards/"):
        return key.removesuffix("/mean") + "/std"
    return f"{key} {ending}"


def _kind(run: RunRows, gold: str | None) -> str:
    values = run.metrics.get_column("gold_reward")
    low, high = values.min(), values.max()
    if gold is None or not isinstance(low, float) or not isinstance(high, float):
        return "score"
    return gold_kind_of(gold, low, high)


def _kl(run: RunRows, roles: Roles, first: Mapping[str, Any], key: str | None) -> None:
    """The KL as first read, then as the choice says; a known unit or estimator stays known."""
    facts = run.facts
    if run.scalars.get_column("key").eq(KL_AS_READ).any() or facts.get("kl_key") != first["kl_key"]:
        _restore_kl(run, first)
    unit = roles.kl_unit if key not in (None, first["kl_key"]) else None
    if first["kl_conversion"] == "unknown":
        unit = roles.kl_unit
    estimator = roles.kl_estimator if first["kl_estimator"] is None else None
    if key in (None, first["kl_key"]) and unit is None:
        if estimator and first["kl_key"]:
            facts["kl_estimator"] = estimator
        return
    key = key or first["kl_key"]
    settings = facts.get("config") or {}
    said = RunFacts()
    options = ReadOptions(kl=key, kl_unit=unit, kl_estimator=estimator)
    window = _steps_per_row(run, settings)
    keys = sorted(run.keys())
    source = conversion.of_trainer(
        keys, named(facts.get("dialect")), settings, window > 1, options, said
    )
    if source is None or key is None:
        return
    _set_kl_aside(run, first)
    values = run.values(parked(key))
    lengths = run.metrics.get_column("response_length")
    watched = {c: run.metrics.get_column(c).to_list() for c in ("proxy_reward", "response_length")}
    unmeasured = is_unmeasured(values, watched, no_reference(settings))
    converted: list[float | None] = [None] * len(values)
    phases = run.metrics.get_column("phase")
    for phase in dict.fromkeys(phases.to_list()):  # a length is carried on within a phase only
        at = (phases == phase).arg_true().to_list()
        new = conversion.convert(source, [values[i] for i in at], [lengths[i] for i in at])
        for i, value in zip(at, new, strict=True):
            converted[i] = None if unmeasured else value
    if unmeasured:
        said.kl_conversion, said.kl_note = "missing", unmeasured
    elif source.per_token and lengths.null_count() == lengths.len():
        run.warnings.append(conversion.no_length(said))
    run.metrics = run.metrics.with_columns(pl.Series("kl", converted, pl.Float64))
    if converted != values:
        run.add(RAW, run.rows(parked(key)))
    stale = {first["kl_note"], f"KL: {first['kl_note']}"}
    run.warnings = [w for w in run.warnings if w not in stale]
    facts.update({name: getattr(said, name) for name in KL_FACTS})


def _set_kl_aside(run: RunRows, first: Mapping[str, Any]) -> None:
    """Keep the KL as first read, and as logged, under names of their own."""
    raw = run.rows(RAW)
    run.scalars = run.scalars.filter(pl.col("key") != RAW)
    if first["kl_key"] is not None:
        as_logged = raw if raw.height else run.column_rows("kl", RAW)
        run.add(parked(str(first["kl_key"])), as_logged)
    run.park("kl", KL_AS_READ)


def _restore_kl(run: RunRows, first: Mapping[str, Any]) -> None:
    """The column kl and the numbers behind it as the reader gave them."""
    run.take("kl", KL_AS_READ)
    run.scalars = run.scalars.filter(pl.col("key") != RAW)
    if first["kl_key"] is not None:
        name = parked(str(first["kl_key"]))
        if run.values(name) != run.metrics.get_column("kl").to_list():
            run.add(RAW, run.rows(name))
        run.scalars = run.scalars.filter(pl.col("key") != name)
    run.facts.update({name: first[name] for name in KL_FACTS})


def _steps_per_row(run: RunRows, settings: Mapping[str, Any]) -> int:
    """Optimiser steps that a training row averages: as set, or the usual spacing of the rows."""
    set_to = settings.get("logging_steps")
    if isinstance(set_to, int) and set_to > 0:
        return set_to
    steps = run.metrics.filter(pl.col("phase") == "train").get_column("step").sort().to_list()
    gaps = sorted(b - a for a, b in pairwise(steps))
    return gaps[len(gaps) // 2] if gaps else 1
