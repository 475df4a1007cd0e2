"""What speaks against a logged KL, in sentences."""

from __future__ import annotations

from analytics.onset.labels.kl_honesty import Doubt, OffFurther, OffResponses, Spikes, TooSmall
from analytics.wording import alike, count, number, spread, whole

_IN_BITS = {"logged": "the logged KL", "log-probabilities": "the log-probabilities"}


def doubt_sentence(doubt: Doubt) -> str:
    """Why the logged KL is in doubt.

    >>> doubt_sentence(Doubt("kl_spikes", Spikes("k3", 1, 60, 300, 151.2, 25.0)))[:68]
    'KL is in doubt: the logged KL (k3) spikes in 1 of 60 rows, at step 3'
    """
    seen = doubt.seen
    if isinstance(seen, OffResponses):
        why = _off_responses(seen)
    elif isinstance(seen, OffFurther):
        why = _off_further(seen)
    elif isinstance(seen, TooSmall):
        why = _too_small(seen)
    else:
        why = _spikes(seen)
    return f"KL is in doubt: {why}"


def _off_responses(seen: OffResponses) -> str:
    ratio = (
        f"over {count(seen.steps, 'step')} the logged KL is {spread(seen.ratio, seen.error)} times "
        f"that of the logged responses (k1 of their log-probabilities)"
    )
    if seen.bits is not None:
        return f"{ratio}, which is what bits make: {_IN_BITS[seen.bits]} may be in bits."
    if seen.length is not None:
        return f"{ratio}, and responses have {number(seen.length)} tokens: it may be per token."
    return f"{ratio}, {number(seen.apart)} standard errors away from agreement."


def _off_further(seen: OffFurther) -> str:
    what = seen.key if seen.bits == "further" else "the KL that is shown"
    return (
        f"{seen.key} is {number(seen.times)} times the logged KL in {count(seen.rows, 'row')}, as "
        f"bits and nats of one number are: {what} may be in bits."
    )


def _too_small(seen: TooSmall) -> str:
    end = ": it may be per token." if seen.per_token else "."
    return (
        f"the proxy gained {number(seen.gain)} standard deviations of its start, which takes more "
        f"KL than the {number(seen.kl)} nats that are logged (at most {number(seen.reach)} for "
        f"Gaussian rewards){end}"
    )


def _spikes(seen: Spikes) -> str:
    spike, usual = alike(seen.highest, seen.usual)
    by = f" ({seen.estimator})" if seen.estimator else ""
    return (
        f"the logged KL{by} spikes in {whole(seen.spiking)} of {count(seen.rows, 'row')}, at step "
        f"{whole(seen.step)} to {spike} nats among neighbours of {usual}: an evaluation with a "
        "spike stands too far right."
    )
