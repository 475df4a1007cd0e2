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
from analytics.onset.choosing.candidates import Candidate, best_candidate, measured
from analytics.onset.choosing.other_half import other_half
from analytics.onset.evidence.verdict_keys import Peak, Recommendation, VerdictRow
from analytics.onset.judging.decision import Evidence
from analytics.onset.judging.flags import step_end
from analytics.onset.judging.outlook import worth_it
from analytics.wording import alike, count, fixed, number, whole

SURE = 0.9
"""Probability of being better than now from which a checkpoint is a candidate."""
LIKELY = 0.5
FIRST_LABELS = 100
FEWEST_RESPONSES = 50
_FALLEN = ("overoptimized", "collapsed")
_DETECTION = 1.645 + 0.842
"""Quantiles of a one-sided test at 5 % that sees a gain in 80 % of cases."""
_UNFIT = {
    "judge_changed": "the judge of gold changed during the run, so that levels of gold before and "
    "after cannot be compared",
    "gold_noise_unknown": "the log does not say how noisy gold is, so that a checkpoint cannot be "
    "told from chance",
    "smoothed_gold": "this gold looks smoothed, so that no checkpoint has a value of its own",
}
"""Flags with which no checkpoint is a candidate."""


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
            peak["kl"], 2, None,
            "Gold was measured on training rows alone, of other prompts at each step. Measure it "
            "on held-out prompts at the peak and at the end before you go back to a checkpoint.",
        )  # fmt: skip
    for flag, why in _UNFIT.items():
        if flag in flags:
            return none(f"No candidate: {why}.")
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
        told = row.get("recommendation")
        if told is None:
            continue
        alone = tested.count(row.get("project")) < 2
        if standing(row["alarm"]) and not alone and str(row["run"]) not in stands:
            told = none(
                "No candidate: tested together with all runs of its project, the alarm does not "
                "stand."
            )
        found[str(row["run"])] = told.copy()
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
        return _measure(
            row["kl_end"], missing, None,
            f"Too little gold to test: {count(missing, 'evaluation')} more can decide.",
        )  # fmt: skip
    if status == "warning" and following is not None and worth_it(following):
        return _measure(
            following["kl"], following["evaluations"], following["responses"],
            "Gold may have passed its peak, but no alarm stands yet: the next evaluation decides "
            f"most at KL {number(following['kl'])} nats.",
        )  # fmt: skip
    return none("No alarm stands, so there is nothing to go back from.")


def _first_labels(kl: float | None) -> Recommendation:
    """What a first hundred labels decide on a run without gold: over as few looks as can be tested.

    The fall that the last look shows against the two before it, a one-sided test at 5 % with 80 %
    power, in standard deviations of gold between responses.
    """
    each = FIRST_LABELS // FEWEST_LOOKS
    seen = _DETECTION * float(np.sqrt(1 / each + 1 / (2 * each)))
    over = "steps" if kl is None else f"\u221aKL up to KL {number(kl)} nats"
    return _measure(
        kl, FEWEST_LOOKS, FIRST_LABELS,
        f"No gold was measured, so nothing can be decided. A first {FIRST_LABELS} labels, {each} "
        f"at each of {FEWEST_LOOKS} evaluations spread evenly over {over}, show a fall at the end "
        f"of {fixed(seen, 1)} standard deviations of gold between responses in 80 % of cases.",
    )  # fmt: skip


def _from_saved(
    evidence: Evidence, place: Peak, flags: Sequence[str], saved: Sequence[int]
) -> Recommendation:
    if not saved:
        return none("No candidate: no saved checkpoint of this run is known.")
    steps = evidence.looks.step[evidence.tested :]
    usable = measured(saved, steps)
    if not usable:
        first, last = whole(float(steps[0])), whole(float(steps[-1]))
        return none(
            f"No candidate: none of {count(len(saved), 'saved checkpoint')} lies between the gold "
            f"evaluations (step {first} to {last}), so that their gold is not known."
        )
    noise, peak = evidence.noise, evidence.peak
    assert noise is not None and peak is not None
    best = best_candidate(
        usable, steps, evidence.looks.gold[evidence.tested :], peak.fit, noise.se, noise.rho,
        float(noise.freedom[-1]),
    )  # fmt: skip
    responses = _responses(evidence, best.gain.value)
    kl = _kl_at(evidence, best.step)
    if best.better < LIKELY:
        return none("No candidate: no saved checkpoint is likely to be better than now.")
    if best.better < SURE:
        return _measure(
            kl, 2, None if responses is None else 2 * responses,
            f"No saved checkpoint is clearly better than now. {_name(best.step)} may be, with "
            f"probability {fixed(best.better, 2)}: measure gold of it and of the end again.",
        )  # fmt: skip
    high = place["step_high"]
    past = high is not None and best.step > high
    scale = evidence.scale
    return {
        "action": "candidate",
        "checkpoint": _name(best.step),
        "step": best.step,
        "kl": kl,
        "gold": best.gold.times(scale).row(),
        "p_better": best.better,
        "past_peak": past,
        "responses_to_confirm": responses,
        "gain": best.gain.value * scale,
        "cost": (step_end(evidence) or best.step) - best.step,
        "reason": _sentence(best, kl, past, responses, scale, flags),
        **_apart(evidence, saved),
    }  # fmt: skip


def _apart(evidence: Evidence, saved: Sequence[int]) -> Recommendation:
    """The key other_half, where evaluations ask the same prompts."""
    pairs = evidence.pairs
    found = None if pairs is None else other_half(pairs.cells, pairs.step, saved)
    return {} if found is None else {"other_half": found.to_dict()}


def _sentence(
    best: Candidate, kl: float | None, past: bool, responses: int | None, scale: float,
    flags: Sequence[str],
) -> str:  # fmt: skip
    where = [] if kl is None else [f"KL {number(kl)} nats"]
    where += ["past the peak"] if past else []
    spot = f" ({', '.join(where)})" if where else ""
    ends = (*best.gold.times(scale)[1:], *best.now.times(scale)[1:])
    low, high, now_low, now_high = alike(*ends)
    fresh = "fresh responses" if responses is None else count(responses, "fresh response")
    unsure = ", if the stated errors are right" if "clustered_unknown" in flags else ""
    return (
        f"Best saved candidate: {_name(best.step)}{spot}: gold {low} to {high} against {now_low} "
        f"to {now_high} now, better with probability {fixed(best.better, 2)}{unsure}. Before you "
        f"ship it, compare {fresh} of it with as many of the end."
    )


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


def _name(step: int) -> str:
    return f"checkpoint-{step}"


def _measure(
    kl: float | None, evaluations: int | None, responses: int | None, reason: str
) -> Recommendation:
    return {
        "action": "measure", "kl": kl, "evaluations": evaluations, "responses": responses,
        "reason": reason,
    }  # fmt: skip
