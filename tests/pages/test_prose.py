"""Everything that the pages say of the bundled runs: no number in it is ugly."""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from pages.shared.keeping import ownership
from pages.shared.server import worker
from tests.test_wording import ugly

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path.relative_to(ROOT / "pages").as_posix()
    for path in (ROOT / "pages").glob("*/*.py") if path.parent.name != "shared"
)  # fmt: skip
LINK = re.compile(r"\]\([^)]*\)|`[^`]*`|https?://\S+|/\S+")


def prose(test: AppTest) -> Iterator[str]:
    """The texts of a page without links, paths and code."""
    parts = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error, *test.header]
    for part in parts:
        yield LINK.sub("", str(part.value).replace("\\", ""))
    for part in test.get("html"):
        text = re.sub(r"<style>.*?</style>", "", part.proto.body, flags=re.DOTALL)
        yield html.unescape(re.sub(r"<[^>]+>", " | ", text))
    for table in test.dataframe:
        for name in table.value.columns:
            if name not in ("reason", "path"):
                cells = [value for value in table.value[name] if isinstance(value, str)]
                yield from (LINK.sub("", text) for text in cells)


def faults(test: AppTest, names: list[str]) -> list[str]:
    """Ugly numbers in what a page says, the names of runs left out."""
    found = []
    for text in prose(test):
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, "NAME")
        found += [f"{why}: {text[:200]}" for why in ugly(text)]
    return found


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[str]]]:
    """The bundled runs in one store, judged."""
    home = tmp_path_factory.mktemp("examples") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OVEROPT_HOME", str(home))
        st.cache_data.clear()
        spool_paths(home, [ROOT / "data" / "examples"], ReadOptions())
        store = ownership.owner().store
        store.drain()
        assert worker.judge_all(store, Event())
        yield home, store.query("runs", project=None, runs=None)["run_id"].to_list()
        ownership.release()


@pytest.mark.parametrize("script", PAGES)
def test_no_page_has_an_ugly_number(script: str, examples, monkeypatch) -> None:
    home, names = examples
    monkeypatch.setenv("OVEROPT_HOME", str(home))
    monkeypatch.syspath_prepend(str(ROOT))
    for chosen in ([], names[:1], names):
        test = AppTest.from_file(str(ROOT / "pages" / script), default_timeout=240)
        if chosen:
            test.query_params["run"] = chosen
        test.run()
        assert not test.exception and faults(test, names) == []
