"""When a typical honest rule would have called this run's fitted curve: a row and its sentence."""

from __future__ import annotations

import numpy as np

from analytics.onset.curves.limit import honest_alarm
from analytics.onset.evidence.verdict_keys import TypicalAlarm, VerdictRow
from analytics.onset.judging.decision import Evidence
from analytics.wording import number, whole


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


def limit_sentence(row: VerdictRow) -> list[str]:
    """What to compare the alarm with."""
    limit = row["earliest_honest_alarm"]
    if limit is None:
        return []
    curve = "fitted Gao curve" if limit["form"] == "gao" else "fitted up-then-down shape"
    at = (
        f"step {whole(limit['step'])}"
        if limit["kl"] is None
        else f"KL ≈ {number(limit['kl'])} nats"
    )
    end = row["kl_end"]
    beyond = " (beyond this log)" if limit["step"] is None and end is not None else ""
    return [
        f"If gold truly followed the {curve}, a typical rule with at most 5 % false alarms on any "
        f"never-falling gold would raise its alarm at {at}{beyond}; an earlier one needs less "
        "noise."
    ]
