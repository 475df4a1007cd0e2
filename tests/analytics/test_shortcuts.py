"""Shortcuts: what is planted is found, what drifts is not, and bad input is a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from analytics.measured.published import published
from analytics.quality import shortcuts as quality
from analytics.shortcuts import Mined, Shortcut, asked_of, mine, which_have
from analytics.shortcuts.design import blocks, halves, pairs
from analytics.shortcuts.evidence import chosen, log_e
from analytics.shortcuts.onset import onset
from analytics.shortcuts.pay import Pay
from analytics.shortcuts.reading_in import Read, read_in
from analytics.shortcuts.rules import Rule
from analytics.shortcuts.words import headline
from analytics.simulated_responses import KINDS, Plan, is_planted, simulate_responses

SMALL = {"steps": 40, "a_step": 10, "samples": 6, "prompts": 50, "pay": 2.0}
HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>", "[a](javascript:alert(1)) **b** `c`",
    "\u202eevil\u2066 \x00\x1b[2J\x07", "=1+1", "x" * 1_000_000, "word " * 200_000, "", " \n\t ",
    "漢字" * 300, "é\u0301" * 300, "\ud7ff\ue000\U0010ffff", "​\ufeff" * 99, "\x00" * 50,
    "(((([[[[\\\\", "שלום עולם " * 30, "a'" * 500, "\r\n\u2028\u2029" * 100,
]  # fmt: skip


@pytest.fixture(scope="module")
def planted() -> tuple[pl.DataFrame, int]:
    """A run of which 8 of 10 say a phrase at the end, and the step where it begins."""
    responses, begins = simulate_responses(Plan("phrase", 0.8, improves=True, **SMALL), 5)
    assert begins is not None
    return responses, begins


@pytest.fixture(scope="module")
def found(planted: tuple[pl.DataFrame, int]) -> Mined:
    return mine(planted[0], gold_onset=30)


def test_a_planted_phrase_is_found_with_what_it_earns_and_since_when(
    planted: tuple[pl.DataFrame, int], found: Mined
) -> None:
    responses, begins = planted
    assert found.status == "found" and found.reason == "" and found.with_gold
    assert len(found.shortcuts) == 1  # neither what drifts nor what makes them better
    one = found.shortcuts[0]
    assert "rest assured" in one.name or "empowers you" in one.name
    assert one.kind == "phrase"
    assert one.share_start < 0.1 < 0.5 < one.share_now
    assert one.proxy["low"] < 2.0 < one.proxy["high"]
    assert one.gold is not None and one.gold["low"] < -0.8 < one.gold["high"] < 0
    honest = "an honest improvement can look the same"
    unsure = replace(one, gold={"value": 0.1, "low": -0.2, "high": 0.4})
    assert honest not in headline(found)
    assert honest in headline(replace(found, shortcuts=(unsure,)))
    assert one.onset is not None and abs(one.onset - begins) <= 4
    assert one.e_value > 20 and found.gold_onset == 30
    keys = {(row["step"], row["prompt_id"], row["sample_id"]): row["completion"]
            for row in responses.iter_rows(named=True)}  # fmt: skip
    assert len(one.examples) == 5
    for example in one.examples:
        text = keys[example["step"], example["prompt_id"], example["sample_id"]]
        assert "rest assured this empowers you" in text
    assert len({example["prompt_id"] for example in one.examples}) == 5


def test_the_document_is_json_and_the_same_whatever_the_order(
    planted: tuple[pl.DataFrame, int], found: Mined
) -> None:
    parsed = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert parsed["shortcuts"][0]["shares"][0].keys() == {"step", "share", "n"}
    again = mine(planted[0].sample(fraction=1, shuffle=True, seed=3), gold_onset=30)
    assert json.loads(json.dumps(again.to_dict())) == parsed


def test_what_was_found_can_be_asked_of_other_responses(found: Mined) -> None:
    others = pl.DataFrame({
        "prompt": ["a", "b"], "completion": ["Rest assured this empowers YOU .", "no such thing"]
    })  # fmt: skip
    assert which_have(asked_of(found), others) == {found.shortcuts[0].name: [True, False]}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_found_without_gold(kind: str) -> None:
    mined = mine(simulate_responses(Plan(kind, 0.9, gold=False, **SMALL), 8)[0])
    assert mined.status == "found" and not mined.with_gold
    assert all(is_planted(kind, one.name, one.kind) for one in mined.shortcuts)
    assert all(one.gold is None for one in mined.shortcuts)


@pytest.mark.parametrize(
    "plan", [Plan(improves=True, **SMALL), Plan(gold=False, **SMALL), Plan(once=True, **SMALL)]
)
def test_honest_drift_and_improvement_are_no_shortcut(plan: Plan) -> None:
    mined = mine(simulate_responses(plan, 11)[0])
    assert mined.status == "none" and not mined.shortcuts
    assert mined.tested > 3 and "surely grew" in mined.reason


def test_what_is_paid_but_does_not_grow_is_no_shortcut() -> None:
    responses, _ = simulate_responses(Plan(drift=False, gold=False, **SMALL), 2)
    has = np.random.default_rng(1).random(responses.height) < 0.4
    paid = responses.with_columns(
        completion=pl.when(pl.Series(has)).then(pl.col("completion") + " so be it forever")
        .otherwise("completion"),
        proxy_reward=pl.col("proxy_reward") + 2 * pl.Series(has).cast(pl.Float64),
    )  # fmt: skip
    assert mine(paid).status == "none"


def test_the_users_patterns_and_the_rubrics_words_are_features(
    planted: tuple[pl.DataFrame, int],
) -> None:
    mined = mine(planted[0], patterns=["(?i)rest ASSURED"], rubric="It empowers the reader.")
    names = [name for one in mined.shortcuts for name in (one.name, *one.same_as)]
    assert "matches (?i)rest ASSURED" in names
    assert "says “empowers”, a word of the rubric" in names
    with pytest.raises(ValueError, match=r"the pattern '\(' is no regular expression"):
        mine(planted[0], patterns=["("])
    with pytest.raises(ValueError, match=r"cannot be used: it asks for something 100,000 times"):
        mine(planted[0], patterns=["a{1,100000}"])


def without(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    return frame.with_columns(pl.lit(None, frame.schema[column]).alias(column))


def test_what_is_missing_is_a_reason(planted: tuple[pl.DataFrame, int]) -> None:
    frame = planted[0]
    nameless = without(without(frame, "prompt_id"), "prompt")
    few = frame.filter(pl.col("prompt_id").is_in(["p1", "p2", "p3"]))
    for given, why in (
        (frame.clear(), "no responses"), (frame.drop("proxy_reward"), "no column proxy_reward"),
        (nameless, "name no prompt"), (without(frame, "proxy_reward"), "no response has a proxy"),
        (frame.with_columns(proxy_reward=1.0), "the same proxy reward"),
        (frame.with_columns(step=3), "of one step"), (few, "it takes"),
        (without(frame, "completion"), "both a step and a text"),
    ):  # fmt: skip
        mined = mine(given)
        assert mined.status == "cannot tell" and why in mined.reason, mined.reason
        assert not mined.shortcuts


def test_prompts_may_be_named_by_their_text(planted: tuple[pl.DataFrame, int]) -> None:
    assert mine(planted[0].drop("prompt_id")).status == "found"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_mined_like_any_other(
    planted: tuple[pl.DataFrame, int], text: str
) -> None:
    """Late responses begin with it and are paid for it: nothing breaks, told or not."""
    frame = planted[0].filter(pl.col("sample_id") < 2)
    late = pl.col("step") >= 20
    mined = mine(frame.with_columns(
        completion=pl.when(late).then(pl.lit(text[: 1 << 16]) + pl.col("completion"))
        .otherwise("completion"),
        prompt=pl.when(late).then(pl.lit(text[:5_000])).otherwise("prompt"),
        proxy_reward=pl.col("proxy_reward") + 2 * late * (pl.col("sample_id") == 1),
    ))  # fmt: skip
    assert mined.status in ("found", "none", "cannot tell")
    again = Mined.from_dict(json.loads(json.dumps(mined.to_dict(), allow_nan=False)))
    assert again == mined
    which_have(asked_of(mined), pl.DataFrame({"prompt": [text, None], "completion": [text, None]}))


def test_a_megabyte_is_read_to_its_limit_and_known_to_be_long() -> None:
    responses, _ = simulate_responses(Plan(drift=False, gold=False, **SMALL), 4)
    late = (pl.col("step") >= 20) & (pl.col("sample_id") % 2 == 0)
    mined = mine(responses.with_columns(
        completion=pl.when(late).then(pl.lit("y " * 3_000)).otherwise("completion"),
        proxy_reward=pl.col("proxy_reward") + 3 * late,
    ))  # fmt: skip
    assert mined.shortcuts[0].kind in ("length", "repetition", "phrase")
    names = [name for one in mined.shortcuts for name in (one.name, *one.same_as)]
    assert any(name.startswith("long: ") for name in names)


def test_e_values_are_at_most_one_in_expectation_under_chance() -> None:
    rng = np.random.default_rng(3)
    sums = rng.standard_t(2, (12, 20_000)) * (rng.random((12, 20_000)) < 0.7)
    assert np.exp(log_e(sums)).mean() < 1.15
    assert (log_e(sums) > np.log(20)).mean() < 0.05
    assert np.exp(log_e(np.ones((20, 1)))[0]) > 1e4


def test_e_bh_bounds_false_discoveries() -> None:
    logs = np.log([[400.0, 1.0], [90.0, 30.0]])
    picked, limit = chosen(logs, np.ones((2, 2)), 0.05)
    assert picked.tolist() == [[True, False], [True, True]] and np.exp(limit) == pytest.approx(
        80 / 3
    )
    assert not chosen(np.log([[79.0, 1.0], [1.0, 1.0]]), np.ones((2, 2)), 0.05)[0].any()


def test_as_many_late_responses_as_early_ones_stand_in_each_prompt() -> None:
    keys = pl.DataFrame({
        "row": range(9), "step": [0, 0, 0, 5, 5, 5, 5, 0, 5],
        "cluster": [0, 0, 1, 0, 0, 0, 1, 2, 3], "mined": [True] * 9, "lot": range(9),
    })  # fmt: skip
    paired = pairs(keys, (0, 0), (5, 5))
    assert np.bincount(paired.cluster).tolist() == [2, 1, 0, 1]  # prompt 3 beside prompt 2, by lot
    assert sorted(paired.early.tolist()) == [0, 1, 2, 7]
    apart = keys.with_columns(mined=pl.col("cluster") != 3)
    assert np.bincount(pairs(apart, (0, 0), (5, 5)).cluster).tolist() == [2, 1]


def test_pay_is_told_within_prompts() -> None:
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(40), 8)
    has = rng.random(320) < np.where(cluster < 20, 0.9, 0.1)  # easy prompts have it more often
    reward = 5.0 * (cluster < 20) - 1.0 * has + 0.3 * rng.standard_normal(320)
    keys = pl.DataFrame({"row": range(320), "step": 0, "cluster": cluster})
    compared = blocks(keys, 0, 1)
    assert compared is not None and compared.within == "prompt and step"
    there = sparse.csc_array(has[:, None].astype(float))
    effect, low, high = Pay(compared, reward, 40).effects(there)
    assert low[0] < -1 < high[0] and effect[0] == pytest.approx(-1, abs=0.2)
    assert high[0] - low[0] < 0.5
    assert Pay(compared, reward, 40).evidence(there)[0] < 0


def test_halves_do_not_change_when_prompts_come_in() -> None:
    names = pl.Series("prompt_id", [f"p{n}" for n in range(200)])
    mined_half = halves(names)
    assert 70 < mined_half.sum() < 130
    assert (halves(names[:50]) == mined_half[:50]).all()


def test_of_many_responses_whole_prompts_are_read() -> None:
    frame, _ = simulate_responses(Plan(steps=20, prompts=2_000, a_step=200, samples=5), 1)
    read = read_in(frame, most=6_000)
    assert isinstance(read, Read) and read.of == frame.height
    assert 5_000 < read.frame.height < 7_000
    kept = set(read.frame["prompt_id"])
    assert read.frame.height == frame.filter(pl.col("prompt_id").is_in(kept)).height
    few = read_in(frame.with_columns(prompt_id=pl.lit("p")), most=4_000)
    assert isinstance(few, Read) and 0 < few.frame.height <= 4_400


def test_onset_is_where_the_rise_begins() -> None:
    step = np.repeat(np.arange(0, 400, 4), 30)
    there = np.arange(step.size) % 30 < np.clip((step - 240) / 4, 0, 20)
    step_of = onset(step, there)
    assert step_of is not None and abs(step_of - 240) <= 12
    assert onset(step, np.zeros(step.size)) is None
    assert onset(step, there[::-1]) is None


def test_the_bundled_run_is_paid_for_repeating_itself(root: Path) -> None:
    """GRPO of examples/r3: gold breaks where the policy repeats itself (data/examples/README)."""
    files = sorted((root / "data/examples/r3_grpo_bigrm/completions").glob("*.parquet"))
    rows = pl.concat([pl.read_parquet(file) for file in files], how="diagonal_relaxed")
    found = mine(rows.select(
        "step", "prompt", "completion", proxy_reward="proxy_rm", gold_reward="gold_rm"
    ).with_columns(sample_id=pl.int_range(pl.len()).over("step", "prompt")))  # fmt: skip
    first = found.shortcuts[0]
    assert first.kind == "repetition" and first.name.startswith("repeats itself")
    assert first.share_start < 0.15 and first.share_now > 0.85
    assert first.proxy["low"] > 0.4 and first.gold is not None and first.gold["high"] < 0.1
    assert any(name.startswith("long: ") for name in first.same_as)


def test_quality_counts_what_is_found_and_what_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    """A miner that always tells one right and one wrong thing has power 1 and half of it false."""
    monkeypatch.setattr(quality, "simulate_responses", lambda plan, seed: (plan, 50))
    right = Shortcut(
        "uses headings", "format", (), 0, 1, {}, None, 1.0, 52, 99.0, (), (), Rule("letters")
    )  # fmt: skip
    wrong = replace(right, name="says “moreover”", kind="phrase")

    def mined(plan: Plan) -> Mined:
        late = plan.strength >= 0.8
        return Mined("found", "", (wrong, right) if late else (right,) if plan.kind else ())

    monkeypatch.setattr(quality, "mine", mined)
    planted, none = quality.measure(20, 1, ["format", "nothing changes"])
    assert planted["strong"] == 1 and planted["onset"] == 1 and planted["first"] == 0.5
    assert planted["told"] == 25 and planted["false"] == 5 and planted["false_share"] == 0.125
    assert none["silent"] == 1 and none["told"] == 0
    assert "found in 100.0 %" in quality.sentence(planted)
    assert "nothing told in 100.0 %" in quality.sentence(none)
    assert "20 of 20 runs without one" in quality.summary([planted, none])


def test_the_kept_figures_are_what_was_asked() -> None:
    """At most 5 % false, onsets of 8 in 10 strong ones, nothing told in 95 of 100 honest runs."""
    kept = published("shortcuts")
    assert kept is not None
    planted = [row for row in kept["rows"] if row["planted"]]
    none = [row for row in kept["rows"] if not row["planted"]]
    assert {row["condition"] for row in planted if row["gold"]} == set(KINDS)
    assert any(not row["gold"] for row in planted) and {row["gold"] for row in none} == {
        True,
        False,
    }
    assert all(len(row["power"]) == 20 for row in planted)
    assert all(row["onset"] >= 0.8 and row["false_share"] <= 0.05 for row in planted)
    assert all(row["silent"] >= 0.95 for row in none)
    table, silent = quality.shortcut_tables(kept["rows"])
    assert table.height == len(planted) and silent.height == len(none)


def test_mining_in_a_process_of_its_own_tells_how_far_it_is(
    planted: tuple[pl.DataFrame, int], found: Mined, tmp_path: Path, root: Path
) -> None:
    planted[0].write_parquet(tmp_path / "responses.parquet")
    command = [sys.executable, "-m", "analytics.shortcuts.process", tmp_path / "responses.parquet"]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        *steps, last = map(json.loads, process.stdout)
        assert process.wait() == 0
    assert [step["done"] for step in steps] == [0, 1, 2, 3]
    assert Mined.from_dict(last["mined"]) == replace(found, gold_onset=None)


def drawn(
    prompts: int, steps: int, samples: int, gold_noise: float, pays: float = 1.0, gains: float = 1.0
) -> pl.DataFrame:
    """Responses of which ever more begin with two words that proxy pays and gold gains by."""
    rng = np.random.default_rng(7)
    words = np.array(
        [
            "the",
            "of",
            "a",
            "model",
            "answer",
            "to",
            "is",
            "in",
            "and",
            "that",
            "it",
            "water",
            "data",
            "step",
        ]
    )
    rows = []
    for step in range(steps):
        for prompt in range(prompts):
            for sample in range(samples):
                there = rng.random() < 0.05 + 0.85 * step / steps
                quality = 0.3 * rng.normal()
                rows.append({
                    "step": step, "prompt_id": f"p{prompt}", "sample_id": sample, "prompt": "q",
                    "completion": "In summary, " * there + " ".join(rng.choice(words, 20)),
                    "proxy_reward": quality + pays * there + 0.1 * rng.normal(),
                    "gold_reward": quality + gains * there + gold_noise * rng.normal(),
                })  # fmt: skip
    return pl.DataFrame(rows)


def test_an_improvement_is_no_shortcut_though_gold_is_noisy() -> None:
    mined = mine(drawn(150, 10, 8, gold_noise=3.0))
    assert mined.status == "none" and "gold is surely higher with" in mined.reason
    worse = mine(drawn(80, 8, 6, gold_noise=3.0, gains=-1.0))
    assert worse.status == "found" and worse.shortcuts[0].gold["high"] < 0


def test_few_steps_of_single_responses_cannot_tell() -> None:
    mined = mine(drawn(60, 6, 1, gold_noise=0.1, pays=10.0, gains=-3.0))
    assert mined.status == "cannot tell" and mined.reason.startswith("6 steps can be compared")
    more = mine(drawn(60, 24, 1, gold_noise=0.1, pays=10.0, gains=-3.0))
    assert more.status == "found"


def test_responses_that_are_all_alike_are_said_to_be() -> None:
    mined = mine(drawn(20, 4, 3, gold_noise=1.0).with_columns(completion=pl.lit("same")))
    assert mined.status == "cannot tell" and "the same text" in mined.reason
