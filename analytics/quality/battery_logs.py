"""Logs as people write them, with known truth: what the battery judges.

Every generator makes one gold series whose expectation is the truth and whose errors are what the
condition says; beside it stand the columns that a person would log with it. Units: the gain of
gold up to its peak is 1, and the true standard error of an evaluation is NOISE unless a condition
says otherwise. Errors are independent of the truth, so that flat and falling runs of one seed
share them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import polars as pl

from analytics.gao import normalised_gold
from analytics.onset.errors.stated_error import binomial_error
from analytics.onset.evidence.measurements import FloatArray
from analytics.simulated import D_END, autoregressive
from analytics.wording import number, signed

NOISE = 0.05
"""True standard error of one evaluation, in units of the gain."""
FINAL_FALL = 0.5
"""Of the gain, given away by the end of a falling run."""
STEPS_APART = 50
TRUTHS = ("flat", "plateau", "falling")
"""flat: the least favourable gold that never falls; plateau: rises and stays; falling: a hump of
Gao et al.'s family that ends FINAL_FALL of its gain below the peak."""
_FALLEN = {0.0: 2.155536, 0.5: 1.866025, 1.0: 1 + 0.5**0.5}
"""d at the end over d at the peak that gives away half of the gain, by the curves' exponent."""
LOWEST_RATE, RATE_GAIN = 0.2, 0.6

Columns = dict[str, FloatArray]
Logged = Callable[[FloatArray, np.random.Generator], Columns]
"""From the expected gold of each evaluation to the columns of its log, gold_reward among them."""


@dataclass(frozen=True)
class Log:
    """One run's log. table: step, kl (nats per response), proxy_reward, gold_reward and what else
    the condition logs, null where a row logs nothing; truth: expected gold of each row;
    max_steps: the planned last step, None = not stated; kind: score or rate; source: gold's."""

    table: pl.DataFrame
    truth: FloatArray
    max_steps: int | None
    kind: str = "score"
    source: str = "evaluation"


@dataclass(frozen=True)
class Condition:
    """A way in which logs are written.

    words: what is wrong, or right, with the log. log: see `Logged`. claimed: the largest share of
    runs that never fall with an onset at the end of their log. called: the smallest share of
    falling runs with one. setting: what the log's errors really are, for the table.
    """

    name: str
    words: str
    log: Logged
    evaluations: int = 21
    claimed: float = 0.05
    called: float = 0.80
    planned: bool = True
    kind: str = "score"
    source: str = "evaluation"
    asked: bool = True
    setting: Mapping[str, float] = field(default_factory=dict)


def simulated_log(condition: Condition, truth: str, seed: int) -> Log:
    """The log of one run; the same arguments give the same log. Raises KeyError: no such truth."""
    n = condition.evaluations
    shape = np.random.default_rng([seed, 1])
    errors = np.random.default_rng([seed, 2, *condition.name.encode()])
    d = np.linspace(0, D_END, n)
    expected = truths(d, shape)[truth]
    if condition.kind == "rate":
        expected = LOWEST_RATE + RATE_GAIN * (expected if truth != "flat" else expected + 0.5)
    columns = condition.log(expected, errors)
    proxy = d / D_END + 0.02 * shape.standard_normal(n)
    step = np.arange(n) * STEPS_APART
    table = pl.DataFrame({"step": step, "kl": d**2, "proxy_reward": proxy} | columns)
    table = table.with_columns(pl.selectors.float().fill_nan(None))
    planned = int(step[-1]) if condition.planned else None
    return Log(table, expected, planned, condition.kind, condition.source)


def truths(d: FloatArray, rng: np.random.Generator) -> dict[str, FloatArray]:
    """Expected gold at d (sqrt-nats, (n,)) of each of TRUTHS; rng draws the curves."""
    exponent = float(rng.choice(list(_FALLEN)))
    rise = D_END * rng.uniform(0.15, 0.5)
    return {
        "flat": np.zeros(len(d)),
        "plateau": np.minimum(d / rise, 1.0),
        "falling": normalised_gold(d * _FALLEN[exponent] / D_END, exponent),
    }


def gauss(
    expected: FloatArray, rng: np.random.Generator, understated: float | None = 1.0
) -> Columns:
    """Independent normal errors; stated ones are `understated` times too small, None = none."""
    gold = expected + NOISE * rng.standard_normal(len(expected))
    return {"gold_reward": gold} | _stated(len(gold), understated)


def heavy(expected: FloatArray, rng: np.random.Generator) -> Columns:
    """Student t with 3 degrees of freedom, scaled to the stated standard deviation."""
    t = rng.standard_t(3, len(expected)) / np.sqrt(3)
    return {"gold_reward": expected + NOISE * t} | _stated(len(t), 1.0)


def correlated(
    expected: FloatArray, rng: np.random.Generator, rho: float, understated: float | None = 1.0
) -> Columns:
    """AR(1) errors of lag-1 correlation rho, whose marginal standard deviation is stated."""
    errors = NOISE * autoregressive(rng, (1, len(expected)), rho)[0]
    return {"gold_reward": expected + errors} | _stated(len(errors), understated)


def outlier(expected: FloatArray, rng: np.random.Generator, size: float) -> Columns:
    """Normal errors, and one evaluation from the fourth on that is off by `size` of them."""
    columns = gauss(expected, rng)
    columns["gold_reward"][rng.integers(3, len(expected))] += size * NOISE
    return columns


def growing(expected: FloatArray, rng: np.random.Generator, growth: float, stated: str) -> Columns:
    """Errors that grow `growth` times over the run, NOISE their geometric mean.

    stated: "constant" states NOISE in every row, "first" the first row's error in every row.
    """
    n = len(expected)
    true = NOISE * growth ** np.linspace(-0.5, 0.5, n)
    gold = expected + true * rng.standard_normal(n)
    stated_se = {"constant": NOISE, "first": true[0]}[stated]
    return {"gold_reward": gold, "gold_reward_se": np.full(n, stated_se)}


def gaps(expected: FloatArray, rng: np.random.Generator, missing: float) -> Columns:
    """Normal errors, truly stated where they are; a share `missing` of the rows states none."""
    columns = gauss(expected, rng)
    columns["gold_reward_se"][rng.random(len(expected)) < missing] = np.nan
    return columns


def spread_between_responses(
    expected: FloatArray, rng: np.random.Generator, prompts: int, responses: int, icc: float,
    prompts_logged: bool = False,
) -> Columns:  # fmt: skip
    """Standard deviation and number of all responses, several to each of fresh prompts.

    Responses to one prompt are correlated by icc. Their spread is chosen so that the mean's true
    standard error is NOISE; sd / sqrt(n) is too small by `design_effect` ** .5.
    """
    n = prompts * responses
    sd = NOISE * np.sqrt(n / design_effect(responses, icc))
    levels = np.sqrt(icc) * rng.standard_normal((len(expected), prompts, 1))
    own = np.sqrt(1 - icc) * rng.standard_normal((len(expected), prompts, responses))
    scores = expected[:, None] + sd * (levels + own).reshape(len(expected), n)
    columns = {
        "gold_reward": scores.mean(axis=1),
        "gold_reward_sd": scores.std(axis=1, ddof=1),
        "n_responses": np.full(len(expected), n),
    }
    if prompts_logged:
        columns["n_prompts"] = np.full(len(expected), float(prompts))
    return columns


def few_prompts(expected: FloatArray, rng: np.random.Generator, prompts: int) -> Columns:
    """One response to each of few prompts; the stated error is their sd / sqrt(prompts)."""
    scores = NOISE * np.sqrt(prompts) * rng.standard_normal((len(expected), prompts))
    count = np.full(len(expected), float(prompts))
    return {
        "gold_reward": expected + scores.mean(axis=1),
        "gold_reward_se": scores.std(axis=1, ddof=1) / np.sqrt(prompts),
        "n_responses": count,
        "n_prompts": count,
    }


def rates(
    expected: FloatArray, rng: np.random.Generator, questions: int, responses: int, icc: float,
    logged: str,
) -> Columns:  # fmt: skip
    """Share of right responses, several to each of fresh questions that differ in difficulty.

    Difficulties are beta distributed, so that responses to one question are correlated by icc.
    logged: "n" states the number of responses, "se" the binomial error, "" neither; the rate is
    written with three decimals, as people print it.
    """
    p = np.clip(expected, 0.02, 0.98)[:, None] * np.ones(questions)
    strength = 1 / icc - 1
    right = rng.binomial(responses, rng.beta(p * strength, (1 - p) * strength))
    n = np.full(len(expected), float(questions * responses))
    share = right.sum(axis=1) / n
    columns = {"gold_reward": np.round(share, 3)}
    if logged == "n":
        columns["n_responses"] = n
    if logged == "se":
        columns["gold_reward_se"] = binomial_error(share, n)
    return columns


def moving_mean(
    expected: FloatArray, rng: np.random.Generator, rows: int, noise: float = NOISE
) -> Columns:
    """Gold that was smoothed before it was logged: the mean of the last `rows` rows, no errors."""
    raw = expected + noise * rng.standard_normal(len(expected))
    total = np.concatenate([[0.0], np.cumsum(raw)])
    end = np.arange(1, len(raw) + 1)
    start = np.maximum(end - rows, 0)
    return {"gold_reward": (total[end] - total[start]) / (end - start)}


def exponential_mean(
    expected: FloatArray, rng: np.random.Generator, weight: float, noise: float = NOISE
) -> Columns:
    """Gold as a running mean, `weight` on the new row, the first row as it is; no errors."""
    gold = expected + noise * rng.standard_normal(len(expected))
    for t in range(1, len(gold)):
        gold[t] = weight * gold[t] + (1 - weight) * gold[t - 1]
    return {"gold_reward": gold}


def design_effect(responses: int, icc: float) -> float:
    """Variance of a mean of prompts with several responses each, over that of independent ones.

    >>> round(design_effect(8, 0.5), 2)
    4.5
    """
    return 1 + (responses - 1) * icc


def _stated(count: int, understated: float | None) -> Columns:
    if understated is None:
        return {}
    return {"gold_reward_se": np.full(count, NOISE / understated)}


def _conditions() -> tuple[Condition, ...]:
    made = [
        Condition("gauss", "true errors, stated", gauss),
        Condition("gauss, no plan", "true errors, no plan of looks", gauss, planned=False),
        Condition("unstated", "no errors stated", partial(gauss, understated=None)),
    ]
    for prompts, responses, icc in (
        (100, 4, 0.2), (100, 4, 0.5), (100, 4, 0.8), (25, 8, 0.2), (25, 8, 0.5), (25, 8, 0.8),
        (50, 16, 0.2), (50, 16, 0.5), (50, 16, 0.8),
    ):  # fmt: skip
        log = partial(spread_between_responses, prompts=prompts, responses=responses, icc=icc)
        made.append(
            Condition(
                f"sd, {prompts} x {responses}, icc {number(icc)}",
                f"sd and n of {prompts} prompts with {responses} responses, correlated by "
                f"{number(icc)}",
                log,
                setting={"understated": round(design_effect(responses, icc) ** 0.5, 2)},
            )
        )
    log = partial(spread_between_responses, prompts=25, responses=8, icc=0.5, prompts_logged=True)
    made.append(Condition("sd, prompts logged", "the same, with n_prompts, icc .5", log))
    for logged, words in (("n", "n stated"), ("se", "binomial errors stated"), ("", "no n")):
        log = partial(rates, questions=50, responses=8, icc=0.4, logged=logged)
        name = f"rate, 50 x 8, {words}"
        made.append(Condition(name, f"rate of 50 questions x 8, {words}", log, kind="rate"))
    for factor, most in ((1.25, 0.05), (1.5, 0.05), (2.0, 0.10)):
        made.append(
            Condition(
                f"errors / {number(factor)}",
                f"stated errors {number(factor)} times too small",
                partial(gauss, understated=factor),
                claimed=most,
                setting={"understated": factor},
            )
        )
    made.append(Condition("t3", "heavy tails: Student t with 3 degrees of freedom", heavy))
    for n in (21, 48):
        for rho in (0.3, 0.6):
            words = f"{n} evaluations, neighbours correlated by {number(rho)}"
            made.append(Condition(f"ar {number(rho)}, {n}", words, partial(correlated, rho=rho), n))
            made.append(
                Condition(
                    f"ar {number(rho)}, {n}, unstated", f"{words}, no errors stated",
                    partial(correlated, rho=rho, understated=None), n, asked=False,
                )
            )  # fmt: skip
    for size in (5, -5, 10, -10):
        most = 0.10 if size == -5 else 0.05
        words = f"one evaluation off by {signed(size, 0)} standard errors"
        log = partial(outlier, size=size)
        made.append(Condition(f"outlier {'+' if size > 0 else ''}{size}", words, log, claimed=most))
    for size in (-5, -10):
        words = f"11 evaluations, one off by {number(size)} standard errors"
        log = partial(outlier, size=size)
        made.append(Condition(f"outlier {size}, 11", words, log, 11, asked=False))
    made += [
        Condition(
            "growth", "errors grow fourfold under one constant stated error",
            partial(growing, growth=4.0, stated="constant"),
        ),
        Condition(
            "growth, first error", "errors grow fourfold, the first one stated throughout",
            partial(growing, growth=4.0, stated="first"), asked=False,
        ),
        Condition(
            "4 prompts", "errors from 4 prompts", partial(few_prompts, prompts=4), asked=False
        ),
        Condition("8 prompts", "errors from 8 prompts", partial(few_prompts, prompts=8)),
        Condition("16 prompts", "errors from 16 prompts", partial(few_prompts, prompts=16)),
        Condition("gaps .15", "errors missing in 15 % of the rows", partial(gaps, missing=0.15)),
        Condition("gaps .4", "errors missing in 40 % of the rows", partial(gaps, missing=0.4)),
        Condition(
            "moving mean 5", "280 training rows, each the mean of the last five",
            partial(moving_mean, rows=5, noise=0.2), 280, source="training",
        ),
        Condition(
            "moving mean 5, no plan", "the same, and no plan of looks",
            partial(moving_mean, rows=5, noise=0.2), 280, planned=False, source="training",
        ),
    ]  # fmt: skip
    for weight in (0.1, 0.3, 0.6):
        log = partial(exponential_mean, weight=weight)
        words = f"running mean with weight {number(weight)} on the new evaluation"
        called = 0.70 if weight < 0.6 else 0.80
        made.append(Condition(f"ema {number(weight)}", words, log, called=called))
    return tuple(made)


CONDITIONS = _conditions()
"""The conditions of the battery; `asked` ones carry the promise, the others are told beside."""
