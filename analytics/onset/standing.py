"""Whether an alarm still stands at the last look, by all that is known there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.onset.gold_lost import GoldLost
from analytics.onset.noise import Noise
from analytics.onset.peak import PeakSet
from analytics.onset.pooling import Looks
from analytics.onset.watched import Watch
from analytics.onset.witness import CLEAR_SCAN, Withdrawal, Witness, withdrawal


class Standing(NamedTuple):
    """witness: of the last look; withdrawn: why the alarm does not stand, None where it does."""

    witness: Witness
    withdrawn: Withdrawal | None


def standing(
    looks: Looks, noise: Noise, test: Watch, peak: PeakSet, lost: GoldLost
) -> Standing | None:
    """None without an alarm; noise: of the looks, before it was widened to their own scatter."""
    if test.alarm is None:
        return None
    found, taken = withdrawal(looks, noise, test.alarm.rows, test.seen)
    if peak.ends and lost.low <= 0 and float(np.max(test.statistic)) >= CLEAR_SCAN:
        # gold that fell beyond doubt and is back was no false alarm: it recovered
        return Standing(found, None)
    later = int(looks.step_end[peak.first]) > test.alarm.step
    if taken is None and later and lost.low <= 0 and not peak.ends:
        # an alarm before gold's peak, and nothing surely lost since: the headline would contradict
        taken = Withdrawal(int(looks.step_end[-1]), "later_peak", 1.0, 0.0, len(looks) - 1)
    return Standing(found, taken)
