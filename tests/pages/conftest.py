"""A page over some imported files, without a browser."""

import shutil
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


@pytest.fixture(scope="session")
def kept_homes() -> dict[tuple[Path, ...], Path]:
    """The store of each set of files that several tests import, as it was after the import."""
    return {}


@pytest.fixture
def open_script(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kept_homes: dict[tuple[Path, ...], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., AppTest]]:
    """Call it with a page's script, files to import, and what the address holds.

    Files that are not the test's own are imported once for all tests that begin with them.
    """
    monkeypatch.syspath_prepend(str(ROOT))
    st.cache_data.clear()  # a process has one store, a test its own

    def bring(files: tuple[Path, ...]) -> None:
        shared = files and not home.exists() and all(tmp_path not in f.parents for f in files)
        if shared and files in kept_homes:
            shutil.copytree(kept_homes[files], home)
            return
        spool_paths(home, list(files), ReadOptions())
        ownership.owner().store.drain()
        if shared:
            ownership.release()
            kept_homes[files] = tmp_path_factory.mktemp("kept") / "home"
            shutil.copytree(home, kept_homes[files])

    def open_page(script: str, *files: Path, **address: str | list[str]) -> AppTest:
        bring(files)
        test = AppTest.from_file(str(ROOT / "pages" / script), default_timeout=240)
        for key, value in address.items():
            test.query_params[key] = value
        return test.run()

    yield open_page
    ownership.release()
