"""What to do next, as a plain value: a candidate to go back to, a measurement, or nothing and why.

Candidates, not orders: only after an alarm that stands, only of checkpoints that are saved and
whose gold was measured, and with how sure that is. Source: docs/methods.md (Candidates).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from analytics.onset.alarm.many_runs import standing, survivors
from analytics.onset.alarm.watched import FEWEST_LOOKS, FEWEST_LOOKS_UNKNOWN_NOISE
from analytics.onset.choosing.candidates import best_candidate, measured
from analytics.onset.choosing.other_half import other_half
from analytics.onset.evidence.verdict_keys import Peak, Recommendation, VerdictRow
from analytics.onset.judging.decision import Evidence
from analytics.onset.judging.flags import step_end
from analytics.onset.sentences import recommended
from analytics.onset.sentences.outlook import worth_it

SURE = 0.9
"""Probability of being better than now from which a checkpoint is a candidate."""
LIKELY = 0.5
FIRST_LABELS = 100
FEWEST_RESPONSES = 50
_FALLEN = ("overoptimized", "collapsed")
_DETECTION = 1.645 + 0.842
"""Quantiles of a one-sided test at 5 % that sees a gain in 80 % of cases."""


def recommendation(evidence: Evidence, row: VerdictRow, facts: Mapping[str, Any]) -> Recommendation:
    """The key `recommendation` of a verdict: action is "candidate", "measure" or "none".

    row: the verdict so far. facts: checkpoints (steps at which a policy was saved).

    candidate: checkpoint (name), step, kl (nats, null = unknown), gold (value, low, high: 90 %),
    p_better (probability that its gold is above that of the end), past_peak (it lies behind the
    peak's interval), responses_to_confirm (fresh ones of it, and as many of the end; null where
    the spread between responses is not known), gain (gold above the end), cost (training steps
    that are given up); where evaluations ask the same prompts, other_half: the checkpoint chosen on
    half of them, gold and gain by the other half (checkpoint, step, gold, gain, prompts_chosen_on,
    prompts_reported_on). measure: kl, evaluations, responses (of all of them; null = not known).
    """
    peak = row["peak"]
    if row["status"] not in _FALLEN or peak is None:
        return _without_fall(row)
    return after_fall(evidence, peak, row["flags"], facts.get("checkpoints") or [])


def after_fall(
    evidence: Evidence, peak: Peak, flags: Sequence[str], saved: Sequence[int]
) -> Recommendation:
    """The same for a run whose gold has fallen: `peak` and `flags` are the verdict's, `saved` the
    steps at which a policy was saved."""
    if evidence.source == "training":
        return _measure(
            peak["kl"], 2, None, recommended.TRAINING_ALONE,
        )  # fmt: skip
    for flag, why in recommended.UNFIT.items():
        if flag in flags:
            return none(why)
    return _from_saved(evidence, peak, flags, saved)


def none(reason: str) -> Recommendation:
    """That nothing is recommended, and why: a sentence."""
    return {"action": "none", "reason": reason}


def among_all(rows: Iterable[Mapping[str, Any]]) -> dict[str, Recommendation]:
    """Recommendations by run, with none where the alarm does not stand among all runs of a project.

    rows: of `verdict --json`, of every judged run. A project's only tested run stands by itself.
    """
    known = list(rows)
    stands = survivors(known)
    tested = [row.get("project") for row in known if row.get("e_value") is not None]
    found: dict[str, Recommendation] = {}
    for row in known:
        advice = row.get("recommendation")
        if advice is None:
            continue
        alone = tested.count(row.get("project")) < 2
        if standing(row["alarm"]) and not alone and str(row["run"]) not in stands:
            advice = none(recommended.AMONG_ALL)
        found[str(row["run"])] = advice.copy()
    return found


def _without_fall(row: VerdictRow) -> Recommendation:
    """Where no alarm stands: a measurement where it can decide something, else nothing."""
    status, following = row["status"], row["next_evaluation"]
    if status == "unmeasured":
        return _first_labels(row["kl_end"])
    if status == "too_little_gold":
        known = "gold_noise_unknown" not in row["flags"]
        needed = FEWEST_LOOKS if known else FEWEST_LOOKS_UNKNOWN_NOISE
        missing = max(needed - row["looks"], 1)
        return _measure(row["kl_end"], missing, None, recommended.too_little(missing))
    if status == "warning" and following is not None and worth_it(following):
        return _measure(
            following["kl"], following["evaluations"], following["responses"],
            recommended.next_decides(following["kl"]),
        )  # fmt: skip
    return none(recommended.NO_FALL)


def _first_labels(kl: float | None) -> Recommendation:
    """What a first hundred labels decide on a run without gold: over as few looks as can be tested.

    The fall that the last look shows against the two before it, a one-sided test at 5 % with 80 %
    power, in standard deviations of gold between responses.
    """
    each = FIRST_LABELS // FEWEST_LOOKS
    seen = _DETECTION * float(np.sqrt(1 / each + 1 / (2 * each)))
    return _measure(
        kl, FEWEST_LOOKS, FIRST_LABELS, recommended.first_labels(FIRST_LABELS, seen, kl)
    )


def _from_saved(
    evidence: Evidence, place: Peak, flags: Sequence[str], saved: Sequence[int]
) -> Recommendation:
    if not saved:
        return none(recommended.NONE_SAVED)
    steps = evidence.looks.step[evidence.tested :]
    usable = measured(saved, steps)
    if not usable:
        ends = float(steps[0]), float(steps[-1])
        return none(recommended.none_between(len(saved), *ends))
    noise, peak = evidence.noise, evidence.peak
    assert noise is not None and peak is not None
    best = best_candidate(
        usable, steps, evidence.looks.gold[evidence.tested :], peak.fit, noise.se, noise.rho,
        float(noise.freedom[-1]),
    )  # fmt: skip
    responses = _responses(evidence, best.gain.value)
    kl = _kl_at(evidence, best.step)
    if best.better < LIKELY:
        return none(recommended.NONE_LIKELY)
    if best.better < SURE:
        return _measure(
            kl, 2, None if responses is None else 2 * responses, recommended.none_clear(best)
        )
    high = place["step_high"]
    past = high is not None and best.step > high
    scale = evidence.scale
    return {
        "action": "candidate",
        "checkpoint": recommended.name(best.step),
        "step": best.step,
        "kl": kl,
        "gold": best.gold.times(scale).row(),
        "p_better": best.better,
        "past_peak": past,
        "responses_to_confirm": responses,
        "gain": best.gain.value * scale,
        "cost": (step_end(evidence) or best.step) - best.step,
        "reason": recommended.candidate(best, kl, past, responses, scale, flags),
        **_apart(evidence, saved),
    }  # fmt: skip


def _apart(evidence: Evidence, saved: Sequence[int]) -> Recommendation:
    """The key other_half, where evaluations ask the same prompts."""
    pairs = evidence.pairs
    found = None if pairs is None else other_half(pairs.cells, pairs.step, saved)
    return {} if found is None else {"other_half": found.to_dict()}


def _responses(evidence: Evidence, gain: float) -> int | None:
    """Responses of each of two policies that show a gain, rounded up to tens; None = not known."""
    assert evidence.noise is not None
    of_a_look = evidence.looks.n_responses[evidence.tested :]
    spread = evidence.noise.se**2 * of_a_look
    spread = spread[np.isfinite(spread)]
    if not len(spread) or gain <= 0:
        return None
    needed = 2 * float(np.median(spread)) * (_DETECTION / gain) ** 2
    return max(FEWEST_RESPONSES, 10 * int(np.ceil(needed / 10)))


def _kl_at(evidence: Evidence, step: int) -> float | None:
    """KL at a step, along a straight line between the looks around it."""
    if evidence.axis != "kl":
        return None
    looks = evidence.looks
    return float(np.interp(step, looks.step[evidence.tested :], looks.kl[evidence.tested :]))


def _measure(
    kl: float | None, evaluations: int | None, responses: int | None, reason: str
) -> Recommendation:
    return {
        "action": "measure", "kl": kl, "evaluations": evaluations, "responses": responses,
        "reason": reason,
    }  # fmt: skip
