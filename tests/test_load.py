"""Readers at the same time, without browsers: no view hangs, none fails, and the server ends."""

import json
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench import readers
from bench.load import PAGES, against, new_rows
from bench.pages import server
from bench.sessions import Session
from data.columns import ReadOptions
from data.incoming.importing import import_paths

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "data" / "examples"


@pytest.mark.long
def test_readers_at_once_while_rows_come_in(home: Path, tmp_path: Path) -> None:
    import_paths(home, [EXAMPLES / "r3_grpo_bigrm", EXAMPLES / "loop"], ReadOptions())
    with server(ROOT / "app.py", home, tmp_path) as url:
        with new_rows(home, tmp_path, every=0.5):
            rows = {str(row["what"]): row for row in against(url, 10, 1)}
        asked = time.monotonic()
    assert time.monotonic() - asked < 15
    every = rows.pop("all pages")
    assert every["hangs"] == every["failed"] == 0, json.dumps(rows, indent=1)
    assert all(row["scripts"] for row in rows.values())


@pytest.mark.slow
def test_first_views_on_a_cold_server_at_once(home: Path, tmp_path: Path) -> None:
    """Sessions that all make the server load what it needs, before any page was ever shown.

    Streamlit loads parts of itself then; that any other library is loaded, was a race once.
    """
    import_paths(home, [EXAMPLES / "r3_grpo_bigrm", EXAMPLES / "loop"], ReadOptions())
    script = tmp_path / "loaded.py"
    script.write_text(LOADED.format(root=str(ROOT)))

    def first(page: str) -> list[str]:
        with Session(url) as session:
            drawn = session.open(page)
        return drawn.failed or ([] if drawn.elements else [f"{page}: nothing"])

    with server(script, home, tmp_path) as url:

        def loaded() -> set[str]:
            with urllib.request.urlopen(f"{url}/api/loaded", timeout=60) as answer:
                return set(json.loads(answer.read()))

        before = loaded()
        with ThreadPoolExecutor(len(PAGES)) as pool:
            assert [one for failed in pool.map(first, PAGES) for one in failed] == []
        after = loaded()
    assert {name for name in after - before if name.count(".") < 2} <= LATER
    assert not after & HEAVY
    log = (tmp_path / "server.txt").read_text()
    assert "Traceback" not in log and "partially initialized" not in log, log


LOADED = """
import sys
sys.path.insert(0, {root!r})
import streamlit as st
from starlette.responses import JSONResponse
from starlette.routing import Route
from app import lifespan, say

async def loaded(_):
    return JSONResponse([m for m in sys.modules if m.partition(".")[0] in
                         ("pandas", "plotly", "polars", "pyarrow", "numpy", "scipy", "duckdb",
                          "analytics", "data", "PIL", "narwhals", "datasketch")])

app = st.App({root!r} + "/pages/shared/menu.py", lifespan=lifespan, on_script_error=say,
             routes=[Route("/api/loaded", loaded)])
"""
LATER: set[str] = set()
HEAVY = {"pandas", "scipy.stats", "scipy.optimize", "datasketch"}
"""What takes some 40, 20, 20 and 5 MB of the process that serves pages, and no page needs."""


@pytest.mark.long
def test_a_view_leaves_nothing_behind(home: Path, tmp_path: Path) -> None:
    """Sessions that come and go: what each kept would show in the server's memory."""
    import_paths(home, [EXAMPLES / "r3_grpo_bigrm"], ReadOptions())
    with server(ROOT / "app.py", home, tmp_path) as url:

        def views(count: int) -> float:
            for number in range(count):
                with Session(url) as session:
                    session.open(PAGES[1])
                    session.send(PAGES[number % 2])  # and goes before it is drawn
            return readers.process(url).memory

        views(40)
        before = views(20)
        after = min(views(30) for _ in range(3))
    assert after - before < 90 * 0.15, (before, after)
