"""Who judged gold, and how: the version whose change makes evaluations incomparable.

A column or setting ``gold_version`` says it; where it is missing, what the log names of the judge
model, its rubric and the set of prompts stands together for it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from data.readers.kl.kl_table import setting

NAME = "gold_version"
PARTS = ("judge_model", "gold_model", "judge_version", "rubric_version", "prompt_set")
TOGETHER = " / "


def columns_of(keys: Collection[str]) -> list[str]:
    """The columns of a table that say it, by name.

    >>> columns_of(["step", "prompt_set", "judge_model"])
    ['judge_model', 'prompt_set']
    >>> columns_of(["gold_version", "prompt_set"])
    ['gold_version']
    """
    return [NAME] if NAME in keys else [part for part in PARTS if part in keys]


def versions(rows: pl.DataFrame) -> pl.Series:
    """The version of each row, null where nothing says it; an empty cell is no version."""
    columns = columns_of(rows.columns)
    if not columns:
        return pl.Series(NAME, [None], dtype=pl.String).new_from_index(0, rows.height)
    stated = [pl.col(name).cast(pl.String).str.strip_chars() for name in columns]
    filled = [pl.when(one != "").then(one) for one in stated]
    together = pl.concat_str(filled, separator=TOGETHER, ignore_nulls=True)
    return rows.select(pl.when(together != "").then(together).alias(NAME)).to_series()


def of_settings(settings: Mapping[str, Any]) -> str | None:
    """The version that a trainer's settings state; None where they state none.

    >>> of_settings({"eval.judge_model": "m-2", "prompt_set": 3}), of_settings({"beta": 0.1})
    ('m-2 / 3', None)
    """
    for names in ((NAME,), PARTS):
        values = [setting(settings, name) for name in names]
        texts = [str(one).strip() for one in values if isinstance(one, (str, int, float))]
        if any(texts):
            return TOGETHER.join(one for one in texts if one)
    return None


def of_log(log: pl.DataFrame, settings: Mapping[str, Any]) -> pl.Series:
    """The version of each row of a trainer's log, which holds numbers: logged, else as set."""
    versions = pl.Series([of_settings(settings)], dtype=pl.String).new_from_index(0, log.height)
    if NAME not in log.columns:
        return versions
    number = pl.col(NAME).cast(pl.Float64)
    whole = number.round() == number
    text = pl.when(whole).then(number.cast(pl.Int64, strict=False).cast(pl.String))
    logged = log.select(text.otherwise(number.cast(pl.String))).to_series()
    return logged.fill_null(versions)
