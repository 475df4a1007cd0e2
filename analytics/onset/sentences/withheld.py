"""Why something that would follow from the peak is not known: parts of sentences."""

from __future__ import annotations

from analytics.onset.curves.forecast import FEWEST_LOOKS, WIDEST, Refusal
from analytics.onset.curves.hump_average import FEWEST_LOOKS as FEWEST_TO_AVERAGE
from analytics.wording import fixed, whole

TOO_FEW = "there are too few gold evaluations"
FALLEN = "gold has fallen already"
NOT_FALLEN = "gold has not been shown to fall"
NO_FORM = "no form of gold over KL is known for this optimiser"
FEW_KL = f"there are fewer than {FEWEST_LOOKS} evaluations at different KL"
STILL = "gold moves by too little for a fit"
NO_GAO = "Gao et al.'s curves do not fit, and without one its place is guesswork"
NO_GAIN = "gold may have been falling from its first evaluation on, without any gain"
NO_CURVE_FITS = "no curve of the model fits this gold"
NARROWEST = "the peak's place cannot be narrowed further"
NO_KL = "KL is not known"
KL_BACK = "KL goes back along the run, so gold is no function of it"
FEW_TO_AVERAGE = f"fewer than {FEWEST_TO_AVERAGE} evaluations differ in KL, or gold is constant"


_REFUSALS = {
    "misfit": "the curve that this optimiser's gold should follow does not fit the run so far",
    "never_falls": "gold that never falls fits the run so far about as well",
    "peaks_elsewhere": "forms between RL and best-of-n fit the run so far as well and peak "
    "elsewhere",
}


def refused(why: Refusal) -> str:
    """Why a forecast is not made though there is a curve.

    >>> refused(Refusal("wide", 12.3))
    'its 90 % interval spans a factor of 12 in KL, more than 4'
    """
    if why.factor is None:
        return _REFUSALS[why.kind]
    factor = whole(why.factor)
    return f"its 90 % interval spans a factor of {factor} in KL, more than {whole(WIDEST)}"


def unsure_cliff(probability: float) -> str:
    """Why no place of an abrupt fall is named.

    >>> unsure_cliff(0.4)
    'an abrupt fall has a probability of 0.40 only'
    """
    return f"an abrupt fall has a probability of {fixed(probability, 2)} only"
