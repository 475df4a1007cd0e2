"""What the pages ask of pools of samples, cached by their run. data and analytics meet here."""

from __future__ import annotations

import json
import re
from typing import Any

import polars as pl

from analytics import best_of_n
from pages.shared import reads
from pages.shared.keeping.caching import cached

REWARD = re.compile(r"(?<![a-z])(proxy|reward|score|rm|prm|orm)(?![a-z])")
"""Further numbers of a sample with such a word in their name are taken for reward models."""


def pools() -> dict[str, dict[str, Any]]:
    """Pools of the store by run_id: prompts, samples, typical and fewest samples to a prompt."""
    rows = _pools()
    return {row["run_id"]: row for row in rows.iter_rows(named=True)}


@cached(4)
def _pools() -> pl.DataFrame:
    return reads.store().query("pools")


def proxies(run: str) -> dict[str, str]:
    """What a pool can be selected by: name in the address to name in the log.

    First the proxy reward, then reward models by their names, then every other number.
    """
    facts = _run(run)["facts"]
    keys = _keys(run)
    models = [key for key in keys if REWARD.search(key.lower())]
    named = {"proxy_reward": json.loads(facts)["proxy_key"] or "proxy_reward"}
    return named | {key: key for key in (*models, *(k for k in keys if k not in models))}


def reward_models(run: str) -> list[str]:
    """Those of ``proxies`` that a reader is shown unless they choose."""
    return [key for key in proxies(run) if key == "proxy_reward" or REWARD.search(key.lower())]


@cached(64, reads.run_generation)
def _keys(run: str) -> list[str]:
    return reads.store().query("pool_keys", run=run)["key"].to_list()


@cached(32, reads.run_generation)
def curves(
    run: str, members: tuple[str, ...], ensembles: tuple[str, ...], penalty: float, kl: str
) -> dict[str, best_of_n.Curve]:
    """Best-of-n curves of one pool by proxy, then by ensembles of these proxies.

    The keys are the members' names in the store and the ensembles' names; a pool without samples
    that count has none.
    """
    further = [key for key in members if key != "proxy_reward"]
    rows = reads.store().query("pool", run=run, keys=further)
    rows = rows.with_columns(
        pl.col("further").list.get(place, null_on_oob=True).alias(key)
        for place, key in enumerate(further)
    )
    joined = [name for name in ensembles if len(members) > 1]
    scaled = [best_of_n.standardised(rows[key].cast(pl.Float64)) for key in members if joined]
    rows = rows.with_columns(
        pl.Series(name, best_of_n.ensemble(scaled, name, penalty)) for name in joined
    )
    names = [*members, *joined]
    pool = best_of_n.pool_of(rows, names)
    return {} if pool is None else {name: best_of_n.curve(pool, name, kl) for name in names}


def _run(run: str) -> dict[str, Any]:
    return reads.runs().row(by_predicate=pl.col("run_id") == run, named=True)
