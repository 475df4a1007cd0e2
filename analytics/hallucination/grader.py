"""The grader errs too: the rate of wrong answers corrected by an audit of human re-grades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import polars as pl

from analytics.computing.any_frame import polars_frame
from analytics.rates import normal_quantile, wilson
from analytics.wording import count, rate_text, whole

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


def grader_error(audit: Any) -> GraderError:
    """Sensitivity and specificity of the grade "incorrect" against a human.

    Args:
        audit: grade (the grader's) and human (the human's) in the three words of grades; one
            row a re-graded answer, in a frame of any library. Audit each iteration anew: a
            drifting judge looks like drifting hallucination. Rows without either grade are left
            out.

    >>> audit = pl.DataFrame({"grade": ["incorrect", "correct", "correct", "not_attempted"],
    ...                       "human": ["incorrect", "incorrect", "correct", "not_attempted"]})
    >>> told = grader_error(audit)
    >>> told.sensitivity, told.specificity
    (0.5, 1.0)
    """
    both = polars_frame(audit, "grade", "human").drop_nulls(["grade", "human"])
    judged_wrong, true = pl.col("grade") == "incorrect", pl.col("human") == "incorrect"
    counts = both.select(
        wrong=true.sum(),
        found=(judged_wrong & true).sum(),
        right=(~true).sum(),
        kept=(~judged_wrong & ~true).sum(),
    ).row(0)
    return _error(*(int(number) for number in counts))


def _error(wrong: int, found: int, right: int, kept: int) -> GraderError:
    low, high = wilson([found, kept], [wrong, right])
    return GraderError(
        sensitivity=found / wrong if wrong else float("nan"),
        specificity=kept / right if right else float("nan"),
        wrong=wrong,
        not_wrong=right,
        sensitivity_interval=(float(low[0]), float(high[0])),
        specificity_interval=(float(low[1]), float(high[1])),
    )


def grader_error_of_counts(counts: pl.DataFrame) -> GraderError:
    """As `grader_error`, from grade, human_grade and answers (how many of this pair)."""
    judged_wrong, true = pl.col("grade") == "incorrect", pl.col("human_grade") == "incorrect"
    n = pl.col("answers")
    pairs = counts.select(
        n.filter(true).sum(), n.filter(judged_wrong & true).sum().alias("found"),
        n.filter(~true).sum().alias("right"), n.filter(~judged_wrong & ~true).sum().alias("kept"),
    ).row(0)  # fmt: skip
    return _error(*(int(number) for number in pairs))


class CorrectedRow(TypedDict):
    """The rate of one iteration, corrected by an audit of its grader; None for what is not known.

    rate, low, high: corrected; reason: "" where the correction can be relied on.
    """

    loop: str
    iteration: int
    origin: str
    audited: int
    sensitivity: float | None
    specificity: float | None
    rate: float | None
    low: float | None
    high: float | None
    uncorrected: float
    reason: str


def corrected(totals: pl.DataFrame, audits: pl.DataFrame) -> list[CorrectedRow]:
    """The corrected rate of each iteration that was audited.

    Args:
        totals: rows of `hallucination.rates`, level "total".
        audits: loop, iteration, origin, grade (null = fits no answer), human_grade, answers.

    Returns:
        loop, iteration, origin, audited, sensitivity, specificity, rate (corrected), low, high,
        uncorrected, reason ("" where the correction can be relied on); None for NaN.
    """
    name = "loop" if "loop" in totals.columns else "run"
    found: list[CorrectedRow] = []
    for keys, part in audits.drop_nulls("grade").group_by(
        "loop", "iteration", "origin", maintain_order=True
    ):
        loop, iteration, origin = keys
        own = totals.filter(
            pl.col(name) == loop, iteration=iteration, origin=origin, level="total"
        ).filter(pl.col("n") > 0)
        if own.is_empty():
            continue
        row, error = own.row(0, named=True), grader_error_of_counts(part)
        rate = rogan_gladen(row["rate"], row["questions"], error)
        found.append({
            "loop": str(loop), "iteration": int(iteration), "origin": str(origin),
            "audited": int(part["answers"].sum()),
            "sensitivity": _known(error.sensitivity), "specificity": _known(error.specificity),
            "rate": _known(rate.rate), "low": _known(rate.low), "high": _known(rate.high),
            "uncorrected": row["rate"], "reason": rate.reason,
        })  # fmt: skip
    return found


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value


def unmatched_sentences(audits: pl.DataFrame) -> list[str]:
    """Re-grades that fit no answer, or several, and are left out; nothing where all fit."""
    lost = audits.filter(pl.col("grade").is_null()).group_by("loop").agg(pl.col("answers").sum())
    return [
        f"{loop}: {count(n, 'human re-grade')} without a single answer of that key (loop, "
        "iteration, origin, question_id, sample_id): left out."
        for loop, n in lost.sort("loop").iter_rows()
    ]


def sentence(row: Mapping[str, Any]) -> str:
    """What an audit says of a rate, from a row of `corrected`."""
    start = f"Re-graded by people: {count(row['audited'], 'answer')} at iteration "
    start += whole(row["iteration"])
    if row["rate"] is None:
        return f"{start}. But the rate cannot be corrected: {row['reason']}."
    sentence = (
        f"{start}. The grader finds {rate_text(row['sensitivity'])} of the wrong ones and clears "
        f"{rate_text(row['specificity'])} of the others, so {rate_text(row['uncorrected'])} wrong "
        f"becomes {rate_text(row['rate'])} ({rate_text(row['low'])} to {rate_text(row['high'])}, "
        "Rogan-Gladen)"
    )
    return f"{sentence}; {row['reason']}." if row["reason"] else f"{sentence}."


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
