"""Further numbers of a response or an answer as key-value pairs: the column ``extra``."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from data.declared import PAIRS


def extra(rows: pl.DataFrame, known: Collection[str]) -> pl.Series:
    """For each row its numeric columns that are not ``known``, nulls too; null where none is there.

    >>> rows = pl.DataFrame({"step": [1, 2], "length": [7, None], "loss": [0.5, 0.25]})
    >>> extra(rows, {"step"}).to_list()[1]
    {'length': None, 'loss': 0.25}
    """
    names = [
        name for name, kind in rows.schema.items()
        if name not in known and (kind.is_numeric() or kind == pl.Boolean)
    ]  # fmt: skip
    if not names or not rows.height:
        return pl.Series("extra", [None], PAIRS).new_from_index(0, rows.height)
    numbers = rows.select(pl.col(names).cast(pl.Float64))
    # All values one after the other, row by row: structs row by row take thirty times as long.
    values = numbers.select(pl.concat_arr(names)).to_series().explode().alias("value")
    keys = pl.Series("key", [names]).new_from_index(0, rows.height).explode()
    pairs = pl.DataFrame([keys, values]).to_struct("extra")
    return pairs.reshape((rows.height, len(names))).arr.to_list().cast(PAIRS)
