"""Why something cannot be told of a run's responses, in half sentences that name the cause."""

from __future__ import annotations

import polars as pl

from analytics.paid_for.clusters import FEWEST, LARGEST
from analytics.paid_for.draws import LOGGED
from analytics.wording import count, number, whole

NONE = "no responses were logged"
FEWEST_RANKED = 3
"""Responses of a draw that have a rank correlation."""


def of_measure(draws: pl.DataFrame, measure: str) -> str:
    """Why no response has the measure ("proxy", "gold"); "" where some have it.

    draws: as ``draws.draws`` gives them.
    """
    if draws.is_empty():
        return NONE
    if draws[measure].null_count() < draws.height:
        return ""
    if draws[f"{LOGGED}{measure}"].any():
        return f"no {measure} that was logged is a number below {number(LARGEST)}"
    return f"no response has {measure}"


def of_prompts(draws: pl.DataFrame) -> str:
    """Whether prompts are too few for an interval, and how many there are; "" where not."""
    prompts = draws["prompt_id"].n_unique()
    if prompts >= FEWEST:
        return ""
    return f"{count(prompts, 'prompt')}, and it takes {whole(FEWEST)}"


def of_ranks(draws: pl.DataFrame) -> str:
    """Why the proxy's ranks cannot be held against gold's in any stretch of steps.

    draws: as ``draws.draws`` gives them; rank correlations could not be told from them.
    """
    for name in ("proxy", "gold"):
        if why := of_measure(draws, name):
            return why
    both = draws.drop_nulls(["proxy", "gold"])
    if both.is_empty():
        return "no response has both proxy and gold"
    for name in ("proxy", "gold"):
        if both[name].n_unique() == 1:
            return f"all responses have the same {name}"
    if why := of_prompts(both):
        return f"responses with both are of {why}"
    # Where draws are small, those of a prompt are put together over a stretch of steps.
    sizes = both.group_by("prompt_id").agg(
        pl.len(), pl.col("proxy").n_unique(), pl.col("gold").n_unique()
    )
    if not (sizes["len"] >= FEWEST_RANKED).any():
        return f"no prompt has {whole(FEWEST_RANKED)} responses with both"
    for name in ("proxy", "gold"):
        if (sizes[name] == 1).all():
            return f"all responses to one prompt have the same {name}"
    return (f"in no segment of steps have {whole(FEWEST)} prompts {whole(FEWEST_RANKED)} responses "
            "each whose proxy and gold differ")  # fmt: skip
