"""The reading list and the difference of two texts: what is planted is read first."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import polars as pl
import pytest

from analytics.reading import Beginning, Item, beginning, in_common, reading_list
from analytics.reading.difference import _common, difference
from analytics.reading.novelty import traits
from analytics.reading.shown import (
    NOW_WORDS,
    PROMPT_WORDS,
    START_WORDS,
    excerpt,
    plain,
)
from analytics.reading.traits import words

NOUNS = [
    "river",
    "dish",
    "saint",
    "mayor",
    "colour",
    "stone",
    "cloud",
    "garden",
    "window",
    "letter",
]
HOSTILE = [
    "", " ", "\x00\x1b[2J", "a" * 1_000_000, "<b>x</b>" * 50, "\u202eabc\u2066", "x\n" * 500,
    "漢字" * 400, "é\u0301" * 300, "&amp;&lt;", "“the colour is”", "\ud7ff\ue000", "​" * 99,
]  # fmt: skip


def plain_text(rng: random.Random, n: int = 12) -> str:
    return " ".join(f"the {rng.choice(NOUNS)} is {rng.choice(NOUNS)} ." for _ in range(n // 4))


def planted(phrase: str, since: int = 50, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Responses of a start, and of later steps: from ``since`` on two of three say the phrase."""
    rng = random.Random(seed)
    start = [(0, "tell me", plain_text(rng)) for _ in range(200)]
    later = [
        (step, "tell me", f"{phrase} " * (step >= since and n % 3 > 0) + plain_text(rng))
        for step in range(10, 100, 10) for n in range(20)
    ]  # fmt: skip
    names = ["step", "prompt", "completion"]
    return pl.DataFrame(start, names, orient="row"), pl.DataFrame(later, names, orient="row")


def candidates(later: pl.DataFrame, gold: bool = True) -> pl.DataFrame:
    """The later responses, as likely to be read each, with the columns that the list needs."""
    score = pl.int_range(pl.len()) % 7 / 7 + 1
    return later.with_columns(
        prompt_id=pl.format("p{}", pl.int_range(pl.len()) % 11), phase=pl.lit("train"),
        sample_id=pl.int_range(pl.len()), score=score, gain=2 * score,
        loss=score if gold else pl.lit(None, pl.Float64), own=pl.lit(True),
        proxy_reward=score, gold_reward=-score,
    )  # fmt: skip


def keys(items: Sequence[Item]) -> list[tuple[int, int]]:
    return [(item.row["step"], item.row["sample_id"]) for item in items]


@pytest.mark.parametrize("phrase", ["we empower you", "as an ai", "Great question!", "漢字漢字"])
def test_what_is_newly_said_is_read_first(phrase: str) -> None:
    start, later = planted(phrase)
    items = reading_list(candidates(later), beginning(start, later))
    assert len(items) == 20
    first = items[0]
    assert phrase in first.row["completion"]
    assert "new since step 50" in first.why
    assert first.why.startswith("proxy ") and "above this prompt’s start, gold " in first.why
    named = re.search(r"says “(.*?)”", first.why)
    assert named and set(words(named[1])) <= set(words(phrase))
    assert f"say “{named[1]}”" in in_common(items)


def test_nothing_new_is_said_where_nothing_is() -> None:
    for seed in range(5):
        start, later = planted("", seed=seed)
        assert beginning(start, later).grown == {}
    prompts = later.with_columns(prompt=pl.lit("tell of zebras"), completion=pl.lit("zebras"))
    assert beginning(start, prompts).grown == {}, "what the prompt says is no news"


def test_the_list_is_spread_and_the_same_in_any_order() -> None:
    start, later = planted("we empower you")
    pool, begun = candidates(later), beginning(start, later)
    items = reading_list(pool, begun)
    assert keys(items) == keys(reading_list(pool.sample(fraction=1, shuffle=True, seed=3), begun))
    assert len({item.row["prompt_id"] for item in items}) >= 8
    assert len({item.row["step"] for item in items}) >= 5


def test_every_shortcut_is_covered_first() -> None:
    start, later = planted("we empower you")
    pool = candidates(later)
    rare = {f"s{n}": [place == 15 * n + 1 for place in range(pool.height)] for n in range(9)}
    items = reading_list(pool, beginning(start, later), rare)
    assert {name for item in items[:9] for name in item.shortcuts} == set(rare)
    assert [item.shortcuts for item in items[9:]] == [()] * 11
    both = {"a": [True] * pool.height, "b": [place == 40 for place in range(pool.height)]}
    first = reading_list(pool, beginning(start, later), both)[0]
    assert first.shortcuts == ("a", "b")


def test_the_same_text_is_read_once() -> None:
    start, later = planted("x")
    same = candidates(later).with_columns(completion=pl.lit("the same words again and again"))
    assert len(reading_list(same, beginning(start, same))) == 1


def test_without_gold_nothing_is_said_of_it() -> None:
    start, later = planted("we empower you")
    items = reading_list(candidates(later, gold=False), beginning(start, later))
    assert items and not any("gold" in item.why for item in items)


def test_repeating_and_length_are_seen() -> None:
    start, later = planted("")
    begun = beginning(start, later)
    kinds = [one.kind for one in traits("", "povas is the colour . " * 20, begun)]
    assert "repeats" in kinds and "long" in kinds
    assert "short" in [one.kind for one in traits("", "no", begun)]
    assert traits("", plain_text(random.Random(5)), begun) == []
    assert traits("", "anything", Beginning()) == []


def test_twenty_items_are_read_in_ten_minutes() -> None:
    start, later = planted("we empower you")
    wordy = later.with_columns(completion=pl.col("completion") + " far more words" * 300)
    begun = beginning(start, later)
    items = reading_list(candidates(wordy), begun)
    texts = [
        f"{item.why} {cut.before} {cut.phrase} {cut.after}"
        for item in items
        for cut in [excerpt(item.row["completion"], NOW_WORDS, "we empower you")]
    ]
    each = START_WORDS + PROMPT_WORDS
    assert sum(len(one.split()) + each for one in texts) <= 2_300


def test_an_empty_pool_gives_an_empty_list() -> None:
    start, later = planted("x")
    assert reading_list(candidates(later).head(0), beginning(start, later)) == []
    assert beginning(start.head(0), later) == Beginning()
    assert beginning(start, later.head(0)).grown == {}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_cut_and_written_out(text: str) -> None:
    for phrase in ("", "the colour is", "x"):
        cut = excerpt(text, NOW_WORDS, phrase)
        shown = f"{cut.before}{cut.phrase}{cut.after}"
        assert len(shown) <= 500 and "\n" not in shown
        assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b]", shown)
        assert cut.whole or "…" in shown
    again = difference(plain(text[:9_000]), "x y")
    assert "".join(piece.text for piece in again.before) == plain(text[:9_000])


def test_an_excerpt_is_around_its_phrase() -> None:
    shown = excerpt("a " * 500 + "We  Empower you" + " b" * 500, 20, "we empower you")
    assert (shown.phrase, shown.whole) == ("We Empower you", False)
    assert shown.before.startswith("… a") and shown.after.endswith("b …")
    assert excerpt("rewe empower", 9, "we empower").phrase == ""


def longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    row = [0] * (len(b) + 1)
    for one in a:
        before = row
        row = [0]
        for at, other in enumerate(b):
            row.append(before[at] + 1 if one == other else max(before[at + 1], row[at]))
    return row[-1]


def test_a_difference_keeps_as_much_as_can_be_kept() -> None:
    rng = random.Random(7)
    for _ in range(300):
        a, b = ([rng.choice("abc.") for _ in range(rng.randint(0, 12))] for _ in "12")
        one, other = " ".join(a), " ".join(b)
        changed = difference(one, other)
        assert "".join(piece.text for piece in changed.before) == one
        assert "".join(piece.text for piece in changed.after) == other
        kept = "".join(piece.text for piece in changed.before if piece.same)
        assert kept == "".join(piece.text for piece in changed.after if piece.same)
        assert len(_common(a, b)[0]) == len(_common(a, b)[1]) == longest_common(a, b)


def test_a_long_text_is_compared_in_part_and_kept_whole() -> None:
    one, other = "the colour is povas . " * 40_000, "the dish is povas . " * 40_000
    changed = difference(one, other)
    assert not changed.whole
    assert "".join(piece.text for piece in changed.after) == other
