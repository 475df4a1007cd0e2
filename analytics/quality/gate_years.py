"""How often the gate errs in a year of looks: null loops, harm at the limit, beyond it.

Every block with a sampling error is judged by the product's own code on data drawn for it. A year
is 26 iterations against one release (iteration 0, for nothing harmful is released). With
`retraining`, every iteration has an effect of its own, so that two trainings differ by that share
of the limit (sd). Provenance counts and has no sampling error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.random import Generator

from analytics.gate import Evidence, Policy, judge, proposal, read_policy
from analytics.gate.diversity import COVERAGE, HOLDOUT, SPREAD

LOOKS = 26
HARMS = (0.0, 1.0, 1.5)
PAST = (0.0, 0.1, 0.3)
"""Scatter between trainings, of blocks that also look at the loop's past."""
QUESTIONS, PROMPTS, PAIRS, CASES = 3000, 1500, 1500, 20000

DRIFTS = ((".9 points an iteration", 0.009, False), ("3 points once", 0.03, True))

Shifts = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Kind:
    """One block: the checks that are harmed, its limit, and how its evidence is drawn.

    draw: (random, harm of each iteration in the unit of the limit, shape (looks + 1,)) -> tables.
    """

    block: str
    checks: str
    limit: float
    draw: Callable[[Generator, Shifts], dict[str, pl.DataFrame]]
    retraining: tuple[float, ...] = (0.0, 0.1)


def confident_answers(random: Generator, harm: Shifts, n: int = QUESTIONS) -> pl.DataFrame:
    """Answers with confidence .9 to fixed questions; harm is a share of them that turns wrong.

    A question keeps its grade from one iteration to the next but for 1 % drawn anew each time.
    """
    steady = random.random(n) < 0.03
    frames = []
    for iteration, share in enumerate(harm):
        anew = random.random(n) < 0.2
        wrong = np.where(anew, random.random(n) < 0.03, steady)
        turned = random.random(n)
        wrong = wrong | (turned < share / 0.97) if share > 0 else wrong & (
            turned >= -share / 0.03
        )  # fmt: skip
        frames.append(pl.DataFrame({
            "iteration": np.full(n, iteration), "question_id": np.arange(n),
            "grade": np.where(wrong, "incorrect", "correct"),
        }))  # fmt: skip
    return pl.concat(frames).with_columns(
        pl.col("question_id").cast(pl.String), origin=pl.lit("benchmark"), sample_id=0,
        confidence=0.9,
    )  # fmt: skip


def _golds(random: Generator, harm: Shifts) -> dict[str, pl.DataFrame]:
    base = random.normal(0, np.sqrt(0.5), PROMPTS)
    frames = [
        pl.DataFrame({
            "iteration": np.full(PROMPTS, at), "prompt": np.arange(PROMPTS),
            "gold_reward": base + random.normal(0, np.sqrt(0.5), PROMPTS) - shift,
        })
        for at, shift in enumerate(harm)
    ]  # fmt: skip
    every = pl.concat(frames).with_columns(pl.col("prompt").cast(pl.String))
    return {"generations": every.with_columns(text_id="prompt")}


def _indicators(random: Generator, harm: Shifts) -> dict[str, pl.DataFrame]:
    """Two indicators lose (one more than is spared); the error of a value is .2 %."""
    rows = []
    for at, shift in enumerate(harm):
        for number, (name, better) in enumerate({**SPREAD, COVERAGE: 1, HOLDOUT: -1}.items()):
            lost = shift if number < 2 else 0.0
            value = 1 - better * lost + random.normal(0, 0.002)
            rows.append((at, name, value, value - 1.96 * 0.002, value + 1.96 * 0.002, 1000))
    columns = ["iteration", "indicator", "value", "low", "high", "n"]
    return {"indicators": pl.DataFrame(rows, schema=columns, orient="row")}


def _reviews(random: Generator, harm: Shifts) -> dict[str, pl.DataFrame]:
    frames = []
    for at, shift in enumerate(harm[1:], 1):
        won = random.random(PAIRS) < 0.5 - (shift - harm[0])
        frames.append(pl.DataFrame({
            "iteration": np.full(PAIRS, at), "item_id": np.arange(PAIRS),
            "preferred": np.where(won, "a", "b"), "origin_a": [str(at)] * PAIRS,
        }))  # fmt: skip
    every = pl.concat(frames).with_columns(pl.col("item_id").cast(pl.String))
    return {"reviews": every.with_columns(origin_b=pl.lit("0"), rater=pl.lit("A"))}


def _outcomes(random: Generator, harm: Shifts) -> dict[str, pl.DataFrame]:
    rows = [
        (at, "resolved", CASES, random.binomial(CASES, 0.7 - shift) / CASES, True)
        for at, shift in enumerate(harm)
    ]
    columns = ["iteration", "metric", "n", "value", "higher_is_better"]
    return {"outcomes": pl.DataFrame(rows, schema=columns, orient="row")}


KINDS = (
    Kind("reward_hacking", '"gold_from_release", "gold_from_first"', 0.1, _golds),
    Kind("diversity", '"from_first", "worst_from_first", "from_release"', 0.02, _indicators),
    Kind("truthfulness", '"confident_from_release", "confident_from_first", "wrong_from_first"',
         0.01, lambda random, harm: {"answers": confident_answers(random, harm)}, PAST),
    Kind("human_checkpoint", '"win_rate"', 0.05, _reviews),
    Kind("outcomes", '"from_release", "from_first"', 0.02, _outcomes),
)  # fmt: skip


def policy_of(kind: Kind) -> Policy:
    """The proposed policy with a block's harmed checks alone: another that is not shown would hide
    a PASS."""
    lines, inside = [], False
    for line in proposal().splitlines():
        inside = line == f"[{kind.block}]" or (inside and not line.startswith("["))
        lines.append(f"checks = [{kind.checks}]" if inside and line.startswith("checks") else line)
    return read_policy("\n".join(lines))


def year(kind: Kind, random: Generator, harm: float, retraining: float) -> dict[str, float]:
    """One year: whether it had a FAIL, a PASS, a PASS of a checkpoint beyond its limit, and the
    share of looks that are NOT SHOWN."""
    effects = random.normal(0, retraining / np.sqrt(2), LOOKS + 1)
    shifts = kind.limit * (effects + np.r_[0.0, np.full(LOOKS, harm)])
    frames, policy = kind.draw(random, shifts), policy_of(kind)
    results = []
    last = Evidence("year", LOOKS, frames, release=0)
    for at in range(1, LOOKS + 1):
        held = replace(last, iteration=at)
        results.append(judge(held, policy, blocks=[kind.block]).blocks[0].result)
    own = (shifts[1:] - shifts[0]) / kind.limit
    wrong = [one for one, size in zip(results, own, strict=True) if size >= 1 - 1e-9]
    over = [one for one, size in zip(results, own, strict=True) if size <= 1 + 1e-9]
    return {
        "fail": "FAIL" in results, "pass": "PASS" in results, "own_pass": "PASS" in wrong,
        "own_fail": "FAIL" in over, "not_shown": results.count("NOT SHOWN") / LOOKS,
        "passed": results.count("PASS") / LOOKS, "failed": results.count("FAIL") / LOOKS,
    }  # fmt: skip


def measure_kind(kind: Kind, runs: int, seed: int) -> list[dict[str, Any]]:
    """Every harm and scatter of one block."""
    rows = []
    for harm in HARMS:
        for retraining in kind.retraining:
            random = np.random.default_rng(
                [seed, KINDS.index(kind), int(10 * harm), int(10 * retraining)]
            )
            years = [year(kind, random, harm, retraining) for _ in range(runs)]
            rows.append({
                "block": kind.block, "harm": harm, "retraining": retraining, "years": runs,
                **{key: round(float(np.mean([one[key] for one in years])), 4) for key in years[0]},
            })  # fmt: skip
    return rows


def drifting(
    random: Generator, questions: int, step: float, iterations: int, hold: bool = False
) -> Evidence:
    """A loop whose confident wrong answers rise by `step` at every iteration (or once: `hold`),
    each compared with the one before."""
    at = np.arange(iterations + 1)
    harm = step * (np.minimum(at, 1) if hold else at)
    frame = confident_answers(random, harm.astype(float), questions)
    return Evidence("drift", iterations, {"answers": frame}, release=iterations - 1)


def measure_drift(runs: int, seed: int) -> list[dict[str, Any]]:
    """.9 points an iteration: the share that has passed at each look; 3 points: FAIL by look."""
    kind = next(one for one in KINDS if one.block == "truthfulness")
    policy, rows = policy_of(kind), []
    for name, step, hold in (
        (".9 points an iteration", 0.009, False),
        ("3 points once", 0.03, True),
    ):
        for questions in (1000, 3000, 10000):
            random = np.random.default_rng([seed, questions, int(1000 * step)])
            seen = [
                _looks(drifting(random, questions, step, 6, hold), policy, hold)
                for _ in range(runs)
            ]  # fmt: skip
            for look in range(6):
                rows.append({
                    "what": name, "questions": questions, "look": look + 1, "runs": runs,
                    "passed": _share(seen, look, "PASS"), "failed": _share(seen, look, "FAIL"),
                    "failed_by": round(float(np.mean(
                        ["FAIL" in one[: look + 1] for one in seen])), 4),
                })  # fmt: skip
    return rows


def _looks(held: Evidence, policy: Policy, hold: bool) -> list[str]:
    made: list[str] = []
    for at in range(1, held.iteration + 1):
        one = replace(held, iteration=at, release=0 if hold else at - 1)
        made.append(judge(one, policy, blocks=["truthfulness"]).blocks[0].result)
    return made


def _share(seen: list[list[str]], look: int, result: str) -> float:
    return round(float(np.mean([one[look] == result for one in seen])), 4)


def measure(runs: int, seed: int) -> list[dict[str, Any]]:
    """All blocks, then the drifts."""
    rows = [row for kind in KINDS for row in measure_kind(kind, runs, seed)]
    return rows + measure_drift(runs, seed)
