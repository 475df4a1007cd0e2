"""The plan in docs/architecture.md is of this house, and what counts it counts right."""

from pathlib import Path

import pytest

from bench.house import HOUSES, PLAN, House, between, counted, mutual, plan, written

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def house() -> House:
    """The tree as it is, read once."""
    return counted(ROOT)


def put(root: Path, **files: str) -> Path:
    for name, text in files.items():
        place = root / (name.replace("__", "/") + ".py")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


def test_the_plan_is_of_this_house(house: House) -> None:
    text = (ROOT / PLAN).read_text(encoding="utf-8")
    assert written(text, house) == text, "draw it anew: python -m bench.house --write"


def test_no_floor_knows_a_later_one(house: House) -> None:
    for below in filter(None, HOUSES.values()):
        arrows = between(house, below)
        assert len(arrows) >= 4 and mutual(arrows) == []


def test_it_counts_arrows_lines_and_crowded_calls(tmp_path: Path) -> None:
    house = counted(
        put(
            tmp_path,
            app="from pages.a import one\n",
            pages__a__one="from data.b import two\n\n\ndef f():\n    return 1\n",
            data__b__two="def g(x: dict[str, Any]):\n    return g(1, 2, 3, 4, 5, 6, 7, x)\n",
            data__b__three="from . import two\nfrom pages.a.one import f\n",
        )
    )
    assert house.arrows["data.b.three"] == {"data.b.two", "pages.a.one"}
    assert sorted(house.lengths) == [2, 2]
    assert house.crowded == ["data/b/two.py:2"] and house.untyped["data"] == 1
    assert mutual(between(house)) == [("data", "pages/a")]
    assert "  app_py --> pages_a\n" in plan(house)
    assert "app_py --> data" not in plan(house)


def test_no_call_has_eight_positional_arguments(house: House) -> None:
    assert house.crowded == []


UNTYPED = {"pages": 18, "data": 25, "analytics": 40}
"""Lines with ``dict[str, Any]`` that are left; docs/architecture.md says which and why."""


def test_rows_that_no_type_checker_sees_do_not_grow(house: House) -> None:
    left = {room: n for room, n in house.untyped.items() if n}
    more = {room: n for room, n in left.items() if n > UNTYPED.get(room, 0)}
    assert not more, "give the row a TypedDict or a dataclass"
    assert left == UNTYPED, "one less: lower the number here"


def test_a_document_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no place"):
        written("# The house", counted(put(tmp_path, app="")))
