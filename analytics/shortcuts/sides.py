"""Features and their evidence on the prompts that they may be tested on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from analytics.shortcuts.design import Pairs
from analytics.shortcuts.evidence import log_e
from analytics.shortcuts.marks import Mark
from analytics.shortcuts.pay import Pay

Floats = npt.NDArray[np.float64]

LEAST_AGREEMENT = 0.25
"""So much of a proxy's gain gold is expected to confirm at least, in standard deviations, even
where the two hardly agreed at the policy's start."""


@dataclass(frozen=True)
class Side:
    """Some features, and the responses that they are tested on.

    presence: responses x features. pairs: late and early ones, for each stretch. proxy, gap: what
    is paid; the gap is how far the proxy is above what gold confirms, None without gold. gold, in
    reward units like proxy, for the effects.
    """

    marks: list[Mark]
    presence: sparse.csc_array
    pairs: list[Pairs]
    proxy: Pay
    gap: Pay | None
    gold: Pay | None
    prompts: int

    def growth(self) -> Floats:
        """Log e-values of growth, features x stretches."""
        logs = [log_e(one.sums(self.presence, self.prompts)) for one in self.pairs]
        return np.column_stack(logs) if logs else np.zeros((len(self.marks), 0))

    def rise(self) -> Floats:
        """How far each feature's share rose among the paired responses, at most."""
        found = np.zeros(len(self.marks))
        for one in self.pairs:
            sums = np.asarray(one.sums(self.presence, self.prompts).sum(axis=0)).ravel()
            found = np.maximum(found, sums / max(one.late.size, 1))
        return found

    def paid(self, explained: Floats | None = None) -> Floats:
        """Log e-values that a feature is paid, and beyond what gold confirms where there is gold.

        explained: rows of all responses x features that are taken out first.
        """
        asked = [one for one in (self.proxy, self.gap) if one is not None]
        if explained is not None:
            asked = [one.without(explained) for one in asked]
        return np.asarray(np.min([one.evidence(self.presence) for one in asked], axis=0))

    def earned(self, scale: float) -> Floats:
        """Rise times pay in standard deviations: of the gap where there is gold, else of proxy."""
        paid = self.gap or self.proxy
        effect = paid.effects(self.presence)[0] / (1.0 if self.gap else scale)
        return np.asarray(self.rise() * np.nan_to_num(effect))
