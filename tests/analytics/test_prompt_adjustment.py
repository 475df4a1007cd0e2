"""Prompt levels taken out of training gold: it helps, it is causal, it invents nothing."""

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict
from analytics.onset.evidence.measurements import gold_rows
from analytics.onset.labels.prompt_adjustment import adjusted

FACTS = {"gold_kind": "score", "kl_conversion": "exact", "max_steps": 200}


def log(seed=0, rows=100, prompts=32, per=4, spread=0.6, trend=None, order=None, logged=1.0):
    """Gold of batches of `per` prompts with levels of their own around a trend."""
    rng = np.random.default_rng(seed)
    level = spread * rng.standard_normal(prompts)
    trend = np.zeros(rows) if trend is None else trend
    gold, cells, waiting = [], [], []
    for t in range(rows):
        if order is None and len(waiting) < per:
            waiting += rng.permutation(prompts).tolist()
        ids = [waiting.pop(0) for _ in range(per)] if order is None else order(t, level, rng)
        values = trend[t] + level[ids] + 0.3 * rng.standard_normal(len(ids))
        # a part of the responses behind a row may not be logged
        unseen = trend[t] + level[rng.integers(0, prompts, len(ids))].mean()
        gold.append(logged * values.mean() + (1 - logged) * unseen)
        cells += [(t + 1, f"p{i}", 12, v) for i, v in zip(ids, values, strict=True)]
    table = pl.DataFrame({"step": np.arange(1, rows + 1), "gold_reward": gold}).with_columns(
        pl.lit("training").alias("source"),
        pl.lit(0).alias("stretch"),
        (pl.col("step") / 10).alias("kl"),
        (pl.col("step") / 50).alias("proxy_reward"),
        *(
            pl.lit(None, dtype=pl.Float64).alias(name)
            for name in ("gold_reward_se", "gold_reward_sd", "n_responses")
        ),
    )
    frame = pl.DataFrame(cells, ["step", "prompt_id", "n", "gold_reward"], orient="row")
    return table, frame.unique(["step", "prompt_id"], keep="first", maintain_order=True)


def rows_of(table):
    return gold_rows(table, "training", None)


@pytest.mark.parametrize("logged", [1.0, 0.5])
def test_noise_shrinks_and_the_mean_stays(logged):
    shifts, before, after = [], [], []
    for seed in range(12):
        table, cells = log(seed, logged=logged)
        new, done = adjusted(rows_of(table), cells)
        late = slice(50, None)
        before.append(np.var(rows_of(table).gold[late]))
        after.append(np.var(new.gold[late]))
        shifts.append(np.mean(new.gold - rows_of(table).gold))
        assert done.prompts > 25 and done.rows > 40
    assert np.mean(after) < (0.75 if logged == 1 else 0.9) * np.mean(before)
    assert abs(np.mean(shifts)) < 3 * np.std(shifts) / np.sqrt(12) + 0.01


def test_nothing_after_a_row_enters_it():
    table, cells = log(3, trend=np.linspace(0, 2, 100))
    whole = adjusted(rows_of(table), cells)[0].gold
    for count in (30, 60, 90):
        part = adjusted(rows_of(table.head(count)), cells.filter(pl.col("step") <= count))[0]
        assert part.gold.tolist() == whole[:count].tolist()


def test_order_of_the_logged_cells_does_not_matter():
    table, cells = log(4)
    one = adjusted(rows_of(table), cells)[0].gold
    other = adjusted(rows_of(table), cells.sample(fraction=1.0, shuffle=True, seed=1))[0].gold
    assert one.tolist() == other.tolist()


def test_a_constant_and_a_unit_pass_through():
    table, cells = log(5)
    one = adjusted(rows_of(table), cells)[0].gold
    scaled = pl.col("gold_reward") * 8 + 3
    other = adjusted(rows_of(table.with_columns(scaled)), cells.with_columns(scaled))[0].gold
    assert other == pytest.approx(8 * one + 3, abs=1e-9)


def test_prompts_that_never_return_change_nothing():
    table, cells = log(6)
    once = cells.with_columns(
        pl.format("{}-{}", pl.col("step"), pl.col("prompt_id")).alias("prompt_id")
    )
    new, done = adjusted(rows_of(table), once)
    assert done is None and new.gold.tolist() == rows_of(table).gold.tolist()
    assert adjusted(rows_of(table), cells.clear())[1] is None


def test_levels_that_explain_nothing_are_left_alone():
    taken = []
    for seed in range(10):
        table, cells = log(seed, spread=0.0)
        done = adjusted(rows_of(table), cells)[1]
        taken.append(0 if done is None else done.rows)
    assert np.mean(taken) < 10


def from_easy_to_hard(t, level, rng):
    """All prompts at random first, then the easy ones, the hard ones last."""
    count = len(level)
    if t < 40:
        return rng.choice(count, 4, replace=False)
    ranked = np.argsort(-level)
    start = int((t - 40) / 60 * (count - 8))
    return ranked[start + rng.choice(8, 4, replace=False)]


def test_a_curriculum_is_not_taken_for_a_fall():
    table, cells = log(7, order=from_easy_to_hard, spread=1.0)
    path = table.select("step", "stretch", "kl", "proxy_reward")
    raw = verdict(table, path, FACTS).row
    corrected = verdict(table, path, FACTS, cells).row
    assert raw["status"] == "overoptimized"
    fall = [np.mean(g[40:60]) - np.mean(g[80:]) for g in
            (rows_of(table).gold, adjusted(rows_of(table), cells)[0].gold)]  # fmt: skip
    assert fall[0] > 1.0 and abs(fall[1]) < 0.4 * fall[0]
    assert corrected["prompt_adjustment"]["explained"] > 0.5


def test_flat_gold_hardly_ever_alarms_and_a_fall_is_seen_sooner():
    path = log(0)[0].select("step", "stretch", "kl", "proxy_reward")
    rows = [verdict(*_with(path, *log(seed))).row for seed in range(12)]
    assert sum(row["status"] != "no_onset" for row in rows) <= 2
    fall = np.minimum(0, -(np.arange(100) - 40) / 60.0)
    earlier = []
    for seed in range(6):
        table, cells = log(seed, trend=fall)
        alarms = [verdict(table, path, FACTS, given).row["alarm"] for given in (cells, None)]
        earlier.append(alarms[0]["step"] - (alarms[1]["step"] if alarms[1] else 101))
    assert np.mean(earlier) < 0


def _with(path, table, cells):
    return table, path, FACTS, cells


def test_the_verdict_says_what_was_done():
    table, cells = log(8)
    path = table.select("step", "stretch", "kl", "proxy_reward")
    row = verdict(table, path, FACTS, cells).row
    done = row["prompt_adjustment"]
    assert 0.3 < done["se_ratio"] < 1 and done["prompts"] == 32
    text = " ".join(row["reasons"])
    assert "levels of 32 prompts" in text and "standard errors" in text
    assert verdict(table, path, FACTS).row["prompt_adjustment"] is None
    evaluation = table.with_columns(pl.lit("evaluation").alias("source"))
    assert verdict(evaluation, path, FACTS, cells).row["prompt_adjustment"] is None
