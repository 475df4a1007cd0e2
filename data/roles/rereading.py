"""A run's rows read another way: another logged key as proxy, gold or KL, without a new import.

The store keeps every number of a log, those that are mapped to our columns as well. So the key of
a role can change afterwards: the numbers in the role's column go back under the name as logged,
those of the other key take their place, and what the log says of the run changes with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from data.columns import LogError
from data.readers.meaning.roles import MINUS, NO_GOLD, minus, named_key, reward_functions
from data.readers.names.mapping import gold_kind_of
from data.roles.rereading_kl import KL_FACTS, KL_OPTIONS, MENDED, may_mend, reread_kl
from data.roles.stated_roles import Roles
from data.rows.run_rows import RunRows

READ_FACTS = (
    "proxy_key", "gold_key", "gold_kind", "gold_candidates", "gold_better", "length_key", *KL_FACTS
)  # fmt: skip
"""What a choice may change of the facts; as first read, they are kept in ``as_read``."""


AT_READING = ("step", "run_column")
"""Roles that say how rows are read: what is in the store stays as it was read."""


def reread(
    run: RunRows, roles: Roles, known: Mapping[str, Any] | None = None, mend: bool = False
) -> bool:
    """Give the run the roles that were chosen; whether anything changed.

    Roles that the import itself was told (``facts["stated"]``) stay. A key that the run does not
    log leaves what was recognised.

    Args:
        run: changed in place.
        roles: the choice; ``Roles()`` brings back what the reader recognised.
        known: facts under which the store keeps the run already: a part of a log may lack keys.
        mend: what is said of the KL also overrules what the import stated of it.
    """
    facts = run.facts
    stated = set(facts.get("stated") or [])
    first = {name: facts.get(name) for name in READ_FACTS} | (facts.get("as_read") or {})
    warnings = first.get("warnings", run.warnings)
    wanted = {
        role: None if role in stated else _resolved(run, getattr(roles, role), role, known)
        for role in ("proxy", "gold", "kl", "length", "lower_is_better")
    }
    before = {name: facts.get(name) for name in READ_FACTS}, list(run.warnings)
    run.warnings = list(warnings)
    _roles_moved(run, roles, first, wanted, stated)
    mended = bool(facts.get(MENDED) or (known or {}).get(MENDED))
    mends = (mend or mended) and roles != Roles() and may_mend(facts, first, stated)
    free = mends or not stated & KL_OPTIONS
    reread_kl(run, roles if free else Roles(), first, wanted["kl"] if free else None, mends)
    changed = before != ({name: facts.get(name) for name in READ_FACTS}, run.warnings)
    if changed or facts.get("as_read"):
        facts["as_read"] = {**first, "warnings": warnings} if roles != Roles() else {}
    return changed


def _roles_moved(
    run: RunRows, roles: Roles, first: Mapping[str, Any], wanted: Mapping[str, str | None],
    stated: set[str],
) -> None:  # fmt: skip
    """Proxy, gold and length, the kind of gold, and whether less of it is better."""
    facts = run.facts
    proxy = wanted["proxy"] or first["proxy_key"]
    lower = None if stated & {"gold", "lower_is_better"} else wanted["lower_is_better"]
    chosen = wanted["gold"] or (None if stated & {"gold"} else lower)
    gold = chosen or first["gold_key"]
    if proxy == gold and proxy is not None:  # one key is never both: the one that was said stays
        proxy, gold = (proxy, None) if wanted["proxy"] else (None, gold)
    run.warnings = [w for w in run.warnings if gold is None or not w.startswith(NO_GOLD)]
    _gold_as_logged(run)
    moving = _park_rewards(run, {"proxy_reward": proxy, "gold_reward": gold})
    length = wanted["length"] if "length" not in stated else run.facts.get("length_key")
    _length(run, None if length in (proxy, gold, wanted["kl"], first["kl_key"]) else length, first)
    _take_rewards(run, moving)
    better = first["gold_better"] if gold == first["gold_key"] else None
    if gold is not None and (gold == lower or better == "lower"):
        run.metrics = run.metrics.with_columns(-pl.col("gold_reward"))
        facts["gold_better"] = "lower"
        if minus(gold) not in run.warnings:
            run.warnings.append(minus(gold))
    else:
        facts["gold_better"] = better if gold == first["gold_key"] else "higher"
        run.warnings = [w for w in run.warnings if not w.startswith(MINUS)]
    facts["gold_candidates"] = first["gold_candidates"] if gold is None else []
    facts["gold_kind"] = first["gold_kind"]
    if "gold_kind" not in stated:
        facts["gold_kind"] = roles.gold_kind or (
            first["gold_kind"] if gold == first["gold_key"] else _kind(run, gold)
        )


def _gold_as_logged(run: RunRows) -> None:
    """Gold with the sign under which it was logged."""
    if run.facts.get("gold_better") == "lower":
        run.metrics = run.metrics.with_columns(-pl.col("gold_reward"))


def _length(run: RunRows, wanted: str | None, first: Mapping[str, Any]) -> None:
    """Put another logged key into the column response_length, or the first one back."""
    column = "response_length"
    key, now = wanted or first["length_key"], run.facts.get("length_key")
    if key != now:
        run.park(column, now or column)
        run.take(column, key or column)
        run.facts["length_key"] = key


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


def _park_rewards(run: RunRows, wanted: dict[str, str | None]) -> dict[str, str | None]:
    """Put proxy and gold that get another key back under their own; which columns those are.

    First everything goes back, so that keys may change places.
    """
    moving = {c: key for c, key in wanted.items() if run.facts.get(_fact(c)) != key}
    for column in moving:
        for name, ending in _spreads(column):
            old = run.facts.get(_fact(column)) or column
            if not ending and old == run.facts.get("length_key"):  # it stands there as well
                run.metrics = run.metrics.with_columns(pl.lit(None, pl.Float64).alias(name))
                continue
            run.park(name, spread(old, ending) if ending else old)
    return moving


def _take_rewards(run: RunRows, moving: dict[str, str | None]) -> None:
    """Put the values of the wanted keys into the columns proxy_reward and gold_reward."""
    for column, key in moving.items():
        for name, ending in _spreads(column):
            if key is not None and not ending and key == run.facts.get("length_key"):
                run.metrics = run.metrics.with_columns(pl.col("response_length").alias(name))
                continue
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
