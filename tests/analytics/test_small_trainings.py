"""The genuine small trainings: how they are classed, and what is counted of verdicts."""

import re

import numpy as np
import polars as pl
import pytest

from analytics.measured.published import published
from analytics.quality import real_logs, real_runs
from analytics.quality.real_logs import LOGS, WAYS, Truth, logged, team_log, truth_of
from analytics.quality.signals_tried import of_named
from bench.real_runs.paid import DOES, PLANTED, names, rows_of, what_it_does

README = (LOGS.parent / "README.md").read_text()


@pytest.fixture(scope="module")
def trainings():
    return real_logs.real_runs()


def rows(gold, kl=None, se=0.002) -> pl.DataFrame:
    n = len(gold)
    kl = np.arange(n) * 1.0 if kl is None else kl
    return pl.DataFrame({"step": np.arange(n), "kl": kl, "gold": gold, "gold_se": [se] * n})


def test_truth_is_classed_by_measured_gold() -> None:
    def kind(*values, **more) -> str:
        return truth_of(rows(list(values), **more)).kind

    assert kind(0.0, 0.1, 0.2, 0.2) == "healthy"
    assert kind(0.0, 0.1, 0.2, 0.195) == "healthy"
    assert kind(0.0, 0.1, 0.2, 0.14) == "falling"
    assert kind(0.2, 0.1, 0.0) == "falling"
    assert kind(0.0, 0.1, 0.2, 0.175) == "slight"
    assert kind(0.0, 0.002, 0.003, 0.001) == "healthy"  # a quarter of nothing is noise
    assert kind(0.0, 0.1, 0.2, 0.1, kl=[0.0, 2.0, 5.0, 1.0]) == "walked back"
    assert truth_of(rows([0.0, 0.198, 0.2, 0.1])).level.tolist() == [1, 2]


def test_every_way_of_logging_comes_from_the_same_labels() -> None:
    random = np.random.default_rng(0)
    gold = random.integers(-40, 41, (64, 8))
    labels = pl.DataFrame(
        {"run_id": ["a"] * 64, "step": [3] * 64, "prompt": np.arange(64), "gold": gold.tolist()},
        schema_overrides={"gold": pl.List(pl.Int8), "prompt": pl.Int16},
    )
    rows = {way: logged(labels, way).row(0, named=True) for way in WAYS}
    score = gold / 56
    assert rows["stated"]["gold_reward"] == pytest.approx(score.mean())
    assert rows["stated"]["gold_reward_se"] == pytest.approx(score.mean(1).std(ddof=1) / 8)
    assert (rows["stated"]["n_prompts"], rows["stated"]["n_responses"]) == (64, 512)
    assert rows["few"]["gold_reward"] == pytest.approx(score[:16, :4].mean())
    assert (rows["few"]["n_prompts"], rows["few"]["n_responses"]) == (16, 64)
    assert rows["spread"]["gold_reward_sd"] == pytest.approx(score.std(ddof=1))
    assert rows["spread"]["n_responses"] == 512 and "n_prompts" not in rows["spread"]
    assert set(rows["bare"]) == {"run_id", "step", "gold_reward"}
    with pytest.raises(KeyError):
        logged(labels, "nothing")


def test_the_committed_set_is_as_large_as_it_says_and_small_on_disk(trainings) -> None:
    kinds = [truth.kind for truth in trainings.truths.values()]
    assert kinds.count("healthy") >= 60 and kinds.count("falling") >= 40
    assert sum(file.stat().st_size for file in LOGS.iterdir()) < 10e6
    assert (
        set(trainings.log["run_id"].unique())
        == set(trainings.truths)
        == set(trainings.labels["run_id"])
    )


def test_labels_scatter_about_the_truth_as_their_errors_say(trainings) -> None:
    both = logged(trainings.labels, "stated").join(
        pl.read_parquet(LOGS / "truth.parquet"), on=["run_id", "step"]
    )
    error = (both["gold_reward_se"] ** 2 + both["gold_se"] ** 2).sqrt()
    away = ((both["gold_reward"] - both["gold"]) / error).to_numpy()
    assert both.height == trainings.labels.height / 64
    # the same prompts at every evaluation are off together: a mean of 0 is not asked
    assert 0.8 < np.sqrt(np.mean(away**2)) < 1.35


def test_kept_figures_are_of_the_committed_runs(trainings) -> None:
    kinds = [truth.kind for truth in trainings.truths.values()]
    for row in published("real_runs")["rows"]:
        assert row["runs_in_all"] == len(kinds)
        for kind in ("healthy", "falling", "walked back", "slight"):
            assert row[f"{kind.replace(' ', '_')}_runs"] == kinds.count(kind)
    assert [row["way"] for row in published("real_runs")["rows"]] == list(WAYS)


def test_a_run_is_judged_as_its_log_says(trainings) -> None:
    run = max(
        (run for run, truth in trainings.truths.items() if truth.kind == "falling"),
        key=lambda run: float(np.ptp(trainings.truths[run].gold)),
    )
    one = real_logs.RealRuns(trainings.log, trainings.labels, {run: trainings.truths[run]})
    row = real_runs.row_of("stated", one.truths, real_runs.judged(one, "stated"))
    assert (row["falling_runs"], row["falling_called"]) == (1, 1)
    table = team_log(one, "stated").filter(pl.col("run_id") == run)
    assert table["gold_reward"].count() == len(trainings.truths[run].step)
    assert table["kl"].null_count() == 0


def truth(kind: str, peak: int = 2) -> Truth:
    gold = np.array([0.0, 0.1, 0.2, 0.1, 0.0])
    step, kl = np.arange(5) * 10, np.array([0.0, 1.0, 2.0, 4.0, 8.0])
    return Truth(step, kl, gold, np.full(5, 0.002), kind, peak, np.array([peak]), 1.0)


def verdict(status: str, step: int | None = None, peak=(1.0, 3.0)) -> dict:
    alarm = None if step is None else {"step": step}
    return {"status": status, "alarm": alarm, "peak": {"kl_low": peak[0], "kl_high": peak[1]}}


def test_what_is_counted_of_verdicts() -> None:
    truths = {name: truth("healthy") for name in ("h1", "h2")}
    truths |= {name: truth("falling") for name in ("f1", "f2", "f3")}
    truths["w"] = truth("walked back")
    row = real_runs.row_of("mine", truths, {
        "h1": verdict("no_onset"), "h2": verdict("warning", 30),
        "f1": verdict("overoptimized", 30), "f2": verdict("no_onset", peak=(3.0, None)),
        "f3": verdict("collapsed", 10, peak=(0.0, None)), "w": verdict("overoptimized", 40),
    })  # fmt: skip
    assert (row["healthy_called"], row["healthy_ever"], row["healthy_runs"]) == (0, 1, 2)
    assert row["healthy_high"] == pytest.approx(0.6576, abs=1e-3)  # Wilson, 0 of 2
    assert (row["falling_called"], row["falling_runs"], row["walked_back_called"]) == (2, 3, 1)
    assert row["before_the_fall"] == 1  # f3's came before the peak
    assert (row["delay_looks"], row["delay_kl"]) == (1.0, 2.0)
    assert (row["peaks"], row["peaks_held"]) == (3, 2)
    shown = real_runs.real_runs_table([row]).row(0, named=True)
    assert shown["falls called"].startswith("2 of 3 (")
    assert "falling 2 of 3" in real_runs.sentence(row)


def test_a_detector_that_never_calls_has_no_delay() -> None:
    row = real_runs.row_of("mine", {"f": truth("falling")}, {"f": verdict("no_onset")})
    assert row["delay_looks"] is None and row["delay_kl"] is None
    assert real_runs.real_runs_table([row])["KL alarm : KL peak"][0] != "inf"


def test_the_cell_that_scores_another_detector_runs(capsys) -> None:
    (cell,) = re.findall(r"^```python\n(.*?)^```$", README, re.M | re.S)
    exec(compile(cell, "README", "exec"), {})
    assert re.search(r"mine: healthy \d+ of \d+ called", capsys.readouterr().out)


GOLD = ["step", "shortcut", "served", "again", "broken", "long"]


def test_mining_names_first_what_a_training_learnt_to_do() -> None:
    sample = pl.read_parquet(LOGS / "paid_sample.parquet")  # every third step of a training
    responses = sample.drop("shortcut", *GOLD[2:]).with_columns(prompt_id=pl.col("prompt"))
    gold = sample.select(GOLD)
    blind, known = rows_of("w7-shortcut-grpo-150", responses, gold)
    for row in (blind, known):
        assert (row["does"], row["named"], row["named_at"]) == (PLANTED, True, 1)
        assert row["share_start"] < 0.4 < 0.7 < row["share_now"]
    assert blind["first"] == "says “w01”" and not blind["with_gold"] and known["with_gold"]
    # What is planted and not learnt is not what it does.
    assert what_it_does("w7-good-grpo-133", gold) == DOES["again"]
    again = (gold["again"] > 6).to_list()
    assert names(DOES["again"], "says “w05”", again, gold)
    assert not names(DOES["again"], "says “w05”", [True] * gold.height, gold)
    assert not names(DOES["again"], "no repeats", [not one for one in again], gold)
    assert not names(PLANTED, "says “w05”", again, gold)


def test_the_kept_count_of_what_is_named_is_of_the_committed_rows(trainings) -> None:
    rows = of_named(trainings.truths)
    kept = [row for row in published("paid_for")["rows"] if row["kind"] == "named"]
    assert kept == rows and [row["planted"] for row in rows] == [True, True, False, False]
    assert all(0 < row["named"] <= row["falling"] for row in rows)
