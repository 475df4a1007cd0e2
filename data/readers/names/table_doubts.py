"""What a plain table of metrics is refused for, or warned of, by what its rows hold."""

from __future__ import annotations

import polars as pl

from data.columns import LogError
from data.readers.names.mapping import folded
from data.words.wording import count

N_IS_THE_STEP = (
    "column {0} is read as the step: right where it is the n of best-of-n, each n a row of the "
    "curve (a column kl_estimator of bon_bound says that KL is its bound); else name the column of "
    "steps with --step"
)

NO_TOKENS = "column {0} is no length in tokens ({1!r}), and is left out: --length names one that is"


def repeating(replaced: int, rows: int, name: str) -> str:
    """What is said where later rows of a step took the place of earlier ones, of other values.

    Raises:
        LogError: that are most of the rows, so the table is no curve as it stands.
    """
    say = (
        "if they are of several runs, name the column that tells them apart with --run-column; if "
        "of single responses, name their columns prompt and completion"
    )
    if replaced * 2 > rows:
        raise LogError(
            f"{name}: {replaced} of {rows} rows repeat a step with other values, and no column "
            f"tells why; a table of metrics has one row a step of a run: {say}"
        )
    return f"{replaced} of {rows} rows repeat a step, and the later ones are read: {say}"


def one_heading(frame: pl.DataFrame, chosen: str | None, option: str, name: str) -> None:
    """Refuse a second column that only case or punctuation tells from the chosen one.

    A column that never changes is no curve, and no rival.

    Raises:
        LogError: names both.
    """
    alike = [key for key in frame.columns if chosen and folded(key) == folded(chosen)]
    if len(alike) > 1:
        alike = [k for k in alike if k == chosen or frame.get_column(k).drop_nulls().n_unique() > 1]
    if len(alike) > 1:
        raise LogError(
            f"{name}: columns {' and '.join(alike)} have one name but for case and punctuation: "
            f"say which with {option}"
        )


def gaps(rows: pl.DataFrame, logged: str, key: str) -> str:
    """What is said of training rows without a KL among others that have one; empty if none are.

    Args:
        rows: phase, step, proxy_reward, gold_reward and the column ``logged``.
        logged: name of the column of the KL as logged.
        key: the table's own name of it.
    """
    values = rows.get_column(logged)
    if not values.null_count() and values.is_finite().all():
        return ""  # as is usual: no need to look at the rows
    known = pl.col(logged).is_finite().fill_null(False)
    rewarded = pl.col("proxy_reward").is_not_null() | pl.col("gold_reward").is_not_null()
    trained = rows.lazy().filter((pl.col("phase") == "train") & (rewarded | known))
    found = trained.select("step", known.alias("known")).collect()
    empty = found.filter(~pl.col("known")).get_column("step")
    if not len(empty) or len(empty) * 2 > found.height:
        return ""  # a KL that is logged now and then is no gap
    return (
        f"{key} is blank or unreadable in {len(empty)} of {count(found.height, 'row')}, first at "
        f"step {empty[0]}: there the KL is missing"
    )
