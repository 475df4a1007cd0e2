"""Block 3: is the spread of what the model writes still there?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analytics.collapse.indicators import BY_NAME
from analytics.gate.blocks.checks import Check, Levels, Result, bare, bounded, change, not_measured
from analytics.gate.records.bounds import Estimate, normal
from analytics.gate.records.evidence import Evidence
from analytics.gate.records.past import from_past
from analytics.gate.rules.policy import Policy
from analytics.rates import normal_quantile
from analytics.wording import count, number, percent, whole

SPREAD = {
    "distinct_1": 1, "distinct_2": 1, "distinct_3": 1, "self_bleu": -1, "compression_ratio": -1,
    "vendi_1": 1, "vendi_2": 1, "unigram_entropy": 1,
}  # fmt: skip
"""Indicators of diversity; +1 where more is better, -1 where less is."""
COVERAGE, HOLDOUT = "tail_coverage", "heldout_nll"
FEWEST = 4
"""With fewer indicators, one of them would be the verdict."""


@dataclass(frozen=True)
class Loss:
    """Relative loss of an indicator; positive = less diverse.

    past: the same of every iteration so far against iteration 0.
    """

    indicator: str
    estimate: Estimate
    past: tuple[Estimate | None, ...] = ()

    def widened(self, policy: Policy, limit: float) -> Estimate:
        """With what two trainings of one recipe differ by."""
        return self.estimate.widened(from_past(policy, limit, self.past))


def diversity(evidence: Evidence, policy: Policy) -> list[Check]:
    """The block's checks, from the collapse indicators of the loop."""
    release, _ = evidence.released()
    first, since = _losses(evidence, 0), _losses(evidence, release)
    made = {
        "from_first": lambda: all_but(evidence, policy, first, "from_first", "loss"),
        "worst_from_first": lambda: all_but(
            evidence, policy, first, "worst_from_first", "worst_loss"
        ),
        "from_release": lambda: all_but(
            evidence, policy, since, "from_release", "loss_from_release"
        ),
        "tail_coverage": lambda: _single(
            evidence,
            policy=policy,
            name="tail_coverage",
            indicator=COVERAGE,
            better=1,
            key="tail_coverage_loss",
            what=f"Loss of words that are rare in {_reference(evidence)}, since iteration 0:",
            missing="The indicator `tail_coverage` needs a human reference corpus.",
        ),
        "human_holdout": lambda: _single(
            evidence,
            policy=policy,
            name="human_holdout",
            indicator=HOLDOUT,
            better=-1,
            key="holdout_loss_rise",
            what="Loss on held-out human text, more than at iteration 0:",
            missing=_holdout_words(evidence),
        ),
    }
    return [made[name]() for name in policy.checks("diversity")]


def relative_loss(evidence: Evidence, indicator: str, better: int, before: int) -> Estimate | None:
    """Relative loss of one indicator since an iteration, by its stored intervals (95 %)."""
    rows = evidence.once("indicators", lambda: _by_key(evidence))
    now, then = rows.get((evidence.iteration, indicator)), rows.get((before, indicator))
    if not now or not then or now["value"] is None or not then["value"]:
        return None
    error = _error(now, then, before, evidence.iteration)
    if error is None:
        return None
    value = -better * (now["value"] - then["value"]) / abs(then["value"])
    return normal(float(value), error / abs(then["value"]), max(now["n"] or 1, 1))


def _by_key(evidence: Evidence) -> dict[tuple[int, str], dict[str, Any]]:
    rows = evidence.every("indicators").iter_rows(named=True)
    return {(row["iteration"], row["indicator"]): row for row in rows}


def _error(now: dict[str, Any], then: dict[str, Any], before: int, iteration: int) -> float | None:
    """Standard error of the difference: of the paired one where it is stored."""
    wide = 2 * normal_quantile(0.95)
    for stem, at in (("first", 0), ("previous", iteration - 1)):
        low, high = now[f"{stem}_low"], now[f"{stem}_high"]
        if before == at and low is not None and high is not None:
            return float((high - low) / wide)
    ends = [row[end] for row in (now, then) for end in ("low", "high")]
    if any(end is None for end in ends):
        return None
    return float(np.hypot(ends[1] - ends[0], ends[3] - ends[2]) / wide)


def _past(evidence: Evidence, indicator: str, better: int) -> tuple[Estimate | None, ...]:
    return tuple(
        relative_loss(replace(evidence, iteration=at), indicator, better, 0)
        for at in range(1, evidence.iteration + 1)
    )


def _losses(evidence: Evidence, before: int) -> list[Loss]:
    made = []
    for indicator, better in SPREAD.items():
        estimate = relative_loss(evidence, indicator, better, before)
        if estimate is not None:
            made.append(Loss(indicator, estimate, _past(evidence, indicator, better)))
    return made


def _holdout_words(evidence: Evidence) -> str:
    """Why the hold-out does not decide: it was not logged, or without its error."""
    rows = evidence.once("indicators", lambda: _by_key(evidence))
    now, first = (rows.get((at, HOLDOUT), {}).get("value") for at in (evidence.iteration, 0))
    if now is None or first is None:
        at = evidence.iteration if now is None else 0
        return f"The loss on held-out human text ({HOLDOUT}) was not logged at iteration {at}."
    return (
        f"The loss on held-out human text went from {number(first)} to {number(now)} since "
        "iteration 0; it is logged without an error, so no bound can be put to it. Log its "
        f"standard error as {HOLDOUT}_se."
    )


def _reference(evidence: Evidence) -> str:
    """Whose words the tail is of."""
    rows = evidence.every("indicators").filter(indicator=COVERAGE)["reference"].drop_nulls()
    name = rows[0] if rows.len() else "human texts"
    return name if name == "human texts" else f"{name}'s texts (no human texts are there)"


def all_but(
    evidence: Evidence, policy: Policy, losses: list[Loss], name: str, key: str
) -> Check:  # fmt: skip
    """Whether every indicator, all but the spared ones, loses less than the limit.

    One more than the spared must be harmed before the block is: any of these may slip through, so
    they share the level.
    """
    link, limit = evidence.link("iterations"), policy[f"diversity.{key}"]
    spared = 0 if name == "worst_from_first" else policy["diversity.spared"]
    if len(losses) < max(FEWEST, spared + 1):
        return not_measured(
            name, f"{count(len(losses), 'indicator')} with an interval at both iterations, at "
            f"least {max(FEWEST, spared + 1)} are needed (python -m analytics collapse).", link,
        )  # fmt: skip
    levels = Levels(policy.pass_level(spared + 1), policy.fail_level(3 * len(losses) + 2))
    each = [
        bounded(one.indicator, one.indicator, one.widened(policy, limit), limit, 0.0,
                levels)
        for one in losses
    ]  # fmt: skip
    passed = [one for one in each if one.result == "PASS"]
    failed = [one for one in each if one.result == "FAIL"]
    result: Result = "NOT SHOWN"
    if len(failed) > spared:
        result = "FAIL"
    elif len(each) - len(passed) <= spared:
        result = "PASS"
    order = {"FAIL": 0, "NOT SHOWN": 1, "PASS": 2}
    ranked = sorted(each, key=lambda one: (order[one.result], -(one.value or 0)))
    telling = ranked[min(spared, len(ranked) - 1)] if result != "FAIL" else ranked[0]
    items = max((one.items or 0 for one in each), default=0) or None
    since = {"from_release": "the last release"}.get(name, "iteration 0")
    ends = f"{bare(change(telling.low))} to {bare(change(telling.high))}"
    sentence = (
        f"Loss of diversity since {since}: of {count(len(each), 'indicator')} {len(passed)} "
        f"shown to be within {percent(limit)}, {len(failed)} shown to be beyond it"
        f"{f' ({spared} is allowed to be)' if spared else ''}; {BY_NAME[telling.name].title}, a "
        f"loss of {change(telling.value)} ({ends})."
    )
    if result == "NOT SHOWN" and items:
        times = max(1, round(items / max(telling.n or 1, 1)))
        sentence += f" About {whole(times)} times the texts and tokens would decide."
    return Check(
        name,
        result=result,
        reason=sentence,
        value=telling.value,
        low=telling.low,
        high=telling.high,
        limit=limit,
        n=telling.n,
        items=items if result == "NOT SHOWN" else None,
        evidence=link,
    )


def _single(
    evidence: Evidence, policy: Policy, name: str, indicator: str, better: int, key: str, what: str,
    missing: str,
) -> Check:  # fmt: skip
    limit = policy[f"diversity.{key}"]
    levels = Levels(policy.pass_level(), policy.fail_level(3 * len(SPREAD) + 2))
    loss = relative_loss(evidence, indicator, better, 0)
    estimate = loss and Loss(indicator, loss, _past(evidence, indicator, better)).widened(
        policy, limit
    )
    return bounded(
        name,
        what=what,
        estimate=estimate,
        limit=limit,
        neutral=0.0,
        levels=levels,
        shown=change,
        evidence=evidence.link("iterations"),
        missing=missing,
    )
