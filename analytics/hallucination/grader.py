"""The grader errs too: the rate of wrong answers corrected by an audit of human re-grades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from analytics.rates import normal_quantile, wilson

FEWEST_AUDITED = 10
"""Below this many re-graded answers of either kind the correction is a guess."""


@dataclass(frozen=True)
class GraderError:
    """How often the grader calls wrong what is wrong, and not wrong what is not."""

    sensitivity: float
    specificity: float
    wrong: int
    """Audited answers that a human found incorrect."""
    not_wrong: int
    sensitivity_interval: tuple[float, float]
    specificity_interval: tuple[float, float]


@dataclass(frozen=True)
class Corrected:
    """The corrected rate in [0, 1] with its interval; NaN and a reason where it cannot be had."""

    rate: float
    low: float
    high: float
    uncorrected: float
    reason: str


def grader_error(audit: pl.DataFrame) -> GraderError:
    """Sensitivity and specificity of the grade "incorrect" against a human.

    Args:
        audit: grade (the grader's) and human (the human's) in the three words of grades; one
            row a re-graded answer. Audit each iteration anew: a drifting judge looks like
            drifting hallucination. Rows without either grade are left out.

    >>> audit = pl.DataFrame({"grade": ["incorrect", "correct", "correct", "not_attempted"],
    ...                       "human": ["incorrect", "incorrect", "correct", "not_attempted"]})
    >>> told = grader_error(audit)
    >>> told.sensitivity, told.specificity
    (0.5, 1.0)
    """
    both = audit.drop_nulls(["grade", "human"])
    said, true = pl.col("grade") == "incorrect", pl.col("human") == "incorrect"
    counts = both.select(
        wrong=true.sum(), found=(said & true).sum(), right=(~true).sum(), kept=(~said & ~true).sum()
    ).row(0)
    wrong, found, right, kept = (int(number) for number in counts)
    low, high = wilson([found, kept], [wrong, right])
    return GraderError(
        sensitivity=found / wrong if wrong else float("nan"),
        specificity=kept / right if right else float("nan"),
        wrong=wrong,
        not_wrong=right,
        sensitivity_interval=(float(low[0]), float(high[0])),
        specificity_interval=(float(low[1]), float(high[1])),
    )


def rogan_gladen(rate: float, n: float, error: GraderError, level: float = 0.95) -> Corrected:
    """The rate a grader without error would have given: (p + Sp - 1) / (Se + Sp - 1).

    The interval adds the uncertainty of rate, sensitivity and specificity (delta method), each
    moved a little to the middle so that a small audit without an error is not taken as proof.

    Args:
        rate: share graded incorrect, n answers behind it (effective number where clustered).
        n: at least 1.
        error: from an audit of the same iteration.

    Source: Rogan and Gladen 1978, Am J Epidemiol 107:71; interval after Lang and Reiczigel
    2014, Preventive Veterinary Medicine 113:13 (its coverage is tested here by simulation).
    """
    lost = float("nan")
    if min(error.wrong, error.not_wrong) == 0:
        missing = "wrong" if error.wrong == 0 else "right or abstaining"
        return Corrected(lost, lost, lost, rate, f"the audit holds no {missing} answer")
    skill = error.sensitivity + error.specificity - 1
    z = normal_quantile(level)
    p = (n * rate + z**2 / 2) / (n + z**2)
    sensitivity = (error.wrong * error.sensitivity + 1) / (error.wrong + 2)
    specificity = (error.not_wrong * error.specificity + 1) / (error.not_wrong + 2)
    youden = sensitivity + specificity - 1
    if skill <= 0 or youden <= 0:
        return Corrected(lost, lost, lost, rate, "the grader does no better than chance")
    plain = float(np.clip((rate + error.specificity - 1) / skill, 0, 1))
    centre = (p + specificity - 1) / youden
    by_se = sensitivity * (1 - sensitivity) / error.wrong
    by_sp = specificity * (1 - specificity) / error.not_wrong
    shift = 2 * z**2 * (centre * by_se - (1 - centre) * by_sp)
    variance = p * (1 - p) / (n + z**2) + centre**2 * by_se + (1 - centre) ** 2 * by_sp
    half = z * float(np.sqrt(variance)) / youden
    low, high = (
        float(np.clip(centre + shift - half, 0, 1)),
        float(np.clip(centre + shift + half, 0, 1)),
    )
    few = min(error.wrong, error.not_wrong)
    reason = f"only {few} audited answers of one kind" if few < FEWEST_AUDITED else ""
    return Corrected(plain, min(low, plain), max(high, plain), rate, reason)
