"""Indicators of collapse: SCIENCE's oracles, outside authorities, intervals, planted collapse."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest
from sacrebleu.metrics import BLEU

from analytics.collapse import counts, duplicates, likeness, report
from analytics.collapse.halves import Z, halves, mean
from analytics.collapse.indicators import INDICATORS
from analytics.collapse.tokens import code_of, tokens

ROOT = Path(__file__).resolve().parents[2]
LOOP = ROOT / "data" / "examples" / "loop"
Draw = Callable[[np.random.Generator, int], str]


def words(rng: np.random.Generator, many: int, kinds: int, power: float = 1.1) -> str:
    share = 1 / np.arange(1, kinds + 1) ** power
    return " ".join(f"w{k}" for k in rng.choice(kinds, many, p=share / share.sum()))


def frame(rng: np.random.Generator, prompts: int, each: int, draw: Draw) -> pl.DataFrame:
    rows = [(f"p{p}", draw(rng, p)) for p in range(prompts) for _ in range(each)]
    return pl.DataFrame(rows, schema=["prompt", "text"], orient="row")


def of(rows: list[dict], name: str, key: str = "value") -> list[float]:
    return [row[key] for row in rows if row["indicator"] == name]


def test_oracles_of_counting() -> None:
    counted = tokens(["a b a b c d"])
    assert counts.distinct(counted, 1).value == pytest.approx(2 / 3)
    assert counts.distinct(counted, 2).value == pytest.approx(0.8)
    assert counts.compression(["the cat sat on the mat. "] * 40).value > 15
    assert counts.entropy(tokens(["a b c d e f g h"])).value == pytest.approx(math.log(8) + 7 / 16)


def test_miller_and_madow_mend_most_of_the_bias() -> None:
    """Of a uniform law over 50 types, 200 draws: the plug-in falls short by .12 nats."""
    rng = np.random.default_rng(5)
    found = [
        counts.entropy(tokens([" ".join(f"w{k}" for k in rng.integers(0, 50, 200))])).value
        for _ in range(60)
    ]
    assert np.mean(found) == pytest.approx(math.log(50), abs=0.02)


@pytest.mark.parametrize("texts", [
    ["a b c d e", "a b c d e", "a b c d e"],
    ["the cat sat on the mat", "the dog sat on the rug today", "a cat", "cats and dogs sit apart"],
    ["x", "y z", "x y z x y z", "z y x z y x w"],
])  # fmt: skip
def test_self_bleu_is_sacrebleus(texts: list[str]) -> None:
    bleu = BLEU(tokenize="none", effective_order=True, smooth_method="exp")
    expected = [
        bleu.sentence_score(text, texts[:i] + texts[i + 1 :]).score / 100
        for i, text in enumerate(texts)
    ]
    assert likeness.self_bleu(tokens(texts)).value == pytest.approx(np.mean(expected), abs=1e-9)


def test_self_bleu_of_many_texts_is_sacrebleus() -> None:
    rng = np.random.default_rng(2)
    texts = [words(rng, int(rng.integers(3, 40)), 30) for _ in range(40)]
    bleu = BLEU(tokenize="none", effective_order=True, smooth_method="exp")
    expected = [
        bleu.sentence_score(text, texts[:i] + texts[i + 1 :]).score / 100
        for i, text in enumerate(texts)
    ]
    assert likeness.self_bleu(tokens(texts)).value == pytest.approx(np.mean(expected), abs=1e-9)
    assert likeness.self_bleu(tokens(["same words here now"] * 5)).value == pytest.approx(1.0)


def test_oracles_of_the_vendi_score() -> None:
    kernel = np.array([[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]])
    assert likeness.vendi(kernel) == pytest.approx(2.157300, abs=1e-6)
    assert likeness.vendi(kernel, 2.0) == pytest.approx(1.948052, abs=1e-6)
    assert likeness.vendi(np.eye(3)) == pytest.approx(likeness.vendi(np.eye(3), 2.0))
    assert likeness.vendi(np.eye(3)) == pytest.approx(3.0)
    alike = likeness.character_kernel(["the same text"] * 4)
    assert likeness.vendi(alike) == pytest.approx(1.0, abs=1e-6)
    apart = likeness.character_kernel(["abcdefg", "hijklmn", "opqrstu"])
    assert likeness.vendi(apart) == pytest.approx(3.0, abs=0.02)
    vectors = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 0.0]])
    assert likeness.vendi(likeness.embedding_kernel(vectors), 2.0) == pytest.approx(9 / 5)


@pytest.mark.parametrize(("many", "expected"), [(100, 0.366032), (300, 0.049041)])
def test_a_rare_type_is_lost_as_often_as_theory_says(many: int, expected: float) -> None:
    """(1 - p)^M of M draws, p = .01: the coverage of a reference's tail counts what is left."""
    rng = np.random.default_rng(7)
    reference = counts.Reference(
        head=code_of(pl.Series(["common"])), tail=np.sort(tokens(["rare"]).codes)
    )
    lost = 0
    for _ in range(400):
        texts = ["rare" if hit else "common" for hit in rng.random(many) < 0.01]
        counted = tokens(texts)
        inside = np.zeros((many, 0), dtype=bool)
        lost += counts.tail_coverage(counted, reference, inside).value == 0
    assert lost / 400 == pytest.approx(expected, abs=3 * math.sqrt(expected / 400))


def test_the_head_carries_nine_tenths() -> None:
    counted = tokens(["a " * 60 + "b " * 30 + "c " * 6 + "d " * 4])
    reference = counts.reference(counted)
    assert len(reference.head) == 2 and len(reference.tail) == 2
    inside = np.zeros((1, 0), dtype=bool)
    assert counts.tail_mass(tokens(["a b c x"]), reference, inside).value == 0.5
    assert counts.tail_coverage(tokens(["a b c x"]), reference, inside).value == 0.5


def test_planted_near_duplicates_are_found_and_no_others() -> None:
    rng = np.random.default_rng(3)
    texts = [words(rng, 60, 5_000, 0.5) for _ in range(300)]
    farmed = [text + " again" for text in texts[:60]]
    far = [" ".join(text.split()[:30]) + " " + words(rng, 30, 5_000, 0.5) for text in texts[60:120]]
    signatures = duplicates.signatures(tokens(texts + farmed + far))
    found = duplicates.alike(signatures)
    assert found[:60].all() and found[300:360].all()
    assert not found[60:300].any() and not found[360:].any()
    before = duplicates.alike(signatures[300:], signatures[:300])
    assert before[:60].all() and not before[60:].any()
    assert duplicates.alike(duplicates.signatures(tokens(["one text alike"] * 500))).all()
    assert not duplicates.alike(duplicates.signatures(tokens(["a", "b", "", "c d"]))).any()


def test_intervals_cover_as_often_as_they_say() -> None:
    """Documents in clusters of prompts: what is measured on one draw covers the mean of draws."""
    rng = np.random.default_rng(11)
    made, errors = {name: [] for name in ("d2", "entropy", "length")}, {}
    for _ in range(120):
        texts = frame(rng, 40, 3, lambda g, _: words(g, int(g.integers(8, 30)), 400))
        texts = report.in_order(texts)
        counted, inside = tokens(texts["text"]), halves(code_of(texts["prompt"]))
        made["d2"].append(counts.distinct(counted, 2, inside))
        made["entropy"].append(counts.entropy(counted, inside))
        made["length"].append(mean(counted.lengths.astype(float), inside))
    for name, found in made.items():
        truth = np.mean([one.value for one in found])
        errors[name] = np.mean([abs(one.value - truth) <= Z * one.error for one in found])
    assert all(0.88 <= share <= 1.0 for share in errors.values()), errors


def test_a_change_is_paired_by_prompt() -> None:
    """Prompts of unlike length: the change of one word more is seen as what it is."""
    rng = np.random.default_rng(1)
    length = {p: int(rng.integers(5, 200)) for p in range(60)}
    first = frame(rng, 60, 2, lambda g, p: words(g, length[p], 300))
    more = first.with_columns(pl.col("text") + " more")
    table = report.rows("l", [0, 1], lambda i: more if i else first)
    (change,) = [row["from_first"] for row in table
                 if row["indicator"] == "length" and row["iteration"] == 1]  # fmt: skip
    assert change["difference"] == pytest.approx(1.0)
    assert change["low"] > 0.99 and change["high"] < 1.01
    (whole,) = [row for row in table if row["indicator"] == "length" and row["iteration"] == 0]
    assert whole["high"] - whole["low"] > 10


NAMES = np.array([f"w{k}" for k in range(2_000)])
LAW = 1 / np.arange(1, 2_001) ** 0.9


def drawn(rng: np.random.Generator, share: np.ndarray, texts: int) -> list[str]:
    drawn = rng.choice(2_000, (texts, 40), p=share / share.sum())
    return [" ".join(row) for row in NAMES[drawn]]


def collapsing(iteration: int) -> pl.DataFrame:
    """Rare types go first, and common ones take their place; only late the texts become few."""
    rng = np.random.default_rng(100 + iteration)
    kinds = (2_000, 1_700, 1_500, 1_300, 700, 300)[iteration]
    share = LAW.copy()
    share[kinds:] = 0
    if iteration < 4:
        share[150:700] += LAW[kinds:].sum() / 550
    return pl.DataFrame({"prompt": [f"p{p}" for p in range(300)], "text": drawn(rng, share, 300)})


def first_seen(rows: list[dict], name: str) -> int | None:
    looks = max(row["iteration"] for row in rows)
    for row in rows:
        change = row["from_first"]
        fell = row["indicator"] == name and change and change["difference"] < 0
        if fell and change["p"] is not None and change["p"] < 0.05 / looks:
            return row["iteration"]
    return None


def test_a_tail_that_is_lost_first_is_seen_before_distinct_n() -> None:
    human = pl.Series(drawn(np.random.default_rng(9), LAW, 1_500))
    table = report.rows("l", list(range(6)), collapsing, human)
    coverage, distinct = first_seen(table, "tail_coverage"), first_seen(table, "distinct_2")
    assert coverage == 1
    assert distinct is not None and distinct > coverage
    assert {row["reference"] for row in table if row["indicator"] == "tail_mass"} == {"human texts"}


def test_a_loop_that_stays_the_same_shows_no_change() -> None:
    rng = np.random.default_rng(4)
    table = report.rows(
        "l", list(range(4)), lambda _: frame(rng, 80, 4, lambda g, __: words(g, 20, 500))
    )
    low = [
        row for row in table if (change := row["from_first"]) and change["p"] is not None
        and change["p"] < 0.001
    ]  # fmt: skip
    assert not low
    assert {row["indicator"] for row in table} >= {
        "distinct_1", "distinct_2", "self_bleu", "compression_ratio", "vendi_1", "vendi_2",
        "tail_mass", "tail_coverage", "unigram_entropy", "near_duplicates", "length",
    }  # fmt: skip


def test_every_row_is_of_a_known_indicator_and_numbers_are_finite() -> None:
    table = report.rows("l", [0, 3], lambda i: collapsing(i).head(60))
    known = {indicator.name for indicator in INDICATORS}
    assert {row["indicator"] for row in table} <= known and {r["iteration"] for r in table} == {
        0,
        3,
    }
    for row in table:
        assert math.isfinite(row["value"]) and row["n"] > 0
        if row["indicator"] != "near_duplicates_before":
            assert (row["from_first"] is None) == (row["iteration"] == 0)


@pytest.mark.parametrize("texts", [
    [], [""], ["one"], ["a b c"] * 3, [None, "x"], ["\x00", "é" * 9],
    [" ".join(["word"] * 2_000)] * 2,
])  # fmt: skip
def test_odd_texts_take_nothing_down(texts: list[str | None]) -> None:
    made = pl.DataFrame(
        {"prompt": [None] * len(texts), "text": texts},
        schema={"prompt": pl.String, "text": pl.String},
    )
    table = report.rows("l", [0, 1], lambda _: made)
    assert all(math.isfinite(row["value"]) for row in table)


def drawn_as_in_its_readme(texts: list[str], names: set[str]) -> list[str]:
    """The real loop's own sample: texts in the order of Python's shuffle of seed 0 until they have
    20,000 words, every word that is a person's name masked."""
    order, drawn, many = list(range(len(texts))), [], 0
    Random(0).shuffle(order)
    for place in order:
        words = ["name" if word in names else word for word in texts[place].split()]
        drawn.append(" ".join(words))
        many += len(words)
        if many >= 20_000:
            break
    return drawn


def words_of(*columns: pl.Series) -> set[str]:
    return {word for column in columns for text in column.drop_nulls().unique()
            for word in text.split()}  # fmt: skip


def test_the_real_loop_says_what_its_readme_says() -> None:
    """Within 2 % at every iteration of every arm, on the sample that its own figures are of.

    The mask is a list that the data do not hold: names are the capitalised words that are part of
    no right answer, which leaves a few apart. On our sample (names as they are, prompts in an order
    of our own) distinct-2 lies up to 8 % from these figures.
    """
    every = pl.read_parquet(LOOP / "generations.parquet")
    logged = pl.read_parquet(LOOP / "metrics.parquet")
    right = pl.read_parquet(LOOP / "answers.parquet")["reference"]
    names = {word for word in words_of(every["text"], every["prompt"]) if word[:1].isupper()}
    names -= words_of(right)
    compared = 0
    for (loop, iteration), part in every.group_by("loop", "iteration"):
        texts = drawn_as_in_its_readme(part["text"].to_list(), names)
        counted, inside = tokens(texts), np.ones((len(texts), 1), dtype=bool)
        expected = logged.filter(loop=loop, iteration=iteration).row(0, named=True)
        made = {f"distinct_{n}": counts.distinct(counted, n, inside).value for n in (1, 2, 3)}
        made["unigram_entropy"] = counts.entropy(counted, inside).value
        made["compression_ratio"] = counts.compression(texts, inside).value
        assert made == {name: pytest.approx(expected[name], rel=0.02) for name in made}, loop
        compared += 1
    assert compared == 36
