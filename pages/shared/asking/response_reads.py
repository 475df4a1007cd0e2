"""Logged responses to the same prompts in several stretches of a run, read once for all readers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import polars as pl

from pages.shared import reads
from pages.shared.keeping.caching import cached

Spans = tuple[tuple[str, int, int], ...]
"""Name, first and last step of each stretch."""


@cached(64, reads.run_generation)
def shared_prompts(run: str, spans: Spans) -> dict[str, str]:
    """Prompts by id that were drawn in every stretch, those with most responses first."""
    rows = reads.completions(run, spans)
    shared = (
        rows.group_by("prompt_id")
        .agg(pl.col("span").n_unique(), pl.len(), pl.col("prompt").first())
        .filter(pl.col("span") == len(spans))
        .sort("len", "prompt", "prompt_id", descending=[True, False, False])
    )
    return dict(shared.select("prompt_id", "prompt").iter_rows())


class SpanResponses(TypedDict):
    """Responses to one prompt in a stretch: how many, their mean rewards, and the best by proxy."""

    name: str
    first: int
    last: int
    n: int
    proxy: float | None
    gold: float | None
    best: Sequence[Mapping[str, Any]]


@cached(256, reads.run_generation)
def best_responses(run: str, spans: Spans, prompt: str, most: int) -> list[SpanResponses]:
    """For each stretch: n, mean proxy and gold, and the responses that the proxy likes best."""
    rows = reads.completions(run, spans).filter(prompt_id=prompt)
    responses: list[SpanResponses] = []
    for name, first, last in spans:
        of_span = rows.filter(span=name)
        proxy, gold = of_span.select(pl.col("proxy_reward", "gold_reward").mean()).row(0)
        best = of_span.sort("proxy_reward", descending=True, nulls_last=True).head(most)
        responses.append({
            "name": name, "first": first, "last": last, "n": of_span.height, "proxy": proxy,
            "gold": gold, "best": best.to_dicts(),
        })  # fmt: skip
    return responses
