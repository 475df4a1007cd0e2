"""Whether gold follows a KL that went back: its fall is then the way back along one curve.

Gold that rises with KL falls, in time, where a policy walks back to where it came from. That is
neither overoptimization nor collapse. The hypothesis is "expected gold is a never-falling function
of KL, whenever it was measured"; it is given up where gold falls in order of KL too, or lies lower
on the way back than it did at the same KL on the way out. Source: docs/methods.md (Alarm).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.onset.alarm.red import largest_fall
from analytics.onset.errors.noise import Noise, variances
from analytics.onset.errors.own_scatter import widened
from analytics.onset.evidence.contrasts import FIRST_LOOK
from analytics.onset.evidence.measurements import FloatArray
from analytics.onset.evidence.pooling import Looks

BACK_SHARE = 0.25
"""Of the range of KL so far: what goes back by less is no way back."""
LOWER = 2.33
"""One-sided 1 %: gold on the way back against gold at the same KL on the way out."""


class WayBack(NamedTuple):
    """KL went back from `highest` to `kl`, nats per response."""

    highest: float
    kl: float


BEGUN_SHARE = 0.1
"""Of that range: KL has begun to go back, and an alarm may be of the way back that follows."""


def goes_back(kl: FloatArray, share: float = BACK_SHARE) -> bool:
    """Whether KL (looks in time order) falls back by more than a share of its range."""
    if len(kl) <= FIRST_LOOK or not np.all(np.isfinite(kl)) or np.ptp(kl) <= 0:
        return False
    return bool(np.max(np.maximum.accumulate(kl) - kl) > share * np.ptp(kl))


def followed(looks: Looks, noise: Noise, limit: float) -> WayBack | None:
    """The way back that gold followed; None where KL did not go back, or gold fell all the same.

    noise: of the same looks, before it was widened; limit: the scan's boundary at the last look.
    """
    kl = looks.kl
    if not goes_back(kl):
        return None
    noise = widened(noise, looks.gold)
    variance, freedom = variances(noise)[-1], float(noise.freedom[-1])
    order = np.argsort(kl, kind="stable")
    gold, sorted_variance = looks.gold[order], variance[order]
    for count in range(FIRST_LOOK + 1, len(kl) + 1):
        if largest_fall(gold[:count], sorted_variance[:count], freedom) >= limit:
            return None
    if lower_on_the_way_back(kl, looks.gold, variance) >= LOWER:
        return None
    back = np.maximum.accumulate(kl) - kl
    low = int(np.argmax(back))
    return WayBack(float(np.max(kl[: low + 1])), float(kl[low]))


def lower_on_the_way_back(kl: FloatArray, gold: FloatArray, variance: FloatArray) -> float:
    """How much lower gold is after KL's highest point than at the same KL before, standard errors.

    All (looks,) in time order. Gold before is taken to run straight between its looks; 0 where no
    look comes back to a KL that was there before.
    """
    turn = int(np.argmax(kl))
    out = np.argsort(kl[: turn + 1], kind="stable")
    after = np.arange(turn + 1, len(kl))
    after = after[kl[after] >= kl[out[0]]]
    if len(after) == 0:
        return 0.0
    there = np.stack([np.interp(kl[after], kl[out], row) for row in np.eye(len(out))], axis=1)
    contrast = np.zeros(len(kl))
    contrast[out] = there.mean(axis=0)
    contrast[after] -= 1 / len(after)
    spread = float(np.sqrt(contrast**2 @ variance))
    scale = float(np.max(np.abs(gold))) or 1.0
    return float(contrast @ gold) / max(spread, 1e-9 * scale)
