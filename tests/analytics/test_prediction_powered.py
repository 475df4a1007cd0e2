"""A judge on many responses, people on some: gold with a smaller error and people's own mean."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analytics.__main__ import main
from analytics.onset.evidence.measurements import HELPED, FloatArray, gold_sources
from analytics.onset.labels.prediction_powered import APART, helped
from analytics.onset.sentences.labels import powered_sentences
from analytics.quality.cheaper_gold import JUDGED, LABELS, LOOKS, responses
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.remote import StoreAccess

FLAT = np.zeros(LOOKS)


def values(scored: pl.DataFrame) -> tuple[FloatArray, FloatArray]:
    (one,) = helped(scored)
    return one.rows["gold_reward"].to_numpy(), one.rows["gold_reward_se"].to_numpy()


def run(seed: int, correlation: float = 0.85) -> pl.DataFrame:
    return responses(FLAT, correlation, np.random.default_rng(seed))


def test_the_error_is_what_theory_says_and_the_mean_is_peoples() -> None:
    found = [values(run(seed)) for seed in range(12)]
    gold, error = (np.concatenate(part) for part in zip(*found, strict=True))
    theory = np.sqrt((1 - 0.85**2) / LABELS + 0.85**2 / JUDGED)
    assert float(np.mean(error)) == pytest.approx(theory, rel=0.06)
    assert float(np.std(gold)) == pytest.approx(theory, rel=0.12)
    assert abs(float(np.mean(gold))) < 4 * theory / np.sqrt(len(gold)), "whatever the judge's level"


def test_a_judge_worth_nothing_costs_nothing_and_one_that_errs_moves_nothing() -> None:
    (one,) = helped(run(1, 0.0))
    assert one.row()["as_good_as"] == pytest.approx(LABELS, rel=0.1)
    upside_down = run(2).with_columns(judge=-7 * pl.col("judge"))
    for mine, other in zip(values(run(2)), values(upside_down), strict=True):
        assert mine == pytest.approx(other)
    drifting = run(3).with_columns(judge=pl.col("judge") + pl.col("step") / 10)
    for mine, other in zip(values(run(3)), values(drifting), strict=True):
        assert mine == pytest.approx(other), "a judge that drifts drifts in both parts"
    constant = run(4).with_columns(judge=pl.lit(1.0))
    assert values(constant)[0] == pytest.approx(
        run(4).drop_nulls("gold").group_by("step").agg(pl.col("gold").mean()).sort("step")["gold"]
    )


def test_labels_of_picked_responses_are_told() -> None:
    apart = [helped(run(seed))[0].apart for seed in range(6)]
    assert max(map(abs, apart)) < APART
    best = pl.col("judge").rank("ordinal", descending=True).over("step") <= 1000
    picked = run(9).with_columns(
        source=pl.when(best).then("source"), gold=pl.when(best).then("gold")
    )
    row = helped(picked)[0].row()
    assert row["labelled_apart"] > APART
    text = " ".join(powered_sentences({"prediction_powered": row}))
    assert "not like the others" in text and "at random" in text


def test_responses_to_one_prompt_count_as_one() -> None:
    """Every prompt with four equal responses: as many labels, and an error twice as large."""
    alone = run(5)
    four = pl.concat([alone] * 4).with_columns(response=pl.int_range(pl.len()))
    for mine, other in zip(values(alone), values(four), strict=True):
        assert mine == pytest.approx(other)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [1e90, 1e-90])
def test_any_unit_gives_the_same(unit: float) -> None:
    (one,) = helped(run(10))
    (other,) = helped(run(10).with_columns(pl.col("gold", "judge") * unit))
    assert other.row() == pytest.approx(one.row(), rel=1e-6)
    assert other.rows["gold_reward"].to_numpy() / unit == pytest.approx(
        one.rows["gold_reward"].to_numpy()
    )


def test_later_evaluations_change_no_earlier_gold() -> None:
    whole, early = run(6), run(6).filter(pl.col("step") < 100)
    for mine, other in zip(values(whole), values(early), strict=True):
        assert mine[:10] == pytest.approx(other)


@pytest.mark.parametrize("fault", ["few labels", "all labelled", "two evaluations", "nothing"])
def test_what_cannot_be_told_is_no_gold(fault: str) -> None:
    scored = run(7)
    scored = {
        "few labels": scored.filter(pl.col("gold").is_null() | (pl.col("response") % JUDGED < 19)),
        "all labelled": scored.drop_nulls("gold"),
        "two evaluations": scored.filter(pl.col("step") < 20),
        "nothing": scored.clear(),
    }[fault]
    assert helped(scored) == []


def test_it_is_preferred_by_its_name() -> None:
    names = ["a", "evaluation", f"gpt{HELPED}", f"human{HELPED}"]
    gold = pl.DataFrame({"source": names, "step": 1, "gold_reward": 1.0})
    assert gold_sources(gold, None) == [*names[:1:-1], "evaluation", "a"]


def lines(
    judged: int = 60, labels: int = 25, looks: int = 12
) -> dict[str, list[dict[str, object]]]:
    """A run whose gold falls by the labels, while the judge's scores only rise."""
    rng = np.random.default_rng(8)
    found: dict[str, list[dict[str, object]]] = {"judge": [], "human": []}
    for k in range(looks):
        true = 1 - abs(k / 5 - 1)
        for p in range(judged):
            own = float(rng.normal())
            row = {
                "run_id": "a", "step": 10 * k, "phase": "eval", "prompt_id": f"p{p}",
                "prompt": f"p {p}", "response": f"r {k} {p}",
            }  # fmt: skip
            score = 5 + k / 5 + 0.3 * (own + 0.1 * float(rng.normal()))
            found["judge"].append(row | {"gold_reward": score, "gold_source": "judge"})
            if p < labels:
                gold = true + 0.3 * own
                found["human"].append(row | {"gold_reward": gold, "gold_source": "human"})
    return found


@pytest.mark.parametrize("files", ["one", "judge, human", "human, judge", "human, not named"])
def test_tables_of_scores_are_judged_together(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], files: str
) -> None:
    made = lines()
    every = made["judge"] + made["human"]
    if files == "human, not named":
        made["judge"] = [
            {k: v for k, v in row.items() if k != "gold_source"} for row in made["judge"]
        ]
    parts = [every] if files == "one" else [made["human"], made["judge"]]
    parts = parts[::-1] if files == "judge, human" else parts
    home.mkdir()
    for number, part in enumerate(parts):
        log = tmp_path / f"{number}.jsonl"
        log.write_text("".join(json.dumps(row) + "\n" for row in part))
        import_paths(home, [log], ReadOptions())
    assert main(["verdict", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["gold_source"] == f"human{HELPED}", row["gold_sources"]
    assert row["status"] == "overoptimized", "as the labels say, whatever the judge's level"
    assert (row["prediction_powered"]["labels"], row["prediction_powered"]["judged"]) == (25, 60)
    assert row["prediction_powered"]["as_good_as"] > 45
    text = " ".join(row["reasons"])
    assert "25 labels and a judge's scores of 60 responses" in text and "the judge saved" in text
    assert "clustered_unknown" not in row["flags"]
    with StoreAccess(home) as store:
        offered = store.query("gold_sources", runs=["a"])["source"].to_list()
        assert f"human{HELPED}" in offered and set(row["gold_sources"]) == set(offered)
        responses = store.query("evaluated", run="a", until=None)
    assert responses["gold_n"].sum() == 12 * 60, "each response once"
