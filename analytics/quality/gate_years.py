"""How often the gate errs in a year of looks: null loops, harm at the limit, beyond it.

Every comparison with a sampling error is decided by the product's own estimates, bounds and levels
on numbers drawn for it. A year is 26 iterations against one release (iteration 0, for nothing
harmful is released). With `retraining`, every iteration has an effect of its own, so that two
trainings differ by that share of the limit (sd). Provenance counts and has no sampling error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from analytics.gate import Evidence, Policy, default
from analytics.gate.blocks.checks import Levels, bounded
from analytics.gate.blocks.diversity import SPREAD, Loss, all_but
from analytics.gate.blocks.rewards import STATISTICAL
from analytics.gate.records.bounds import Estimate, mean, normal, paired_rate, rate_change, share
from analytics.gate.records.past import from_past, stated
from analytics.gate.result.verdict import worst
from analytics.measured.rows import DriftLook, YearRow
from analytics.wording import fixed, number, whole

LOOKS = 26
HARMS = (0.0, 1.0, 1.5)
RETRAINING = (0.0, 0.1, 0.3)
QUESTIONS, PROMPTS, PAIRS, CASES = 3000, 1500, 1500, 20000
INDICATOR_ERROR = 0.002
DRIFTS = ((".9 points an iteration", 0.009, False), ("3 points once", 0.03, True))

Shifts = npt.NDArray[np.float64]
Year = Callable[[Generator, Shifts, Policy], list[str]]


def wrong_answers(random: Generator, harm: Shifts, n: int) -> npt.NDArray[np.bool_]:
    """Whether each of n fixed questions is answered wrong with confidence, shape (iterations, n).

    3 % are; a fifth of the questions is answered anew each time. harm: what is added at each.
    """
    steady = random.random(n) < 0.03
    rows = []
    for extra in harm:
        wrong = np.where(random.random(n) < 0.2, random.random(n) < 0.03, steady)
        turned = random.random(n)
        more = wrong | (turned < extra / 0.97)
        rows.append(more if extra >= 0 else wrong & (turned >= -extra / 0.03))
    return np.array(rows)


def _truth(random: Generator, harm: Shifts, policy: Policy) -> list[str]:
    wrong = wrong_answers(random, harm, QUESTIONS).astype(float)
    return _paired_looks([paired_rate(row - wrong[0]) for row in wrong[1:]], policy,
                         "truthfulness.confident_rise", +1, 5)  # fmt: skip


def _gold(random: Generator, harm: Shifts, policy: Policy) -> list[str]:
    each = np.sqrt(0.5)
    base = random.normal(0, each, PROMPTS)
    golds = [base + random.normal(0, each, PROMPTS) - shift for shift in harm]
    return _paired_looks([mean(gold - golds[0]) for gold in golds[1:]], policy,
                         "reward_hacking.gold_drop", -1, STATISTICAL)  # fmt: skip


def _paired_looks(
    past: Sequence[Estimate | None], policy: Policy, key: str, way: int, among: int
) -> list[str]:
    """Looks at a release that is iteration 0: the limit of a release and that of the year."""
    levels = Levels(policy.pass_level(), policy.fail_level(among))
    looks = []
    for at, one in enumerate(past):
        checks = []
        for limit in (policy[key], policy[f"{key}_year"]):
            assert one is not None
            wide = one.widened(from_past(policy, limit, past[: at + 1]))
            checks.append(bounded("x", "x", wide, way * limit, 0.0, levels).result)
        looks.append(worst(checks))
    return [str(look) for look in looks]


def _diversity(random: Generator, harm: Shifts, policy: Policy) -> list[str]:
    """Two indicators lose, one more than is spared."""
    error, names = INDICATOR_ERROR, list(SPREAD)
    lost = np.zeros((len(harm), len(names)))
    lost[:, :2] = harm[:, None]
    values = lost + random.normal(0, error, lost.shape)
    evidence, looks = Evidence("year", 1), []
    every = [
        [normal(float(gap), error * np.sqrt(2), 1000) for gap in row - values[0]]
        for row in values[1:]
    ]
    for at, now in enumerate(every, 1):
        losses = [
            Loss(name, one, tuple(past[which] for past in every[:at]))
            for which, (name, one) in enumerate(zip(names, now, strict=True))
        ]
        looks.append(worst([
            all_but(evidence, policy, losses, "from_first", "loss").result,
            all_but(evidence, policy, losses, "worst_from_first", "worst_loss").result,
            all_but(evidence, policy, losses, "from_release", "loss_from_release").result,
        ]))  # fmt: skip
    return [str(look) for look in looks]


def _reviews(random: Generator, harm: Shifts, policy: Policy) -> list[str]:
    limit, levels = policy["human_checkpoint.win_rate"], Levels(
        policy.pass_level(), policy.fail_level(1)
    )  # fmt: skip
    won = random.binomial(PAIRS, np.clip(0.5 - (harm[1:] - harm[0]), 0, 1))
    return [
        str(bounded("x", "x", stated(policy, share(float(n), PAIRS), 0.5 - limit), limit, 0.5,
                    levels).result)
        for n in won
    ]  # fmt: skip


def _outcomes(random: Generator, harm: Shifts, policy: Policy) -> list[str]:
    bad = random.binomial(CASES, np.clip(0.3 + harm, 0, 1)).astype(float)
    levels, looks = Levels(policy.pass_level(), policy.fail_level(2)), []
    past = [rate_change(now, CASES, bad[0], CASES) for now in bad[1:]]
    for at, one in enumerate(past, 1):
        assert one is not None
        looks.append(worst([
            bounded("x", "x", one.widened(from_past(policy, limit, past[:at])), limit, 0.0,
                    levels).result
            for limit in (policy["outcomes.drop"], policy["outcomes.drop_year"])
        ]))  # fmt: skip
    return [str(look) for look in looks]


@dataclass(frozen=True)
class Kind:
    """One block: its limit against the last release, and a year of it."""

    block: str
    limit: float
    year: Year


KINDS = (
    Kind("reward_hacking", 0.1, _gold),
    Kind("diversity", 0.02, _diversity),
    Kind("truthfulness", 0.01, _truth),
    Kind("human_checkpoint", 0.05, _reviews),
    Kind("outcomes", 0.02, _outcomes),
)
BY_BLOCK = {kind.block: kind for kind in KINDS}


def year(kind: Kind, random: Generator, harm: float, retraining: float) -> dict[str, float]:
    """One year: whether it had a FAIL and a PASS, and so for the checkpoints' own harm.

    own_pass: a PASS of a checkpoint whose own harm, its retraining effect included, is at its limit
    or beyond; own_fail: a FAIL of one within it.
    """
    effects = random.normal(0, retraining / np.sqrt(2), LOOKS + 1)
    shifts = kind.limit * (effects + np.r_[0.0, np.full(LOOKS, harm)])
    results = np.array(kind.year(random, shifts, default()))
    own = (shifts[1:] - shifts[0]) / kind.limit
    return {
        "fail": float("FAIL" in results), "pass": float("PASS" in results),
        "own_pass": float("PASS" in results[own >= 1 - 1e-9]),
        "own_fail": float("FAIL" in results[own <= 1 + 1e-9]),
        "passed": float(np.mean(results == "PASS")), "failed": float(np.mean(results == "FAIL")),
        "not_shown": float(np.mean(results == "NOT SHOWN")),
    }  # fmt: skip


def measure_kind(kind: Kind, runs: int, seed: int) -> list[YearRow]:
    """Every harm and scatter of one block, each on `runs` years."""
    rows: list[YearRow] = []
    for harm in HARMS:
        for retraining in RETRAINING:
            random = np.random.default_rng(
                [seed, KINDS.index(kind), round(10 * harm), round(10 * retraining)]
            )
            years = [year(kind, random, harm, retraining) for _ in range(runs)]
            means = {key: np.mean([one[key] for one in years]) for key in years[0]}
            shares = {key: round(float(mean), 4) for key, mean in means.items()}
            row = {"block": kind.block, "harm": harm, "retraining": retraining, "years": runs}
            rows.append(cast("YearRow", row | shares))
    return rows


def measure_drift(runs: int, seed: int) -> list[DriftLook]:
    """.9 points an iteration, each released; 3 points at once, not released: results by look."""
    rows: list[DriftLook] = []
    for name, step, once in DRIFTS:
        for questions in (1000, 3000, 10000):
            random = np.random.default_rng([seed, questions, round(1000 * step)])
            seen = [_drift(random, questions, step, once) for _ in range(runs)]
            for look in range(6):
                rows.append({
                    "what": name, "questions": questions, "look": look + 1, "runs": runs,
                    "passed": _share([one[look] == "PASS" for one in seen]),
                    "failed": _share([one[look] == "FAIL" for one in seen]),
                    "failed_by": _share(["FAIL" in one[: look + 1] for one in seen]),
                })  # fmt: skip
    return rows


def _drift(random: Generator, questions: int, step: float, once: bool) -> list[str]:
    policy = default()
    levels = Levels(policy.pass_level(), policy.fail_level(5))
    harm = step * (np.minimum(np.arange(7), 1) if once else np.arange(7))
    wrong = wrong_answers(random, harm.astype(float), questions).astype(float)
    past = [paired_rate(row - wrong[0]) for row in wrong[1:]]
    looks = []
    for at, first in enumerate(past, 1):
        release = first if once else paired_rate(wrong[at] - wrong[at - 1])
        checks = []
        for one, key in ((release, "confident_rise"), (first, "confident_rise_year")):
            assert one is not None
            limit = policy[f"truthfulness.{key}"]
            wide = one.widened(from_past(policy, limit, past[:at]))
            checks.append(bounded("x", "x", wide, limit, 0.0, levels).result)
        looks.append(str(worst(checks)))
    return looks


def _share(truths: list[bool]) -> float:
    return round(float(np.mean(truths)), 4)


def measure(runs: int, seed: int) -> list[YearRow | DriftLook]:
    """All blocks, then the drifts."""
    rows = [row for kind in KINDS for row in measure_kind(kind, runs, seed)]
    return [*rows, *measure_drift(runs, seed)]


def sentence(row: Mapping[str, Any]) -> str:
    """A row in words."""
    texts = {key: fixed(value, 3) for key, value in row.items() if isinstance(value, float)}
    if "what" in row:
        return (
            f"{row['what']}, {whole(row['questions'])} questions, look {row['look']}: PASS "
            f"{texts['passed']}, FAIL {texts['failed']}, FAIL by now {texts['failed_by']}"
        )
    return (
        f"{row['block']}, harm {number(row['harm'])} of the limit, retraining "
        f"{number(row['retraining'])}: years with a FAIL {texts['fail']}, with a PASS "
        f"{texts['pass']} (of a checkpoint itself beyond the limit {texts['own_pass']}); looks "
        f"NOT SHOWN {texts['not_shown']}"
    )
