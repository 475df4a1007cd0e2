"""Fixed responses that the judge scores each time: its drift is told from the policy's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.figures.runs.anchors import anchors_figure
from analytics.onset.evidence.measurements import HELPED, FloatArray
from analytics.onset.labels.judge_drift import ALARM, corrected, judge_drift, of_judge
from analytics.onset.sentences.labels import drift_sentences
from analytics.quality.anchors import ANCHORS, ERROR, JUDGES, LOOKS, scores

STILL = np.zeros(LOOKS)
MOVED = np.where(np.arange(LOOKS) >= 10, -5 * ERROR, 0.0)


def anchors(seed: int, moved: FloatArray = STILL, judge: str = "normal") -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    scatter = JUDGES[judge](rng, (len(moved), ANCHORS))
    return scores(scatter, rng.standard_normal(ANCHORS), moved)


@pytest.mark.parametrize("judge", JUDGES)
def test_a_stable_judge_is_hardly_ever_told_to_drift(judge: str) -> None:
    """300 to 500 runs of each in `python -m analytics.quality anchors`."""
    found = [judge_drift(anchors(seed, judge=judge)) for seed in range(25)]
    assert sum(one is not None and one.found for one in found) <= 2


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_judge_that_moves_is_told_soon_and_measured(sign: int) -> None:
    one = judge_drift(anchors(1, sign * MOVED))
    assert one is not None and one.since is not None
    assert 100 <= one.since <= 130, "before ten evaluations nothing had moved"
    assert one.moved[-1] == pytest.approx(sign * MOVED[-1], abs=4 * ERROR)
    assert one.error == pytest.approx(ERROR, rel=0.15)


def test_a_judge_that_repeats_itself_is_seen_to_move_at_once() -> None:
    still, moved = (judge_drift(anchors(2, at, "repeats itself")) for at in (STILL, MOVED))
    assert still is not None and not still.found and float(still.log_e.max()) <= np.log(ALARM)
    assert moved is not None and moved.since == 100
    assert moved.moved[-1] == pytest.approx(MOVED[-1]) and moved.error == pytest.approx(0, abs=1e-6)


def test_a_level_or_unit_changes_nothing_and_neither_does_the_order_of_rows() -> None:
    one = judge_drift(anchors(3, MOVED))
    other = judge_drift(
        anchors(3, MOVED)
        .with_columns(score=1e4 + 100 * pl.col("score"))
        .sample(fraction=1, shuffle=True, seed=1)
    )
    assert one is not None and other is not None
    assert one.log_e == pytest.approx(other.log_e, rel=1e-5, abs=1e-5)
    assert 100 * one.moved == pytest.approx(other.moved, abs=1e-6)


def test_later_evaluations_change_no_earlier_evidence() -> None:
    whole, early = (
        judge_drift(frame)
        for frame in (anchors(4, MOVED), anchors(4, MOVED).filter(pl.col("step") < 150))
    )
    assert whole is not None and early is not None
    assert whole.log_e[:15] == pytest.approx(early.log_e)


@pytest.mark.parametrize("fault", ["few", "two times", "others each time"])
def test_what_cannot_be_told_is_said_to_be(fault: str) -> None:
    every = anchors(5, MOVED)
    drift = judge_drift({
        "few": every.filter(pl.col("prompt_id").cast(pl.Int64) < 7),
        "two times": every.filter(pl.col("step") < 20),
        "others each time": every.with_columns(
            prompt_id=pl.col("prompt_id") + "/" + pl.col("step").cast(pl.String)),
    }[fault])  # fmt: skip
    assert drift is not None and not drift.enough and not drift.found
    row = drift.row(True)
    assert not row["corrected"] and row["e_value"] is None
    assert "is not known" in drift_sentences({"judge_drift": row})[0]
    assert judge_drift(every.clear()) is None


def test_scores_that_are_missing_here_and_there_take_nothing_away() -> None:
    """And an evaluation that scored half of the anchors is left out."""
    kept = pl.Series(np.random.default_rng(9).random(LOOKS * ANCHORS) > 0.05)
    gaps = anchors(9, MOVED).filter(kept)
    half = (pl.col("step") == 50) & (pl.col("prompt_id").cast(pl.Int64) < ANCHORS // 2)
    whole, one = judge_drift(anchors(9, MOVED)), judge_drift(gaps.filter(~half))
    assert whole is not None and one is not None
    assert (one.times, one.anchors) == (LOOKS - 1, ANCHORS) and one.found
    assert one.moved[-1] == pytest.approx(whole.moved[-1], abs=ERROR)
    still = [judge_drift(anchors(seed).filter(kept)) for seed in range(10, 30)]
    assert sum(one is not None and one.found for one in still) <= 2


def test_several_anchors_of_a_prompt_are_one_and_a_missing_one_moves_nothing() -> None:
    """Three of very different levels a prompt: their mean jumps where one has no score."""
    rng = np.random.default_rng(12)
    each = scores(JUDGES["normal"](rng, (LOOKS, 30)), 10 * rng.standard_normal(30), STILL)
    number = pl.col("prompt_id").cast(pl.Int64)
    each = each.with_columns(prompt_id=(number // 3).cast(pl.String), response=pl.col("prompt_id"))
    gone = each.filter(~((number == 4) & (pl.col("step") >= 180)))
    for frame in (each, gone):
        drift = judge_drift(frame)
        assert drift is not None and drift.enough and not drift.found and drift.anchors == 30


def test_gold_of_people_is_not_corrected_and_the_error_grows() -> None:
    drift = judge_drift(anchors(6, MOVED))
    assert drift is not None
    gold = pl.DataFrame({
        "source": ["evaluation", "human raters", f"human{HELPED}"], "step": 200, "gold_reward": 1,
        "gold_reward_se": 0.05, "gold_reward_sd": [None, 1.0, 1.0], "n_responses": 400,
    })  # fmt: skip
    assert of_judge(gold) == ["evaluation"]
    mine, people, helped = corrected(gold, drift, of_judge(gold)).to_dicts()
    assert mine["gold_reward"] == pytest.approx(1 - drift.moved[-1])
    assert mine["gold_reward_se"] == pytest.approx(np.hypot(0.05, drift.error))
    assert people["gold_reward"] == helped["gold_reward"] == 1
    assert people["gold_reward_se"] == helped["gold_reward_se"] == 0.05


def test_a_drift_between_evaluations_with_anchors_is_interpolated() -> None:
    drift = judge_drift(anchors(7, MOVED))
    assert drift is not None
    gold = pl.DataFrame({"source": "evaluation", "step": [95], "gold_reward": 0.0})
    at = corrected(gold, drift, ["evaluation"])["gold_reward"][0]
    assert at == pytest.approx(-(drift.moved[9] + drift.moved[10]) / 2)


def log(path: Path) -> Path:
    """A policy that stays as good as it is, and a judge that becomes stricter half way."""
    rng = np.random.default_rng(8)
    rows: list[dict[str, object]] = []
    for k in range(LOOKS):
        for i in range(60):
            fixed = i < 20
            score = 5 + 0.1 * i * fixed + 0.2 * rng.normal() - 0.4 * (k >= 10)
            rows.append({
                "run_id": "a<b>", "step": 10 * k, "phase": "eval", "prompt_id": f"p{i}",
                "prompt": f"p {i}", "response": f"r {i if fixed else rng.random()}",
                "gold_reward": score, "anchor": fixed,
            })  # fmt: skip
    pl.DataFrame(rows).write_csv(path)
    return path


def test_the_verdict_on_it(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from analytics.__main__ import main
    from data.columns import ReadOptions
    from data.incoming.importing import import_paths

    home.mkdir()
    import_paths(home, [log(tmp_path / "t.csv")], ReadOptions())
    assert main(["verdict", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["status"] == "no_onset" and "judge_drifted" in row["flags"]
    drift_row = row["judge_drift"]
    assert (
        drift_row["corrected"] and drift_row["anchors"] == 20 and 100 <= drift_row["since"] <= 120
    )
    assert drift_row["moved"] == pytest.approx(-0.4, abs=0.2)
    assert len(drift_row["points"]) == LOOKS and drift_row["points"][0]["moved"] == 0
    figure = anchors_figure(drift_row, 0)
    assert len(figure.data[0].y) == LOOKS
    assert f"drift detected at step {drift_row['since']}" in figure.layout.annotations[0].text
    assert main(["verdict", "--json", "--until", "90"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["judge_drift"]["since"] is None and "judge_drifted" not in row["flags"]
