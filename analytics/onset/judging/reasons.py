"""The verdict in sentences that can be read out in a meeting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analytics.onset.alarm.e_process import ALARM
from analytics.onset.alarm.spending import ALPHA
from analytics.onset.alarm.watched import FEWEST_LOOKS, FEWEST_LOOKS_UNKNOWN_NOISE
from analytics.onset.alarm.witness import CLEAR_SCAN, LEAST_E
from analytics.onset.errors.noise import UNSTATED
from analytics.onset.evidence.measurements import LARGEST
from analytics.onset.evidence.verdict_keys import VerdictRow
from analytics.onset.judging import outlook, withdrawn_row
from analytics.onset.judging.decision import Evidence
from analytics.onset.judging.limit_row import limit_sentence
from analytics.onset.labels import judge_drift, prediction_powered
from analytics.onset.labels.kl_honesty import Doubt
from analytics.wording import (
    MISSING,
    OPEN,
    SMALLEST_FALL,
    alike,
    count,
    fixed,
    number,
    percent,
    whole,
)


def place(step: float | None, kl: float | None) -> str:
    """A point of the run: its step, and its KL where there is one."""
    return f"step {whole(step)}" + ("" if kl is None else f" (KL {number(kl)} nats)")


def reasons_of(
    evidence: Evidence, row: VerdictRow, facts: Mapping[str, Any], against: Sequence[Doubt]
) -> list[str]:
    """Sentences for the finished row of a verdict; the flags' sentences come last."""
    status = row["status"]
    if status == "unmeasured":
        there = "No gold reward is in the log"
        if evidence.unusable:
            there = (
                f"The log holds {count(evidence.unusable, 'gold reward')}, but none is a number "
                f"below {number(LARGEST)}"
            )
        return [f"{there}, so nothing can be said about overoptimization.", *_doubts(against)]
    sentences = []
    if status == "too_little_gold":
        sentences.append(
            f"Too little to test: at least {FEWEST_LOOKS} evaluations are needed where their noise "
            f"is known, {FEWEST_LOOKS_UNKNOWN_NOISE} where it must be estimated from them."
        )
    elif status in ("overoptimized", "collapsed"):
        sentences += _fall(evidence, row)
    else:
        sentences += _no_fall(evidence, row)
    sentences += [_measured(evidence), *prediction_powered.sentences(row)]
    sentences += judge_drift.sentence(row)
    sentences += _beside(evidence, row) + _model(row)
    if evidence.back is None:
        sentences += limit_sentence(row)
    sentences += outlook.sentences(row)
    return sentences + _cautions(evidence, row, facts, against)


def _measured(evidence: Evidence) -> str:
    tested = len(evidence.looks) - evidence.tested
    rows = len(evidence.rows)
    pooled = f"tested in {count(tested, 'group')} of {whole(evidence.size)} consecutive ones"
    apart = "each tested on its own" if tested == rows else f"the last {whole(tested)} tested"
    how = apart if evidence.size == 1 else pooled
    noise = ""
    if evidence.noise:
        known_by = evidence.noise.phrase.replace("look", "group")
        noise = f"; standard errors {known_by}"
    early = ""
    if evidence.before_kl:
        early = (
            f" Before the first KL there are {whole(evidence.before_kl)} more: left out, as off "
            "its axis."
        )
    return f"Gold is {evidence.source} gold: {count(rows, 'evaluation')}, {how}{noise}.{early}"


def _fall(evidence: Evidence, row: VerdictRow) -> list[str]:
    alarm, lost = row["alarm"], row["gold_lost"]
    assert alarm is not None
    sentences = [
        f"Gold fell: the scan statistic reached {fixed(alarm['statistic'], 2)} at "
        f"{place(alarm['step'], alarm['kl'])}, above the boundary {fixed(alarm['boundary'], 2)}. "
        f"{_promise(evidence)}",
        _interval(row),
    ]
    if lost is not None:
        value, low, high = alike(lost["value"], lost["low"], lost["high"])
        sentences.append(
            f"Since its peak the run has lost {value} of gold (90 % interval {low} to {high}), "
            "corrected for having chosen the peak." + ("" if lost["low"] > 0 else f" {_SIZE_OPEN}")
        )
    if row["status"] == "collapsed":
        sentences.append(
            "The proxy reward has fallen since gold's peak as well: the run collapsed; it did "
            "not trade gold for proxy."
        )
    return sentences


_SIZE_OPEN = (
    "That gold fell is what the scan found; by how much is not known yet, as the interval holds "
    "0: measure gold again."
)


def _no_fall(evidence: Evidence, row: VerdictRow) -> list[str]:
    test = evidence.test
    assert test is not None
    end = place(row["step_end"], row["kl_end"])
    nearest = int(np.argmin(test.boundary - test.statistic))
    if evidence.back is not None and row["alarm"] is None:
        return [
            f"No onset up to {end}: {evidence.back.words}. {_promise(evidence)}",
            _power(row["detectable"], evidence),
            _interval(row),
        ]
    if row["alarm"] is not None and row["alarm"]["withdrawn"] is not None:
        return [
            withdrawn_row.sentence(row["alarm"]["step"], row["alarm"]["withdrawn"])
            + f" Up to {end} no onset stands. {_promise(evidence)}",
            _interval(row),
        ]
    if row["alarm"] is not None:
        alarm = row["alarm"]
        return [
            f"Gold fell at {place(alarm['step'], alarm['kl'])} (scan statistic "
            f"{fixed(alarm['statistic'], 2)}, boundary {fixed(alarm['boundary'], 2)}) and has come "
            f"back since: up to {end} its highest level may be the present one, so no onset is "
            f"seen. {_promise(evidence)}",
            _interval(row),
        ]
    return [
        f"No onset up to {end}: {_nearest(test.statistic[nearest], test.boundary[nearest])}. "
        f"{_promise(evidence)}",
        _power(row["detectable"], evidence),
        _interval(row),
    ]


def _power(detectable: float | None, evidence: Evidence) -> str:
    if detectable is None or detectable < SMALLEST_FALL:
        return "Gold is logged without noise: any fall would have been detected."
    unstated = evidence.noise is not None and evidence.noise.method in UNSTATED
    # a fall enters the noise that is learnt beside it: no size of it is seen more surely
    power = "about 70 % power, as its noise is estimated from the same gold" if unstated else ""
    return (
        f"A fall of {number(detectable)} of gold, spread over the second half of the run, would "
        f"have been seen with {power or '80 % power'}; a smaller one cannot be told from noise."
    )


def _nearest(statistic: float, boundary: float) -> str:
    if statistic >= boundary:
        return (
            f"the scan statistic reached its boundary ({fixed(statistic, 2)} against "
            f"{fixed(boundary, 2)}), but no second witness supports a fall"
        )
    return (
        "the scan statistic never reached its boundary; it came nearest with "
        f"{fixed(statistic, 2)} against {fixed(boundary, 2)}"
    )


def _promise(evidence: Evidence) -> str:
    plan = evidence.plan
    looked = (
        f"up to {plan.looks} planned tests and beyond, at ever stricter boundaries"
        if plan.stated
        else f"up to {plan.looks} evaluations and, pooled in pairs, beyond, at ever stricter "
        "boundaries"
    )
    promise = (
        f"A run whose gold never falls crosses a boundary in at most {percent(ALPHA)} of cases, "
        f"however often it is tested ({looked})"
    )
    if evidence.clustered_unknown:
        return promise + ", if the stated errors are right."
    if evidence.noise_known:
        return promise + "."
    return promise + (
        ", as long as the errors of successive evaluations are independent: the log states no "
        "error, and correlated ones cross it more often."
    )


def _interval(row: VerdictRow) -> str:
    peak = row["peak"]
    assert peak is not None
    if row["axis"] == "kl":
        low, high = alike(peak["kl_low"], peak["kl_high"])
        name, after = "KL ", " nats"
    else:
        low, high = whole(peak["step_low"]), whole(peak["step_high"])
        name, after = "step ", ""
    if high == MISSING:
        return f"Gold's peak lies above {name}{low}{after}; no upper bound can be given."
    how = (
        "90 % interval, averaged over Gao et al.'s curves, which fit, and other unimodal curves"
        if peak["method"] == "average"
        else "90 % set, assuming only that gold rises, then falls"
    )
    return f"Gold's peak lies between {name}{low} and {high}{after} ({how})."


def _beside(evidence: Evidence, row: VerdictRow) -> list[str]:
    """What the model average and the e-process say beside the alarm."""
    sentences = []
    if row["status"] == "warning":
        sentences.append(
            "A warning, not an alarm: averaged over Gao et al.'s curves and curves that never "
            f"fall, gold's peak has been passed with probability "
            f"{fixed(row['p_past_peak'], 3)}. Its error rate depends on those curves; measure "
            "gold again before acting on it."
        )
    elif row["alarm"] is None and evidence.second is not None and evidence.second.doubtful:
        sentences.append(
            "None of the curves of the model average fits this gold, so its probability of "
            f"{fixed(row['p_past_peak'], 2)} that the peak has been passed raises no warning."
        )
    followed = evidence.back is not None  # it looks at gold in time, whatever KL did
    if row["e_value"] is not None and row["e_value"] >= ALARM and not followed:
        sentences.append(
            f"The e-process, which needs no planned number of tests, stands at "
            f"{_e_value(row['e_value'])}{_as_witness(row)}: while gold "
            f"never falls, it ever reaches {whole(ALARM)} in at most {percent(ALPHA)} of runs."
        )
    if not followed and (against := _against(row)):
        sentences.append(against)
    return sentences


def _against(row: VerdictRow) -> str:
    """Of an alarm that stands though its second witness speaks against it: why; else empty."""
    witness, alarm = row["witnesses"], row["alarm"]
    stands = alarm is not None and alarm["withdrawn"] is None
    if not stands or witness is None or (witness["e_process"] or 1.0) >= LEAST_E:
        return ""
    why = (
        f"the scan statistic is {whole(CLEAR_SCAN)} or more, and smooth unimodal curves need not "
        "foresee so steep a fall"
        if (witness["scan"] or 0.0) >= CLEAR_SCAN
        else f"the e-process had reached {whole(ALARM)} since it was raised"
    )
    value = _e_value(witness["e_process"] or 0.0)
    return (
        f"The e-process stands at {value} as the alarm's second witness, and below "
        f"{number(LEAST_E)} it speaks against a fall. The alarm stands because {why}."
    )


def _e_value(value: float) -> str:
    return number(value) if value < 1e6 else "more than a million"


def _as_witness(row: VerdictRow) -> str:
    """The e-process of ``witnesses``, where it reads otherwise than the one beside it."""
    witness, value = row["witnesses"], row["e_value"]
    if witness is None or witness["e_process"] is None or value is None:
        return ""
    other = _e_value(witness["e_process"])
    if other == _e_value(value):
        return ""
    how = "undoes the smoothing" if "smoothed_gold" in row["flags"] else "takes errors as known"
    return f" ({other} as the alarm's second witness, which {how})"


def _model(row: VerdictRow) -> list[str]:
    model = row["peak_model"]
    if (
        model is None
        or not model["fits"]
        or model["kl"] is None
        or row["status"] in ("no_onset", "warning")
    ):
        return []
    at, low, high = alike(model["kl"], model["kl_low"], model["kl_high"])
    above = OPEN if high == MISSING else high
    below = "no lower bound" if low == MISSING else low
    curve = (
        "one of Gao et al.'s curves, between RL and best-of-n"
        if model["method"] == "average"
        else f"Gao et al.'s {outlook.FORM_NAMES[model['form']]} curve"
    )
    return [
        f"If gold follows {curve}, which fits here better than any other unimodal curve, it peaks "
        f"at KL {at} nats (90 %: {below} to {above})."
    ]


_CAUTIONS = {
    "poor_fit": "Gao et al.'s curve does not fit this gold, so do not use the curve's peak.",
    "blind": "The run has moved on since its last gold measurement; nothing is known about gold "
    "from there on.",
    "kl_missing": "KL is not known for every evaluation, so the verdict is over steps.",
    "kl_unit_unknown": "The unit of the logged KL is unknown, so the verdict is over steps and "
    "names no nats.",
    "kl_estimator_unreliable": "The logged KL estimator is unreliable at this distance.",
    "kl_negative": "Some pooled KL values are negative: the estimator is signed and noisy there.",
    "kl_back_and_forth": "KL goes back during the run by more than a quarter of its range; gold "
    "is tested in time order, so a fall may be the way back along the curve.",
    "kl_went_back": "Gold follows KL: it fell as KL went back, in order of KL it did not fall, and "
    "at the same KL it is as high as before. That is neither overoptimization nor collapse.",
    "clustered_unknown": "The stated errors are one witness of two: the log does not say from how "
    "many prompts they come, and responses to one prompt are alike. The other is the run's own "
    "scatter; log n_prompts, or the responses with their prompts.",
    "single_evaluation": "One evaluation alone would carry an alarm; measure that point again.",
    "smoothed_gold": "This gold looks smoothed: neighbouring evaluations may hold parts of the "
    "same measurements. Log it as it is measured; what is smoothed counts as fewer evaluations.",
    "gold_noise_unknown": "The log does not state how noisy gold is, which costs power.",
    "autocorrelated": "Neighbouring gold rows are correlated; the boundary allows for it, but how "
    "strongly they are is learnt from the same rows, so the 5 % is not assured here.",
    "duplicate_steps": "Some steps were logged twice, after a resume; the last row counts.",
    "peak_at_start": "Gold may have been falling from the first evaluation on.",
    "prompts_vary": "Gold comes from training batches, with other prompts at each step: a change "
    "of prompts can look like a change of gold.",
    "reference_changed": "The proxy or the KL reference changed during the run; only the part "
    "since the last change is tested.",
    "proxy_missing": "There is no proxy reward: whether it fell with gold is not known.",
}


def _doubts(against: Sequence[Doubt]) -> list[str]:
    return [f"KL is in doubt: {doubt.evidence}" for doubt in against]


def _undone(row: VerdictRow) -> list[str]:
    """Of an alarm on smoothed gold: that it was checked on the values behind the running mean."""
    alarm, witness = row["alarm"], row["witnesses"]
    if alarm is None or witness is None or witness["undone_weight"] is None:
        return []
    say = "bear it out" if alarm["withdrawn"] is None else "do not bear it out"
    return [
        "The alarm was checked on the values behind a running mean that gives the newest "
        f"evaluation a weight of {number(witness['undone_weight'])}: they {say}. Such a mean lags: "
        "the gold behind it peaked earlier and has lost more than is told here."
    ]


_BY_CONVERSION = {"kl_unit_unknown": "unknown", "kl_estimator_unreliable": "unreliable"}
"""Flags that evidence can raise too: then the evidence is told in place of their own sentence."""


def _cautions(
    evidence: Evidence, row: VerdictRow, facts: Mapping[str, Any], against: Sequence[Doubt]
) -> list[str]:
    sentences = [
        _CAUTIONS[flag]
        for flag in row["flags"]
        if flag in _CAUTIONS
        and facts.get("kl_conversion") == _BY_CONVERSION.get(flag, facts.get("kl_conversion"))
    ]
    if "smoothed_gold" in row["flags"]:
        sentences += _undone(row)
    if evidence.judges is not None:
        sentences.append(evidence.judges.sentence)
    sentences += _doubts(against)
    if evidence.unusable:
        sentences.append(
            f"{count(evidence.unusable, 'gold reward')} of the log left out: no number below "
            f"{number(LARGEST)}."
        )
    if evidence.noise is not None and float(evidence.noise.widen[-1]) > 1:
        sentences.append(
            "Evaluations scatter more than their standard errors allow "
            f"({fixed(np.sqrt(evidence.noise.widen[-1]), 1)} times); the errors were widened."
        )
    if facts.get("kl_note"):
        sentences.append(f"KL: {str(facts['kl_note']).rstrip('.')}.")
    return sentences
