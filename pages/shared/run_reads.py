"""What the page on components asks of one run, cached by the run's own generation."""

from __future__ import annotations

import polars as pl

from pages.shared import reads
from pages.shared.caching import cached


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
