"""Scalars of one phase as columns: what a large log is read into, and what is mapped to frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Row = dict[str, float]


@dataclass
class Columns:
    """The scalars of one phase, a column a key: steps ascending, null where a key was not logged.

    A logged NaN stays a NaN. Every column has a value somewhere.
    """

    steps: NDArray[np.int64]
    values: dict[str, pl.Series]

    @classmethod
    def joined(cls, keys: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]) -> Columns:
        """From the steps (ascending) and the values of each key."""
        steps, *others = [steps for steps, _ in keys.values()]
        if not all(np.array_equal(steps, other) for other in others):
            steps = np.unique(np.concatenate([steps, *others]))
        values = {}
        for key, (own, numbers) in keys.items():
            if len(own) < len(steps):
                at = np.searchsorted(steps, own)
                there, spread = np.zeros(len(steps), np.bool_), np.zeros(len(steps))
                there[at], spread[at] = True, numbers
                nothing = pl.repeat(None, len(steps), dtype=pl.Float64, eager=True)
                values[key] = pl.Series(spread).zip_with(pl.Series(there), nothing)
            else:
                values[key] = pl.Series(numbers)
        return cls(steps, values)

    @classmethod
    def of_rows(cls, rows: Mapping[int, Row]) -> Columns:
        """From rows by step."""
        steps = sorted(rows)
        ordered = [rows[step] for step in steps]
        keys: dict[str, None] = {}
        for row in rows.values():
            keys.update(dict.fromkeys(row))
        values = {
            key: pl.Series([row.get(key) for row in ordered], dtype=pl.Float64, strict=False)
            for key in keys
        }
        return cls(np.array(steps, dtype=np.int64), values)

    def rows(self) -> dict[int, Row]:
        """As rows by step."""
        found: dict[int, Row] = {step: {} for step in self.steps.tolist()}
        rows = list(found.values())
        for key, column in self.values.items():
            for row, value in zip(rows, column.to_list(), strict=True):
                if value is not None:
                    row[key] = value
        return found

    def with_any_beside(self, keys: frozenset[str]) -> Columns:
        """The rows that hold anything beside ``keys``."""
        own = [column for key, column in self.values.items() if key not in keys]
        if any(not column.null_count() for column in own):
            return self
        kept = np.zeros(len(self.steps), np.bool_)
        for column in own:
            kept |= column.is_not_null().to_numpy()
        if kept.all():
            return self
        mask = pl.Series(kept)
        values = {key: column.filter(mask) for key, column in self.values.items()}
        return Columns(
            self.steps[kept],
            {key: column for key, column in values.items() if column.null_count() < len(column)},
        )
