"""Where a loop's training text comes from: shares by writer, depth, what is not stated."""

from __future__ import annotations

from typing import Any

import polars as pl

from analytics.wording import count, percent

SIZE = pl.coalesce("tokens", "documents")
"""Tokens where they are counted, else documents."""
WRITTEN = pl.col("generator_iteration").is_not_null()


def depths(corpus: pl.DataFrame) -> dict[int, tuple[float, int, bool]]:
    """By iteration the mean depth over tokens, the greatest, and whether all of it was stated.

    What is not stated follows from lineage: a text is one deeper than the deepest that its writer
    was trained on. Iterations of which some text has neither are left out.
    """
    found: dict[int, tuple[float, int, bool]] = {}
    for iteration in sorted(set(corpus["iteration"])):
        rows = corpus.filter(iteration=iteration).with_columns(SIZE.alias("size")).to_dicts()
        known = [(_depth(row, found), row) for row in rows]
        sized = [(depth, row["size"]) for depth, row in known if depth is not None and row["size"]]
        if len(sized) < len(rows) or not sized:
            continue
        total = sum(size for _, size in sized)
        mean = sum(depth * size for depth, size in sized) / total
        stated = all(row["depth"] is not None for row in rows)
        found[iteration] = (mean, max(depth for depth, _ in sized), stated)
    return found


def _depth(row: dict[str, Any], before: dict[int, tuple[float, int, bool]]) -> int | None:
    if row["depth"] is not None:
        return int(row["depth"])
    writer = row["generator_iteration"]
    if writer is None:
        return 0 if row["origin"] in ("human", "benchmark") else None
    return before[writer][1] + 1 if writer in before else None


def parts(corpus: pl.DataFrame) -> pl.DataFrame:
    """Shares of the tokens of each iteration by where they come from.

    Columns loop, iteration, part (human, benchmark, not stated, iteration N), writer, share.
    """
    writer = pl.col("generator_iteration")
    part = pl.when(writer.is_not_null()).then(pl.format("iteration {}", writer)).otherwise(
        pl.when(pl.col("origin") == "self_generated").then(pl.lit("not stated"))
        .otherwise(pl.col("origin"))
    )  # fmt: skip
    sized = corpus.with_columns(part=part, size=SIZE, writer=writer.fill_null(-1))
    keys = ["loop", "iteration"]
    return (
        sized.group_by(*keys, "part", "writer", maintain_order=True).agg(pl.col("size").sum())
        .with_columns(share=pl.col("size") / pl.col("size").sum().over(keys))
        .sort(*keys, "writer", "part")
    )  # fmt: skip


def unstated(corpus: pl.DataFrame) -> pl.DataFrame:
    """By loop and iteration the share of tokens without lineage, licence, reward model.

    A share is null where no row of the loop has that column: it was not given, and is not 100 %.
    Lineage: human and benchmark text has an origin, other text the iteration that wrote it. The
    reward model is asked of written text alone.
    """
    lineage = WRITTEN | pl.col("origin").is_in(["human", "benchmark"])
    sized = corpus.with_columns(size=SIZE.cast(pl.Float64))
    size = pl.col("size")

    given = sized.with_columns(
        licence_given=pl.col("licence").is_not_null().any().over("loop"),
        reward_model_given=pl.col("reward_model").is_not_null().any().over("loop"),
    )
    whole = size.sum()
    return given.group_by("loop", "iteration", maintain_order=True).agg(
        without_lineage=size.filter(~lineage).sum() / whole,
        without_licence=pl.when(pl.col("licence_given").first()).then(
            size.filter(pl.col("licence").is_null()).sum() / whole
        ),
        without_reward_model=pl.when(pl.col("reward_model_given").first()).then(
            size.filter(WRITTEN & pl.col("reward_model").is_null()).sum()
            / size.filter(WRITTEN).sum()
        ).fill_nan(None),
        synthetic=size.filter(WRITTEN).sum() / whole,
    ).sort("loop", "iteration")  # fmt: skip


def table(corpus: pl.DataFrame) -> pl.DataFrame:
    """By loop and iteration, for people: synthetic share, depth, shares of what was not said."""
    rows = []
    for row in unstated(corpus).iter_rows(named=True):
        deep = depths(corpus.filter(loop=row["loop"])).get(row["iteration"])
        shares = {
            name.replace("_", " "): "no such column" if row[name] is None else percent(row[name], 0)
            for name in ("without_lineage", "without_licence", "without_reward_model")
        }
        rows.append({
            "loop": row["loop"], "iteration": row["iteration"],
            "synthetic": percent(row["synthetic"], 0),
            "mean depth": round(deep[0], 2) if deep else None,
            "greatest depth": deep[1] if deep else None,
            "depth is": ("as stated" if deep[2] else "by lineage") if deep else "not known",
            **shares,
        })  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def sentence(corpus: pl.DataFrame) -> str:
    """How much of one loop's last training text it wrote itself, and how deep that is."""
    last = unstated(corpus).row(-1, named=True)
    deep = depths(corpus).get(last["iteration"])
    depth = f", at most {count(deep[1], 'model')} deep" if deep and deep[1] else ""
    return (
        f"at iteration {last['iteration']}, {percent(last['synthetic'], 0)} of the text was "
        f"written by the loop itself{depth}."
    )
