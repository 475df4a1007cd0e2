"""The keys of `verdict --json` and what stands under each (docs/methods.md says what they mean)."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class Interval(TypedDict):
    """A value of gold with its 90 % interval."""

    value: float
    low: float
    high: float


class Place(TypedDict):
    """A KL in nats per response with its 90 % interval; None where the looks leave it open."""

    kl: float | None
    kl_low: float | None
    kl_high: float | None


class Peak(Place):
    """Where gold is highest, step and gold too; method: "average" (humps) or "shape"."""

    step: int
    step_low: int
    step_high: int | None
    gold: float
    method: Literal["average", "shape"]


class Fieller(Place):
    """The same peak by Fieller's interval."""

    p: float


class PeakModel(Place):
    """The peak if gold follows Gao et al.'s curve."""

    form: str
    alpha: float
    beta: float
    intercept: float
    chi_square: float
    freedom: float
    p: float
    fits: bool
    method: Literal["fieller", "average"]
    trusted: bool
    fieller: NotRequired[Fieller]


class Withdrawal(TypedDict):
    """The step at which an alarm was withdrawn, and why: a part of a sentence."""

    step: int
    reason: str


class Alarm(TypedDict):
    """Where the scan first saw that gold had fallen."""

    kl: float | None
    step: int
    statistic: float
    boundary: float
    withdrawn: Withdrawal | None


class Witnesses(TypedDict):
    """Statistics at the last look; undone_weight: on the newest value of the running mean that was
    undone for them, null where gold was taken as it is logged."""

    scan: float | None
    e_process: float | None
    undone_weight: float | None


class TypicalAlarm(TypedDict):
    """Where a typical rule would have called the fitted curve."""

    kl: float | None
    kl_early: float | None
    step: int | None
    form: str


class Forecast(Place):
    """Where gold will peak if it goes on along its curve."""

    gold: float
    gain: float
    form: str
    siblings: int


class Cliff(Place):
    """Where an abrupt fall begins."""

    probability: float


NextEvaluation = TypedDict(
    "NextEvaluation",
    {
        "kl": float, "step": int | None, "narrower": float, "evaluations": int | None,
        "responses": int | None, "for": float,
    },
)  # fmt: skip
"""Where one more evaluation narrows the peak's interval most."""


class Outlook(TypedDict):
    """What follows from the peak; withheld: why a key is None."""

    forecast: Forecast | None
    kl_1_percent: Place | None
    cliff: Cliff | None
    next_evaluation: NextEvaluation | None
    withheld: dict[str, str]


class OtherHalfRow(TypedDict):
    """The checkpoint that half of the prompts chooses, by the other half."""

    checkpoint: str
    step: int
    gold: Interval
    gain: Interval
    prompts_chosen_on: int
    prompts_reported_on: int


class Recommendation(TypedDict, total=False):
    """What to do next; which keys are there goes by the action (`recommendation`)."""

    action: Literal["candidate", "measure", "none"]
    reason: str
    checkpoint: str
    step: int
    kl: float | None
    gold: Interval
    p_better: float
    past_peak: bool
    responses_to_confirm: int | None
    gain: float
    cost: int
    other_half: OtherHalfRow
    evaluations: int | None
    responses: int | None


class Plan(TypedDict):
    """How many looks a run was planned to have."""

    looks: int
    stated: bool


class Adjustment(TypedDict):
    """What the prompts' own levels took out of gold."""

    rows: int
    prompts: int
    explained: float
    se_ratio: float | None


class Powered(TypedDict):
    """Labels and the judge's scores behind prediction-powered gold: medians over evaluations."""

    labels: float
    judged: float
    as_good_as: float
    correlation: float
    labelled_apart: float


class Moved(TypedDict):
    """How far the anchors' mean has moved at a step."""

    step: int
    moved: float
    low: float
    high: float


class DriftRow(TypedDict):
    """What anchors say of the judge."""

    since: int | None
    corrected: bool
    anchors: int
    evaluations: int
    e_value: float | None
    moved: float | None
    error: float | None
    points: list[Moved]


Axis = Literal["kl", "step"]


class VerdictRow(TypedDict):
    """One row of `verdict --json`."""

    run: str | None
    project: str | None
    status: str
    flags: list[str]
    reasons: list[str]
    axis: Axis
    kl_end: float | None
    step_end: int | None
    gold_evaluations: int
    peak: Peak | None
    peak_model: PeakModel | None
    alarm: Alarm | None
    witnesses: Witnesses | None
    p_past_peak: float | None
    e_value: float | None
    earliest_honest_alarm: TypicalAlarm | None
    gold_lost: Interval | None
    forecast: Forecast | None
    kl_1_percent: Place | None
    cliff: Cliff | None
    next_evaluation: NextEvaluation | None
    withheld: dict[str, str]
    detectable: float | None
    gold_source: str | None
    gold_sources: list[str]
    looks: int
    rows_per_look: int | None
    plan: Plan
    noise: str | None
    relative_noise: float | None
    prediction_powered: Powered | None
    judge_drift: DriftRow | None
    prompt_adjustment: Adjustment | None
    autocorrelation: float
    recommendation: Recommendation | None
