"""Block 6: what happened to users, from a canary or after the release."""

from __future__ import annotations

from typing import Any

from analytics.gate.blocks.checks import Check, Levels, bounded, not_measured, share_points
from analytics.gate.records.bounds import Estimate, rate_change
from analytics.gate.records.evidence import Evidence
from analytics.gate.records.past import retraining
from analytics.gate.rules.policy import Policy


def outcomes(evidence: Evidence, policy: Policy) -> list[Check]:
    """Every outcome metric against the last release and against iteration 0, the worst speaks."""
    release, _ = evidence.released()
    asked = {"from_release": (release, "drop"), "from_first": (0, "drop_year")}
    return [_outcome(evidence, policy, name, *asked[name]) for name in policy.checks("outcomes")]


def _outcome(evidence: Evidence, policy: Policy, name: str, before: int, key: str) -> Check:
    link, limit = evidence.link("iterations"), policy[f"outcomes.{key}"]
    now, then = evidence.at("outcomes", evidence.iteration), evidence.at("outcomes", before)
    against = f"the last release (iteration {before})" if before else "iteration 0"
    if now.is_empty() or then.is_empty():
        at = evidence.iteration if now.is_empty() else before
        return not_measured(name, f"No outcomes at iteration {at} (table `outcomes`).", link)
    lost = sorted(set(then["metric"]) - set(now["metric"]))
    if lost:
        return not_measured(
            name, f"{', '.join(lost)} measured at {against}, not at iteration "
            f"{evidence.iteration}.", link,
        )  # fmt: skip
    both = now.join(then, on="metric", suffix="_before").sort("metric")
    if both.is_empty():
        return not_measured(name, f"No outcome was also measured at {against}.", link)
    levels = Levels(policy.pass_level(), policy.fail_level(2 * both.height))
    each = [
        _one(
            name,
            row=row,
            limit=limit,
            against=against,
            levels=levels,
            policy=policy,
            evidence=evidence,
            link=link,
        )
        for row in both.iter_rows(named=True)
    ]
    order = ("FAIL", "NOT MEASURED", "NOT SHOWN", "PASS")
    return min(each, key=lambda one: (order.index(one.result), -(one.value or 0)))


def _one(
    name: str, row: dict[str, Any], limit: float, against: str, levels: Levels, policy: Policy,
    evidence: Evidence, link: str,
) -> Check:  # fmt: skip
    metric = row["metric"]
    if row["higher_is_better"] is None:
        return not_measured(name, f"{metric}: `higher_is_better` is not stated.", link)
    estimate = _worse(row)
    if estimate is not None:
        past = _since_first(evidence, metric)
        estimate = estimate.widened(retraining(evidence, policy, limit, past.get))
    return bounded(
        name,
        what=f"{metric} against {against}, worse by:",
        estimate=estimate,
        limit=limit,
        neutral=0.0,
        levels=levels,
        shown=share_points,
        evidence=link,
        missing=f"{metric} is no rate of `n` cases (0 to 1): its error is unknown.",
    )


def _since_first(evidence: Evidence, metric: str) -> dict[int, Estimate]:
    """A metric of every iteration against iteration 0."""
    rows = {row["iteration"]: row for row in evidence.every("outcomes").iter_rows(named=True)
            if row["metric"] == metric}  # fmt: skip
    first, made = rows.get(0), {}
    for at, row in rows.items():
        if first is not None and at:
            pair = {**row, "value_before": first["value"], "n_before": first["n"]}
            if (one := _worse(pair)) is not None:
                made[at] = one
    return made


def _worse(row: dict[str, Any]) -> Estimate | None:
    """Rise of the rate of bad outcomes; None where it is no rate."""
    values = [row[key] for key in ("value", "value_before", "n", "n_before")]
    if any(number is None for number in values) or not all(0 <= rate <= 1 for rate in values[:2]):
        return None
    rates = [1 - rate if row["higher_is_better"] else rate for rate in values[:2]]
    return rate_change(rates[0] * values[2], values[2], rates[1] * values[3], values[3])
