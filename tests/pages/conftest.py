"""A page over some imported files, without a browser."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from data.columns import ReadOptions
from data.incoming.importing import spool_paths
from pages.shared.keeping import ownership

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session", autouse=True)
def packages_looked_through_once() -> Iterator[None]:
    """Each AppTest reads what all installed packages say of themselves, for components: .12 s.
    A server does so once, as it starts.
    """
    found = cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


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
