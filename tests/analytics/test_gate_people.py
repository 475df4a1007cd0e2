"""The review sheet there and back, gold against people, when the next checkpoint is due."""

import csv
import datetime
import io

import numpy as np
import polars as pl
import pytest

from analytics.gate import Evidence, default
from analytics.gate.records.agreement import agreement, falls, sentences
from analytics.gate.records.reviews import cohen_kappa, reviewed, win_rate
from analytics.gate.records.sheet import COLUMNS, SheetError, draw, guarded, read_back, sheet
from analytics.gate.result.due import due

POLICY = default()


def generations(prompts: int = 60, samples: int = 3, iterations: int = 3) -> pl.DataFrame:
    random = np.random.default_rng(4)
    rows = [
        {"iteration": at, "prompt": f"Ask {p}", "text_id": f"{at}-{p}-{s}",
         "text": f"{'=SUM(A1)' if p == 7 else 'Answer'} {at}/{p}/{s} {random.integers(1e6)}",
         "proxy_reward": float(random.normal()), "gold_reward": float(random.normal()),
         "logprob_policy": -10.0 + 2.0 * at, "logprob_base": -10.0}
        for at in range(iterations) for p in range(prompts) for s in range(samples)
    ]  # fmt: skip
    return pl.DataFrame(rows)


TEXTS = generations()
PAIRS = draw(TEXTS, "loop", 2, 1, 40, 10)


def filled(choose, parted: str = ",") -> str:
    """The sheet after somebody went over it in a spreadsheet; choose: row -> (preferred, rater)."""
    rows = list(csv.DictReader(io.StringIO(sheet(PAIRS).removeprefix("\ufeff"))))
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=parted)
    writer.writeheader()
    for at, row in enumerate(rows):
        row["preferred"], row["rater"] = choose(at, row)
        writer.writerow(row)
    return out.getvalue()


def test_the_sheet_holds_nothing_unblinded() -> None:
    text = sheet(PAIRS)
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 40
    plain = {row["text"]: row for row in TEXTS.iter_rows(named=True)}
    sides, first_half = [], []
    for at, row in enumerate(rows):
        a, b = (plain[row[f"response_{side}"].removeprefix("'")] for side in "ab")
        assert {a["iteration"], b["iteration"]} == {1, 2} and a["prompt"] == b["prompt"]
        sides.append(a["iteration"] == 2)
        first_half.append(at < 20)
        assert row["item_id"].startswith("r")  # no number to a spreadsheet
        assert row["preferred"] == row["rater"] == row["note"] == ""
    assert 10 < sum(sides) < 30 and sides != sorted(sides)
    for hidden in ("loop", "iteration", "proxy", "gold", "origin", "best", "new"):
        assert hidden not in text.lower().replace("answer", "")
    # Neither ids nor the order tell the side or the slice.
    ordered = [PAIRS.filter(item_id=row["item_id"])["best"][0] for row in rows]
    assert sum(ordered) == 10 and ordered != sorted(ordered) and ordered != sorted(ordered)[::-1]


def test_every_prompt_is_drawn_once_and_the_top_by_proxy() -> None:
    assert PAIRS["prompt"].n_unique() == PAIRS.height == 40
    top = PAIRS.filter("best")
    best = TEXTS.filter(iteration=2).group_by("prompt").agg(pl.col("proxy_reward").max())
    assert set(top["prompt"]) == set(best.top_k(10, by="proxy_reward")["prompt"])
    assert draw(TEXTS.sample(fraction=1, shuffle=True, seed=1), "loop", 2, 1, 40, 10).equals(PAIRS)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "  =1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert guarded(cell).startswith("'")
    texts = TEXTS.with_columns(prompt=pl.lit(cell) + pl.col("prompt"))
    rows = csv.reader(io.StringIO(sheet(draw(texts, "loop", 2, 1, 10, 2)).removeprefix("\ufeff")))
    assert not any(c.lstrip(" ").startswith(tuple("=+-@\t\r\n")) for row in rows for c in row)


@pytest.mark.parametrize("parted", [",", ";", "\t"])
def test_a_filled_sheet_gives_win_rate_and_kappa_as_by_hand(parted: str) -> None:
    """A prefers the new one in 30 of 40; B agrees on the first 32 rows and turns the last 8."""
    new_is_a = dict(PAIRS.select("item_id", "new_is_a").iter_rows())

    def new(row: dict) -> str:
        return "a" if new_is_a[row["item_id"]] else "b"

    def old(row: dict) -> str:
        return "b" if new(row) == "a" else "a"

    def of_a(at: int, row: dict) -> tuple[str, str]:
        return (new(row) if at < 30 else old(row)).upper(), "A"

    def of_b(at: int, row: dict) -> tuple[str, str]:
        first = of_a(at, row)[0].lower()
        return (first if at < 32 else {"a": "b", "b": "a"}[first]), "B"

    back = [
        read_back(filled(of, parted), TEXTS, "loop", 2, "2026-11-28T10:00:00")
        for of in (of_a, of_b)
    ]  # fmt: skip
    rows = pl.concat([one.rows for one in back])
    assert rows.height == 80 and back[0].empty == 0
    seen = reviewed(rows, 2, 1)
    # A: 30 new. B: 30 new, then 2 old, then 8 new: 38 new. Agreed 32 of 40.
    assert win_rate(seen.items).value == pytest.approx((30 + 38) / 80)
    chance = 30 / 40 * 38 / 40 + 10 / 40 * 2 / 40
    assert seen.kappa == pytest.approx((32 / 40 - chance) / (1 - chance))
    assert seen.kappa == pytest.approx(cohen_kappa([1] * 30 + [0] * 10,
                                                   [1] * 30 + [0] * 2 + [1] * 8))  # fmt: skip
    # Texts, sides and proxies are the store's own, not the cells of the file.
    one = rows.row(0, named=True)
    true = TEXTS.filter(text=one["response_a"]).row(0, named=True)
    assert (
        one["origin_a"] == f"iteration {true['iteration']}"
        and one["proxy_a"] == true["proxy_reward"]
    )


def test_escalation_cases_are_drawn_by_their_words_and_come_back_so() -> None:
    pairs = draw(TEXTS, "loop", 2, 1, 40, 10, 5, ["ASK 1", "ask 2"])
    counts = dict(pairs["slice"].value_counts().iter_rows())
    assert counts == {"escalation": 5, "top_proxy": 10, "random": 25}
    assert all(p.startswith(("Ask 1", "Ask 2")) for p in pairs.filter(slice="escalation")["prompt"])
    item = pairs.filter(slice="escalation")["item_id"][0]
    back = read_back(f"item_id,preferred,rater\n{item},a,A\n", TEXTS, "loop", 2, "x",
                     words=["ask 1", "ask 2"])  # fmt: skip
    assert back.rows["slice"].to_list() == ["escalation"]


@pytest.mark.parametrize("names", [("2", "1"), ("iteration 2", "iteration 1"), ("2", "Release ")])
def test_origins_are_known_by_number_and_as_the_release(names) -> None:
    rows = pl.DataFrame({
        "item_id": ["x"], "origin_a": [names[1]], "origin_b": [names[0]], "proxy_a": [0.0],
        "proxy_b": [1.0], "rater": ["A"], "preferred": ["b"], "graded_at": [None], "slice": [None],
    })  # fmt: skip
    assert reviewed(rows, 2, 1).items["score"].to_list() == [1.0]


def test_what_was_left_empty_is_counted_and_no_review() -> None:
    back = read_back(filled(lambda at, row: ("tie" if at < 5 else "", "A")), TEXTS, "loop", 2, "x")
    assert back.rows.height == 5 and back.empty == 35
    assert set(back.rows["preferred"]) == {"tie"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace("preferred", "choice"), "line 1: there is no column preferred"),
        (lambda text: text.replace(PAIRS["item_id"][0], "0123"), "column item_id: '0123' is no"),
        (lambda text: text.replace(",a,A,", ",new,A,", 1), "column preferred: 'new'; expected a"),
        (lambda text: text.replace(",a,A,", ",a,,", 1), "column rater: nobody is named"),
        (lambda text: text + text.splitlines()[-1] + "\n", "judged item .* twice"),
    ],
)
def test_a_sheet_that_cannot_be_read_says_where(change, sentence: str) -> None:
    text = change(filled(lambda at, row: ("a", "A")))
    with pytest.raises(SheetError, match=sentence) as error:
        read_back(text, TEXTS, "loop", 2, "2026-11-28")
    assert str(error.value).startswith("line ")


def test_a_sheet_of_another_iteration_is_not_taken() -> None:
    with pytest.raises(SheetError, match="is no item of loop, iteration 1"):
        read_back(filled(lambda at, row: ("a", "A")), TEXTS, "loop", 1, "2026-11-28")


def test_nothing_to_compare_is_said() -> None:
    with pytest.raises(SheetError, match="share no prompt"):
        draw(TEXTS.filter(iteration=2), "loop", 2, 1, 10, 2)


# Gold against people.


def judged(share: dict[int, float], n: int = 200) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Reviews of iterations in which gold agrees with people on a share of the pairs.

    The longer response is the new one in half of the pairs; gold prefers it where it disagrees.
    """
    random, reviews, texts = np.random.default_rng(6), [], []
    for at, agreed in share.items():
        for item in range(n):
            new = f"new {at} {item} " + "x" * (item % 2) * 20
            old = f"old {at} {item} " + "x" * (1 - item % 2) * 20
            wins = bool(random.random() < 0.5)
            gold = wins if item < agreed * n else not wins
            reviews.append({
                "iteration": at, "item_id": f"{at}-{item}", "prompt": f"p{item}",
                "response_a": new, "response_b": old, "origin_a": str(at),
                "origin_b": str(at - 1), "proxy_a": float(item), "proxy_b": 0.0, "rater": "A",
                "preferred": "a" if wins else "b", "graded_at": "2026-11-20", "slice": None,
            })  # fmt: skip
            for text, origin, value in ((new, at, float(gold)), (old, at - 1, 0.5)):
                texts.append({"iteration": origin, "prompt": f"p{item}", "text": text,
                              "text_id": text, "gold_reward": value})  # fmt: skip
    return pl.DataFrame(reviews), pl.DataFrame(texts)


def test_agreement_and_bias_by_hand() -> None:
    reviews, texts = judged({1: 0.75})
    rows = {(row["measure"], row["slice"]): row for row in agreement(reviews, texts)}
    gold = rows["gold", "all"]
    assert (gold["n"], gold["agreed"]) == (200, 150)
    people = (reviews["preferred"] == "a").mean()
    # The last 50 pairs are turned: gold's share of the new one by hand.
    turned = (reviews["preferred"][:150] == "a").sum() + (reviews["preferred"][150:] == "b").sum()
    assert gold["bias"] == pytest.approx(turned / 200 - people)
    # The reward model always prefers the new one: its bias is what people do not prefer.
    assert rows["proxy", "all"]["bias"] == pytest.approx(1 - people, abs=0.006)
    assert rows["gold", "new one longer"]["n"] == rows["gold", "new one shorter"]["n"] == 100
    assert rows["gold", "top proxy"]["n"] == 51
    # The quarter of highest proxy is where gold was turned.
    assert rows["gold", "top proxy"]["agreed"] == 1


def test_a_fall_of_agreement_is_told_and_chance_is_not() -> None:
    assert falls(agreement(*judged({1: 0.9, 2: 0.6})))[0].startswith("gold (judge) agrees with")
    assert falls(agreement(*judged({1: 0.8, 2: 0.78}))) == []
    assert any("75.0 %" in line for line in sentences(agreement(*judged({1: 0.75}))))


# When the next is due.


def test_never_reviewed_is_due_now() -> None:
    state = due(Evidence("l", 2, {"generations": TEXTS}), POLICY)
    assert state.now_due and state.last is None and "due" in state.sentences()[0]


def test_blind_kl_forecast_and_items() -> None:
    """KL rises by 2 nats an iteration; reviewed at 1; the limit of 5 is passed at iteration 4."""
    reviews = pl.DataFrame({
        "iteration": [1], "item_id": ["x"], "origin_a": ["1"], "origin_b": ["0"],
        "rater": ["A"], "preferred": ["a"], "graded_at": ["2026-11-20T08:00:00"],
    })  # fmt: skip
    evidence = Evidence("l", 2, {"generations": TEXTS, "reviews": reviews},
                    today=datetime.date(2026, 11, 28))  # fmt: skip
    state = due(evidence, POLICY)
    assert state.blind == pytest.approx(2.0) and state.by_date == datetime.date(2026, 12, 4)
    assert state.at_iteration == 4 and not state.now_due
    assert 1200 < state.items < 1700
    later = Evidence("l", 2, evidence.frames, today=datetime.date(2026, 12, 5))
    assert due(later, POLICY).now_due
