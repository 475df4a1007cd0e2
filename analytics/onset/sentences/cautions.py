"""What a reader must keep in mind of a verdict: a sentence for each flag that asks for one."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.onset.evidence.measurements import LARGEST
from analytics.onset.evidence.verdict_keys import VerdictRow
from analytics.onset.labels.kl_honesty import Doubt
from analytics.onset.sentences.basis import Basis
from analytics.onset.sentences.kl_doubts import doubt_sentence
from analytics.onset.sentences.labels import judge_sentence
from analytics.wording import count, fixed, number

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
_BY_CONVERSION = {"kl_unit_unknown": "unknown", "kl_estimator_unreliable": "unreliable"}
"""Flags that evidence can raise too: then the evidence stands in place of their own sentence."""


def doubt_sentences(doubts: Sequence[Doubt]) -> list[str]:
    """What speaks against the logged KL."""
    return [doubt_sentence(doubt) for doubt in doubts]


def caution_sentences(row: VerdictRow, basis: Basis) -> list[str]:
    """The sentences of a verdict's flags, then what else its numbers rest on."""
    conversion, flags = basis.kl_conversion, row["flags"]
    sentences = [
        _CAUTIONS[flag]
        for flag in flags
        if flag in _CAUTIONS and conversion == _BY_CONVERSION.get(flag, conversion)
    ]
    if "smoothed_gold" in flags:
        sentences += _undone(row)
    if basis.judges is not None:
        sentences.append(judge_sentence(basis.judges))
    sentences += doubt_sentences(basis.doubts)
    if basis.unusable:
        sentences.append(
            f"{count(basis.unusable, 'gold reward')} of the log left out: no number below "
            f"{number(LARGEST)}."
        )
    if basis.widened > 1:
        sentences.append(
            "Evaluations scatter more than their standard errors allow "
            f"({fixed(basis.widened, 1)} times); the errors were widened."
        )
    if basis.kl_note:
        sentences.append(f"KL: {basis.kl_note.rstrip('.')}.")
    return sentences


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
