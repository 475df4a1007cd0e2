"""What is compared with what: the policy's start with stretches after it, within prompts."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import sparse

from analytics.computing.quantiles import t_quantile

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

START = 0.2
"""Share of the steps that counts as the policy's start."""
STRETCHES = 3
"""Stretches of steps after it, each with evidence of its own."""
PARTS = 8
"""Parts of a run whose responses to a prompt are compared where a step has only one of each."""
HALF = 0.5
"""Share of the responses that must have others to be compared with."""
WITHIN = ("prompt and step", f"prompt and {PARTS}th part of the run", "step, between prompts")


@dataclass(frozen=True)
class Windows:
    """The steps of the start, and of each stretch after it: (first, last)."""

    start: tuple[int, int]
    late: tuple[tuple[int, int], ...]


def windows(steps: npt.ArrayLike) -> Windows | None:
    """How a run is parted; None where fewer than two steps have responses.

    >>> windows([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).late
    ((2, 4), (5, 7), (8, 9))
    """
    there = np.unique(np.asarray(steps))
    if there.size < 2:
        return None
    begun = ceil(START * there.size)
    parts = np.array_split(there[begun:], min(STRETCHES, there.size - begun))
    return Windows(
        (int(there[0]), int(there[begun - 1])),
        tuple((int(part[0]), int(part[-1])) for part in sorted(parts, key=lambda p: p[0])),
    )


def halves(prompts: pl.Series) -> Bools:
    """Whether each response's prompt is of the half that is mined; the other half is for the test.

    By a checksum of the prompt's id, so that the same prompts are mined whatever comes later.
    """
    names = prompts.unique()
    mined = [zlib.crc32(f"half {name}".encode()) % 2 == 0 for name in names]
    table = pl.DataFrame({"prompt_id": names, "mined": mined})
    return prompts.to_frame("prompt_id").join(
        table, on="prompt_id", how="left", maintain_order="left"
    )["mined"].to_numpy()  # fmt: skip


@dataclass(frozen=True)
class Pairs:
    """Late and early responses, one for one, and the cluster (prompt) that each pair counts in."""

    late: Ints
    early: Ints
    cluster: Ints

    def sums(self, presence: sparse.csc_array, clusters: int) -> sparse.csc_array:
        """Clusters x features: how many more late responses than early ones have it."""
        one = np.ones(self.late.size)
        rows = presence.shape[0]
        more = sparse.csr_array((one, (self.cluster, self.late)), shape=(clusters, rows))
        less = sparse.csr_array((one, (self.cluster, self.early)), shape=(clusters, rows))
        differences = sparse.csc_array((more - less) @ presence)
        differences.eliminate_zeros()
        return differences


def pairs(frame: pl.DataFrame, early: tuple[int, int], late: tuple[int, int]) -> Pairs:
    """As many late responses to a prompt as early ones: then each could stand in the other's place.

    Prompts that were drawn in one of the windows alone are paired with each other by lot, within
    the half that they belong to, and count as one cluster.

    Args:
        frame: row, step, cluster (number of the prompt), mined, lot (a random order).
        early: first and last step of the start.
        late: of the stretch.
    """
    between = [frame.filter(pl.col("step").is_between(*at)) for at in (early, late)]
    both = set(between[0]["cluster"].unique()) & set(between[1]["cluster"].unique())
    alone = []
    for part in between:
        others = part.filter(~pl.col("cluster").is_in(list(both)))
        drawn = others.group_by("cluster").agg(pl.col("mined").first(), pl.col("lot").min())
        alone.append(drawn.sort("lot", "cluster").select(
            "cluster", "mined", place=pl.int_range(pl.len()).over("mined")
        ))  # fmt: skip
    mate = alone[1].join(alone[0], on=["mined", "place"], suffix="_early")
    sides = []
    for part, own in zip(between, ("cluster_early", "cluster"), strict=True):
        pair = pl.DataFrame({"cluster": list(both), "as": list(both)}, schema_overrides={
            "cluster": pl.Int64, "as": pl.Int64})  # fmt: skip
        pair = pair.vstack(mate.select(pl.col(own).alias("cluster"), pl.col("cluster").alias("as")))
        sides.append(part.join(pair, on="cluster").sort("lot", "row").select(
            "row", "as", place=pl.int_range(pl.len()).over("as")
        ))  # fmt: skip
    matched = sides[1].join(sides[0], on=["as", "place"], suffix="_early").sort("as", "place")
    return Pairs(*(matched[key].to_numpy() for key in ("row", "row_early", "as")))


@dataclass(frozen=True)
class Blocks:
    """Responses that are compared with each other, and the clusters that these count in.

    ``row``: their places; ``block``: a number each, 0, 1, …; ``cluster``: of each row; ``within``:
    in words what a block is.
    """

    row: Ints
    block: Ints
    cluster: Ints
    within: str

    def centred(self, values: Floats) -> Floats:
        """Values of the blocks' rows without their block's mean."""
        size = np.bincount(self.block)
        return values - (np.bincount(self.block, values) / size)[self.block]

    def ranks(self, values: Floats) -> Floats:
        """Ranks within blocks around 0, -1 to 1: no far-off reward counts more than another.

        They are as far above as below 0, so that under chance their sum over the responses with a
        feature is symmetric.
        """
        order = np.lexsort((values, self.block))
        place = np.empty(values.size)
        first = np.r_[0, np.flatnonzero(np.diff(self.block[order])) + 1]
        new = np.r_[True, (np.diff(self.block[order]) != 0) | (np.diff(values[order]) != 0)]
        group = np.cumsum(new) - 1
        middle = np.bincount(group, np.arange(values.size)) / np.bincount(group)
        size = np.bincount(self.block)
        begun = np.repeat(first, size[self.block[order][first]])
        place[order] = middle[group] - begun
        return (2 * place - size[self.block] + 1) / np.maximum(size[self.block] - 1, 1)


def blocks(frame: pl.DataFrame, first: int, last: int) -> Blocks | None:
    """Responses to one prompt at one step, or what comes nearest; None where nothing compares.

    frame: row, step, cluster, of the responses whose reward is known.
    """
    part = (pl.col("step") - first) * PARTS // max(last - first + 1, 1)
    ways = (("cluster", "step"), ("cluster", part.alias("part")), ("step",))
    for keys, within in zip(ways, WITHIN, strict=True):
        compared = frame.with_columns(part.alias("part"))
        names = [key if isinstance(key, str) else "part" for key in keys]
        compared = compared.filter(pl.len().over(names) > 1)
        if compared.height >= HALF * max(frame.height, 1) and compared.height:
            number = compared.select(pl.struct(names).rank("dense").cast(pl.Int64) - 1).to_series()
            cluster = "step" if within == WITHIN[2] else "cluster"
            of = compared[cluster]
            of = of.rank("dense").cast(pl.Int64) - 1 if cluster == "step" else of
            return Blocks(compared["row"].to_numpy(), number.to_numpy(), of.to_numpy(), within)
    return None


def critical(clusters: int) -> float:
    """So many standard errors hold 95 % with so many clusters (Student's t)."""
    return float(t_quantile(0.975, max(clusters - 1, 1)))
