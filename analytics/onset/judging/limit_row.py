"""When a typical honest rule would have called this run's fitted curve."""

from __future__ import annotations

import numpy as np

from analytics.onset.curves.limit import honest_alarm
from analytics.onset.evidence.verdict_keys import TypicalAlarm
from analytics.onset.judging.decision import Evidence


def limit_row(evidence: Evidence) -> TypicalAlarm | None:
    """kl, kl_early (nats; null over steps), step (null beyond the looks), form; None = nowhere.

    kl at 2.6 standard errors of distance from every gold that never falls, kl_early at 2.2.
    """
    if evidence.peak is None or evidence.noise is None:
        return None
    looks = evidence.looks
    tested = slice(evidence.tested, len(looks))
    over_kl = evidence.axis == "kl"
    place = np.sqrt(np.maximum(looks.kl[tested], 0)) if over_kl else looks.step[tested]
    model = evidence.model if over_kl else None
    found = honest_alarm(place, evidence.peak.fit, evidence.noise.se, model)
    if found is None:
        return None
    step = None if found.look is None else int(looks.step_end[tested][found.look])
    return {
        "kl": found.place**2 if over_kl else None,
        "kl_early": found.early**2 if over_kl else None,
        "step": step,
        "form": found.form,
    }
