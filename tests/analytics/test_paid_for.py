"""What a run is paid for: planted effects of length and ranks, rivals, signals without gold."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import analytics.__main__
from analytics.paid_for import (
    judge_ranks,
    judge_words,
    length,
    length_words,
    missing,
    people,
    report,
    rival_words,
    signal_words,
    signals,
    words,
)
from analytics.paid_for.budget import budget
from analytics.paid_for.clusters import jackknife
from analytics.paid_for.draws import draws
from analytics.paid_for.parting import HACK, INSTABILITY, UNKNOWN, parting
from analytics.paid_for.rivals import NOT_LOGGED, NOT_SEEN, SEEN, onset_of, rivals
from analytics.quality import paid_for as quality
from analytics.quality.simulated_draws import Setting, simulated
from data.columns import ReadOptions
from data.incoming.importing import import_paths
from data.owner import Owner
from tests.odd_runs import HEALTHY, KINDS, write

SIMPLE = Setting()


def drawn(setting: Setting = SIMPLE, seed: int = 0) -> pl.DataFrame:
    return draws(simulated(setting, np.random.default_rng(seed)))


def test_a_jackknife_of_means_is_the_t_interval_of_a_mean() -> None:
    values = np.random.default_rng(1).normal(3, 2, 20)
    found = jackknife(np.stack([np.ones(20), values], axis=1), lambda t: t[:, 1] / t[:, 0])
    assert found is not None
    error = values.std(ddof=1) / np.sqrt(20)
    assert found.value == pytest.approx(values.mean())
    assert (found.high - found.low) / 2 == pytest.approx(2.0930240544 * error)
    assert jackknife(np.ones((7, 2)), lambda t: t[:, 1] / t[:, 0]) is None


def test_intervals_hold_the_planted_effect_of_length() -> None:
    rows = quality.measure(40, 5, ("40 prompts, 8 responses each",), (), bench=False)
    assert [row["what"] for row in rows] == [
        "share of the gain that length explains", "proxy at matched length",
    ]  # fmt: skip
    for row in rows:
        assert row["told"] == 40 and row["held"] >= 36, row


def test_what_prompts_make_of_length_is_not_what_is_paid_for_it() -> None:
    frame = simulated(replace(SIMPLE, pays=0.0), np.random.default_rng(2))
    of_prompt = pl.col("tokens").mean().over("prompt_id")
    confounded = draws(frame.with_columns(proxy=pl.col("proxy") + 0.5 * of_prompt))
    share = length.explained(confounded, "proxy")
    assert share["slope"]["low"] < 0 < share["slope"]["high"] and share["slope"]["high"] < 0.02
    assert share["share"]["high"] < 0.3


def test_what_cannot_be_told_of_length_says_why() -> None:
    single = simulated(replace(SIMPLE, each=1), np.random.default_rng(3))
    assert "answered once" in length.explained(draws(single), "proxy")["reason"]
    frame = drawn()
    still = length.explained(frame.with_columns(length=pl.lit(50.0)), "proxy")
    assert still["slope"] is None and still["reason"] == "all responses are of one length"
    alike = frame.with_columns(length=pl.col("length").mean().over("cell"))
    assert "to one prompt at a step are all" in length.explained(alike, "proxy")["reason"]
    few = frame.filter(pl.col("group") < 5)
    of_few = "responses are of 5 prompts, and it takes 8"
    assert length.explained(few, "proxy")["reason"] == of_few
    assert "of 4 prompts, and it takes 8" in length.matched(few, "proxy")["reason"]
    thin = frame.filter(pl.int_range(pl.len()).over("cell") < 1).group_by("window").head(9)
    reason = length.matched(thin, "proxy")["reason"]
    assert reason == "too few responses to be compared by length: 9 at the start, 9 now"
    assert length.explained(frame.head(0), "proxy")["reason"]
    ended = frame.with_columns(gold=pl.when(pl.col("window") == "start").then("gold"))
    assert "alone" in length.explained(ended, "gold")["reason"]
    flat = drawn(replace(SIMPLE, pays=0.0, drift=-1.0))
    share = length.explained(flat, "proxy")
    assert share["share"] is None and share["by_length"] and "clearly gain" in share["reason"]
    far = frame.with_columns(
        length=pl.col("length") + pl.when(pl.col("window") == "now").then(9e3).otherwise(0.0)
    )
    assert "do not overlap" in length.matched(far, "proxy")["reason"]
    assert length.matched(frame, "gold")["difference"]["units"] >= 8


def test_why_ranks_cannot_be_told_names_the_cause() -> None:
    frame = drawn()
    huge = draws(simulated(SIMPLE, np.random.default_rng(0)).with_columns(proxy=pl.lit(1e300)))
    cases = {
        "no proxy that was logged is a number below 10¹⁰⁰": huge,
        "no response has gold": frame.with_columns(gold=pl.lit(None, pl.Float64),
                                                   logged_gold=pl.lit(False)),
        "all responses have the same proxy": frame.with_columns(proxy=pl.lit(1.0)),
        "all responses have the same gold": frame.with_columns(gold=pl.lit(1.0)),
        "all responses to one prompt have the same gold": frame.with_columns(
            gold=pl.col("group").cast(pl.Float64)),
        "responses with both are of 5 prompts, and it takes 8": frame.filter(pl.col("group") < 5),
        "no prompt has 3 responses with both": frame.filter(
            pl.int_range(pl.len()).over("group") < 2),
        "no responses were logged": frame.head(0),
    }  # fmt: skip
    for why, case in cases.items():
        assert missing.of_ranks(case) == why
        judge = {"steps": judge_ranks.over_steps(case), "reason": why, "parting": parting(case),
                "curse": [], "environments": [], "labels": [], "reviewers": []}  # fmt: skip
        assert f"cannot tell, {why}." in judge_words.judge_sentences(judge)[0]
    for measure in ("explained", "matched"):
        assert getattr(length, measure)(huge, "proxy")["reason"].endswith("below 10¹⁰⁰")
    assert parting(huge)["reason"].endswith("below 10¹⁰⁰")


def test_tokens_count_only_where_all_responses_have_them() -> None:
    frame = simulated(SIMPLE, np.random.default_rng(0)).with_columns(characters=pl.lit(7))
    assert draws(frame)["length"].max() > 7
    lacking = frame.with_columns(tokens=pl.when(pl.col("step") > 3).then("tokens"))
    assert draws(lacking)["length"].unique().to_list() == [7.0]
    broken = draws(frame.with_columns(proxy=pl.lit(float("inf")), gold=pl.lit(float("nan"))))
    assert broken["proxy"].null_count() == broken["gold"].null_count() == frame.height


def test_ranks_are_those_of_a_small_case_by_hand() -> None:
    frame = draws(pl.DataFrame({
        "step": [0] * 48, "prompt_id": np.repeat([f"p{i}" for i in range(12)], 4),
        "proxy": [1.0, 2.0, 3.0, 4.0] * 12, "gold": [1.0, 3.0, 2.0, 3.0] * 12,
        "tokens": [1.0] * 48, "characters": [1] * 48,
    }))  # fmt: skip
    ranks = judge_ranks.ranks(frame)
    # Ranks of gold are 1, 3.5, 2, 3.5; of its five pairs that differ the proxy is wrong on one.
    assert ranks["spearman"]["value"] == pytest.approx(0.6324555320336759)
    assert ranks["auroc"]["value"] == pytest.approx(0.8)
    assert ranks["slope"]["value"] == pytest.approx(0.5)
    assert ranks["spearman"]["low"] == pytest.approx(ranks["spearman"]["high"])


def test_small_draws_of_a_stretch_are_put_together_and_it_says_so() -> None:
    rows = judge_ranks.over_steps(drawn(replace(SIMPLE, each=1, prompts=12, per_step=8)))
    assert len(rows) == judge_ranks.STRETCHES and all(row["pooled"] for row in rows)
    assert all(row["spearman"]["value"] > 0.3 for row in rows)
    assert not any(row["pooled"] for row in judge_ranks.over_steps(drawn()))


def test_the_curse_of_the_winner_is_found_where_gold_turns_and_not_on_a_line() -> None:
    frame = drawn(replace(SIMPLE, each=16, pays=0.0))
    straight = judge_ranks.curse(frame)
    assert straight["difference"]["low"] < 0 < straight["difference"]["high"]
    turned = frame.with_columns(
        gold=pl.when(pl.col("proxy") > pl.col("proxy").quantile(0.985))
        .then(pl.col("gold") - 3).otherwise("gold")
    )  # fmt: skip
    assert judge_ranks.curse(turned)["difference"]["high"] < -1
    assert "fewer than 10" in judge_ranks.curse(frame.head(500))["reason"]
    assert [row["part"] for row in judge_ranks.curses(frame)] == list(judge_ranks.PARTS)


def test_environments_are_told_apart() -> None:
    frame = drawn().with_columns(environment=pl.when(pl.col("group") % 2 == 0).then(pl.lit("a"))
                                 .otherwise(pl.lit("b")))  # fmt: skip
    hacked = frame.with_columns(
        gold=pl.when(pl.col("environment") == "b").then(-pl.col("gold")).otherwise("gold")
    )
    rows = {row["environment"]: row for row in judge_ranks.by_environment(hacked)}
    assert rows["a"]["spearman"]["low"] > 0 > rows["b"]["spearman"]["high"]
    assert judge_ranks.by_environment(frame.with_columns(environment=pl.lit("a"))) == []


def test_a_hack_is_told_from_instability_and_neither_from_health() -> None:
    kinds = ("hack", "instability", "healthy", "healthy, less left to tell apart", "nothing moves")
    rows = {row["setting"]: row for row in quality.measure(20, 9, (), kinds, bench=False)}
    assert rows["hack"]["parted"] >= 18 and rows["instability"]["both_broke_down"] >= 18
    for kind in kinds[2:]:
        assert rows[kind]["parted"] + rows[kind]["both_broke_down"] <= 2, rows[kind]
    for other in ("hack", "instability"):
        wrong = "both_broke_down" if other == "hack" else "parted"
        assert rows[other][wrong] == 0
    alone = parting(drawn().filter(pl.col("window") == "start"))
    assert alone["diagnosis"] == UNKNOWN and alone["reason"]
    assert {HACK, INSTABILITY} == {"parted", "both broke down"}


def test_what_cannot_be_told_of_a_fall_says_where_it_was_asked() -> None:
    sentence = judge_words.parting_sentence({"diagnosis": UNKNOWN, "reason": "gold rose"})
    assert "cannot tell, gold rose (asked of the first and the last tenth" in sentence


def test_judges_are_held_against_labels() -> None:
    rng = np.random.default_rng(4)
    judge = rng.normal(0, 1, 400)
    scored = pl.DataFrame({
        "step": [0] * 400, "prompt_id": [f"p{i // 8}" for i in range(400)], "judge": judge,
        "source": ["human"] * 400, "gold": judge + rng.normal(0, 0.3, 400),
    })  # fmt: skip
    (row,) = people.against_labels(scored)
    assert row["source"] == "human" and row["auroc"]["low"] > 0.85
    assert "human" in judge_words._labels(row)
    assert people.against_labels(scored.with_columns(source=pl.lit(None, pl.String))) == []
    assert people.against_reviewers(pl.DataFrame(), pl.DataFrame()) == []


def _numbers(**series: np.ndarray) -> pl.DataFrame:
    return pl.concat([
        pl.DataFrame({"key": key, "step": np.arange(len(values)), "value": values})
        for key, values in series.items()
    ])  # fmt: skip


def test_rivals_are_seen_where_they_were_planted_and_nowhere_else() -> None:
    rng, many = np.random.default_rng(6), 200
    steps = np.arange(many)
    lr = np.full(many, 1e-4)
    lr[140] = 1e-3
    logged = _numbers(
        entropy=np.where(steps < 120, 2.0, 0.3) + rng.normal(0, 0.05, many),
        clipped_share=np.full(many, 0.01) + rng.normal(0, 0.001, many), learning_rate=lr,
        vllm_kl=np.where(steps < 120, 0.01, 0.2) + rng.normal(0, 0.002, many),
    )  # fmt: skip
    by_rival = {row["rival"]: row for row in rivals(logged, [10], (120.0, 180.0))}
    assert {name for name, row in by_rival.items() if row["result"] == SEEN} == {
        "entropy_collapse", "learning_rate", "engine_mismatch",
    }  # fmt: skip
    assert by_rival["cut_off"]["result"] == by_rival["reference_change"]["result"] == NOT_SEEN
    assert by_rival["staleness"]["result"] == by_rival["gradient"]["result"] == NOT_LOGGED
    assert by_rival["learning_rate"]["step"] == 140
    sentence = rival_words.rival_sentence(by_rival["entropy_collapse"])
    assert (
        "at the start and" in sentence and "just before" in sentence and "at the onset" in sentence
    )
    assert "not logged" in rival_words.rival_sentence(by_rival["staleness"])
    assert rivals(logged, [150], (120.0, 180.0))[-1]["result"] == SEEN


def test_a_steady_trend_is_no_news_at_the_onset() -> None:
    rng, seen = np.random.default_rng(8), 0
    for _ in range(40):
        slow = 2 - 0.004 * np.arange(200) + rng.normal(0, 0.1, 200)
        noise = np.abs(rng.normal(1, 0.2, 200))
        rows = rivals(_numbers(entropy=slow, grad_norm=noise, clip_ratio=noise), [], (100.0, 140.0))
        seen += sum(row["result"] == SEEN for row in rows)
    assert seen == 0
    few = rivals(_numbers(entropy=np.ones(200)), [], (2.0, 140.0))
    assert next(r for r in few if r["rival"] == "entropy_collapse")["result"] == NOT_LOGGED
    assert onset_of({"alarm": None, "peak": {"step": 3}}) is None
    assert onset_of({"alarm": {"step": 9}, "peak": {"step": 3}}) == (3.0, 9.0)


def test_signals_that_are_shipped_err_on_no_more_than_5_percent_of_the_genuine_trainings() -> None:
    rows = quality.measure(1, 1, (), ())
    found = signals.measured(rows)
    assert {"length", "length_drift", "entropy", "shortcuts", "chi_squared"} <= set(found)
    for name in ("length", "entropy"):
        assert found[name]["healthy"] == 82 and found[name]["high"] < 0.05
        assert found[name]["called"] > 0 and signals.shipped(found[name])
    assert not signals.shipped(found["length_drift"]) and not signals.shipped(None)
    # What grows and is paid for is what a policy that gets better says: tried, and not used.
    assert signals.failed(found["shortcuts"]) and signals.failed(found["chi_squared"])
    simulated_ones = [row for row in rows if row["kind"] == "simulated signal"]
    better = next(row for row in simulated_ones if row["setting"].startswith("good words grow"))
    assert (better["signal"], better["false"], better["runs"]) == ("shortcuts", 1, 1)
    few = {"healthy": 20, "false": 0, "low": 0.0, "falling": 9, "called": 9}
    assert not signals.failed(few | {"false": 2, "low": 0.0279})  # of 20 that may be chance
    assert not signals.shipped(few) and not signals.failed(few) and not signals.failed(None)
    assert "measured on 20 of them (wrong on 0) and it takes 60" in (
        signal_words.why_not("ensemble", few)
    )
    assert "not known, because the trainings" in signal_words.why_not("format", None)


def test_signals_tell_their_values_and_are_silent_without_logs() -> None:
    frame = drawn().with_columns(formatted=pl.col("window") == "now", second=-pl.col("gold"))
    assert signals.of_format(frame)["value"] == 1.0 and signals.of_format(frame)["raised"]
    same = frame.with_columns(second=pl.col("gold"))
    assert signals.of_second(same)["raised"] is False
    turned = frame.with_columns(
        second=pl.when(pl.col("window") == "now").then(-pl.col("gold")).otherwise("gold")
    )
    assert signals.of_second(turned)["raised"]
    nothing = frame.with_columns(
        formatted=pl.lit(None, pl.Boolean), second=pl.lit(None, pl.Float64),
        log_ratio=pl.lit(None, pl.Float64),
    )  # fmt: skip
    for signal in (
        signals.of_format(nothing),
        signals.of_second(nothing),
        signals.of_chi_squared(nothing, 1.0),
        signals.over_rows(np.arange(3.0), np.ones(3)),
    ):
        assert signal is None or signal["value"] is signal["raised"] is None
    # A tilt of b sd has chi-squared e^(b²) - 1; a gain of g asks r of sqrt(1 - g² / chi²).
    b, gain, rng = 0.5, 0.3, np.random.default_rng(5)
    frame = drawn(replace(SIMPLE, each=80))
    z = rng.normal(0, 1, frame.height)
    tilted = frame.with_columns(
        proxy=pl.Series(z) + pl.when(pl.col("window") == "now").then(gain).otherwise(0.0),
        log_ratio=b * (pl.Series(z) + b) - b**2 / 2,
    )
    least = np.sqrt(1 - gain**2 / (np.exp(b**2) - 1))
    assert signals.of_chi_squared(tilted, 0.125)["value"] == pytest.approx(least, abs=0.12)
    assert "beyond 5" in signals.of_chi_squared(tilted, 9.0)["reason"]


def test_latent_outliers_are_a_hundredth_where_nothing_changes() -> None:
    rng = np.random.default_rng(7)
    share = []
    for shift in (0.0, 3.0):
        vectors = np.concatenate([rng.normal(0, 1, (400, 16)), rng.normal(shift, 1, (400, 16))])
        signal = signals.of_embeddings(pl.DataFrame({
            "iteration": [0] * 400 + [5] * 400, "text_id": [f"{i:04}" for i in range(800)],
            "vector": vectors.tolist(),
        }))  # fmt: skip
        share.append(signal["value"])
    assert share[0] < 0.05 < 0.9 < share[1]


def test_the_budget_of_length_says_where_gold_falls() -> None:
    steps = np.arange(100)
    metrics = pl.DataFrame({
        "step": steps, "response_length": 20 + 0.2 * steps + np.sin(steps), "kl": steps / 10,
        "proxy_reward": steps / 50,
    })  # fmt: skip
    looks = pl.DataFrame({
        "step_start": steps[::10], "step_end": steps[::10] + 9, "kl": steps[::10] / 10,
        "gold_reward": [0.0, 1, 2, 3, 4, 3, 2, 1, 0, -1], "gold_se": [0.1] * 10,
    })  # fmt: skip
    verdict = {"peak": {"step_low": 40, "step_high": 49}, "alarm": {"step": 80}}
    document = budget(metrics, looks, verdict)
    assert len(document["points"]) == 10 and document["falls_beyond"]["said"].startswith(
        "gold falls above"
    )
    assert 26 < document["falls_beyond"]["low"] < document["falls_beyond"]["high"] < 32
    alone = budget(metrics, looks.head(0), {})
    assert alone["falls_beyond"] is None and alone["points"][0]["gold"] is None
    lacking = metrics.with_columns(response_length=pl.lit(None, pl.Float64))
    assert budget(lacking, looks, verdict)["reason"]


def _estimate(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "units": 9}


def test_environments_that_monitors_named_and_a_second_reward_are_found_in_the_store(
    home: Path, tmp_path: Path
) -> None:
    rows = simulated(replace(SIMPLE, steps=12), np.random.default_rng(1)).with_columns(
        run_id=pl.lit("r"),
        sample_id=pl.int_range(pl.len()).over("step", "prompt_id"),
        completion=pl.lit("# a\n- b"),
        judge_score=pl.col("gold") * 2,
    )
    rows.select("run_id", "step", "prompt_id", "sample_id", "completion", "judge_score",
                proxy_reward="proxy", gold_reward="gold", n_tokens="tokens",
                ).write_parquet(tmp_path / "samples.parquet")  # fmt: skip
    odd = pl.col("prompt_id").cast(pl.Int64) % 2 == 1
    seen = rows.unique(["step", "prompt_id"]).with_columns(
        environment=pl.when(odd).then(pl.lit("<b>web</b>\nx"))
        .otherwise(pl.lit("shell")), behaviour=pl.lit("edits"), value=0, source=pl.lit("m"),
    )  # fmt: skip
    seen.select("run_id", "step", "environment", "behaviour", "value", "source",
                trajectory_id="prompt_id").write_csv(tmp_path / "behaviours.csv")  # fmt: skip
    import_paths(home, [tmp_path / "samples.parquet", tmp_path / "behaviours.csv"], ReadOptions())
    with closing(Owner(home)) as owner:
        query = owner.store.query
        assert report.second_of(query, "r") == "judge_score"
        found = report.read(query, "r", None, "judge_score")
        assert found.height == rows.height and report.read(query, "r", 3).height < found.height
        judge = report.of_judge(query, "r", found, None)
        thin = report.read(partial(_thinned, query), "r", None)
    assert {row["environment"] for row in judge["environments"]} == {"shell", "<b>web</b>\nx"}
    assert any("In <b>web</b> x the rank" in one for one in judge_words.judge_sentences(judge))
    assert found["formatted"].all() and report.of_length(found)["explained"][0]["slope"]
    assert found["length"].max() > 20 and signals.of_second(found)["raised"] is False
    sizes = thin.group_by("cell").len()["len"]
    assert 0 < thin.height < found.height and sizes.unique().to_list() == [8]


def _thinned(query: Callable[..., pl.DataFrame], name: str, **asked: Any) -> pl.DataFrame:
    """A run of which only some draws are read."""
    return query(name, **asked | ({"one_of": 4} if name == "paid_responses" else {}))


def test_gold_and_proxy_are_held_against_the_reviewers_of_a_loop(
    home: Path, tmp_path: Path
) -> None:
    # People prefer the new answer of 30 prompts; gold agrees on 24 of them, the proxy on all.
    texts = [
        {"loop": "l", "iteration": at, "text_id": f"{at}-{p}", "prompt": f"p{p}", "kept": True,
         "text": f"answer {at} {p}", "gold_reward": float(at if p < 24 else -at),
         "proxy_reward": float(at)}
        for at in (0, 1) for p in range(30)
    ]  # fmt: skip
    pl.DataFrame(texts).write_parquet(tmp_path / "generations.parquet")
    pl.DataFrame([
        {"loop": "l", "iteration": 1, "item_id": f"i{p}", "prompt": f"p{p}",
         "response_a": f"answer 1 {p}", "response_b": f"answer 0 {p}", "origin_a": "iteration 1",
         "origin_b": "iteration 0", "proxy_a": 1.0, "proxy_b": 0.0, "rater": "Bo",
         "preferred": "a", "graded_at": "2026-06-03"}
        for p in range(30)
    ]).write_csv(tmp_path / "reviews.csv")  # fmt: skip
    files = [tmp_path / "generations.parquet", tmp_path / "reviews.csv"]
    import_paths(home, files, ReadOptions())
    with closing(Owner(home)) as owner:
        query = owner.store.query
        judge = report.of_judge(query, "l", report.read(query, "l", None), None)
    agreed = {row["measure"]: row for row in judge["reviewers"]}
    assert (agreed["gold"]["n"], agreed["gold"]["agreement"]) == (30, 0.8)
    assert agreed["proxy"]["agreement"] == 1.0
    assert "gold agrees with reviewers on 80.0 %" in " ".join(judge_words.judge_sentences(judge))


def test_the_command_tells_odd_runs_too_in_strict_json(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = ("rewards of 1e308",)
    import_paths(home, write(tmp_path, {name: KINDS[name] for name in odd}), ReadOptions())
    with closing(Owner(home)) as owner:
        runs = owner.store.query("runs", project=None, runs=None)["run_id"].to_list()
    assert HEALTHY in runs
    assert analytics.__main__.main(["paid-for", "--json", "--run", *runs, "no such run"]) == 1
    printed = capsys.readouterr()
    assert "no run 'no such run'" in printed.err
    answer = json.loads(printed.out, parse_constant=pytest.fail)
    assert [row["run"] for row in answer] == sorted(runs)
    keys = {"run", "responses", "length", "judge", "rivals", "without_gold"}
    assert all(row.keys() == keys for row in answer)
    healthy = next(row for row in answer if row["run"] == HEALTHY)
    assert healthy["length"]["budget"]["falls_beyond"]["reached"]
    assert healthy["without_gold"]["ask"] is None  # its gold has decided
    text = " ".join(words.lines(healthy))
    assert "Length as a second budget, in tokens: gold falls above" in text
    assert "None" not in text and "no responses were logged" in text


def test_words_do_not_say_more_than_the_data() -> None:
    negative = {"measure": "proxy", "share": _estimate(-0.2, -0.3, -0.1)}
    assert "would have lowered" in length_words.share_sentence(negative)
    assert length_words.share_sentence({"measure": "proxy", "share": None}) == ""
    open_ended = {"measure": "gold", "share": None, "by_length": _estimate(0.2, 0.1, 0.3),
                  "change": _estimate(-0.5, -1.4, 0.4)}  # fmt: skip
    sentence = length_words._unexplained(open_ended)
    assert "includes 0" in sentence and "fell" not in sentence
    raised = {"raised": ["entropy"], "ask": {"kl": 3.0, "evaluations": 4, "responses": 100,
                                            "reason": "Why."}}  # fmt: skip
    assert signal_words.ask_sentence(raised).startswith(
        "Ask for gold (entropy): 100 labels up to KL 3 nats would decide."
    )
    one = {"raised": ["length"], "ask": raised["ask"] | {"responses": None}}
    assert "labels at KL 3 nats would decide" in signal_words.ask_sentence(one)
    decided = signal_words.ask_sentence({"raised": ["length"], "ask": None})
    assert decided == "Raised without gold: length. Gold says more, where it was measured."
    assert "clears nothing" in signal_words.ask_sentence({"raised": [], "ask": None})
    nowhere = {"raised": ["entropy"], "ask": {"kl": None, "evaluations": None, "responses": None,
                                             "reason": "KL was not logged."}}  # fmt: skip
    sentence = signal_words.ask_sentence(nowhere)
    assert sentence == "Ask for gold (entropy): labels would decide. KL was not logged."
    for word in ("overoptimi", "hack", "alarm", "verdict"):
        assert word not in sentence.lower()
