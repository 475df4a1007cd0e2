"""What a verdict recommends: candidates after alarms that stand, measurements, or nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.__main__ import main
from analytics.onset import judge, verdict
from analytics.onset.choosing.candidates import best_candidate, measured
from analytics.onset.judging.recommendation import among_all
from analytics.quality.candidates import judged, summary
from data.columns import ReadOptions
from data.incoming.importing import import_paths

CANDIDATE = {
    "action", "checkpoint", "step", "kl", "gold", "p_better", "past_peak", "responses_to_confirm",
    "gain", "cost", "reason",
}  # fmt: skip
MEASURE = {"action", "kl", "evaluations", "responses", "reason"}
STEPS = np.arange(21) * 10
NOISE = np.random.default_rng(5).standard_normal(21)
TRUTH = np.minimum(STEPS / 100, 1) - np.clip((STEPS - 100) / 100, 0, 1)


def frame(**columns: Any) -> pl.DataFrame:
    """Gold of 21 evaluations that rises to 1 at step 100 and falls to 0, errors of .05."""
    rows = {
        "step": STEPS, "kl": STEPS / 2.0, "gold_reward": TRUTH + 0.05 * NOISE,
        "gold_reward_se": np.full(21, 0.05), "n_responses": np.full(21, 200),
        "n_prompts": np.full(21, 200), "proxy_reward": STEPS / 100,
    }  # fmt: skip
    return pl.DataFrame(rows | columns)


def test_a_checkpoint_near_the_peak_is_the_candidate_after_a_fall() -> None:
    advice = judge(frame(), checkpoints=[50, 100, 150, 200]).recommendation
    assert advice is not None and set(advice) == CANDIDATE and advice["action"] == "candidate"
    assert (advice["checkpoint"], advice["step"], advice["kl"]) == ("checkpoint-100", 100, 50.0)
    assert advice["gold"]["low"] < 1 < advice["gold"]["high"]
    assert advice["gain"] == pytest.approx(1, abs=0.2) and advice["cost"] == 100
    assert advice["p_better"] == 0.99 and not advice["past_peak"]
    assert advice["responses_to_confirm"] == 50
    assert advice["reason"].startswith("Best saved candidate: checkpoint-100 (KL 50 nats): gold ")
    late = judge(frame(), checkpoints=[150]).recommendation
    assert late is not None and late["past_peak"] and "past the peak" in late["reason"]


def test_a_checkpoint_between_evaluations_is_no_surer_than_the_worse_of_them() -> None:
    on = judge(frame(), checkpoints=[100]).recommendation
    between = judge(frame(), checkpoints=[105]).recommendation
    assert on is not None and between is not None and between["kl"] == pytest.approx(52.5)
    assert between["gold"]["low"] < min(on["gold"]["low"], TRUTH[11])
    assert between["gold"]["high"] > TRUTH[10]


@pytest.mark.parametrize(
    ("columns", "saved", "action", "why"),
    [
        ({}, [], "none", "no saved checkpoint"),
        ({"gold_reward": np.where(STEPS < 100, TRUTH, 0.5) + 0.05 * NOISE, "n_prompts": None},
         [175], "none", "likely to be better"),
        ({}, [250], "none", "none of 1 saved checkpoint lies between"),
        ({"gold_reward_se": np.full(21, np.nan), "n_responses": None, "n_prompts": None},
         [100], "none", "how noisy gold is"),
        ({"gold_version": ["a"] * 3 + ["b"] * 18}, [100], "none", "judge of gold changed"),
        ({"gold_reward": TRUTH.max() + STEPS / 100}, [100], "none", "No alarm stands"),
        ({"gold_source": ["training"] * 21}, [100], "measure", "held-out prompts"),
        ({"gold_reward": [1.0, *[None] * 20]}, [100], "measure", "Too little gold"),
        ({"gold_reward": [None] * 21}, [100], "measure", "No gold was measured"),
    ],
)  # fmt: skip
def test_without_a_candidate_the_reason_is_told(
    columns: dict[str, Any], saved: list[int], action: str, why: str
) -> None:
    advice = judge(frame(**columns), checkpoints=saved).recommendation
    assert advice is not None and advice["action"] == action and why in advice["reason"]
    assert set(advice) == (MEASURE if action == "measure" else {"action", "reason"})
    json.dumps(advice, allow_nan=False)


def test_a_checkpoint_that_is_hardly_better_is_to_be_measured() -> None:
    gold = np.where(STEPS < 100, TRUTH, 0.5)  # it fell at once, and is flat since
    rows = frame(gold_reward=gold + 0.05 * NOISE)
    advice = judge(rows, checkpoints=[180]).recommendation
    assert advice is not None and advice["action"] == "measure" and advice["evaluations"] == 2
    assert "checkpoint-180 may be" in advice["reason"] and advice["responses"] > 50


def test_an_alarm_that_falls_among_all_runs_has_no_candidate() -> None:
    advice = {"action": "candidate", "reason": "r"}
    alarm = {"step": 1, "withdrawn": None}

    def row(run: str, e: float, alarm: dict[str, Any] | None, project: str = "p") -> dict[str, Any]:
        return {"run": run, "project": project, "e_value": e, "alarm": alarm,
                "recommendation": advice}  # fmt: skip

    rows = [row("a", 900, alarm), row("b", 2, alarm), row("c", 0.1, None), row("d", 2, alarm, "q")]
    found = among_all(rows)
    assert [found[run]["action"] for run in "abcd"] == ["candidate", "none", *["candidate"] * 2]
    assert "all runs of its project" in found["b"]["reason"]


def test_the_command_tells_it_of_checkpoint_folders(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for step in (100, 200):
        (run / f"checkpoint-{step}").mkdir()
    rows = frame().with_columns(reward="proxy_reward").to_dicts()
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    home.mkdir()
    import_paths(home, [run], ReadOptions())
    assert main(["verdict", "--json"]) == 0
    advice = json.loads(capsys.readouterr().out)[0]["recommendation"]
    assert (advice["action"], advice["checkpoint"]) == ("candidate", "checkpoint-100")
    assert main(["verdict"]) == 0
    assert "Best saved candidate: checkpoint-100" in " ".join(capsys.readouterr().out.split())


def test_only_checkpoints_with_gold_around_them_are_measured() -> None:
    steps = np.array([10.0, 20.0, 30.0])
    assert measured([30, 5, 10, 10, 15, 25], steps) == [10, 15]


def test_choosing_among_equals_does_not_flatter() -> None:
    """Gold that is flat and then falls: the best of 20 of its checkpoints is not above the flat."""
    truth = np.where(np.arange(30) < 22, 1.0, 0.0)
    rng = np.random.default_rng(1)
    raw, corrected = [], []
    for _ in range(60):
        gold = truth + 0.2 * rng.standard_normal(30)
        best = best_candidate(
            list(range(20)), np.arange(30.0), gold, truth, np.full(30, 0.2), 0.0, np.inf
        )
        raw.append(gold[best.step] - 1)
        corrected.append(best.gold[0] - 1)
    assert np.mean(raw) > 0.1, "the winner's curse is there"
    assert abs(np.mean(corrected)) < 0.08


def test_ninety_percent_is_right_in_nine_of_ten() -> None:
    """A part of what `python -m analytics.quality candidates` measures on 500 runs a case."""
    row = summary(judged("sparse_n10_s05", "tent", 10, 7)["end"])
    assert row["told"] > 0.5 and row["right"] >= 0.9 and row["coverage"] >= 0.7


def test_the_same_rows_in_another_order_give_the_same() -> None:
    once = judge(frame(), checkpoints=[50, 100]).recommendation
    assert judge(frame().reverse(), checkpoints=[100, 50, 100]).recommendation == once


def test_every_verdict_has_one() -> None:
    nothing = frame().select(pl.lit("evaluation").alias("source"), pl.col("step").cast(pl.Int64),
                             "gold_reward", "kl").clear()  # fmt: skip
    assert verdict(nothing, nothing, {}).recommendation["action"] == "measure"


def test_a_run_without_gold_is_told_what_a_hundred_labels_decide() -> None:
    advice = judge(frame(gold_reward=[None] * 21)).recommendation
    assert advice is not None and (advice["evaluations"], advice["responses"]) == (4, 100)
    assert (
        advice["kl"] == 100 and "a fall at the end of 0.6 standard deviations" in advice["reason"]
    )
    rng = np.random.default_rng(3)
    gold = rng.standard_normal((4000, 4)) / np.sqrt(25) - np.array([1, 0, 0, 0.6])
    fall = gold[:, 1:3].mean(axis=1) - gold[:, 3]
    seen = fall / np.sqrt(1 / 25 + 1 / 50) > 1.645
    assert seen.mean() == pytest.approx(0.8, abs=0.03)
