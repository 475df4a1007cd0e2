"""What changed since another iteration: paired where questions are shared, else said not to be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from scipy import special

from analytics.answers.clustered_rates import change_by_entity, sign_by_entity
from analytics.hallucination.level_rows import ROW
from analytics.hallucination.pairs import FLIP_CLUSTERS, PAIRED_SHARE, predecessors
from analytics.rates import (
    FloatArray,
    benjamini_hochberg,
    mcnemar,
    newcombe,
    normal_quantile,
    paired_difference,
    unpaired_p,
)

MCNEMAR = "McNemar mid-p"
SIGN = "sign test mid-p on question averages"
BY_ENTITY = "t over entities that changed"
UNPAIRED = "Newcombe, unpaired"
_OWN = ("n", "low", "high", "clusters", "low_clustered", "high_clustered")
UNPAIRED_BY_ENTITY = "Newcombe, unpaired, by entity"


def change(
    table: pl.DataFrame, shared: pl.DataFrame, compare_to: int | None,
    by_entity: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """The table with its `change_` columns.

    Paired (`test` = McNemar mid-p) where at least half of the questions of the smaller iteration
    are shared (judged on the total, for all its topics): the difference, its Wald interval and
    the counts are then over shared questions.
    Otherwise the two rates stand as independent samples: Newcombe's interval, a pooled score
    test (Fisher below 5 expected; by the intervals over entities where questions share them), and
    no count of changed questions, since **other questions may explain it**. With some shared
    questions that is conservative. q adjusts p over the topics (categories) of one loop, iteration
    and origin; it is null for totals.

    Where shared questions share entities, their changes go together: the test is then over
    entities (`test` = BY_ENTITY; p and the exact p are the larger of the two tests), and so is the
    interval, where it is the wider one.

    Args:
        table: rows with ROW, questions, rate, effective (answers behind the interval).
        shared: `FLIPS` drawn together by level, with from_iteration.
        compare_to: as given to `flips`.
        by_entity: `FLIP_CLUSTERS` for the same `compare_to`; None = no entities are known.
    """
    base = table.join(predecessors(table, compare_to), on=["loop", "iteration", "origin"])
    keys = [name for name in ROW if name != "iteration"]
    before = table.select(
        *keys,
        pl.col("iteration").alias("from_iteration"),
        pl.col("rate").alias("rate_then"),
        pl.col("effective").alias("effective_then"),
        pl.col("questions").alias("questions_then"),
        *(pl.col(name).alias(f"{name}_then") for name in _OWN),
    )
    both = base.join(
        before, on=[*keys, "from_iteration"], how="left", nulls_equal=True
    ).join(shared, on=[*ROW, "from_iteration"], how="left", nulls_equal=True)  # fmt: skip
    both = _with_entities(both, by_entity)

    def column(name: str) -> FloatArray:
        return both[name].cast(pl.Float64).fill_null(np.nan).to_numpy()

    now, size, then, size_then = map(column, ("rate", "effective", "rate_then", "effective_then"))
    common = np.nan_to_num(column("shared"))
    paired = (common > 0) & _pairable(both)
    known = paired | ~(np.isnan(then) | np.isnan(now))
    risen, fallen = (np.nan_to_num(column(name)) for name in ("newly_wrong", "newly_right"))
    test = mcnemar(risen, fallen)
    gap, _, low, high = paired_difference(
        column("difference_sum"), column("difference_squares"), common, small=True
    )
    together, entity_p, wide = _over_entities(column)
    low = np.where(together, np.fmin(low, wide[0]), low)
    high = np.where(together, np.fmax(high, wide[1]), high)
    mid_p, exact = np.maximum(test.mid_p, entity_p), np.maximum(test.exact, entity_p)
    counts = now * size, size, then * size_then, size_then
    alike, by_entities = _apart(column)
    loose = [
        np.where(alike, theirs, own)
        for theirs, own in zip(by_entities, (*newcombe(*counts), unpaired_p(*counts)), strict=True)
    ]
    several = np.nan_to_num(column("several")) > 0

    def chosen(if_paired: FloatArray, if_not: FloatArray) -> FloatArray:
        return np.where(known, np.where(paired, if_paired, if_not), np.nan)

    label = np.where(paired, np.where(several, SIGN, MCNEMAR), UNPAIRED)
    label = np.where(paired & together, BY_ENTITY, label)
    label = np.where(~paired & alike, UNPAIRED_BY_ENTITY, label)
    lost = np.full(len(now), np.nan)
    seen = pl.Series(known)
    found = both.with_columns(
        change_from_iteration=pl.when(seen).then("from_iteration"),
        change_difference=chosen(gap, loose[0]),
        change_low=chosen(low, loose[1]),
        change_high=chosen(high, loose[2]),
        change_test=pl.when(seen).then(pl.Series(label, dtype=pl.String)),
        change_p=chosen(mid_p, loose[3]),
        change_newly_wrong=pl.Series(chosen(risen, lost)).fill_nan(None).cast(pl.Int64),
        change_newly_right=pl.Series(chosen(fallen, lost)).fill_nan(None).cast(pl.Int64),
        change_p_exact=chosen(exact, lost),
        change_paired=pl.when(seen).then(pl.Series(paired)),
        change_shared=pl.when(seen).then(pl.Series(common).cast(pl.Int64)),
        change_rate_before=chosen(np.divide(column("wrong_before"), np.maximum(common, 1)), then),
        change_rate_now=chosen(np.divide(column("wrong_now"), np.maximum(common, 1)), now),
    )
    q = pl.Series(_adjusted(both, chosen(mid_p, loose[3])))
    several_tests = pl.col("level") != "total"
    return found.with_columns(change_q=pl.when(several_tests).then(q)).select(
        *table.columns, pl.selectors.starts_with("change_")
    )


def _apart(column: Callable[[str], FloatArray]) -> tuple[np.ndarray, list[FloatArray]]:
    """Whether either iteration's questions share entities; then difference, low, high and p of two
    independent rates by their intervals over entities: Newcombe's way, and p by its inversion."""
    shared, ends = np.zeros(len(column("n")), dtype=bool), []
    for then in ("", "_then"):
        own = np.nan_to_num(column(f"clusters{then}"), nan=np.inf) < column(f"n{then}")
        shared |= own
        ends += [
            np.where(own, column(f"{end}_clustered{then}"), column(f"{end}{then}"))
            for end in ("low", "high")
        ]
    now, before = column("rate"), column("rate_then")
    gap = now - before
    down = np.sqrt((now - ends[0]) ** 2 + (ends[3] - before) ** 2)
    up = np.sqrt((ends[1] - now) ** 2 + (before - ends[2]) ** 2)
    reach = np.maximum(np.where(gap > 0, down, up), 1e-12)
    p = 2 * special.ndtr(-normal_quantile(0.95) * np.abs(gap) / reach)
    return shared, [gap, gap - down, gap + up, p]


def _over_entities(
    column: Callable[[str], FloatArray],
) -> tuple[np.ndarray, FloatArray, tuple[FloatArray, FloatArray]]:
    """Whether questions share entities; then the p over these (else 0) and the interval."""
    together = np.nan_to_num(column("entities")) < np.nan_to_num(column("entity_questions"))
    total, squares = column("entity_difference"), column("entity_difference_squares")
    p = sign_by_entity(total, squares, np.nan_to_num(column("moved")))
    interval = change_by_entity(
        total, column("entity_questions"), squares, column("entity_cross"), column("entity_squares")
    )
    return together, np.where(together, p, 0.0), interval


def _with_entities(both: pl.DataFrame, by_entity: pl.DataFrame | None) -> pl.DataFrame:
    """The rows with the moments of their changes over entities; null where none are known."""
    if by_entity is None:
        by_entity = pl.DataFrame(schema=FLIP_CLUSTERS)
    keys = [*(name for name in ROW if name != "level"), "from_iteration"]
    return both.join(by_entity, on=keys, how="left", nulls_equal=True)


def _adjusted(both: pl.DataFrame, p: FloatArray) -> FloatArray:
    """q of each row among the rows of its loop, iteration, origin and level.

    A loop here and not a function inside an expression: Polars would call that from its own
    threads, which then wait for the interpreter's lock while its holder waits for them.
    """
    family = ["loop", "iteration", "origin", "level"]
    q = np.full(len(p), np.nan)
    for rows in both.select(family).with_row_index("at").group_by(family).agg("at")["at"]:
        at = rows.to_numpy()
        q[at] = benjamini_hochberg(p[at])
    return q


def _pairable(both: pl.DataFrame) -> np.ndarray:
    """For each row, whether its loop, iteration and origin shares enough questions in all."""
    fewer = pl.min_horizontal("questions", "questions_then")
    enough = (pl.col("shared") >= PAIRED_SHARE * fewer) & (pl.col("level") == "total")
    paired = both.select(enough.fill_null(False).any().over("loop", "iteration", "origin"))
    return paired.to_series().to_numpy()
