"""A verdict comes of any numbers: exact, constant, huge, tiny, without KL, with absurd errors."""

import json
from itertools import product

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict

KINDS = {"gold_reward_se": pl.Float64, "gold_reward_sd": pl.Float64, "n_responses": pl.Int64}


def odd(seed: int) -> tuple[pl.DataFrame, dict[str, str]]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 45))
    x = np.sort(rng.uniform(0, 1, n))
    golds = [
        x, 0 * x, 1 - x, x * (1 - x), np.where(x < 0.5, x, -1e6), 1e-12 * rng.standard_normal(n),
        (x > 0.5) * 1.0, np.round(x, 1), 1e8 * x,
    ]  # fmt: skip
    kls = [10 * x, 0 * x, 1e-9 * x, -x, 1e6 * x, np.full(n, np.nan), rng.uniform(0, 9, n)]
    noise = rng.choice([0, 0, 1e-9, 0.01, 0.3])
    gold = golds[rng.integers(len(golds))] + noise * rng.standard_normal(n)
    frame = pl.DataFrame(
        {
            "source": ["table"] * n, "step": list(range(0, 10 * n, 10)), "stretch": [0] * n,
            "kl": kls[rng.integers(len(kls))], "gold_reward": gold,
            "gold_reward_se": [rng.choice([None, 0.0, 1e-12, 0.01, 1e9])] * n,
            "gold_reward_sd": [rng.choice([None, 0.0, 0.5])] * n,
            "n_responses": [rng.choice([None, 1, 100])] * n, "proxy_reward": x,
        },
        schema_overrides=KINDS,
    )  # fmt: skip
    facts = {"run_id": "r", "project": "p", "kl_conversion": "exact"}
    facts["gold_kind"] = str(rng.choice(["score", "rate", "win_rate"]))
    facts["algorithm"] = str(rng.choice(["grpo", "best_of_n"]))
    return frame, facts


@pytest.mark.parametrize(
    ("start", "many"),
    [(0, 10), *(pytest.param(start, 20, marks=pytest.mark.long) for start in range(0, 120, 20))],
)
def test_any_numbers_give_a_verdict_that_json_can_hold(start: int, many: int) -> None:
    for seed in [*range(start, start + many), 368 + start, 388 + start]:
        frame, facts = odd(seed)
        path = frame.select("step", "stretch", "kl", "proxy_reward")
        row = verdict(frame, path, facts).row
        json.dumps(row, allow_nan=False)
        assert row["status"] and row["reasons"], seed


PLACES = [
    (row, column, broken)
    for row in range(3)
    for column in range(3)
    for broken in range(3)
    if (row + column + broken) % 3 == 0
]
"""A third of all: each two of a row, a column and a number meet once."""


@pytest.mark.parametrize(
    ("row", "column", "broken"),
    [
        pytest.param(*place, marks=[pytest.mark.long] * (place not in PLACES))
        for place in product(range(3), repeat=3)
    ],
)
def test_one_broken_number_of_a_log_costs_no_verdict(row: int, column: int, broken: int) -> None:
    x = np.arange(120) / 12
    frame = pl.DataFrame(
        {"source": ["table"] * 120, "step": range(120), "stretch": [0] * 120, "kl": x,
         "gold_reward": x / 4 - x**2 / 40 + 0.05 * np.sin(9 * x), "gold_reward_se": [None] * 120,
         "gold_reward_sd": [None] * 120, "n_responses": [None] * 120, "proxy_reward": x / 9},
        schema_overrides=KINDS,
    )  # fmt: skip
    name = ("kl", "gold_reward", "proxy_reward")[column]
    there = pl.col("step") == (3, 60, 119)[row]
    value = pl.when(there).then((1e300, -1e300, 5e-324)[broken]).otherwise(pl.col(name))
    one = frame.with_columns(value.alias(name))
    path = one.select("step", "stretch", "kl", "proxy_reward")
    judged = verdict(one, path, {"run_id": "r", "project": "p", "kl_conversion": "exact"}).row
    json.dumps(judged, allow_nan=False)
    assert judged["status"] and judged["reasons"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("error", [1e-9, 1e-20, 1e-120, 1e-160, 1e-300, 5e-324])
def test_an_error_stated_as_next_to_nothing_costs_no_verdict(error: float) -> None:
    """One evaluation that claims it, then two of three: each decides alike, however small."""
    x = np.arange(30) / 10
    rng = np.random.default_rng(4)
    frame = pl.DataFrame(
        {"source": ["table"] * 30, "step": range(30), "stretch": [0] * 30, "kl": x,
         "gold_reward": 2 * np.sin(x) + 0.05 * rng.standard_normal(30), "gold_reward_se": 0.05,
         "gold_reward_sd": [None] * 30, "n_responses": [None] * 30, "proxy_reward": x},
        schema_overrides=KINDS,
    )  # fmt: skip
    path = frame.select("step", "stretch", "kl", "proxy_reward")
    found = []
    for tiny in (pl.col("step") == 14, pl.col("step") % 3 > 0):
        for stated in (error, 5e-8):
            asked = frame.with_columns(
                pl.when(tiny).then(stated).otherwise("gold_reward_se").alias("gold_reward_se")
            )
            row = verdict(
                asked, path, {"run_id": "r", "project": "p", "kl_conversion": "exact"}
            ).row
            found.append(row["status"])
    assert found[0] == found[1] and found[2] == found[3], found
