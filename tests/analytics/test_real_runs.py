"""Verdicts on genuine logs, read straight from their files, and on curves known exactly."""

import json
from pathlib import Path

import polars as pl
import pytest

from analytics.onset import verdict
from tests.data.tables import make_tables

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "tests" / "data" / "tables"


def trl(name, completions=True):
    folder = ROOT / "data" / "examples" / name
    state = json.loads((folder / "trainer_state.json").read_text())
    history = state["log_history"]
    rows = []
    for entry in history:
        for prefix, source in (("", "training"), ("eval_", "evaluation")):
            if f"{prefix}rewards/gold_rm/mean" not in entry:
                continue
            kl = entry[f"{prefix}kl"] * entry[f"{prefix}completions/mean_length"]
            rewards = [entry[f"{prefix}rewards/{of}_rm/mean"] for of in ("gold", "proxy")]
            rows.append(
                {
                    "source": source,
                    "step": entry["step"],
                    "kl": kl,
                    "g": rewards[0],
                    "p": rewards[1],
                }
            )
    table = pl.DataFrame(rows).select(
        "source",
        "step",
        pl.lit(0).alias("stretch"),
        "kl",
        pl.col("g").alias("gold_reward"),
        pl.lit(None, dtype=pl.Float64).alias("gold_reward_se"),
        pl.lit(None, dtype=pl.Float64).alias("gold_reward_sd"),
        pl.lit(None, dtype=pl.Int64).alias("n_responses"),
        pl.col("p").alias("proxy_reward"),
    )
    prompts = None
    files = sorted((folder / "completions").glob("*.parquet")) if completions else []
    if files:
        columns = ["step", "prompt", "gold_rm", "proxy_rm"]
        prompts = (
            pl.concat([pl.read_parquet(file, columns=columns) for file in files])
            .group_by("step", pl.col("prompt").alias("prompt_id"))
            .agg(
                pl.len().alias("n"),
                pl.col("gold_rm").mean().alias("gold_reward"),
                pl.col("proxy_rm").mean().alias("proxy_reward"),
            )
        )
    path = table.filter(pl.col("source") == "training").select(
        "step", "stretch", "kl", "proxy_reward"
    )
    facts = {
        "run_id": name,
        "gold_kind": "score",
        "kl_conversion": "exact",
        "max_steps": state["max_steps"],
    }
    return table, path, facts, prompts


@pytest.mark.parametrize("completions", [True, False])
def test_r3_has_a_hump(completions):
    row = verdict(*trl("r3_grpo_bigrm", completions)).row
    assert row["status"] == "overoptimized"
    assert row["peak"]["kl_low"] <= 5.0 <= row["peak"]["kl_high"] < 20
    assert row["peak"]["step_low"] <= 216 <= row["peak"]["step_high"]
    assert 216 < row["alarm"]["step"] <= 368
    assert row["rows_per_look"] == 8 and row["looks"] == 25
    assert row["plan"] == {"looks": 25, "stated": True}
    assert 0.5 < row["gold_lost"]["low"] < row["gold_lost"]["high"] < 2.5


def test_r3_is_found_without_its_plan():
    gold, path, facts, prompts = trl("r3_grpo_bigrm")
    row = verdict(gold, path, {**facts, "max_steps": None}, prompts).row
    assert row["status"] == "overoptimized"
    assert row["peak"]["kl_low"] <= 5.0 <= row["peak"]["kl_high"] < 20


@pytest.mark.parametrize("completions", [True, False])
def test_r2_is_healthy(completions):
    row = verdict(*trl("r2_grpo_highkl", completions)).row
    assert row["status"] == "no_onset"
    assert row["alarm"] is None and row["peak"]["kl_high"] is None
    assert 0.1 < row["detectable"] < 0.8


def test_r2_is_healthy_at_every_pinned_view():
    log = trl("r2_grpo_highkl")
    statuses = {verdict(*log, until=until).row["status"] for until in range(80, 401, 40)}
    assert statuses == {"no_onset"}


def test_r5_falls_hard_after_a_small_early_peak():
    row = verdict(*trl("r5_rloo")).row
    assert row["status"] == "overoptimized"
    assert row["alarm"]["step"] < 150
    assert row["peak"]["kl_high"] < 10
    assert row["gold_lost"]["low"] > 3


def test_r6_takes_its_evaluations():
    row = verdict(*trl("r6_grpo_resume")).row
    assert (row["gold_source"], row["gold_evaluations"]) == ("evaluation", 8)
    assert row["status"] == "overoptimized"
    assert {"peak_at_start", "gold_noise_unknown"} <= set(row["flags"])


QUESTIONS = 500
"""Of MATH-500, each answered once; the log itself does not say."""


def accuracy(name):
    log = pl.read_csv(TABLES / f"{name}.csv", infer_schema_length=None)
    path = log.select(
        "step",
        pl.lit(0).alias("stretch"),
        pl.lit(None, dtype=pl.Float64).alias("kl"),
        pl.col("reward_avg").alias("proxy_reward"),
    )
    empty = [pl.lit(None, dtype=pl.Float64).alias(f"gold_reward_{of}") for of in ("se", "sd")]
    gold = log.filter(pl.col("eval_acc").is_not_null()).select(
        pl.lit("evaluation").alias("source"),
        "step",
        pl.lit(0).alias("stretch"),
        pl.lit(None, dtype=pl.Float64).alias("kl"),
        pl.col("eval_acc").alias("gold_reward"),
        *empty,
        pl.lit(QUESTIONS).alias("n_responses"),
        pl.lit(QUESTIONS).alias("n_prompts"),
        pl.col("reward_avg").alias("proxy_reward"),
    )
    return gold, path, {"run_id": name, "gold_kind": "rate", "kl_conversion": "missing"}


def test_gamed_format_reward_is_found_over_steps():
    row = verdict(*accuracy("format_reward")).row
    assert row["status"] == "overoptimized"
    assert row["axis"] == "step" and "kl_missing" in row["flags"]
    assert row["peak"]["step_low"] <= 100 and row["peak"]["step_high"] <= 149
    assert row["alarm"]["step"] <= 200
    assert "number of prompts" in row["noise"] and "clustered_unknown" not in row["flags"]


def test_collapse_is_not_called_overoptimization():
    assert verdict(*accuracy("kl_collapse")).row["status"] == "collapsed"


@pytest.mark.parametrize("name", ["exact_curve", "exact_dynamics"])
def test_exact_curves_give_the_exact_peak(name):
    kl, gold = make_tables.PEAK_KL, make_tables.PEAK_GOLD
    curve = pl.read_csv(TABLES / f"{name}.csv").sort("kl")
    if "step" not in curve.columns:
        curve = curve.with_row_index("step")
    empty = [pl.lit(None, dtype=pl.Float64).alias(f"gold_reward_{of}") for of in ("se", "sd")]
    table = curve.select(
        pl.lit("evaluation").alias("source"),
        pl.col("step").cast(pl.Int64),
        pl.lit(0).alias("stretch"),
        "kl",
        pl.col("gold").alias("gold_reward"),
        *empty,
        pl.lit(None, dtype=pl.Int64).alias("n_responses"),
        pl.col("proxy").alias("proxy_reward"),
    )
    path = table.select("step", "stretch", "kl", "proxy_reward")
    row = verdict(table, path, {"gold_kind": "score", "kl_conversion": "exact"}).row
    assert row["status"] == "overoptimized"
    assert row["peak"]["kl"] == pytest.approx(kl, abs=0.01)
    assert row["peak"]["gold"] == pytest.approx(gold, abs=0.001)
    assert row["peak"]["kl_low"] < kl < row["peak"]["kl_high"]
    assert "gold_noise_unknown" not in row["flags"]
