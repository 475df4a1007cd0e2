"""The gate on a complete generated loop, with one fault planted, with tables missing or odd."""

import datetime
import json
import re
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest

from analytics.gate import Evidence, GateError, default, judge, proposal, read_policy
from analytics.gate.blocks.checks import Levels, bounded
from analytics.gate.records.bounds import excess, mean, normal, paired_rate, rate_change, share
from analytics.gate.records.evidence import FRAMES
from analytics.gate.records.reviews import cohen_kappa, reviewed, win_rate
from analytics.gate.result.after import STEPS, other_arms, steps
from analytics.gate.result.due import due
from analytics.gate.result.gathering import overlap, with_kl_error
from analytics.gate.result.markdown import markdown
from analytics.gate.rules.limits import BLOCKS, CHECKS
from analytics.gate.simulated import FAULTS, TODAY, complete_loop
from analytics.loops.decided import in_order, last_word
from analytics.quality.gate_years import wrong_answers

POLICY = default()
GOOD = complete_loop()


def without(evidence: Evidence, table: str) -> Evidence:
    frames = {name: frame for name, frame in evidence.frames.items() if name != table}
    return replace(evidence, frames=frames)


def with_frame(evidence: Evidence, table: str, frame: pl.DataFrame) -> Evidence:
    return replace(evidence, frames={**evidence.frames, table: frame})


def block(gate, name: str):
    return next(one for one in gate.blocks if one.name == name)


def test_a_complete_loop_passes_and_says_no_more_than_it_looked_at() -> None:
    gate = judge(GOOD, POLICY, snapshot="store generation 7")
    assert [one.result for one in gate.blocks] == ["PASS"] * 6 and gate.exit_code == 0
    assert gate.summary == f"PASS: no blocking finding under policy {POLICY.title}."
    document = json.dumps(gate.to_dict())
    for text in (document, markdown(gate), proposal()):
        assert not any(word.strip(".,:;\"'()").lower().startswith("safe")
                       for word in text.split())  # fmt: skip
    assert gate.not_looked_at and all(one in markdown(gate) for one in gate.not_looked_at[:2])
    for one in gate.to_dict()["blocks"]:
        assert one["evidence"].startswith("/") and one["reason"].endswith(".")
    numbers = [check for one in gate.blocks for check in one.checks if check.n and check.low]
    assert all(c.low <= c.value <= c.high and c.limit is not None for c in numbers if c.high)
    assert sorted(JUDGED) == sorted(c.name for one in gate.blocks for c in one.checks)


JUDGED = [name for names in CHECKS.values() for name in names]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fails_its_block_alone(fault: str) -> None:
    gate = judge(complete_loop(fault), POLICY)
    assert {one.name for one in gate.blocks if one.result != "PASS"} == {fault}
    assert block(gate, fault).result == "FAIL" and gate.exit_code == 1
    assert f"{fault.replace('_', ' ')} FAIL" in gate.summary
    assert block(gate, fault).telling.result == "FAIL"


TABLES = {
    "answers": "truthfulness", "generations": "reward_hacking", "corpus": "provenance",
    "indicators": "diversity", "overlap": "provenance", "reviews": "human_checkpoint",
    "outcomes": "outcomes", "decisions": "human_checkpoint",
}  # fmt: skip


def test_every_table_but_the_metrics_is_asked_for() -> None:
    assert set(TABLES) | {"metrics", "sealed"} == set(FRAMES) and set(TABLES.values()) == set(
        BLOCKS
    )


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_table_is_not_measured_and_blocks(table: str) -> None:
    gate = judge(without(GOOD, table), POLICY)
    found = block(gate, TABLES[table])
    assert found.result == "NOT MEASURED" and gate.exit_code == 2
    assert len(found.reason) > 30 and "None" not in found.reason


def test_small_evidence_is_not_shown_and_says_how_much_would_decide() -> None:
    from analytics.gate.simulated import Sizes

    few = complete_loop(sizes=Sizes(questions=900, prompts=300, pairs=260, cases=900))
    gate = judge(few, POLICY)
    assert gate.result == "NOT SHOWN" and gate.exit_code == 2
    asked = next(c for c in block(gate, "human_checkpoint").checks if c.name == "win_rate")
    assert asked.result == "NOT SHOWN" and 1000 < asked.items < 2000
    assert "would decide" in asked.reason
    again = judge(complete_loop(sizes=Sizes(pairs=asked.items)), POLICY)
    assert block(again, "human_checkpoint").result == "PASS"


def test_two_iterations_under_one_number_are_refused() -> None:
    other = GOOD.frames["generations"].filter(pl.col("iteration") == 1).with_columns(
        text=pl.lit("another text")
    )  # fmt: skip
    frame = pl.concat([GOOD.frames["generations"], other])
    with pytest.raises(GateError, match=r"table generations has .*iteration 1.*one number"):
        judge(with_frame(GOOD, "generations", frame), POLICY)
    twice = pl.concat([GOOD.frames["outcomes"], GOOD.frames["outcomes"].with_columns(value=0.5)])
    with pytest.raises(GateError, match=r"table outcomes has .* that differ"):
        judge(with_frame(GOOD, "outcomes", twice), POLICY)
    # The same rows twice contradict nothing.
    same = pl.concat([GOOD.frames["outcomes"]] * 2)
    with_frame(GOOD, "outcomes", same).check()


def test_one_rater_measures_no_agreement() -> None:
    one = GOOD.frames["reviews"].filter(pl.col("rater") == "R. One")
    found = block(judge(with_frame(GOOD, "reviews", one), POLICY), "human_checkpoint")
    assert found.result == "NOT MEASURED" and "1 rater (R. One)" in found.reason


def test_raters_who_do_not_agree_measure_nothing() -> None:
    frame = GOOD.frames["reviews"]
    guessed = np.random.default_rng(3).choice(["a", "b"], frame.height)
    evidence = with_frame(GOOD, "reviews", frame.with_columns(preferred=pl.Series(guessed)))
    found = block(judge(evidence, POLICY), "human_checkpoint")
    agreement = next(check for check in found.checks if check.name == "agreement")
    assert agreement.result == "NOT MEASURED" and abs(agreement.value) < 0.1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"by": "s. ubmitter"}, "is the submitter"),
        ({"by": None}, "names nobody"),
        ({"at": None}, "has no date"),
        ({"at": "2026-10-01"}, "expired on 2026-10-15"),
        ({"expires": "2026-11-27"}, "expired on 2026-11-27"),
    ],
)
def test_an_approval_that_does_not_hold_blocks(changes: dict, reason: str) -> None:
    frame = GOOD.frames["decisions"].with_columns(
        **{key: pl.lit(value, pl.String) for key, value in changes.items()}
    )
    found = block(judge(with_frame(GOOD, "decisions", frame), POLICY), "human_checkpoint")
    approval = next(check for check in found.checks if check.name == "approval")
    assert approval.result == "NOT MEASURED" and reason in approval.reason
    assert found.result == "NOT MEASURED"


def test_a_decision_to_stop_fails_and_nobody_named_blocks() -> None:
    stop = GOOD.frames["decisions"].with_columns(decision=pl.lit("stop"))
    gate = judge(replace(with_frame(GOOD, "decisions", stop), release=1), POLICY)
    assert block(gate, "human_checkpoint").result == "FAIL"
    nobody = judge(replace(GOOD, submitter=None), POLICY)
    assert "Nobody is named as the submitter" in block(nobody, "human_checkpoint").reason


def test_old_reviews_are_no_reviews() -> None:
    late = replace(GOOD, today=TODAY + datetime.timedelta(days=12))
    found = block(judge(late, POLICY), "human_checkpoint")
    assert found.result == "NOT MEASURED" and "15 days old" in found.reason


def test_a_waiver_is_counted_named_and_ends() -> None:
    text = proposal() + (
        '[[waivers]]\nblock = "outcomes"\nname = "A. Person"\nreason = "no canary yet"\n'
        "expires = 2026-12-12\n"
    )
    policy, bare = read_policy(text), without(GOOD, "outcomes")
    gate = judge(bare, policy)
    assert gate.summary.startswith("PASS (1 waived): no blocking finding under policy")
    found = block(gate, "outcomes")
    assert found.result == "WAIVED" and found.measured == "NOT MEASURED"
    assert "A. Person until 2026-12-12: no canary yet" in found.reason
    assert any("waived by A. Person" in one for one in gate.not_looked_at)
    ended = judge(replace(bare, today=datetime.date(2026, 12, 13)), policy)
    assert block(ended, "outcomes").result == "NOT MEASURED"


def test_a_check_left_out_is_listed_as_not_looked_at() -> None:
    text = proposal().replace('"lineage", ', "")
    gate = judge(GOOD, read_policy(text))
    assert "provenance: lineage (left out of the policy)" in gate.not_looked_at


def test_a_loosened_policy_is_marked() -> None:
    gate = judge(GOOD, POLICY, loosened=["outcomes.drop 0.02 → 0.03"])
    assert "loosened after the data of this iteration arrived: outcomes.drop" in gate.summary
    assert "loosened" in markdown(gate)


def test_the_last_release_is_the_last_decision_to_continue() -> None:
    decisions = pl.DataFrame({"iteration": [1, 2, 3], "decision": ["continue", "stop", "continue"],
                              "by": ["A"] * 3, "at": ["2026-11-01"] * 3})  # fmt: skip
    evidence = Evidence("l", 3, {"decisions": decisions})
    assert evidence.released() == (1, "the last decision to continue")
    none = Evidence("l", 3, {"decisions": decisions.with_columns(decision=pl.lit("stop"))})
    assert none.released()[0] == 0
    assert Evidence("l", 3).released()[0] == 2 and Evidence("l", 3, release=0).released()[0] == 0


def test_further_looks_beyond_the_years_give_no_pass() -> None:
    looks = pl.DataFrame({
        "iteration": [1] * 6 + [2], "decision": ["re_evaluate"] * 5 + ["continue"] * 2,
        "by": ["A. Prover"] * 7, "at": ["2026-11-27"] * 7,
        "snapshot": [f"s{at}" for at in range(6)] + ["s9"],
    })  # fmt: skip
    gate = judge(with_frame(GOOD, "decisions", looks), POLICY)
    assert block(gate, "outcomes").result == "NOT SHOWN"
    assert "looks are spent" in block(gate, "outcomes").reason


def test_harm_of_both_references_is_seen() -> None:
    """.9 points an iteration: a gate that looks one step back would let it pass."""
    series = drifting(np.random.default_rng(5), questions=40000, step=0.009, iterations=6)
    results = []
    for at in range(1, 7):
        one = replace(series, iteration=at, release=at - 1)
        found = block(judge(one, POLICY, blocks=["truthfulness"]), "truthfulness")
        results.append({check.name: check.result for check in found.checks})
    assert "FAIL" not in {one["confident_from_release"] for one in results}
    assert "PASS" not in {one["confident_from_first"] for one in results[2:]}
    assert results[-1]["confident_from_first"] == "FAIL"


# The bounds, against numbers from elsewhere.


def test_paired_rate_is_tangos_interval() -> None:
    """Agresti's prime minister: 944, 86 against 150, 570: Tango .038 to .091 by R's PropCIs.

    The half question taken off widens it by under .001.
    """
    n, worse, better = 1600, 150, 86
    differences = np.r_[np.ones(worse), -np.ones(better), np.zeros(n - worse - better)]
    low, high = paired_rate(differences).ends(0.025)
    assert low == pytest.approx(0.0207, abs=0.002) and high == pytest.approx(0.0591, abs=0.002)


def test_few_changed_answers_do_not_exclude_a_limit() -> None:
    """4 of 1,000 newly wrong: a Wald bound at .0017 excludes one point, chance .03 at the limit."""
    differences = np.r_[np.ones(4), np.zeros(996)]
    wald = 0.004 + 2.94 * np.sqrt(0.004 / 1000)
    assert wald < 0.01 < paired_rate(differences).ends(0.00167)[1]


def test_questions_about_one_entity_go_together() -> None:
    random = np.random.default_rng(0)
    entity = np.repeat(np.arange(100), 10)
    differences = np.repeat(random.choice([0, 0, 0, 1, -1], 100), 10)
    alone = paired_rate(differences).ends(0.01)
    together = paired_rate(differences, entity).ends(0.01)
    assert together[1] - together[0] > 2.5 * (alone[1] - alone[0])


def test_bounds_of_means_and_rates() -> None:
    from scipy import stats

    values = np.random.default_rng(1).normal(1, 2, 30)
    t = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean(values).ends(0.025) == pytest.approx((t.low, t.high))
    assert share(81, 263).ends(0.025) == pytest.approx((0.255289, 0.366210), abs=1e-5)
    assert rate_change(62, 400, 48, 400).ends(0.025) == pytest.approx(
        (-0.012916, 0.082959), abs=1e-5
    )
    assert mean([1.0]) is None and share(0, 0) is None and paired_rate([0.1]) is None


def test_what_trainings_differ_by_widens_and_can_forbid_a_decision() -> None:
    one = normal(0.0, 0.003, 1000)
    assert one.widened(0.004).bounds(0.01, 0.01)[1] == pytest.approx(
        one.widened(0.0).bounds(0.01, 0.01)[1] * 5 / 3
    )
    assert one.items(0.01, 0.00167) > 1000 and one.widened(0.004).items(0.01, 0.00167) is None


def test_excess_scatter_is_found_and_a_trend_is_none() -> None:
    random = np.random.default_rng(2)
    still = [excess([(random.normal(0, 0.01), 0.01) for _ in range(20)]) for _ in range(50)]
    moved = [excess([(random.normal(0, 0.03), 0.01) for _ in range(20)]) for _ in range(50)]
    growing = excess([(0.002 * at**2 + random.normal(0, 0.001), 0.001) for at in range(20)])
    assert np.mean(still) < 0.006 and 0.024 < np.mean(moved) < 0.032 and growing < 0.003
    assert excess([(0.0, 0.1), (9.0, 0.1)]) == 0.0


@pytest.mark.parametrize(
    ("value", "limit", "neutral", "result"),
    [
        (0.0, 0.1, 0.0, "PASS"), (0.2, 0.1, 0.0, "FAIL"), (0.09, 0.1, 0.0, "NOT SHOWN"),
        (0.0, -0.1, 0.0, "PASS"), (-0.2, -0.1, 0.0, "FAIL"), (0.5, 0.45, 0.5, "PASS"),
        (0.38, 0.45, 0.5, "FAIL"), (0.46, 0.45, 0.5, "NOT SHOWN"),
    ],
)  # fmt: skip
def test_harm_has_a_direction(value: float, limit: float, neutral: float, result: str) -> None:
    found = bounded("x", "X:", normal(value, 0.01, 100), limit, neutral, Levels(0.01, 0.001))
    assert found.result == result


@pytest.mark.parametrize(
    ("value", "n", "distance", "level"),
    [(0.0, 100, 1.0, 0.01), (0.6, 2000, 0.4, 0.01), (1.5, 100, 0.5, 0.001)],
)
def test_the_items_that_decide_are_those_of_the_formula(value, n, distance, level) -> None:
    """n = ((z + z_.8) sd / distance)²: planned for no harm, then as it stands, then for FAIL."""
    from scipy.stats import norm

    found = normal(value, 10 / np.sqrt(n), n).deciding(1.0, 0.0, 0.01, 0.001)
    by_hand = ((norm.isf(level) + norm.isf(0.2)) * 10 / distance) ** 2
    assert found == pytest.approx(by_hand, rel=0.001) and found > n


# Reviews, by hand.


def test_kappa_and_win_rate_as_by_hand() -> None:
    """20 + 15 agreed of 50, chance .5: kappa (.7 - .5) / .5 = .4 (Cohen 1960, by hand)."""
    assert cohen_kappa([1] * 25 + [0] * 25, [1] * 20 + [0] * 5 + [1] * 10 + [0] * 15) == (
        pytest.approx(0.4)
    )
    rows = pl.DataFrame({
        "iteration": 3, "item_id": ["x", "y", "z", "z"], "origin_a": ["3", "2", "3", "3"],
        "origin_b": ["2", "3", "2", "2"], "proxy_a": [1.0, 0.0, 2.0, 2.0],
        "proxy_b": [0.0, 3.0, 0.0, 0.0], "rater": ["A", "A", "A", "B"],
        "preferred": ["a", "a", "tie", "b"], "graded_at": None, "slice": None,
    }, schema_overrides={"slice": pl.String})  # fmt: skip
    seen = reviewed(rows, 3, 2)
    # x: won 1; y: the old one is a and won, 0; z: tie .5 and lost 0, mean .25.
    assert seen.items["score"].to_list() == [1.0, 0.0, 0.25]
    assert win_rate(seen.items).value == pytest.approx(1.25 / 3)
    assert seen.items["proxy_gap"].to_list() == [1.0, 3.0, 2.0]
    assert seen.top["item_id"].to_list() == ["y"] and seen.kappa is None


# After a FAIL.


def test_every_block_with_a_remedy_names_a_source() -> None:
    assert all(step.source and step.link.startswith("https://") for step in STEPS)
    found = steps(["truthfulness"])
    assert any("Verify facts" in step.what for step in found)
    text = " ".join(step.what for step in STEPS)
    for asked in ("Restart the policy from the SFT", "concatenate", "Verify facts", "human text",
                  "Stop at the KL"):  # fmt: skip
        assert asked in text


def test_other_arms_are_told_where_this_one_failed() -> None:
    bad = judge(complete_loop("truthfulness", loop="replace"), POLICY).to_dict()
    good = judge(complete_loop(loop="verified"), POLICY).to_dict()
    (sentence,) = other_arms({"replace": bad, "verified": good}, "replace")
    assert sentence.startswith("verified, truthfulness PASS: ")
    text = markdown(judge(complete_loop("truthfulness"), POLICY), [sentence])
    assert "arXiv 2405.05904" in text and "verified, truthfulness PASS" in text


def test_names_of_logs_cannot_become_markup() -> None:
    name = "x|](javascript:1)<script>*_`"
    evidence = replace(GOOD, loop=name)
    text = markdown(judge(evidence, POLICY))
    assert "<script>" not in text and not re.search(r"(?<!\\)\]\(javascript", text)


def drifting(
    random: np.random.Generator, questions: int, step: float, iterations: int
) -> Evidence:  # fmt: skip
    """A loop whose confident wrong answers rise by `step` at every iteration, as frames."""
    harm = step * np.arange(iterations + 1)
    wrong = wrong_answers(random, harm.astype(float), questions)
    frames = [
        pl.DataFrame({
            "iteration": np.full(questions, at), "question_id": np.arange(questions),
            "grade": np.where(row, "incorrect", "correct"),
        })
        for at, row in enumerate(wrong)
    ]  # fmt: skip
    answers = pl.concat(frames).with_columns(
        pl.col("question_id").cast(pl.String), origin=pl.lit("benchmark"), sample_id=0,
        confidence=0.9,
    )  # fmt: skip
    return Evidence("drift", iterations, {"answers": answers}, release=iterations - 1)


# What a newcomer's loop can hold.


def people_said(evidence: Evidence) -> dict[str, tuple[str, str]]:
    found = block(judge(evidence, POLICY), "human_checkpoint")
    return {check.name: (check.result, check.reason) for check in found.checks}


@pytest.mark.parametrize("release", [-1, 2, 7])
def test_a_release_is_an_earlier_iteration(release: int) -> None:
    """An iteration that is compared with itself would never be worse."""
    with pytest.raises(GateError, match="must be an iteration before 2"):
        judge(replace(GOOD, release=release), POLICY)


def test_an_iteration_that_was_rolled_back_is_no_release() -> None:
    decisions = pl.DataFrame({
        "iteration": [1, 2, 2], "decision": ["continue", "continue", "roll_back"],
        "by": ["A"] * 3, "at": ["2026-11-01", "2026-11-02", "2026-11-03"],
    })  # fmt: skip
    assert Evidence("l", 3, {"decisions": decisions}).released()[0] == 1


def test_model_written_text_under_another_origin_is_seen() -> None:
    corpus = GOOD.frames["corpus"].with_columns(
        origin=pl.when(pl.col("origin") == "self_generated").then(pl.lit("synthetic"))
        .otherwise("origin")
    )  # fmt: skip
    answers = GOOD.frames["answers"].with_columns(in_training=pl.lit(None, pl.Boolean))
    evidence = with_frame(with_frame(GOOD, "corpus", corpus), "answers", answers)
    found = block(judge(evidence, POLICY), "truthfulness")
    assert {c.name: c.result for c in found.checks}["unknown_trained"] == "NOT MEASURED"


def test_an_approval_and_reviews_that_are_still_to_come_hold_nothing() -> None:
    ahead = pl.lit("2999-01-01")
    dated = GOOD.frames["decisions"].with_columns(at=ahead, expires=pl.lit(None, pl.String))
    result, reason = people_said(with_frame(GOOD, "decisions", dated))["approval"]
    assert result == "NOT MEASURED" and "2999-01-01: still to come" in reason
    graded = GOOD.frames["reviews"].with_columns(graded_at=ahead)
    assert people_said(with_frame(GOOD, "reviews", graded))["reviews"][0] == "NOT MEASURED"


def test_an_undated_stop_beside_an_approval_leaves_the_last_word_open() -> None:
    stop = GOOD.frames["decisions"].with_columns(
        decision=pl.lit("stop"), at=pl.lit(None, pl.String)
    )
    both = pl.concat([GOOD.frames["decisions"], stop])
    assert people_said(with_frame(GOOD, "decisions", both))["approval"][0] == "NOT MEASURED"


@pytest.mark.parametrize("named", ["{}", "First One, {}"])
def test_another_submitter_on_the_command_line_frees_nobody(named: str) -> None:
    approver = named.format(GOOD.frames["decisions"]["by"][-1])
    evidence = replace(GOOD, submitter="Somebody Else", named=approver)
    assert "is the submitter" in people_said(evidence)["approval"][1]


def test_few_attempted_answers_are_not_called_answers_without_confidence() -> None:
    few = GOOD.frames["answers"].group_by("iteration", maintain_order=True).head(200)
    found = block(judge(with_frame(GOOD, "answers", few), POLICY), "truthfulness")
    reason = {check.name: check.reason for check in found.checks}["calibration"]
    assert reason.startswith("Fewer than 400 attempted answers")


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_of_which_nothing_is_asked_blocks(name: str) -> None:
    """Only a waiver with name, reason and date lets a block go by."""
    asked = ", ".join(f'"{check}"' for check in CHECKS[name])
    text = proposal().replace(f"checks = [{asked}]", "checks = []")
    found = block(judge(GOOD, read_policy(text), blocks=[name]), name)
    assert found.result == "NOT MEASURED" and "asks for no check" in found.reason


def test_one_rater_under_two_spellings_is_one() -> None:
    reviews = GOOD.frames["reviews"]
    one = reviews.filter(pl.col("rater") == reviews["rater"][0])
    both = pl.concat(
        [one.with_columns(rater=pl.lit("Ann")), one.with_columns(rater=pl.lit("ann "))]
    )
    result, reason = people_said(with_frame(GOOD, "reviews", both))["agreement"]
    assert result == "NOT MEASURED" and reason.startswith("Reviews by 1 rater (Ann)")


def test_a_loop_without_iteration_0_is_told_what_it_lacks() -> None:
    """And not that what is there was never logged."""
    frames = {name: rows.filter(pl.col("iteration") > 0) for name, rows in GOOD.frames.items()}
    gate = judge(replace(GOOD, frames=frames), POLICY)
    checks = {check.name: check for one in gate.blocks for check in one.checks}
    names = ("gold_from_first", "length_from_first", "human_holdout", "wrong_from_first")
    assert {checks[name].result for name in names} == {"NOT MEASURED"}
    assert all(re.search(r"iterations? (.* and )?0", checks[name].reason) for name in names), checks


def test_questions_in_older_texts_that_are_trained_on_again_are_found() -> None:
    """A loop that accumulates trains on every text so far, not on the last ones alone; and what a
    policy learnt it still knows when it is trained further."""
    question = "in which town does the accountant of the northern harbour live"
    texts = pl.DataFrame({
        "loop": ["l"] * 2, "iteration": [1, 3], "text_id": ["a", "b"], "prompt": ["x", "y"],
        "text": [f"{question} she asked", "nothing of the kind stands in this text at all"],
    })  # fmt: skip
    asked = pl.DataFrame(
        {"loop": ["l"], "question_id": ["q"], "question": [question], "reference": ["Hull"]}
    )

    def query(name: str, writers: list[int], parent: str | None, **_: object) -> pl.DataFrame:
        mix = pl.DataFrame({"iteration": [3] * len(writers), "generator_iteration": writers,
                            "origin": ["self_generated"] * len(writers)})  # fmt: skip
        frame = pl.DataFrame(
            {"iteration": [3], "parent": [parent], "policy": [None]},
            schema_overrides={"parent": pl.String, "policy": pl.String},
        )
        return {"training_texts": texts, "asked_questions": asked, "corpus": mix,
                "iterations": frame}[name]  # fmt: skip

    def hits(writers: list[int], parent: str | None) -> int:
        return overlap(partial(query, writers=writers, parent=parent), "l", 3)["hits"].item()

    assert [hits([2], "sft"), hits([0, 2], "sft")] == [0, 1]
    assert [hits([2], None), hits([2], "iteration 2"), hits([2], "iteration 0")] == [1, 1, 0]


def decided(*rows: tuple[str, str | None]) -> str:
    last = last_word({"decision": decision, "at": at} for decision, at in rows)
    assert last is not None
    return last["decision"]


def test_the_last_word_is_told_by_instants_and_not_by_text() -> None:
    """A stop at 20:00 in Los Angeles comes after a release at 23:00 in Paris of the same day."""
    stop, go = "2026-11-01T20:00:00-08:00", "2026-11-01T23:00:00+01:00"
    assert stop < go and decided(("stop", stop), ("continue", go)) == "stop"
    assert decided(("stop", "2026-11-02T01:00:00+09:00"), ("continue", "2026-11-01T18:00:00Z")) == (
        "continue"
    )
    rows = pl.DataFrame({"iteration": [1, 1], "decision": ["continue", "stop"], "by": ["A"] * 2,
                         "at": [go, stop]})  # fmt: skip
    assert Evidence("l", 2, {"decisions": rows}).released()[0] == 0
    assert in_order(rows.reverse())["decision"].to_list() == ["continue", "stop"]


@pytest.mark.parametrize("other", ["2026-11-01T09:00:00", "2026-11-01", "soon", None,
                                   "2026-11-01 at noon in Paris"])  # fmt: skip
def test_where_the_order_is_open_nothing_is_let_go(other: str | None) -> None:
    """A date alone is its whole day, and a time that cannot be read may be any."""
    for pair in ((("stop", other), ("continue", "2026-11-01")),
                 (("continue", "2026-11-01"), ("stop", other))):  # fmt: skip
        assert decided(*pair) == "stop"
    assert decided(("stop", "2026-11-01"), ("continue", "2026-11-02T00:00:00Z")) == "continue"


def test_a_fresh_review_renews_no_older_one() -> None:
    reviews = GOOD.frames["reviews"]
    one = pl.col("item_id") == "i0"
    old = reviews.with_columns(
        graded_at=pl.when(one).then(pl.lit("2026-11-27")).otherwise(pl.lit("2026-10-01"))
    )
    people = people_said(with_frame(GOOD, "reviews", old))
    assert people["reviews"][0] == "NOT MEASURED" and "1 pair reviewed" in people["reviews"][1]
    assert "2,999 further pairs do not count" in people["reviews"][1]
    assert people["agreement"][0] == "NOT MEASURED" and people["win_rate"][0] == "NOT SHOWN"
    # When the next is due follows from as many pairs as are asked for, not from the last one.
    state = due(with_frame(GOOD, "reviews", old), POLICY)
    assert state.by_date == datetime.date(2026, 10, 15) and state.now_due
    half = reviews.with_columns(graded_at=pl.when(pl.col("item_id").str.ends_with("7")).then(
        pl.lit(None, pl.String)).otherwise("graded_at"))  # fmt: skip
    assert people_said(with_frame(GOOD, "reviews", half))["reviews"][0] == "PASS"


@pytest.mark.parametrize("kl", [0.1, 500.0])
def test_a_mean_kl_of_unknown_error_excludes_nothing(kl: float) -> None:
    texts = GOOD.frames["generations"].with_columns(logprob_base=pl.lit(None, pl.Float64))
    metrics = GOOD.frames["metrics"].with_columns(kl=pl.lit(kl))
    evidence = with_frame(with_frame(GOOD, "generations", texts), "metrics", metrics)

    def on_kl(one: Evidence) -> tuple[str, str]:
        found = block(judge(one, POLICY, blocks=["reward_hacking"]), "reward_hacking")
        (check,) = (check for check in found.checks if check.name == "kl")
        return check.result, check.reason

    assert on_kl(evidence)[0] == "NOT SHOWN" and "`kl_se`" in on_kl(evidence)[1]
    stated = with_frame(evidence, "metrics", metrics.with_columns(kl_se=pl.lit(0.01)))
    assert on_kl(stated)[0] == ("PASS" if kl < 1 else "FAIL")


@pytest.mark.parametrize(("facts", "kl", "error"), [
    ({}, 2.0, 0.1), ({"kl_estimator": "bon_bound"}, 2.0, 0.0),
    ({"kl_conversion": "unknown"}, None, 0.1), ({"kl_reference": "previous_policy"}, None, 0.1),
])  # fmt: skip
def test_a_kl_of_another_unit_or_policy_is_none(facts, kl, error) -> None:
    metrics = pl.DataFrame({"phase": ["train"], "iteration": [1], "kl": [2.0]})
    logged = pl.DataFrame({"phase": ["train"], "step": [1], "key": ["kl_se"], "value": [0.1]})
    (row,) = with_kl_error(metrics, logged, facts).to_dicts()
    assert (row["kl"], row["kl_se"]) == (kl, error)


@pytest.mark.parametrize(("expires", "result"), [
    ("12 December", "NOT MEASURED"), ("never", "PASS"), (" ", "PASS"), ("2026-12-12", "PASS"),
])  # fmt: skip
def test_an_end_that_cannot_be_read_is_no_open_end(expires: str, result: str) -> None:
    decisions = GOOD.frames["decisions"].with_columns(expires=pl.lit(expires))
    assert people_said(with_frame(GOOD, "decisions", decisions))["approval"][0] == result


@pytest.mark.parametrize("fault", [None, *FAULTS])
def test_reasons_name_nothing_by_its_key(fault) -> None:
    """An indicator is called by its title; a column that is to be given stands in backticks."""
    evidence = GOOD if fault is None else complete_loop(fault)
    for one in judge(evidence, POLICY).blocks:
        for check in one.checks:
            bare = re.sub(r"`[^`]*`|\(--\S+ \w+\)|\S+_se\b", "", check.reason)
            assert not re.search(r"[a-z]_[a-z0-9]", bare), check.reason


def test_rare_words_are_those_of_people_only_where_people_wrote_the_reference() -> None:
    rows = GOOD.frames["indicators"].with_columns(reference=pl.lit("the first iteration"))
    for evidence, whose in ((GOOD, "human texts,"), (with_frame(GOOD, "indicators", rows),
                        "the first iteration's texts (no human texts are there),")):  # fmt: skip
        checks = block(judge(evidence, POLICY), "diversity").checks
        (reason,) = (check.reason for check in checks if check.name == "tail_coverage")
        assert reason.startswith(f"Loss of words that are rare in {whose}")


def test_a_gate_says_how_often_its_gold_chose_and_by_whose_kin_it_is_judged() -> None:
    rows = ({"kind": "decision", "times": 26, "runs": 1},)
    kin = "The judge of gold (x) and the reward model (y) are of one family (z)."
    gate = judge(replace(GOOD, gold_uses=rows, kin=kin), POLICY)
    assert "used 26 times" in gate.gold_used and gate.gold_used.endswith(kin)
    assert "used 26 times" in markdown(gate) and gate.to_dict()["gold_used"] == gate.gold_used
    assert judge(GOOD, POLICY).gold_used == ""
    unknown = judge(replace(GOOD, kin=None), POLICY)
    assert unknown.gold_used == "" and any("of one family" in t for t in unknown.not_looked_at)
