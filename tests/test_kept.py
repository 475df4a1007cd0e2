"""What is computed once for many callers cannot be spoilt by one of them, nor mixed up."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from analytics.computing.kept import kept
from analytics.onset.alarm import flat_runs, red
from analytics.onset.alarm.spending import Plan
from analytics.onset.evidence import contrasts
from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from pages.shared.keeping import ownership
from pages.shared.keeping.caching import cached, pulse

ROOT = Path(__file__).resolve().parents[1]
KEEPS = ("cache", "lru_cache", "cache_data", "cache_resource", "cached_property")
CAN_BE_WRITTEN_TO = re.compile("Array|ndarray|Contrasts|DataFrame|Series|Looks|Rows|list|dict|set")


def functions(room: str) -> Iterator[tuple[str, ast.FunctionDef, list[str]]]:
    """Where each function is, and the names of what decorates it."""
    for file in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef):
                names = [re.split(r"[(.]", ast.unparse(d).replace("st.", ""))[0]
                         for d in node.decorator_list]  # fmt: skip
                yield f"{file.relative_to(ROOT)}:{node.lineno} {node.name}", node, names


def test_nothing_that_can_be_written_to_is_shared_between_callers() -> None:
    """Arrays are kept by `kept`; frames are not shared at all: to_pandas writes to its frame, and a
    thread that reads it meanwhile waits for the interpreter's lock."""
    checked = 0
    for where, node, names in functions("analytics"):
        assert node.returns is not None, where
        annotation = ast.unparse(node.returns)
        if set(names) & set(KEEPS):
            checked += 1
            assert not CAN_BE_WRITTEN_TO.search(annotation), (
                f"{where} -> {annotation}: use analytics.computing.kept.kept"
            )
        if "kept" in names:
            checked += 1
            assert not re.search("DataFrame|Series", annotation), where
    assert checked > 20


def test_pages_cache_in_one_way_only() -> None:
    """By store, state and all arguments: pages.shared.keeping.caching.cached."""
    found = 0
    for where, _, names in functions("pages"):
        assert not set(names) & set(KEEPS), f"{where}: use pages.shared.keeping.caching.cached"
        found += "cached" in names
    assert found > 15
    text = [f for f in (ROOT / "pages").rglob("*.py") if "cache_data" in f.read_text()]
    assert [file.name for file in text] == ["caching.py"]


@dataclass(frozen=True)
class Keeping:
    values: np.ndarray
    name: str


@kept(4)
def everything(seed: int) -> tuple[np.ndarray, list[np.ndarray], dict[str, np.ndarray], Keeping]:
    """Asks again only for another seed.

    >>> everything(1) is everything(1)
    True
    """
    made = np.random.default_rng(seed).random
    return made(3), [made(2)], {"a": made(2)}, Keeping(made(2), "b")


def test_kept_arrays_are_read_only_wherever_they_are() -> None:
    alone, listed, named, inner = everything(0)
    for array in (alone, listed[0], named["a"], inner.values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    assert everything(0)[0] is alone and everything(1)[0] is not alone


def test_what_verdicts_share_is_read_only() -> None:
    schedule = flat_runs.Schedule(6)
    stage = next(Plan(1, 6, True).stages())
    shared = (
        contrasts.hump_contrasts(6).matrix, contrasts.humps_at_end(6), contrasts.sharing(6),
        flat_runs.flat_maxima(schedule, 200), red.boundaries(schedule, stage, 200),
    )  # fmt: skip
    assert not any(array.flags.writeable for array in shared)


asked: list[object] = []


@cached(8)
def _private(_run: str, *, _limit: int = 3) -> int:
    """Streamlit would leave both names out of the key."""
    asked.append((_run, _limit))
    return len(asked)


@cached(8, pulse)
def _another(_run: str) -> int:
    asked.append(_run)
    return len(asked)


def test_a_read_is_kept_by_store_state_and_all_arguments(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    st.cache_data.clear()
    asked.clear()
    first = _private("a")
    assert _private("a") == first
    assert len({first, _private("b"), _private("a", _limit=4), _another("a")}) == 4
    (tmp_path / "log.csv").write_text("step,kl,proxy_reward\n1,0.1,0.2\n")
    spool_paths(home, [tmp_path / "log.csv"], ReadOptions())
    ownership.owner().store.drain()
    later = _private("a")
    assert later not in (first, None) and _private("a") == later
    ownership.release()
    monkeypatch.setenv("OVEROPT_HOME", str(tmp_path / "another"))
    assert _private("a") not in (first, later)
    ownership.release()
