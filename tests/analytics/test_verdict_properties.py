"""What must not change a verdict: units of gold, the order of rows; and what more noise does."""

import numpy as np
import polars as pl
import pytest

from analytics.onset import verdict
from analytics.simulated import gold_measurements, simulate

FACTS = {"run_id": "r", "kl_conversion": "exact", "gold_kind": "score"}
KL_KEYS = ("kl", "kl_low", "kl_high")


def judged(gold):
    return verdict(gold, gold.select("step", "stretch", "kl", "proxy_reward"), FACTS).row


def places(row):
    """Everything of a verdict that lies on the KL axis."""
    found = {"status": row["status"], "alarm": row["alarm"] and row["alarm"]["kl"]}
    for name in ("peak", "peak_model", "forecast", "kl_1_percent", "cliff"):
        for key in KL_KEYS:
            found[f"{name}.{key}"] = row[name] and row[name][key]
    following = row["next_evaluation"]
    for key in ("kl", "evaluations"):
        found[f"next.{key}"] = following and following[key]
    return found


@pytest.mark.parametrize("kind", ["rl", "bon", "cliff", "tent", "late", "plateau"])
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 50.0), (250.0, 0.0), (0.004, -3.0)])
def test_units_of_gold_leave_every_interval_where_it_is(kind, scale, shift):
    gold = gold_measurements(simulate(kind, "base_n20_s05", 11))
    other = gold.with_columns(
        pl.col("gold_reward") * scale + shift, pl.col("gold_reward_se") * scale
    )
    one, two = places(judged(gold)), places(judged(other))
    assert one.keys() == two.keys()
    for key, value in one.items():
        exact = value is None or isinstance(value, str)
        assert two[key] == (value if exact else pytest.approx(value, rel=1e-5)), key


@pytest.mark.parametrize("kind", ["rl", "linear"])
def test_order_of_rows_changes_nothing(kind):
    gold = gold_measurements(simulate(kind, "base_n20_s05", 12))
    shuffled = gold.sample(fraction=1.0, shuffle=True, seed=1)
    assert judged(shuffled) == judged(gold)


def test_more_noise_never_makes_the_interval_surer_on_average():
    widths = []
    for noise in (0.02, 0.05, 0.10):
        found = []
        for seed in range(12):
            run = simulate("rl", "clean_n20_s02", seed).frame
            rng = np.random.default_rng(seed)
            gold = run["truth"].to_numpy() + noise * rng.standard_normal(run.height)
            table = gold_measurements(simulate("rl", "clean_n20_s02", seed)).with_columns(
                pl.Series("gold_reward", gold), pl.lit(noise).alias("gold_reward_se")
            )
            peak = judged(table)["peak"]
            high = peak["kl_high"] if peak["kl_high"] is not None else 144.0
            found.append(np.sqrt(high) - np.sqrt(peak["kl_low"]))
        widths.append(np.mean(found))
    assert widths[0] < widths[1] < widths[2]
