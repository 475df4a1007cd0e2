"""Evidence that needs no distribution: e-values of symmetric sums, and e-BH over many of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]

BETS = (0.25, 1.0, 4.0)
"""Sizes of the bet, in root mean squares of a feature's sums: small ones gain most from many even
prompts, large ones from few that agree."""


def log_e(sums: Any) -> Floats:
    """Log of an e-value for each column: that its sums are symmetric about 0, against above.

    Given its size, the sign of a cluster's sum d is a fair coin if late and early responses of a
    prompt (or with and without a feature) could change places. Then 2 / (1 + exp(-2 b d)) has mean
    1 for any b, and so has the product over independent clusters; the mean over several b (chosen
    by the sizes alone) is an e-value still. (de la Peña 1999 for symmetric sums; Vovk and Wang
    2021 for merging by the mean.)

    Args:
        sums: clusters x features, dense or sparse; what is not there is 0 and tells nothing.

    Returns:
        One log e-value a feature, natural logarithm; 0 where nothing is known.

    >>> np.round(np.exp(log_e(np.array([[1.0], [1.0], [1.0]]))), 1)
    array([5.1])
    """
    by_feature = sparse.csc_array(sums)
    features = by_feature.shape[1]
    of = np.repeat(np.arange(features), np.diff(by_feature.indptr))
    squares = np.bincount(of, by_feature.data**2, features)
    many = np.maximum(np.bincount(of, minlength=features), 1)
    scale = np.sqrt(squares / many)
    scale[scale == 0] = 1.0
    scaled = by_feature.data / scale[of]
    bets = [np.bincount(of, np.log(2) - np.logaddexp(0, -2 * bet * scaled), features)
            for bet in BETS]  # fmt: skip
    return np.asarray(np.logaddexp.reduce(bets, axis=0) - np.log(len(BETS)))


def chosen(logs: Floats, weights: Floats, alpha: float) -> tuple[npt.NDArray[np.bool_], float]:
    """Which hypotheses e-BH rejects, and the log e-value (times weight) that sufficed.

    At most a share alpha of the rejected ones is false in expectation, however they depend on each
    other (Wang and Ramdas 2022, with weights chosen without a look at the e-values).

    Args:
        logs: log e-values, any shape.
        weights: of the same shape, their mean at most 1.
        alpha: bound on the false discovery rate.

    >>> chosen(np.log([100.0, 50.0, 1.0]), np.ones(3), 0.05)[0]
    array([ True,  True, False])
    """
    with np.errstate(divide="ignore"):
        weighted = logs + np.log(weights)
    ordered = np.sort(weighted, axis=None)[::-1]
    needed = np.log(weighted.size / alpha) - np.log(np.arange(1, weighted.size + 1))
    passed = np.flatnonzero(ordered >= needed)
    limit = float(needed[passed[-1]] if passed.size else needed[0] if weighted.size else np.inf)
    return (weighted >= limit) if passed.size else np.zeros(weighted.shape, dtype=bool), limit
