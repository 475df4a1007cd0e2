"""Rates and changes of questions that share an entity: what few entities can tell.

Answers about one entity go together, and so do their changes when a model is retrained. Then the
entity is the unit: McNemar's test on its questions finds changes that are not there (p < .05 in 12
to 53 % of simulated pairs without one), and so does Benjamini-Hochberg over topics.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from analytics.computing.quantiles import t_quantile
from analytics.rates import FloatArray

_LEAST = 1e-12


def by_entity_interval(
    rate: FloatArray, n: FloatArray, variance: FloatArray, squares: FloatArray, level: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Wilson's interval of a rate over entities, with t for as few as they are.

    Args:
        rate: share wrong, of shape (K,); NaN where nothing is graded.
        n: graded answers.
        variance: of the rate, sums of entities squared (CR0).
        squares: Σ n_c² over entities; n² / squares is their effective number.
        level: of the interval.

    The variance is taken times G / (G - 1); the degrees of freedom are those of a variance of so
    many entities whose rates are Beta distributed (a rare rate comes from a few of them).

    Source: Wilson 1927; Korn and Graubard 1998, Survey Methodology 24:193, for t and the effective
    number; degrees of freedom from the variance of a variance, Satterthwaite 1946.
    """
    entities = np.maximum(_over(n**2, squares), 1.0)
    rest = np.maximum(entities - 1, 0.5)
    binomial = _over(rate * (1 - rate), n)
    seen = binomial > 0
    # Nothing or everything wrong: no spread to see, so the entities are the sample.
    effect = np.where(seen, _over(variance * entities / rest, binomial), _over(squares, n))
    size = n / np.maximum(effect, 1)
    freedom = _freedom(rate, n, effect, _over(squares, n), entities)
    z2 = t_quantile(0.5 + level / 2, freedom) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (rate + z2 / (2 * size)) / (1 + z2 / size)
        half = np.sqrt(z2 * (rate * (1 - rate) / size + z2 / (4 * size**2))) / (1 + z2 / size)
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def _freedom(
    rate: FloatArray, n: FloatArray, effect: FloatArray, each: FloatArray, entities: FloatArray
) -> FloatArray:
    """Degrees of freedom of the variance over entities: 2 / (kurtosis / G + 2 / (G - 1))."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shared = (np.maximum(effect, 1) - 1) / np.maximum(each - 1, 1e-9)
        shared = np.clip(np.where(np.isfinite(shared), shared, 0), 1e-3, 0.999)
        p = np.clip(rate, 0.5 / n, 1 - 0.5 / n)
        s = (1 - shared) / shared
        a, b = p * s, (1 - p) * s
        excess = 6 * ((a - b) ** 2 * (s + 1) - a * b * (s + 2)) / (a * b * (s + 2) * (s + 3))
        between = shared * each / (1 + shared * (each - 1))
        freedom = 2 / (
            np.maximum(excess * between**2, 0) / entities + 2 / np.maximum(entities - 1, 0.5)
        )
    return np.asarray(np.maximum(np.nan_to_num(freedom, nan=1.0), 1.0))


def sign_by_entity(
    total: npt.ArrayLike, squares: npt.ArrayLike, moved: npt.ArrayLike
) -> FloatArray:
    """Two-sided p of no change, entities as units: t over the sums of those that moved.

    Args:
        total: Σ over entities of D_c, an entity's newly wrong minus newly right (or the sum of its
            questions' changes).
        squares: Σ D_c².
        moved: entities with D_c other than 0.

    p is not below 2^(1 - moved), what the exact sign-flip test of so many entities can reach; one
    entity, or none, tells nothing (p = 1).

    Source: cluster-robust t, Liang and Zeger 1986; sign flips by cluster, Canay, Romano and Shaikh
    2017, Econometrica 85:1013.

    >>> sign_by_entity([8, 14], [16, 196], [4, 1]).round(3).tolist()
    [0.125, 1.0]
    """
    s, q, k = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (total, squares, moved))
    )
    share = np.divide(s**2, q, out=np.zeros(s.shape), where=q > 0)
    t = np.sqrt(np.maximum(k - 1, 0) * share / np.maximum(k - share, _LEAST))
    p = 2 * special.stdtr(np.maximum(k - 1, 1), -t)
    return np.asarray(np.where(k < 2, 1.0, np.minimum(np.maximum(p, 2.0 ** (1 - k)), 1.0)))


def change_by_entity(
    total: FloatArray, n: FloatArray, squares: FloatArray, cross: FloatArray, sizes: FloatArray,
    level: float = 0.95,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """Interval of the mean change over shared questions, entities as units, with t.

    Args:
        total: Σ D_c; n: shared questions; squares: Σ D_c²; cross: Σ m_c D_c, m_c questions of an
            entity; sizes: Σ m_c²; n² / sizes is the effective number of entities. NaN for one.
    """
    mean = _over(total, n)
    variance = np.maximum(squares - 2 * mean * cross + mean**2 * sizes, 0)
    entities = _over(n**2, sizes)
    rest = np.where(entities > 1 + 1e-9, entities - 1, np.nan)
    error = _over(np.sqrt(variance * entities / rest), n)
    half = t_quantile(0.5 + level / 2, np.fmax(rest, 1)) * error
    return np.maximum(mean - half, -1), np.minimum(mean + half, 1)


def _over(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Quotient, NaN where the bottom is not positive."""
    return np.asarray(
        np.divide(top, bottom, out=np.full(np.shape(bottom), np.nan), where=bottom > 0)
    )
