"""Saved checkpoints around the peak side by side: promote, reject, or how many more decide."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from analytics.onset.choosing.side_by_side import side_by_side
from analytics.onset.sentences.checkpoints import answer, decided, why_not

STEPS = np.arange(0, 210, 10)
TRUTH = np.minimum(STEPS / 100, 1) - np.clip((STEPS - 100) / 100, 0, 1)


def looks(gold: np.ndarray = TRUTH, se: float = 0.05, **more: Any) -> pl.DataFrame:
    return pl.DataFrame({
        "step": STEPS, "stretch": 0, "kl": STEPS / 2.0, "gold_reward": gold, "gold_se": se,
        "proxy_reward": STEPS / 100, "n_responses": 200, **more,
    })  # fmt: skip


NONE = pl.DataFrame(
    schema={"step": pl.Int64, "prompt_id": pl.String, "gold_n": pl.Int64, "gold_reward": pl.Float64}
)


def prompts(levels: dict[int, float], apart: float, many: int = 100) -> pl.DataFrame:
    """Prompts of very different difficulty, whose gold moves together but for ``apart``."""
    rng = np.random.default_rng(3)
    hard = rng.normal(0, 5, many)
    return pl.concat([
        pl.DataFrame({
            "step": step, "prompt_id": [f"p{i}" for i in range(many)], "gold_n": 2,
            "gold_reward": level + hard + apart * rng.standard_normal(many),
        }) for step, level in levels.items()
    ])  # fmt: skip


def test_a_checkpoint_at_the_peak_is_to_promote_and_has_its_price() -> None:
    rows = side_by_side(looks(), [100, 150], 100, NONE)
    assert [(r.step, r.kl, r.own, r.steps) for r in rows] == [(100, 50, True, 100),
                                                              (150, 75, True, 50)]  # fmt: skip
    top = rows[0]
    assert top.against.value == pytest.approx(1) and top.against.decision == "promote"
    assert top.against.prompts is None and top.proxy_cost == pytest.approx(1)
    assert top.gold[1] < 1 < top.gold[2]
    assert "checkpoint-100 is better than the last gold evaluation" in answer(rows)
    assert "100 steps later" in answer(rows) and "gives up 1 of the proxy" in answer(rows)


def test_pairs_decide_what_errors_alone_leave_open() -> None:
    """Prompts differ by far more than the checkpoints do: only by pairs that can be seen."""
    flat = np.full(len(STEPS), 0.0)
    open_one = side_by_side(looks(flat + 0.3 * (STEPS == 100), se=0.5), [100], 100, NONE)[0]
    assert open_one.against.decision == "undecided" and open_one.against.more
    assert "more responses of each would decide" in decided(open_one)
    gold = prompts({100: 0.3, 200: 0.0}, 0.1)
    by_pairs = side_by_side(looks(flat, se=0.5), [100], 100, gold)[0]
    assert by_pairs.against.prompts == 100 and by_pairs.against.decision == "promote"
    assert by_pairs.against.value == pytest.approx(0.3, abs=0.05)
    turned = side_by_side(looks(flat, se=0.5), [100], 100, prompts({100: -0.3, 200: 0}, 0.1))[0]
    assert turned.against.decision == "reject" and decided(turned).startswith("reject")
    assert "none is to promote" in answer([turned])


def test_the_number_of_further_responses_is_that_which_decides() -> None:
    """With so many pairs, the same difference and spread, the interval leaves 0 out."""
    few = prompts({100: 0.15, 200: 0.0}, 0.4, 40)
    row = side_by_side(looks(se=0.5), [100], 100, few)[0]
    assert row.against.decision == "undecided" and row.against.more is not None
    many = (40 * 2 + row.against.more) // 2
    spread = row.against.high - row.against.value
    assert spread * np.sqrt(40 / many) < row.against.value
    assert f"{row.against.more:,} more responses" in answer([row])


def test_few_shared_prompts_are_no_pairs() -> None:
    gold = prompts({100: 0.3, 200: 0.0}, 0.1, 19)
    assert side_by_side(looks(), [100], 100, gold)[0].against.prompts is None


def test_between_evaluations_a_checkpoint_is_no_surer_than_the_wider_of_them() -> None:
    on, between = (side_by_side(looks(), [step], 100, NONE)[0] for step in (100, 105))
    assert between.kl == pytest.approx(52.5) and not between.own
    assert between.gold[1] < on.gold[1] and between.gold[2] >= on.gold[2] - 1e-9


def test_the_chosen_one_and_the_nearest_are_shown_and_no_more_than_five() -> None:
    rows = side_by_side(looks(), list(range(10, 200, 10)), 100, NONE, chosen=20)
    assert [row.step for row in rows] == [20, 80, 90, 100, 110]


def test_more_rows_have_wider_intervals() -> None:
    alone = side_by_side(looks(), [100], 100, NONE)[0]
    among = side_by_side(looks(), [80, 90, 100, 110, 120], 100, NONE)[2]
    assert among.gold[2] - among.gold[1] > alone.gold[2] - alone.gold[1]


@pytest.mark.parametrize("saved", [[], [-5], [300], [200], [195]])
def test_a_checkpoint_whose_gold_is_not_known_is_not_compared(saved: list[int]) -> None:
    assert side_by_side(looks(), saved, 100, NONE) == []
    assert "not known" in answer([])


def test_without_a_count_of_responses_none_is_named() -> None:
    flat = np.full(len(STEPS), 1.0) + np.linspace(0.01, 0.0, len(STEPS))
    for n, sentence in ((None, "the log states no count"), (200, "no number of responses can be")):
        (row,) = side_by_side(looks(flat, 0.05, n_responses=n), [100], 100, NONE)
        assert row.against.decision == "undecided" and sentence in decided(row)


def test_odd_looks() -> None:
    assert side_by_side(looks().head(1), [0], 0, NONE) == []
    assert side_by_side(looks(np.full(len(STEPS), np.nan)), [100], 100, NONE) == []
    unknown = looks(kl=None, proxy_reward=None, n_responses=None)
    row = side_by_side(unknown, [100], 100, NONE)[0]
    assert (row.kl, row.proxy_cost) == (None, None) and row.against.decision == "promote"
    level = side_by_side(looks(np.zeros(len(STEPS))), [100], 100, NONE)[0]
    assert level.against.more is None and "no number of responses" in decided(level)


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"peak": None}, "too little"), ({"gold_source": "training"}, "held-out prompts"),
     ({"flags": ["judge_changed"]}, "judge of gold changed"),
     ({"flags": ["smoothed_gold"]}, "smoothed"), ({}, "")],
)  # fmt: skip
def test_where_checkpoints_cannot_be_compared_it_says_why(
    more: dict[str, Any], reason: str
) -> None:
    verdict = {"peak": {"step": 5}, "gold_source": "evaluation", "flags": [], **more}
    why = why_not(verdict, [5])
    assert reason in why and bool(why) == bool(reason)
    assert "No saved checkpoint" in why_not(verdict | {"peak": {}, "flags": [],
                                            "gold_source": "table"}, [])  # fmt: skip
