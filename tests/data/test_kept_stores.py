"""Stores that earlier programs wrote open unchanged: rows, statuses, flags, steps, numbers.

``stores/make_store.py`` made them and kept what the program of that day said of each. A failure
here is a change of users' data or verdicts. Where it is meant, say so in CHANGELOG.md and keep the
new words beside the old store; the store itself is never made again.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from data.owner import Owner
from data.store import SCHEMA_VERSION
from tests.data.stores.contents import COMMANDS, commands, differences, tables
from tests.data.stores.make_store import HERE, kept, unpack

NEWEST = 9
OLDER = range(1, NEWEST)
COMPUTED = 1e-6
"""How far computed numbers may differ: processors sum in other orders, optimisers stop elsewhere
(7e-8 measured between two machines, and 2e-9 where plain matrix products were equal bit for bit).
Rows of tables are held to 1e-9."""
OF_THEIR_OWN = ("verdicts", "generation")
"""Tables that a rebuilt store cannot have as they were: a cache, and a counter."""

SHORTER = re.compile(r"segments/rows/\d+/2/runs/\d+/facts/\w+ is gone")
"""What came of a segment repeats no longer all that its log says (CHANGELOG): only what the command
that brought it tells."""


@pytest.fixture(scope="module")
def outputs() -> dict[str, Any]:
    """What the program that wrote the newest store said of it."""
    return kept(HERE / f"v{NEWEST}.json.xz")


def opened(home: Path) -> None:
    """Open the store once, which brings it to this program's version."""
    with closing(Owner(home)) as owner:
        assert not owner.store.refused


def assert_tables(home: Path, expected: dict[str, Any], but: tuple[str, ...] = ()) -> None:
    found = tables(home / "store.duckdb", expected)
    wrong = [
        line for name in expected if name not in but
        for line in differences(expected[name], found[name], name)
        if not SHORTER.fullmatch(line)
    ]  # fmt: skip
    assert not wrong, "\n".join(wrong[:20])


def assert_commands(outputs: dict[str, Any], names: Collection[str] = tuple(COMMANDS)) -> None:
    now = commands(names)
    wrong = [line for name in now for line in differences(outputs[name], now[name], name, COMPUTED)]
    assert not wrong, "\n".join(wrong[:20])


def test_a_store_of_the_day_says_what_it_said(home: Path, outputs: dict[str, Any]) -> None:
    unpack(HERE / f"v{NEWEST}.tar.xz", home)
    opened(home)
    assert_tables(home, outputs["tables"])
    assert_commands(outputs, ("list", "hallucination", "verdict_until", "verdict_late"))
    opened(home)
    assert_tables(home, outputs["tables"], but=("verdicts",))  # asked, and opened once more


def test_its_archive_alone_gives_the_same(home: Path, outputs: dict[str, Any]) -> None:
    """Every verdict is computed anew here: none was kept."""
    unpack(HERE / f"v{NEWEST}.tar.xz", home)
    (home / "store.duckdb").unlink()
    opened(home)
    assert_tables(home, outputs["tables"], OF_THEIR_OWN)
    assert_commands(outputs)


BY_ENTITY = re.compile(
    r"hallucination/\d+/(low_clustered|high_clustered|change/(test|p|p_exact|q|low|high)) is "
)
"""What version 8 says otherwise, on purpose: of questions that share an entity (CHANGELOG)."""


def test_the_store_before_says_what_it_said_but_of_entities(home: Path) -> None:
    outputs = kept(HERE / "v7.json.xz")
    unpack(HERE / "v7.tar.xz", home)
    opened(home)
    names = ("list", "hallucination", "verdict_until", "verdict_late")
    now = commands(names)
    lines = [
        line for name in names for line in differences(outputs[name], now[name], name, COMPUTED)
    ]
    others = [line for line in lines if not BY_ENTITY.match(line)]
    assert not others, "\n".join(others[:20])
    assert len(lines) > len(others)


@pytest.mark.parametrize("version", OLDER)
def test_a_store_of_an_older_version_keeps_its_rows(
    home: Path, version: int, outputs: dict[str, Any]
) -> None:
    unpack(HERE / f"v{version}.tar.xz", home)
    opened(home)
    assert_tables(home, kept(HERE / f"v{version}.json.xz")["tables"])
    with closing(Owner(home)) as owner, owner.store._db.cursor() as cursor:
        versions = cursor.execute("select version from store_version order by version").fetchall()
        rows = cursor.execute("select count(*), count(gold_n) from prompt_rewards").fetchall()
    assert [row[0] for row in versions] == list(range(1, SCHEMA_VERSION + 1))
    assert rows[0][0] == rows[0][1] > 0, "a count that version 4 brought is filled"


def test_every_version_has_its_fixture() -> None:
    """A new version of the schema is published with a store that it wrote."""
    for version in range(1, SCHEMA_VERSION + 1):
        assert (HERE / f"v{version}.tar.xz").is_file(), "python -m tests.data.stores.make_store"


CHANGES: list[Callable[[Any], Any]] = [
    lambda outputs: outputs["verdict"][0].update(status="no_onset"),
    lambda outputs: outputs["verdict"][0].pop("flags"),
    lambda outputs: outputs["verdict"][0]["peak"].update(step=7),
    lambda outputs: outputs["verdict"][0]["peak"].update(
        kl_high=outputs["verdict"][0]["peak"]["kl"] + 1
    ),
    lambda outputs: outputs["hallucination"].pop(),
    lambda outputs: outputs["list"][0].update(points=outputs["list"][0]["points"] + 1),
    lambda outputs: outputs["tables"]["metrics"]["rows"][5].__setitem__(4, 1e-6),
    lambda outputs: outputs["tables"]["scalars"].update(checksum="other"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_difference_is_found(outputs: dict[str, Any], change: Callable[[Any], Any]) -> None:
    other = kept(HERE / f"v{NEWEST}.json.xz")
    assert not list(differences(outputs, other))
    change(other)
    assert list(differences(outputs, other))


def test_sentences_and_new_keys_are_no_difference(outputs: dict[str, Any]) -> None:
    other = kept(HERE / f"v{NEWEST}.json.xz")
    other["verdict"][0] |= {"reasons": [], "new": 1}
    assert not list(differences(outputs, other))


def test_a_fixture_is_read_from_the_repository_alone(tmp_path: Path) -> None:
    shutil.copy(HERE / "v1.tar.xz", tmp_path)
    unpack(tmp_path / "v1.tar.xz", tmp_path / "home")
    assert (tmp_path / "home" / "store.duckdb").is_file()
