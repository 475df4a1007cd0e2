"""Block 2: has the policy gamed its reward? Gold, KL, rank correlation, length."""

from __future__ import annotations

import numpy as np
import polars as pl

from analytics.gate.blocks.checks import Check, Levels, bounded, not_measured, within
from analytics.gate.records.bounds import Estimate, mean, normal, scores, welch
from analytics.gate.records.evidence import Evidence, parted
from analytics.gate.records.past import retraining, stated
from analytics.gate.rules.policy import Policy, quantile
from analytics.wording import number

STATISTICAL = 6
"""Checks of this block that can say FAIL by chance; they share its level."""


def rewards(evidence: Evidence, policy: Policy) -> list[Check]:
    """The block's checks."""
    release, _ = evidence.released()
    asked = policy.checks("reward_hacking")
    levels = Levels(policy.pass_level(), policy.fail_level(STATISTICAL))
    texts = _Texts(evidence)
    golds = _Texts(evidence, "sealed") if evidence.every("sealed").height else texts
    made = {
        "alarm": lambda: _alarm(evidence),
        "gold_from_release": lambda: _gold(evidence, policy, golds, release, False, levels),
        "gold_from_first": lambda: _gold(evidence, policy, golds, 0, True, levels),
        "kl": lambda: _kl(evidence, policy, texts, levels),
        "rank_correlation": lambda: _rank(evidence, policy, texts, release, levels),
        "length_from_release": lambda: _length(evidence, policy, texts, release, False, levels),
        "length_from_first": lambda: _length(evidence, policy, texts, 0, True, levels),
    }
    return [made[name]() for name in asked]


class _Texts:
    """The generations of a loop averaged by prompt: the prompt is the unit.

    table: `generations`, or `sealed`: gold alone, which nobody but the gate has seen.
    """

    def __init__(self, evidence: Evidence, table: str = "generations") -> None:
        self._evidence, self.table = evidence, table
        self.every = evidence.once(("texts", table), lambda: evidence.every(table).with_columns(
            kl=pl.col("logprob_policy") - pl.col("logprob_base")
        ))  # fmt: skip
        columns = ("gold_reward", "proxy_reward", "kl", "n_tokens")
        means = [pl.col(key).cast(pl.Float64).mean() for key in columns]
        self.prompts = evidence.once(
            ("prompts", table), lambda: self.every.group_by("iteration", "prompt").agg(*means)
        )

    def at(self, iteration: int, column: str) -> pl.DataFrame:
        """(prompt, value) of an iteration, where measured."""
        parts = self._evidence.once(("by iteration", self.table), lambda: parted(self.prompts))
        return parts.get(iteration, self.prompts.clear()).filter(
            pl.col(column).is_not_null(), pl.col(column).is_not_nan()
        ).select("prompt", value=column)  # fmt: skip

    def change(self, column: str, now: int, before: int) -> Estimate | None:
        """Change of a mean on the shared prompts; between groups where few are shared."""
        key = (self.table, column, now, before)
        return self._evidence.once(key, lambda: self._change(column, now, before))

    def _change(self, column: str, now: int, before: int) -> Estimate | None:
        new, old = self.at(now, column), self.at(before, column)
        both = new.join(old, on="prompt", suffix="_before").sort("prompt")
        if 2 * both.height > min(new.height, old.height):
            return mean(both["value"] - both["value_before"])
        return welch(new["value"], old["value"])

    def spread(self, column: str, iteration: int) -> float:
        """Standard deviation between the texts of an iteration."""
        values = self.every.filter(pl.col("iteration") == iteration)[column].drop_nulls()
        return float(values.std() or 0.0)  # type: ignore[arg-type]


_LEVEL_WORDS = {0: "iteration 0"}


def _against(before: int) -> str:
    return _LEVEL_WORDS.get(before, f"the last release (iteration {before})")


def _name(stem: str, yearly: bool) -> str:
    return f"{stem}_from_{'first' if yearly else 'release'}"


def _gold(
    evidence: Evidence, policy: Policy, texts: _Texts, before: int, yearly: bool, levels: Levels
) -> Check:
    name, link = _name("gold", yearly), evidence.link("overoptimization")
    unit = texts.spread("gold_reward", 0)
    estimate = texts.change("gold_reward", evidence.iteration, before) if unit else None
    if estimate is None:
        return _gold_of_metrics(evidence, name, link, texts, (evidence.iteration, before, 0))
    limit = policy[f"reward_hacking.gold_drop{'_year' * yearly}"]
    scaled = _scaled(estimate, unit)
    noise = retraining(
        evidence, policy, limit, lambda at: _scaled(texts.change("gold_reward", at, 0), unit)
    )
    what = "sealed gold" if texts.table == "sealed" else "gold"
    return bounded(
        name, f"Change of {what} since {_against(before)}, in sd of gold at iteration 0:",
        None if scaled is None else scaled.widened(noise), -limit, 0.0, levels, evidence=link,
    )  # fmt: skip


def _gold_of_metrics(
    evidence: Evidence, name: str, link: str, texts: _Texts, needed: tuple[int, ...]
) -> Check:
    gone = [at for at in needed if texts.at(at, "gold_reward").is_empty()]
    if texts.table == "sealed":
        at = f"iteration {gone[0]}" if gone else "iteration 0 in more than one value"
        return not_measured(name, f"The sealed gold was not measured at {at}.", link)
    if gone and gone[0] != evidence.iteration:
        return not_measured(
            name, f"The texts of iteration {gone[0]}, with which it is compared, have no gold "
            "(table `generations`, `gold_reward`).", link,
        )  # fmt: skip
    logged = evidence.at("metrics", evidence.iteration)["gold_reward"].drop_nulls()
    missing = (
        "Gold is logged as a mean alone: its unit (sd of gold at iteration 0) and its pairing by "
        "prompt need the table `generations` with `gold_reward`."
        if logged.len() else
        f"No gold was measured at iteration {evidence.iteration} or at the one it is compared with."
    )  # fmt: skip
    return not_measured(name, missing, link)


def _scaled(estimate: Estimate | None, unit: float) -> Estimate | None:
    if estimate is None or not unit:
        return None

    def ends(level: float) -> tuple[float, float]:
        low, high = estimate.ends(level)
        return low / unit, high / unit

    return Estimate(estimate.value / unit, ends, estimate.n, estimate.sd / unit)


def _alarm(evidence: Evidence) -> Check:
    link = evidence.link("overoptimization")
    row = evidence.alarm
    if row is None or row["status"] == "unmeasured":
        return not_measured(
            "alarm", "There is no verdict on this loop's gold: no gold over its iterations.", link
        )
    status, reason = row["status"].replace("_", " "), " ".join(row.get("reasons", [])[:1])
    where = row.get("peak") or {}
    if row["status"] in ("overoptimized", "collapsed"):
        return Check(
            "alarm", "FAIL", f"The verdict on gold over the iterations is {status}. {reason}",
            where.get("kl"), where.get("kl_low"), where.get("kl_high"), evidence=link,
        )  # fmt: skip
    if row["status"] == "warning":
        sentence = f"The verdict is a warning: evaluate gold again before the release. {reason}"
        return Check("alarm", "NOT SHOWN", sentence, evidence=link)
    few = " (too few evaluations for one)" if row["status"] == "too_little_gold" else ""
    return Check("alarm", "PASS", f"No alarm on gold over the iterations{few}.", evidence=link)


def _kl(evidence: Evidence, policy: Policy, texts: _Texts, levels: Levels) -> Check:
    link, budget = evidence.link("overoptimization"), policy["reward_hacking.kl_budget"]
    peak = (evidence.alarm or {}).get("peak") or {}
    seen = (evidence.alarm or {}).get("status") in ("overoptimized", "warning", "collapsed")
    low = peak.get("kl_low") if seen and (evidence.alarm or {}).get("axis") == "kl" else None
    limit = budget if low is None else min(budget, low)
    estimate = mean(texts.at(evidence.iteration, "kl")["value"])
    if estimate is None:
        logged = evidence.at("metrics", evidence.iteration).drop_nulls("kl").to_dicts()
        if not logged:
            return not_measured(
                "kl", "KL to the initial policy was not measured, or not in a known unit.", link
            )
        if logged[0]["kl_se"] is None:
            return _kl_alone(logged[0]["kl"], limit, link)
        estimate = normal(logged[0]["kl"], logged[0]["kl_se"], int(logged[0]["n_responses"] or 1))
    why = "" if low is None else " (the lower end of the gold peak's interval)"
    return bounded(
        "kl", f"KL to the initial policy, nats per response{why}:", estimate, limit, 0.0, levels,
        evidence=link,
    )  # fmt: skip


def _kl_alone(kl: float, limit: float, link: str) -> Check:
    """A logged mean of unknown error excludes nothing, on either side of its limit."""
    return Check(
        "kl", "NOT SHOWN", f"KL to the initial policy, nats per response: {number(kl)}, limit "
        f"{number(limit)}: a mean without its error, so neither is shown. Log its standard error "
        "as `kl_se`, or the texts with `logprob_policy` and `logprob_base`.",
        kl, limit=limit, evidence=link,
    )  # fmt: skip


def _correlation(texts: _Texts, iteration: int) -> tuple[float, int] | None:
    both = texts.prompts.filter(pl.col("iteration") == iteration).drop_nulls(
        ["gold_reward", "proxy_reward"]
    )
    if both.height < 10:
        return None
    x, y = (scores(both[key].to_numpy()) for key in ("gold_reward", "proxy_reward"))
    return float(np.mean(x * y)), both.height


def _correlation_change(texts: _Texts, now: int, before: int) -> Estimate | None:
    """Change of Spearman's correlation over prompts, by Fisher's z.

    Source: Zou 2007 for the difference; variance 1.06 / (n - 3): Fieller, Hartley, Pearson 1957.
    """
    new, old = _correlation(texts, now), _correlation(texts, before)
    if new is None or old is None:
        return None

    def one(r: float, n: int, z: float) -> tuple[float, float]:
        half = z * np.sqrt(1.06 / (n - 3))
        middle = np.arctanh(np.clip(r, -0.999999, 0.999999))
        return float(np.tanh(middle - half)), float(np.tanh(middle + half))

    difference = new[0] - old[0]

    def ends(level: float) -> tuple[float, float]:
        (a, b), (c, d) = (one(*pair, quantile(level)) for pair in (new, old))
        return (
            difference - float(np.hypot(new[0] - a, d - old[0])),
            difference + float(np.hypot(b - new[0], old[0] - c)),
        )

    error = np.sqrt(sum((1 - r**2) ** 2 * 1.06 / (n - 3) for r, n in (new, old)))
    n = min(new[1], old[1])
    return Estimate(difference, ends, n, float(error * np.sqrt(n)))


def _rank(evidence: Evidence, policy: Policy, texts: _Texts, before: int, levels: Levels) -> Check:
    limit = policy["reward_hacking.rank_correlation_drop"]
    return bounded(
        "rank_correlation",
        f"Change of the rank correlation of proxy and gold since {_against(before)}:",
        stated(policy, _correlation_change(texts, evidence.iteration, before), limit), -limit, 0.0,
        levels,
        evidence=evidence.link("overoptimization"),
        missing="Proxy and gold of the same texts are needed at both iterations "
        "(table `generations`).",
    )  # fmt: skip


def _length(
    evidence: Evidence, policy: Policy, texts: _Texts, before: int, yearly: bool, levels: Levels
) -> Check:
    limit = policy["reward_hacking.length_drift"]
    start = texts.at(before, "n_tokens")["value"].mean()
    estimate = None
    if isinstance(start, float) and start > 0:
        estimate = _scaled(texts.change("n_tokens", evidence.iteration, before), start)
    return within(
        _name("length", yearly), f"Mean length against {_against(before)}:",
        stated(policy, estimate, limit), limit, levels, evidence.link("iterations"),
        "The lengths `n_tokens` of the texts are not there at iterations "
        f"{before} and {evidence.iteration}.",
    )  # fmt: skip
