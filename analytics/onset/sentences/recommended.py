"""Why a recommendation is what it is: candidates, measurements, and nothing."""

from __future__ import annotations

from collections.abc import Sequence

from analytics.onset.alarm.watched import FEWEST_LOOKS
from analytics.onset.choosing.candidates import Candidate
from analytics.wording import alike, count, fixed, number, whole

NO_FALL = "No alarm stands, so there is nothing to go back from."
TRAINING_ALONE = (
    "Gold was measured on training rows alone, of other prompts at each step. Measure it on "
    "held-out prompts at the peak and at the end before you go back to a checkpoint."
)
AMONG_ALL = "No candidate: tested together with all runs of its project, the alarm does not stand."
NONE_SAVED = "No candidate: no saved checkpoint of this run is known."
NONE_LIKELY = "No candidate: no saved checkpoint is likely to be better than now."
UNFIT = {
    "judge_changed": "No candidate: the judge of gold changed during the run, so that levels of "
    "gold before and after cannot be compared.",
    "gold_noise_unknown": "No candidate: the log does not say how noisy gold is, so that a "
    "checkpoint cannot be told from chance.",
    "smoothed_gold": "No candidate: this gold looks smoothed, so that no checkpoint has a value of "
    "its own.",
}
"""By the flag with which no checkpoint is a candidate."""


def name(step: int) -> str:
    """A saved checkpoint, as trainers name its folder.

    >>> name(1200)
    'checkpoint-1200'
    """
    return f"checkpoint-{step}"


def too_little(missing: int) -> str:
    """How many evaluations are missing for a test."""
    return f"Too little gold to test: {count(missing, 'evaluation')} more can decide."


def next_decides(kl: float) -> str:
    """Where the next evaluation says most; kl in nats."""
    return (
        "Gold may have passed its peak, but no alarm stands yet: the next evaluation decides "
        f"most at KL {number(kl)} nats."
    )


def first_labels(labels: int, fall: float, kl: float | None) -> str:
    """What so many labels decide on a run without gold; fall: in standard deviations of gold."""
    over = "steps" if kl is None else f"\u221aKL up to KL {number(kl)} nats"
    each = labels // FEWEST_LOOKS
    return (
        f"No gold was measured, so nothing can be decided. A first {labels} labels, {each} at each "
        f"of {FEWEST_LOOKS} evaluations spread evenly over {over}, show a fall at the end of "
        f"{fixed(fall, 1)} standard deviations of gold between responses in 80 % of cases."
    )


def none_between(saved: int, first: float, last: float) -> str:
    """That no saved checkpoint lies between the gold evaluations of two steps."""
    return (
        f"No candidate: none of {count(saved, 'saved checkpoint')} lies between the gold "
        f"evaluations (step {whole(first)} to {whole(last)}), so that their gold is not known."
    )


def none_clear(best: Candidate) -> str:
    """That the best checkpoint may be better, but is not clearly so."""
    return (
        f"No saved checkpoint is clearly better than now. {name(best.step)} may be, with "
        f"probability {fixed(best.better, 2)}: measure gold of it and of the end again."
    )


def candidate(
    best: Candidate, kl: float | None, past: bool, responses: int | None, scale: float,
    flags: Sequence[str],
) -> str:  # fmt: skip
    """The best saved checkpoint. past: it lies behind the peak; responses: to confirm it with;
    scale: of gold in `best`; flags: of the verdict."""
    where = [] if kl is None else [f"KL {number(kl)} nats"]
    where += ["past the peak"] if past else []
    spot = f" ({', '.join(where)})" if where else ""
    ends = (*best.gold.times(scale)[1:], *best.now.times(scale)[1:])
    low, high, now_low, now_high = alike(*ends)
    fresh = "fresh responses" if responses is None else count(responses, "fresh response")
    unsure = ", if the stated errors are right" if "clustered_unknown" in flags else ""
    return (
        f"Best saved candidate: {name(best.step)}{spot}: gold {low} to {high} against {now_low} "
        f"to {now_high} now, better with probability {fixed(best.better, 2)}{unsure}. Before you "
        f"ship it, compare {fresh} of it with as many of the end."
    )
