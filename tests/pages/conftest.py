"""A page over some imported files, without a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from pages.shared.keeping import ownership

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def open_script(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AppTest]]:
    """Call it with a page's script, files to import, and what the address holds."""
    monkeypatch.syspath_prepend(str(ROOT))
    st.cache_data.clear()  # a process has one store, a test its own

    def open_page(script: str, *files: Path, **address: str | list[str]) -> AppTest:
        spool_paths(home, list(files), ReadOptions())
        ownership.owner().store.drain()
        test = AppTest.from_file(str(ROOT / "pages" / script), default_timeout=240)
        for key, value in address.items():
            test.query_params[key] = value
        return test.run()

    yield open_page
    ownership.release()
