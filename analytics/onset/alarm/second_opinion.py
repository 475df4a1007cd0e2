"""What stands beside the alarm: AMBER's probability and the e-process, at the last look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.onset.alarm.amber import RHOS, WARNING, p_past_peak
from analytics.onset.alarm.e_process import careful_error, log_e_at_end
from analytics.onset.errors.noise import Noise, variances
from analytics.onset.evidence.measurements import FloatArray


@dataclass(frozen=True)
class SecondOpinion:
    """past: probability that the peak has been passed, None where there are too few looks;
    fits: whether any curve behind it fits; log_e: ln of the e-process."""

    past: float | None
    fits: bool
    log_e: float | None

    @property
    def warns(self) -> bool:
        """Whether the peak is probably passed, by curves that fit."""
        return self.past is not None and self.past > WARNING and self.fits

    @property
    def doubtful(self) -> bool:
        """Whether it would warn if any of its curves did fit."""
        return self.past is not None and self.past > WARNING and not self.fits


def second_opinion(place: FloatArray, gold: FloatArray, noise: Noise) -> SecondOpinion | None:
    """place: d in sqrt-nats, or steps; gold: same looks; None where no look has any noise."""
    se, freedom = np.sqrt(variances(noise)[-1]), float(noise.freedom[-1])
    if not np.all(se > 0):
        return None
    rhos = ((noise.rho, 1.0),) if noise.rho > 0 else RHOS
    found = p_past_peak(place, gold, se, rhos=rhos, freedom=freedom)
    past, fits = found if found is not None else (None, True)
    log_e = log_e_at_end(place, gold, careful_error(se, freedom, noise.rho))
    return SecondOpinion(past, fits, log_e)
