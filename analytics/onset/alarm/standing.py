"""Whether an alarm still stands at the last look, by all that is known there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.onset.alarm.watched import Watch
from analytics.onset.alarm.way_back import BEGUN_SHARE, WayBack, followed, goes_back
from analytics.onset.alarm.witness import CLEAR_SCAN, Withdrawal, Witness, withdrawal
from analytics.onset.curves.gold_lost import GoldLost
from analytics.onset.curves.peak import PeakSet
from analytics.onset.errors.noise import Noise
from analytics.onset.evidence.pooling import Looks


class Standing(NamedTuple):
    """witness: of the last look; withdrawn: why the alarm does not stand, None where it does."""

    witness: Witness
    withdrawn: Withdrawal | None


def way_back(looks: Looks, noise: Noise, test: Watch) -> WayBack | None:
    """The way back of KL that explains why gold's scan crossed its boundary, None where none does.

    noise: of the looks, before it was widened. An alarm from before KL turned is no part of it.
    """
    if test.alarm is None and not np.any(test.statistic >= test.boundary):
        return None
    if test.alarm is not None:
        rows = np.array([end for _, end in looks.bounds])
        if not goes_back(looks.kl[: int(np.searchsorted(rows, test.alarm.rows)) + 1], BEGUN_SHARE):
            return None
    return followed(looks, noise, float(test.boundary[-1]))


def standing(
    looks: Looks, noise: Noise, test: Watch, peak: PeakSet, lost: GoldLost,
    back: WayBack | None = None,
) -> Standing | None:  # fmt: skip
    """None without an alarm; noise: of the looks, before it was widened to their own scatter.

    back: the way back of KL that gold followed, if any.
    """
    if test.alarm is None:
        return None
    found, taken = withdrawal(looks, noise, test.alarm.rows, test.seen)
    if back is not None:
        last = int(looks.step_end[-1])
        return Standing(found, Withdrawal(last, "kl_back", 1.0, 0.0, len(looks) - 1, back))
    if peak.ends and lost.low <= 0 and float(np.max(test.statistic)) >= CLEAR_SCAN:
        # gold that fell beyond doubt and is back was no false alarm: it recovered
        return Standing(found, None)
    later = int(looks.step_end[peak.first]) > test.alarm.step
    if taken is None and later and lost.low <= 0 and not peak.ends:
        # an alarm before gold's peak, and nothing surely lost since: the headline would contradict
        taken = Withdrawal(int(looks.step_end[-1]), "later_peak", 1.0, 0.0, len(looks) - 1)
    return Standing(found, taken)
