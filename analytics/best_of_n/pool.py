"""A pool of samples as arrays: which prompts and samples count, and what was left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.best_of_n.estimator import FloatArray, IntArray

MOST_OF_THE_PROMPTS = 0.9
"""The largest n is what at least this share of the prompts has samples for."""


@dataclass(frozen=True)
class Block:
    """Prompts with the same number of samples: arrays of shape (prompts, samples)."""

    prompts: IntArray
    columns: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Pool:
    """A pool ready to be ranked.

    prompts: prompts that count; largest: the largest n that each of them has samples for;
    samples: samples that count. prompts_left_out: prompts with too few samples; samples_left_out:
    samples without a finite proxy or gold. repeated: share of samples whose text another sample of
    the same prompt has too, null where texts are not known. has_probability: whether every sample
    that counts has its log-probability under the initial policy.
    """

    prompts: int
    largest: int
    samples: int
    prompts_left_out: int
    samples_left_out: int
    repeated: float | None
    has_probability: bool
    blocks: tuple[Block, ...]

    def by_prompt(self, compute: Callable[[Mapping[str, FloatArray]], FloatArray]) -> FloatArray:
        """A function of a block's columns, (prompts, samples) each, for all prompts: (P, …)."""
        parts = [compute(block.columns) for block in self.blocks]
        whole = np.concatenate(parts)
        back = np.argsort(np.concatenate([block.prompts for block in self.blocks]))
        return np.asarray(whole[back])


def pool_of(frame: pl.DataFrame, proxies: list[str]) -> Pool | None:
    """The pool of a frame; None where no prompt has two samples that count.

    frame: prompt_id, gold_reward, log_probability (nats under the initial policy, may be null),
    text (anything that is equal for equal responses, may be null) and one column a proxy. A
    sample counts where gold and every proxy in ``proxies`` are finite: leaving the same samples
    out for all proxies keeps their curves comparable.
    """
    wanted = ["gold_reward", *proxies]
    known = pl.all_horizontal(pl.col(c).cast(pl.Float64).is_finite().fill_null(False)
                              for c in wanted)  # fmt: skip
    rows = frame.filter(known)
    counts = rows.group_by("prompt_id").len().sort("len", descending=True)
    if not counts.height or counts["len"][0] < 2:
        return None
    at = int(np.ceil(MOST_OF_THE_PROMPTS * counts.height)) - 1
    largest = max(int(counts["len"][at]), 2)
    kept = counts.filter(pl.col("len") >= largest)
    rows = rows.join(kept, on="prompt_id").sort("len", "prompt_id")
    probable = rows["log_probability"].cast(pl.Float64)
    names = [*wanted, "log_probability"]
    blocks, start = [], 0
    for (size,), part in rows.group_by("len", maintain_order=True):
        width = int(size)
        prompts = part.height // width
        columns = {
            c: part[c].cast(pl.Float64).fill_null(np.nan).to_numpy().reshape(prompts, width)
            for c in names
        }
        blocks.append(Block(np.arange(start, start + prompts), columns))
        start += prompts
    return Pool(
        prompts=kept.height,
        largest=largest,
        samples=rows.height,
        prompts_left_out=frame["prompt_id"].n_unique() - kept.height,
        samples_left_out=frame.height
        - rows.height
        - frame.join(kept, on="prompt_id", how="anti").height,
        repeated=_repeated(rows),
        has_probability=bool(probable.is_finite().fill_null(False).all()),
        blocks=tuple(blocks),
    )


def _repeated(rows: pl.DataFrame) -> float | None:
    if rows["text"].null_count():
        return None
    return float(rows.select(pl.struct("prompt_id", "text").is_duplicated().mean()).item())
