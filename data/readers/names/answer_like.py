"""Numbers that are reference answers (18, 3, 70000), told from a measure by how they lie."""

from __future__ import annotations

import polars as pl

FEWEST = 5
"""Numbers from which on it is judged."""
LARGEST_SCALE = 100.0
"""Grades, percentages and ratings of ten or hundred steps end here."""
SPREAD = 1.2
"""Powers of ten from the tenth to the ninetieth of a hundred; an even use of a scale has 0.95."""
ROUGH = 0.5
"""Von Neumann's ratio of successive differences to twice the variance: 1 is no order at all."""
FEWEST_ROUGH = 8
"""Numbers from which on their order is judged too."""


def scattered(values: pl.Series) -> bool:
    """Whether numbers are whole, mostly different, spread over powers of ten and in no order.

    Gold that is a count climbs or falls from row to row; answers to questions jump.

    >>> scattered(pl.Series([18, 3, 70000, 540, 20, 64, 260, 160, 45]))
    True
    >>> scattered(pl.Series([1, 3, 9, 20, 64, 160, 300, 540, 700])), scattered(pl.Series([1, 0, 1]))
    (False, False)
    """
    numbers = values.cast(pl.Float64, strict=False).drop_nulls()
    numbers = numbers.filter(numbers.is_finite())
    if len(numbers) < FEWEST or (numbers != numbers.floor()).any():
        return False
    distinct = numbers.n_unique()
    most = numbers.abs().max()
    if distinct < FEWEST or distinct * 3 < len(numbers) or not isinstance(most, float):
        return False
    if most <= LARGEST_SCALE:
        return False
    sizes = (1 + numbers.abs()).log10()
    low, high = sizes.quantile(0.1, "linear"), sizes.quantile(0.9, "linear")
    if low is None or high is None or high - low < SPREAD:
        return False
    if len(numbers) < FEWEST_ROUGH:
        return True
    variance, steps = sizes.var(), sizes.diff().drop_nulls()
    squares = (steps * steps).mean()
    return (
        isinstance(variance, float)
        and isinstance(squares, float)
        and (squares > ROUGH * 2 * variance)
    )
