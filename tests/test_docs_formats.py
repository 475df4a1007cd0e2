"""docs/formats.md: its tables are the readers', and each of its traps is held by a test."""

import re
from pathlib import Path

import pytest

from bench.formats import PAGE, kls, never, written
from data.readers.trainers.known import KL_TABLE, NOT_POLICY, why_not

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.M)
}
"""Every test there is."""


def numbers(test: str) -> set[str]:
    """The traps that a test's name cites.

    >>> sorted(numbers("test_trap_09_14b_steps_of_2_runs"))
    ['14b', '9']
    """
    cited = re.match(r"test_trap_((?:\d\db?_)+)", test)
    return {one.lstrip("0") for one in cited[1].split("_") if one} if cited else set()


def traps(text: str) -> dict[str, list[str]]:
    """The traps of a document by number, each with the tests that it names.

    A test of several traps may stand once, before the first of them.
    """
    text = text.partition("\n## Traps")[2].partition("\n## ")[0]
    parts = re.split(r"^\*\*(\d+b?)\. ", text, flags=re.M)[1:]
    every = re.findall(r"`(test_\w+)`", text)
    return {
        number: re.findall(r"`(test_trap_\w+)`", part.partition("\nTraps ")[0])
        or [test for test in every if number in numbers(test)]
        for number, part in zip(parts[::2], parts[1::2], strict=True)
    }


def test_the_tables_are_the_readers() -> None:
    assert written(TEXT) == TEXT, "write them anew: python -m bench.formats --write"


def test_every_key_is_in_the_tables() -> None:
    rows, refused = kls(), never()
    assert {entry.key for entry in KL_TABLE if f"`{entry.key}`" not in rows} == set()
    assert {entry.key for entry in NOT_POLICY if f"`{entry.key}`" not in refused} == set()
    assert "`ppo_actor/kl_rewards/avg` | initial | k1 | token | ÷ −`kl_ctl` × length" in rows
    assert "`actor/kl_loss` otherwise | initial if `enable_reference` true, else not known" in rows


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="has no place"):
        written("# What trainers log")


def test_the_names_that_are_refused_by_their_last_parts_are() -> None:
    paragraph = re.search(r"^Names are also judged by their last parts.*?\n\n", TEXT, re.M | re.S)
    assert paragraph
    keys = re.findall(r"`([^`]+)`", paragraph[0])
    assert len(keys) >= 5 and [key for key in keys if not why_not(key)] == []


def test_every_trap_names_its_tests_and_every_test_its_trap() -> None:
    named = traps(TEXT)
    assert list(named) == sorted(named, key=lambda one: (int(one.rstrip("b")), one))
    for number, tests in named.items():
        assert tests, f"trap {number} names no test"
        for test in tests:
            assert test in TESTS and number in numbers(test), (number, test)
    cited = {test: numbers(test) for test in TESTS if test.startswith("test_trap_")}
    assert set().union(*cited.values()) == set(named)
    for test, those in cited.items():
        assert [one for one in those if test not in named[one]] == [], test


def test_a_trap_without_a_test_is_found() -> None:
    text = (
        "\n## Traps\n**1. A.** Bad. `test_trap_01_a`\n\n**2. B.** Worse.\n\n"
        "Traps 3 and 4: `test_trap_03_04_c`.\n\n**3. C.** So.\n\n**4. D.** So.\n\n## More\n`test_x`"
    )
    c = ["test_trap_03_04_c"]
    assert traps(text) == {"1": ["test_trap_01_a"], "2": [], "3": c, "4": c}
