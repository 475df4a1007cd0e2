"""A column that parts training from evaluation under another name than ours, as ``split`` does."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from data.readers.names.mapping import PHASE, PHASES, STEP, Column, folded

WORDED = Column("phase", keys=(
    "split", "mode", "subset", "stage", "partition", "data_split", "dataset_split", "split_name",
    "set", "run_mode", "type", "prefix", "dataset",
))  # fmt: skip
"""Columns that do where each of their values is a word for a phase, and training is among them."""
FLAGS = {
    "is_eval": "eval", "is_evaluation": "eval", "is_validation": "eval", "is_val": "eval",
    "is_test": "eval", "eval_mode": "eval", "is_train": "train", "is_training": "train",
}  # fmt: skip
"""Columns of yes and no, and the phase that yes is."""
FOLDED = frozenset(folded(key) for key in ("phase", *WORDED.keys, *FLAGS))
_YES = {"1": True, "1.0": True, "true": True, "yes": True,
        "0": False, "0.0": False, "false": False, "no": False}  # fmt: skip


def named(frame: pl.DataFrame, asked: Collection[str | None] = ()) -> pl.DataFrame:
    """The table with its column of phases under our name; as it is where it has none.

    Args:
        frame: the table.
        asked: columns that were named for something else.
    """
    if PHASE.find(frame.columns) or STEP.find(frame.columns) is None:
        return frame
    for word in WORDED.keys:
        key = Column("phase", (word,)).find(frame.columns)
        if key is not None and key not in asked and frame.schema[key] == pl.String:
            words = _words(frame.get_column(key))
            if words <= PHASES.keys() and "train" in {PHASES[phase] for phase in words}:
                return frame.rename({key: "phase"})
    for word, yes in FLAGS.items():
        key = Column("phase", (word,)).find(frame.columns)
        if key is not None and key not in asked:
            cells = frame.get_column(key).cast(pl.String).str.strip_chars().str.to_lowercase()
            if set(cells.unique()) <= _YES.keys() and not cells.null_count():
                other = "train" if yes == "eval" else "eval"
                phases = cells.replace_strict({w: yes if v else other for w, v in _YES.items()})
                return frame.drop(key).with_columns(phases.alias("phase"))
    return frame


def _words(column: pl.Series) -> set[str]:
    return set(column.unique().drop_nulls().str.strip_chars().str.to_lowercase()) - {""}
