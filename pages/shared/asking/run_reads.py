"""What the page on components asks of one run, cached by the run's own generation."""

from __future__ import annotations

import json

import polars as pl

from analytics.comparing.gold_uses import one_family, sentence
from pages.shared import reads
from pages.shared.keeping.caching import cached


def scalar_keys(run: str) -> list[str]:
    """Further numbers of a run's training rows that change over the run."""
    return _keys(run, "scalar_keys")


def member_keys(run: str) -> list[str]:
    """Further numbers of a run's training responses."""
    return _keys(run, "member_keys")


@cached(1024, reads.run_generation)
def _keys(run: str, question: str) -> list[str]:
    return reads.store().query(question, run=run)["key"].to_list()


@cached(32, reads.run_generation)
def components(run: str, keys: tuple[str, ...], until: int | None) -> pl.DataFrame:
    """Components by step: key, step, value; the proxy reward under its own name."""
    store = reads.store()
    rows = store.query("components", run=run, keys=list(keys), until=until)
    if "proxy_reward" not in keys:
        return rows
    proxy = store.query("trajectory", run=run, until=until).select(
        key=pl.lit("proxy_reward"), step="step", value="proxy_reward"
    )
    return pl.concat([proxy.filter(pl.col("value").is_finite()), rows])


@cached(32, reads.run_generation)
def disagreement(run: str, keys: tuple[str, ...], until: int | None) -> pl.DataFrame:
    """Variance between members by step and prompt."""
    return reads.store().query("disagreement", run=run, keys=list(keys), until=until)


@cached(64)
def sealed_said(run: str) -> str:
    """Which gold of a run is sealed, and for what; nothing of what it says."""
    rows = reads.store().query("sealed_sources", runs=[run])
    sources = rows["source"].unique().sort().to_list()
    if not sources:
        return ""
    return (
        f"Gold of {', '.join(sources)} is sealed: the gate alone reads it. No curve, verdict, "
        "choice of a checkpoint or advice here uses it, and its values are shown nowhere."
    )


@cached(64)
def gold_chose(run: str, config: str) -> str:
    """How often a run's gold was used to choose, and whether the reward model's kin judges it.

    config: its settings, JSON.
    """
    rows = reads.store().query("gold_uses", run=run, until=None).to_dicts()
    sentences = (sentence(rows), one_family(json.loads(config)))
    return " ".join(one for one in sentences if one)
