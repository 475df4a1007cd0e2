"""Readers at the same time, without browsers: no view hangs, none fails, and the server ends."""

import json
import time
from pathlib import Path

import pytest

from bench.load import against, new_rows
from bench.pages import server
from data.columns import ReadOptions
from data.importing import import_paths

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "data" / "examples"


@pytest.mark.slow
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
