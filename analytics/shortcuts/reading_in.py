"""Responses at the door: what mining needs of them, and what is missing."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import polars as pl

MOST = 120_000
"""Responses that are read: a share of them is known to .3 points. Of more, whole prompts are left
out, and where prompts are few, whole groups of responses, and then single ones."""
FEWEST_PROMPTS = 400
"""As many prompts are read at least, where there are."""
FEWEST_GOLD = 200
"""Responses with gold from which gold is asked; fewer could only ever say that it is not sure."""
FEWEST_GROUPS = 2_000
"""As many groups of responses to a prompt at a step are read at least, where there are."""
MOST_LETTERS = 100_000_000
"""Characters that are read in all: of long responses fewer are read."""
LONGEST = 4_000
"""Characters of a response that are read."""
NEEDED = ("step", "completion", "proxy_reward")


class Missing(NamedTuple):
    """Why nothing can be told."""

    why: str


class Read(NamedTuple):
    """The responses that are read, of how many, and whether gold is known.

    Columns: row, step, phase, prompt_id, sample_id, prompt, completion, letters, proxy_reward,
    gold_reward (NaN = not known), cluster (a number for each prompt), lot (a random order).
    """

    frame: pl.DataFrame
    of: int
    with_gold: bool


def read_in(responses: pl.DataFrame, most: int = MOST) -> Read | Missing:
    """The responses with all columns that mining needs, up to ``most`` of them."""
    columns = set(responses.columns)
    absent = [name for name in NEEDED if name not in columns]
    if absent or not columns & {"prompt_id", "prompt"}:
        names = ", ".join(absent or ["prompt_id"])
        return Missing(f"the responses have no column {names}")
    if not responses.height:
        return Missing("no responses were logged")
    frame = _whole(responses)
    known = frame.filter(pl.col("step").is_not_null(), pl.col("completion").is_not_null())
    if not known.height:
        return Missing("no response has both a step and a text")
    with_prompt = known.filter(pl.col("prompt_id").is_not_null())
    if with_prompt.height < known.height / 2:
        return Missing(
            "most responses name no prompt (prompt_id, or prompt): late ones cannot be compared "
            "with the start's on the same prompt"
        )
    paid = with_prompt.filter(pl.col("proxy_reward").is_finite())
    if not paid.height:
        return Missing("no response has a proxy reward")
    if paid["proxy_reward"].n_unique() < 2:
        return Missing("all responses have the same proxy reward")
    gold = paid["gold_reward"].filter(paid["gold_reward"].is_finite())
    letters = paid["completion"].str.len_chars().to_numpy().mean()
    kept = _some(paid, most_of(float(letters), most))
    kept = kept.sort("step", "prompt_id", "sample_id", "phase", "completion")
    number = kept["prompt_id"].rank("dense").cast(pl.Int64) - 1
    lot = np.random.default_rng(0).permutation(kept.height)
    read = kept.with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64), cluster=number, lot=pl.Series(lot)
    )
    return Read(read, responses.height, gold.len() >= FEWEST_GOLD and gold.n_unique() > 1)


def _whole(responses: pl.DataFrame) -> pl.DataFrame:
    """All columns, of the types that they have elsewhere; prompts may be named by their text."""
    have = set(responses.columns)

    def own(name: str, kind: type[pl.DataType] | pl.DataType, other: pl.Expr) -> pl.Expr:
        return (pl.col(name) if name in have else other).cast(kind, strict=False).alias(name)

    empty = pl.lit(None)
    columns = responses.select(
        own("step", pl.Int64, empty), own("phase", pl.String, pl.lit("train")),
        own("prompt_id", pl.String, empty), own("sample_id", pl.Int64, pl.lit(0)),
        own("prompt", pl.String, empty), own("completion", pl.String, empty),
        own("proxy_reward", pl.Float64, empty), own("gold_reward", pl.Float64, empty),
        own("letters", pl.Int64, pl.col("completion").str.len_chars()),
    )  # fmt: skip
    text = pl.col("prompt").replace("", None)
    return columns.with_columns(
        pl.coalesce(pl.col("prompt_id").replace("", None), text.str.slice(0, 500)),
        pl.col("prompt").fill_null("").str.slice(0, LONGEST),
        pl.col("completion").str.slice(0, LONGEST), pl.col("sample_id").fill_null(0),
        pl.col("phase").fill_null("train"),
        pl.col("proxy_reward", "gold_reward").fill_null(float("nan")),
    )  # fmt: skip


class Shares(NamedTuple):
    """What share of the prompts, of their groups (prompt and step) and of these is read."""

    of_prompts: float
    of_groups: float
    of_rows: float


def shares(responses: int, prompts: int, groups: int, most: int) -> Shares:
    """How ``most`` responses are drawn: whole prompts while many are left, then whole groups.

    >>> shares(1_000_000, 100_000, 250_000, 100_000)
    Shares(of_prompts=0.1, of_groups=1.0, of_rows=1.0)
    >>> shares(1_000_000, 100, 100_000, 100_000)
    Shares(of_prompts=1.0, of_groups=0.1, of_rows=1.0)
    """
    share = min(1.0, most / max(responses, 1))
    by_prompt = min(1.0, max(share, FEWEST_PROMPTS / max(prompts, 1)))
    rest = share / by_prompt
    by_group = min(1.0, max(rest, FEWEST_GROUPS / max(groups * by_prompt, 1)))
    return Shares(by_prompt, by_group, min(1.0, rest / by_group))


def most_of(letters: float, most: int = MOST) -> int:
    """How many responses are read where they have so many characters on average."""
    return min(most, int(MOST_LETTERS / max(letters, 1.0)))


def _some(frame: pl.DataFrame, most: int) -> pl.DataFrame:
    if frame.height <= most:
        return frame
    keys = ["prompt_id", "step"]
    prompts, groups = frame.select("prompt_id").unique(), frame.select(keys).unique()
    part = shares(frame.height, prompts.height, groups.height, most)
    kept = frame.join(_drawn(prompts, part.of_prompts), on="prompt_id", how="semi")
    if part.of_groups < 1:
        kept = kept.join(_drawn(groups, part.of_groups), on=keys, how="semi")
    return kept.sample(fraction=part.of_rows, seed=1) if part.of_rows < 1 else kept


def _drawn(keys: pl.DataFrame, share: float) -> pl.DataFrame:
    """A share of some keys, the same ones whatever else there is."""
    names = keys.select(pl.concat_str(keys.columns, separator="\0")).to_series()
    drawn = [zlib.crc32(name.encode()) < share * 2**32 for name in names]
    return keys.filter(pl.Series(drawn, dtype=pl.Boolean))
