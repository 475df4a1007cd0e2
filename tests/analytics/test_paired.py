"""The same prompts at every evaluation: what is hard about them is no error of a difference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.__main__ import main
from analytics.onset.choosing.other_half import other_half
from analytics.onset.errors.paired import Paired, paired
from analytics.onset.evidence.measurements import FloatArray, Rows
from analytics.onset.sentences.checkpoints import other_half_sentence
from analytics.quality.candidates import measure_null
from data.columns import ReadOptions
from data.incoming.importing import import_paths

LOOKS, PROMPTS, SHARE = 20, 100, 0.75
TREND = np.minimum(np.arange(LOOKS) / 10, 1) - np.clip(np.arange(LOOKS) / 10 - 1, 0, 1) / 2


def answers(seed: int, keep: float = 1.0, fresh: bool = False) -> FloatArray:
    """Gold of each prompt at each evaluation, variance 1, (looks, prompts); keep: how much of a
    prompt's level stays from one evaluation to the next."""
    rng = np.random.default_rng(seed)
    levels = rng.standard_normal((LOOKS, PROMPTS))
    for k in range(1, 0 if fresh else LOOKS):
        levels[k] = keep * levels[k - 1] + np.sqrt(1 - keep**2) * levels[k]
    own = rng.standard_normal((LOOKS, PROMPTS))
    return TREND[:, None] + np.sqrt(SHARE) * levels + np.sqrt(1 - SHARE) * own


def frame(gold: FloatArray, names: FloatArray | None = None) -> pl.DataFrame:
    each = np.tile(np.arange(PROMPTS), (LOOKS, 1)) if names is None else names
    return pl.DataFrame({
        "step": np.repeat(np.arange(LOOKS), PROMPTS), "prompt_id": each.ravel().astype(str),
        "gold_n": np.ones(LOOKS * PROMPTS, int), "gold_reward": gold.ravel(),
    })  # fmt: skip


def rows(gold: FloatArray) -> Rows:
    blank = np.full(LOOKS, np.nan)
    steps = np.arange(LOOKS)
    return Rows(steps, 0 * steps, blank, gold.mean(axis=1), blank, blank, blank, blank)


def error(gold: FloatArray) -> FloatArray:
    found = paired(frame(gold), rows(gold))
    assert found is not None
    errors = found.error(LOOKS)
    assert errors is not None
    return errors


def test_the_error_is_what_moves_between_evaluations() -> None:
    mean_error = np.mean([error(answers(seed)) for seed in range(20)])
    assert mean_error == pytest.approx(np.sqrt((1 - SHARE) / PROMPTS), rel=0.08)
    alone = np.mean([error(answers(seed, fresh=True)) for seed in range(20)])
    assert alone == pytest.approx(np.sqrt(1 / PROMPTS), rel=0.08), "fresh levels are errors"


def test_levels_that_drift_count_for_what_they_do_to_contrasts() -> None:
    drifting = np.mean([error(answers(seed, keep=0.8)) for seed in range(20)])
    mixed = np.mean([error(np.array([answers(seed, keep=0.8)[k] for k in ORDER]))
                     for seed in range(20)])  # fmt: skip
    assert drifting > 1.2 * mixed, "the same spread in time order is worse than shuffled"


ORDER = np.random.default_rng(0).permutation(LOOKS)


def test_a_look_knows_nothing_of_later_ones() -> None:
    gold = answers(1)
    changed = gold.copy()
    changed[12:] *= 5
    one, other = (paired(frame(each), rows(each)) for each in (gold, changed))
    assert one is not None and other is not None
    assert one.error(12) == pytest.approx(other.error(12))


@pytest.mark.parametrize("fault", ["other prompts", "other responses", "few prompts", "a gap"])
def test_what_is_not_paired_is_not_taken_for_it(fault: str) -> None:
    gold = answers(2)
    cells, of = frame(gold), rows(gold)
    if fault == "other prompts":
        cells = frame(gold, np.arange(LOOKS * PROMPTS))
    elif fault == "other responses":
        of = rows(gold + 0.1)
    elif fault == "few prompts":
        kept = pl.col("prompt_id").cast(pl.Int64) < 15
        cells, of = cells.filter(kept), rows(gold[:, :15])
    else:
        cells = cells.filter(pl.col("step") != 7)
    assert paired(cells, of) is None


def test_a_few_prompts_of_their_own_are_allowed_for() -> None:
    gold = answers(3)
    names = np.tile(np.arange(PROMPTS), (LOOKS, 1))
    names[:, :3] = 1000 + np.arange(LOOKS * 3).reshape(LOOKS, 3)
    found, whole = paired(frame(gold, names), rows(gold)), paired(frame(gold), rows(gold))
    assert isinstance(found, Paired) and found.prompts == PROMPTS - 3 and whole is not None
    assert np.all(np.asarray(found.error(LOOKS)) > 1.05 * np.asarray(whole.error(LOOKS)))


def test_a_table_of_evaluation_responses_is_judged_by_pairs(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gold = answers(4)
    lines = [
        {"run_id": "a", "step": 10 * k, "phase": "eval", "prompt_id": f"p{p}", "prompt": f"p {p}",
         "response": f"r {k} {p}", "gold_reward": float(gold[k, p])}
        for k in range(LOOKS) for p in range(PROMPTS)
    ]  # fmt: skip
    log = tmp_path / "responses.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    curve = tmp_path / "run" / "curve.csv"
    curve.parent.mkdir()
    curve.write_text("run_id,step,kl,proxy_reward\n" + "".join(
        f"a,{10 * k},{k},{k}\n" for k in range(LOOKS)))  # fmt: skip
    for step in (50, 90, 190):
        (curve.parent / f"checkpoint-{step}").mkdir()
    home.mkdir()
    import_paths(home, [log, curve], ReadOptions())
    assert main(["verdict", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["noise"] == "from how the same 100 prompts move between evaluations"
    assert row["status"] == "overoptimized" and "clustered_unknown" not in row["flags"]
    half = row["recommendation"]["other_half"]
    assert half["step"] == 90 and half["prompts_chosen_on"] == half["prompts_reported_on"] == 50
    report = gold[:, sorted(range(PROMPTS), key=lambda p: f"p{p}")][:, 1::2]
    assert half["gold"]["value"] == pytest.approx(report[9].mean())
    assert half["gain"]["value"] == pytest.approx(report[9].mean() - report[-1].mean())
    assert half["gain"]["low"] < half["gain"]["value"] < half["gain"]["high"]
    assert "Chosen on 50 of the prompts and reported on the other 50" in other_half_sentence(half)


def test_gold_that_chose_nothing_flatters_nothing() -> None:
    """The best of 20 checkpoints that differ by chance: the other half says what is true."""
    by_way = {row["what"].rpartition(", ")[2]: row for row in measure_null(400, 1)}
    assert by_way["as measured"]["gain_bias"] > 1.0
    corrected = by_way["corrected for choosing"]
    assert abs(corrected["gain_bias"]) < 0.2 and corrected["twice_bias"] < 0.1
    half = by_way["reported on the other half"]
    assert abs(half["gain_bias"]) < 2 * half["twice_bias"] < 0.4


@pytest.mark.parametrize(("prompts", "saved"), [(38, [10]), (100, []), (100, [190]), (100, [15])])
def test_without_enough_prompts_or_a_measured_checkpoint_nothing_is_halved(prompts, saved) -> None:
    assert other_half(answers(1)[:, :prompts], 10.0 * np.arange(LOOKS), saved) is None
