"""The verdict in sentences that can be read out in a meeting."""

from __future__ import annotations

from analytics.onset.alarm.e_process import ALARM
from analytics.onset.alarm.spending import ALPHA
from analytics.onset.alarm.watched import FEWEST_LOOKS, FEWEST_LOOKS_UNKNOWN_NOISE
from analytics.onset.alarm.witness import CLEAR_SCAN, LEAST_E
from analytics.onset.evidence.measurements import LARGEST
from analytics.onset.evidence.verdict_keys import VerdictRow
from analytics.onset.sentences.basis import Basis
from analytics.onset.sentences.cautions import caution_sentences, doubt_sentences
from analytics.onset.sentences.labels import drift_sentences, powered_sentences
from analytics.onset.sentences.outlook import FORM_NAMES, limit_sentences, outlook_sentences
from analytics.onset.sentences.withdrawn import went_back, withdrawn_sentence
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


def reasons_of(row: VerdictRow, basis: Basis) -> list[str]:
    """Sentences for the finished row of a verdict; the flags' sentences come last."""
    status = row["status"]
    if status == "unmeasured":
        there = "No gold reward is in the log"
        if basis.unusable:
            there = (
                f"The log holds {count(basis.unusable, 'gold reward')}, but none is a number "
                f"below {number(LARGEST)}"
            )
        return [
            f"{there}, so nothing can be said about overoptimization.",
            *doubt_sentences(basis.doubts),
        ]
    sentences = []
    if status == "too_little_gold":
        sentences.append(
            f"Too little to test: at least {FEWEST_LOOKS} evaluations are needed where their noise "
            f"is known, {FEWEST_LOOKS_UNKNOWN_NOISE} where it must be estimated from them."
        )
    elif status in ("overoptimized", "collapsed"):
        sentences += _fall(row, basis)
    else:
        sentences += _no_fall(row, basis)
    sentences += [_measured(basis), *powered_sentences(row)]
    sentences += drift_sentences(row)
    sentences += _beside(row, basis) + _model(row)
    if basis.way_back is None:
        sentences += limit_sentences(row)
    sentences += outlook_sentences(row)
    return sentences + caution_sentences(row, basis)


def _measured(basis: Basis) -> str:
    tested, rows = basis.tested, basis.rows
    pooled = f"tested in {count(tested, 'group')} of {whole(basis.size)} consecutive ones"
    apart = "each tested on its own" if tested == rows else f"the last {whole(tested)} tested"
    how = apart if basis.size == 1 else pooled
    noise = ""
    if basis.errors is not None:
        known_by = basis.errors.replace("look", "group")
        noise = f"; standard errors {known_by}"
    early = ""
    if basis.before_kl:
        early = (
            f" Before the first KL there are {whole(basis.before_kl)} more: left out, as off "
            "its axis."
        )
    return f"Gold is {basis.source} gold: {count(rows, 'evaluation')}, {how}{noise}.{early}"


def _fall(row: VerdictRow, basis: Basis) -> list[str]:
    alarm, lost = row["alarm"], row["gold_lost"]
    assert alarm is not None
    sentences = [
        f"Gold fell: the scan statistic reached {fixed(alarm['statistic'], 2)} at "
        f"{place(alarm['step'], alarm['kl'])}, above the boundary {fixed(alarm['boundary'], 2)}. "
        f"{_promise(basis)}",
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


def _no_fall(row: VerdictRow, basis: Basis) -> list[str]:
    end = place(row["step_end"], row["kl_end"])
    if basis.way_back is not None and row["alarm"] is None:
        return [
            f"No onset up to {end}: {went_back(basis.way_back)}. {_promise(basis)}",
            _power(row["detectable"], basis),
            _interval(row),
        ]
    if row["alarm"] is not None and row["alarm"]["withdrawn"] is not None:
        return [
            withdrawn_sentence(row["alarm"]["step"], row["alarm"]["withdrawn"])
            + f" Up to {end} no onset stands. {_promise(basis)}",
            _interval(row),
        ]
    if row["alarm"] is not None:
        alarm = row["alarm"]
        return [
            f"Gold fell at {place(alarm['step'], alarm['kl'])} (scan statistic "
            f"{fixed(alarm['statistic'], 2)}, boundary {fixed(alarm['boundary'], 2)}) and has come "
            f"back since: up to {end} its highest level may be the present one, so no onset is "
            f"seen. {_promise(basis)}",
            _interval(row),
        ]
    assert basis.nearest is not None
    return [
        f"No onset up to {end}: {_nearest(*basis.nearest)}. {_promise(basis)}",
        _power(row["detectable"], basis),
        _interval(row),
    ]


def _power(detectable: float | None, basis: Basis) -> str:
    if detectable is None or detectable < SMALLEST_FALL:
        return "Gold is logged without noise: any fall would have been detected."
    # a fall enters the noise that is learnt beside it: no size of it is seen more surely
    power = "about 70 % power, as its noise is estimated from the same gold"
    power = power if basis.unstated else ""
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


def _promise(basis: Basis) -> str:
    looked = (
        f"up to {basis.tests} planned tests and beyond, at ever stricter boundaries"
        if basis.planned
        else f"up to {basis.tests} evaluations and, pooled in pairs, beyond, at ever stricter "
        "boundaries"
    )
    promise = (
        f"A run whose gold never falls crosses a boundary in at most {percent(ALPHA)} of cases, "
        f"however often it is tested ({looked})"
    )
    if basis.clustered_unknown:
        return promise + ", if the stated errors are right."
    if basis.known_errors:
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


def _beside(row: VerdictRow, basis: Basis) -> list[str]:
    """What the model average and the e-process say beside the alarm."""
    sentences = []
    if row["status"] == "warning":
        sentences.append(
            "A warning, not an alarm: averaged over Gao et al.'s curves and curves that never "
            f"fall, gold's peak has been passed with probability "
            f"{fixed(row['p_past_peak'], 3)}. Its error rate depends on those curves; measure "
            "gold again before acting on it."
        )
    elif row["alarm"] is None and basis.no_curve_fits:
        sentences.append(
            "None of the curves of the model average fits this gold, so its probability of "
            f"{fixed(row['p_past_peak'], 2)} that the peak has been passed raises no warning."
        )
    followed = basis.way_back is not None  # it looks at gold in time, whatever KL did
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
        else f"Gao et al.'s {FORM_NAMES[model['form']]} curve"
    )
    return [
        f"If gold follows {curve}, which fits here better than any other unimodal curve, it peaks "
        f"at KL {at} nats (90 %: {below} to {above})."
    ]
