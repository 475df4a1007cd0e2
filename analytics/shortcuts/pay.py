"""What a reward pays for features: with against without, among responses to the same prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analytics.shortcuts.design import Blocks, critical
from analytics.shortcuts.evidence import log_e

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pay:
    """What one reward pays within blocks.

    ``values``: the reward of each of the blocks' rows; ``clusters``: how many there may be.
    """

    blocks: Blocks
    values: Floats
    clusters: int

    def without(self, features: Floats) -> Pay:
        """The same with what some features explain within blocks taken out (least squares).

        features: rows of all responses x features.
        """
        x = np.column_stack([self.blocks.centred(one) for one in features[self.blocks.row].T])
        y = self.blocks.centred(self.values)
        slopes, *_ = np.linalg.lstsq(x, y, rcond=None)
        return Pay(self.blocks, y - x @ slopes, self.clusters)

    def evidence(self, presence: sparse.csc_array) -> Floats:
        """Log e-values that the reward pays nothing, or fines, against that it pays."""
        return log_e(self._sums(self.blocks.ranks(self.values), presence))

    def z(self, presence: sparse.csc_array) -> Floats:
        """The same as sums of ranks in standard errors."""
        sums = self._sums(self.blocks.ranks(self.values), presence)
        total, squares = sums.sum(axis=0), sums.multiply(sums).sum(axis=0)
        return np.asarray(total / np.sqrt(np.maximum(squares, 1e-12))).ravel()

    def effects(self, presence: sparse.csc_array) -> tuple[Floats, Floats, Floats]:
        """Mean difference of the reward, with against without, and its 95 % interval.

        Within blocks (fixed effects); errors by cluster. NaN where no block has both.
        """
        values = self.blocks.centred(self.values)
        sums = self._sums(values, presence).toarray()
        size = np.bincount(self.blocks.block)
        x = presence[self.blocks.row]
        ones = np.ones(values.size)
        count = sparse.csr_array((ones, (self.blocks.block, np.arange(values.size)))) @ x
        first = np.zeros(size.size, dtype=np.int64)
        first[self.blocks.block] = self.blocks.cluster
        inner = sparse.csc_array(count - count.multiply(count).multiply(1 / size[:, None]))
        spread = (
            sparse.csr_array(
                (np.ones(size.size), (first, np.arange(size.size))),
                shape=(self.clusters, size.size),
            )
            @ inner
        )
        spread = spread.toarray()
        whole = spread.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            effect = np.where(whole > 1e-9, sums.sum(axis=0) / whole, np.nan)
            rest = sums - effect * spread
            there = (spread > 1e-9).sum(axis=0)
            error = np.sqrt((rest**2).sum(axis=0) * there / np.maximum(there - 1, 1)) / whole
        reach = np.array([critical(int(n)) for n in there]) * error
        reach[there < 2] = np.nan
        return effect, effect - reach, effect + reach

    def _sums(self, values: Floats, presence: sparse.csc_array) -> sparse.csc_array:
        by_cluster = sparse.csr_array(
            (values, (self.blocks.cluster, self.blocks.row)),
            shape=(self.clusters, presence.shape[0]),
        )  # fmt: skip
        found = sparse.csc_array(by_cluster @ presence)
        found.data[np.abs(found.data) < 1e-9] = 0
        found.eliminate_zeros()
        return found


def agreement(proxy: Pay, gold: Pay) -> float:
    """Correlation of two rewards within blocks, 0 where one of them does not vary."""
    one, other = proxy.blocks.centred(proxy.values), gold.blocks.centred(gold.values)
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size > 0 else 0.0
