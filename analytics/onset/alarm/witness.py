"""The second witness of an alarm: the scan says that gold fell, does anything else bear it out?

RED's boundary holds its 5 % while errors are what the log says. Real logs state them too small,
correlated, or with an outlier among them. An alarm is raised, and stands later, only where the
e-process with the noise known then has not turned against it and no single evaluation carries it.
Both were calibrated together with RED on the battery: docs/methods.md (Alarm).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.onset.alarm.e_process import ALARM, careful_error, log_e
from analytics.onset.alarm.red import largest_fall
from analytics.onset.alarm.way_back import WayBack
from analytics.onset.errors.noise import DIFFERENCE_FREEDOM, EXACT, UNSTATED, Noise, variances
from analytics.onset.errors.own_scatter import widened
from analytics.onset.errors.smoothing import Smoothness, smoothness
from analytics.onset.evidence.measurements import FloatArray
from analytics.onset.evidence.pooling import Looks

LEAST_E = 0.1
"""The e-process is silent about a fall that has just begun; below this it speaks against one."""
LEAST_E_ALIKE = 0.5
"""The same where neighbours look alike: correlated errors make falls that last some looks."""
ALIKE = 1.5
"""Standard errors above white noise from which on neighbours look alike."""
LEAST_SCAN = 2.0
"""The scan at the last look, with the noise known there: an alarm whose fall is gone has less."""
CLEAR_SCAN = 5.0
"""An abrupt fall that the e-process's smooth humps do not foresee: so large, it needs no second."""
LEAST_WITHOUT_ONE = 0.7
"""The scan without its weightiest evaluation: about what flat gold shows at a look on average."""
LEAST_SHARE = 0.25
"""Of the scan that must be left: the larger a dip, the more of it another evaluation must see."""
FEW_LOOKS = 12
"""Below so many the next evaluation is far away, at up to twice the KL: waiting for it would cost
more than 5 % of the delay. So less is asked of the others where the newest look carries a fall and
leaves gold no lower than it began: an outlier of flat gold lies below everything."""
LEAST_OF_FEW, SHARE_OF_FEW = 0.3, 0.1


def least_without_one(scan: float, newest_of_few: bool) -> float:
    """What the scan must keep without its weightiest evaluation, for a fall of this size."""
    if newest_of_few:
        return max(LEAST_OF_FEW, SHARE_OF_FEW * scan)
    return max(LEAST_WITHOUT_ONE, LEAST_SHARE * scan)


def newest_of_few(gold: FloatArray, carrier: int) -> bool:
    """Whether the last of few looks carries the fall, and lies no lower than the first."""
    last = len(gold) - 1
    return len(gold) < FEW_LOOKS and carrier == last and bool(gold[last] >= gold[0])


@dataclass(frozen=True)
class Witness:
    """What speaks for a fall at the last look, with the noise known there.

    scan: RED's statistic; without_one: the smallest it gets without one evaluation; carrier: that
    evaluation's look; newest_of_few: see there; log_e: ln of the e-process, None where gold has no
    noise; before: whether the e-process has reached 20 since the alarm, by the noise known now;
    alike: whether neighbours look alike; undone: the weight on the newest value of the running mean
    that was undone first, None where gold was judged as it is logged.
    """

    scan: float
    without_one: float
    carrier: int
    newest_of_few: bool
    log_e: float | None
    before: bool = False
    alike: bool = False
    undone: float | None = None

    @property
    def single(self) -> bool:
        """Whether one evaluation alone carries the fall."""
        return self.without_one < least_without_one(self.scan, self.newest_of_few)

    @property
    def stands(self) -> bool:
        """Whether the alarm is borne out."""
        if self.log_e is None or self.before:
            return True
        least = LEAST_E_ALIKE if self.alike else LEAST_E
        borne = self.log_e >= np.log(least) or self.scan >= CLEAR_SCAN
        return borne and self.scan >= LEAST_SCAN and not self.single


def place_of(looks: Looks) -> FloatArray:
    """Where gold was measured: d in sqrt-nats where every look has a KL, else steps."""
    known = bool(np.all(np.isfinite(looks.kl)))
    return np.sqrt(np.maximum(looks.kl, 0)) if known else looks.step


def witness(looks: Looks, noise: Noise, since: int | None = None) -> Witness:
    """The witness at the last of the looks of one stretch; since: the look of the alarm, if any.

    noise: of the same looks; it is widened to the run's own scatter first.
    """
    noise = widened(noise, looks.gold)
    variance, freedom = variances(noise)[-1], float(noise.freedom[-1])
    smooth = smoothness(looks.gold)
    hidden = noise.phrase == EXACT and smooth.hides_noise(looks.gold)
    if hidden or (noise.method in UNSTATED and smooth.likely):
        return _of_smoothed(looks, smooth)
    scan = largest_fall(looks.gold, variance, freedom)
    without, carrier = without_one(looks.gold, variance, freedom)
    newest = newest_of_few(looks.gold, carrier)
    if not np.all(variance > 0):
        return Witness(scan, without, carrier, newest, None)
    # a few second differences may err by half; the spread of many rows hardly does
    behind = freedom if noise.method in UNSTATED else np.inf
    error = careful_error(np.sqrt(variance), behind, noise.rho)
    last = len(looks) - 1
    first = last if since is None else min(since, last)
    logs = log_e(place_of(looks), looks.gold[None, :], error, first)[0]
    before = _before(looks.gold, variance, freedom, logs, since)
    alike = smooth.errors > ALIKE
    return Witness(scan, without, carrier, newest, float(logs[-1]), before, alike)


def _of_smoothed(looks: Looks, smooth: Smoothness) -> Witness:
    """The witness on gold as it was before it was smoothed, with the scatter that it then has."""
    gold = smooth.undone(looks.gold)
    freedom = DIFFERENCE_FREEDOM * (len(gold) - 2)
    variance = np.full(len(gold), np.mean(np.diff(gold, n=2) ** 2) / 6)
    scan = largest_fall(gold, variance, freedom)
    without, carrier = without_one(gold, variance, freedom)
    error = careful_error(np.sqrt(variance), freedom, 0.0)
    log = float(log_e(place_of(looks)[1:], gold[None, :], error)[0, -1])
    newest = newest_of_few(gold, carrier)
    return Witness(scan, without, carrier + 1, newest, log, undone=1 - smooth.careful)


def without_one(gold: FloatArray, variance: FloatArray, freedom: float) -> tuple[float, int]:
    """The scan's smallest value when one look is left out, and which look that is."""
    count = len(gold)
    if count < 5:
        return largest_fall(gold, variance, freedom), count - 1
    left = []
    for i in range(count):
        keep = np.arange(count) != i
        left.append(largest_fall(gold[keep], variance[keep], freedom))
    return float(min(left)), int(np.argmin(left))


def _before(
    gold: FloatArray, variance: FloatArray, freedom: float, logs: FloatArray, since: int | None
) -> bool:
    """Whether more than one look bore the fall when the e-process first reached 20 from `since`."""
    if since is None:
        return False
    for k in np.flatnonzero(logs >= np.log(ALARM)):
        if k >= since:
            scan = largest_fall(gold[: k + 1], variance[: k + 1], freedom)
            left, carrier = without_one(gold[: k + 1], variance[: k + 1], freedom)
            return left >= least_without_one(scan, newest_of_few(gold[: k + 1], carrier))
    return False


@dataclass(frozen=True)
class Withdrawal:
    """An alarm that later looks do not bear out. step: last step of the look that withdrew it.

    kind: scatter, single_evaluation, evidence, later_peak or kl_back; factor: own scatter over the
    stated errors; back: the way back of KL that gold followed, of kl_back.
    """

    step: int
    kind: str
    factor: float
    log_e: float
    carrier: int
    back: WayBack | None = None


def withdrawal(
    looks: Looks, noise: Noise, alarm_rows: int, seen: Sequence[tuple[Looks, Noise]]
) -> tuple[Witness, Withdrawal | None]:
    """The witness of the last look, and why an alarm does not stand there, None where it does.

    alarm_rows: rows up to the alarm; seen: the looks and noise that were known at each look of
    the present stage, in time order. The step is that of the first look since which it has not
    stood.
    """
    found, against = _against(looks, noise, alarm_rows)
    if against is None:
        return found, None
    step = int(looks.step_end[-1])
    for known, then in reversed(seen):
        if known.bounds[-1][1] < alarm_rows or _against(known, then, alarm_rows)[1] is None:
            break
        step = int(known.step_end[-1])
    kind, factor = against
    carrier = int(looks.step_end[found.carrier])
    return found, Withdrawal(step, kind, factor, found.log_e or 0.0, carrier)


def _against(
    looks: Looks, noise: Noise, alarm_rows: int
) -> tuple[Witness, tuple[str, float] | None]:
    ends = np.array([end for _, end in looks.bounds])
    since = int(np.searchsorted(ends, alarm_rows))
    found = witness(looks, noise, min(since, len(looks) - 1))
    if found.stands:
        return found, None
    factor = float(np.sqrt(widened(noise, looks.gold).widen[-1]))
    if factor > 1:
        return found, ("scatter", factor)
    return found, ("single_evaluation" if found.single else "evidence", factor)
