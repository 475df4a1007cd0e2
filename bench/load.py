"""Many readers at once: sessions of the pages without browsers, while rows keep coming in.

Each burst, every session opens a page, changes a widget on it and stays, all at the same time, and
meanwhile the store gets a new generation every second. A session that does not come to an end is a
hang; at the end the server is asked to end, and how long it takes is told.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bench.pages import EXAMPLES, server
from bench.processes import ROOT, python
from bench.readers import process
from bench.sessions import Drawn, Hung, Session
from data.columns import ReadOptions
from data.incoming.importing import spool_paths

PAGES = (
    "/", "/overoptimization?run=r3_grpo_bigrm", "/overoptimization?run=r3_grpo_bigrm&until=200",
    "/hallucination", "/quality", "/components?run=r3_grpo_bigrm", "/scaling", "/calibration",
    "/answers", "/sources",
)  # fmt: skip

STAYS = 5.0
"""Seconds for which each reader keeps the page open, looking for news as a browser does."""


def measure(
    runs: int, steps: int, sessions: int = 20, bursts: int = 5, url: str | None = None
) -> list[dict[str, object]]:
    """Rows by page: seconds until the script has finished, hangs, failures, over all bursts.

    url: a server that is there already; without it one is started over the bundled runs. runs and
    steps, which other benchmarks need, change nothing.
    """
    if url is not None:
        return against(url, sessions, bursts)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        home = folder / "home"
        python(["-m", "data", "import", EXAMPLES, "--json"], home)
        python(["-m", "analytics", "verdict", "--json"], home)
        with server(ROOT / "app.py", home, folder) as address:
            with new_rows(home, folder):
                rows = against(address, sessions, bursts)
            megabytes = process(address).memory
            asked = time.monotonic()
        ended = time.monotonic() - asked
        return [*rows, {"what": "resident memory of the pages' process", "mb": megabytes},
                {"what": "from SIGTERM to the end", "longest_s": ended}]  # fmt: skip


def against(url: str, sessions: int, bursts: int, patience: float = 120) -> list[dict[str, object]]:
    """Rows by page, and of all, of sessions that read all at the same time."""
    seen: dict[str, list[Drawn]] = {page: [] for page in PAGES}
    hangs: dict[str, int] = dict.fromkeys(PAGES, 0)

    def read(number: int, burst: int) -> None:
        page = PAGES[(number + burst) % len(PAGES)]
        try:
            with Session(url, patience) as session:
                drawn = session.open(page)
                seen[page].append(drawn)
                if drawn.choices:
                    states = list(drawn.choices.values())
                    seen[page].append(session.choose(states[(number + burst) % len(states)]))
                if drawn := session.stay(STAYS):
                    seen[page].append(drawn)
        except Hung:
            hangs[page] += 1

    with ThreadPoolExecutor(sessions) as readers:
        for burst in range(bursts):
            list(readers.map(read, range(sessions), [burst] * sessions))
    return [_row(page, seen[page], hangs[page]) for page in PAGES] + [
        _row("all pages", [one for page in PAGES for one in seen[page]], sum(hangs.values()))
    ]


def _row(page: str, drawn: list[Drawn], hangs: int) -> dict[str, object]:
    seconds = sorted(one.seconds for one in drawn) or [float("nan")]
    return {
        "what": page, "scripts": len(drawn), "hangs": hangs,
        "failed": sum(bool(one.failed) for one in drawn),
        "p50_s": statistics.median(seconds), "p95_s": seconds[int(0.95 * (len(seconds) - 1))],
        "longest_s": seconds[-1],
    }  # fmt: skip


@contextmanager
def new_rows(home: Path, folder: Path, every: float = 1.0) -> Iterator[None]:
    """Meanwhile one run grows by a row each second, so that the store's generation goes on."""
    stopping = threading.Event()

    def grow() -> None:
        rows, log = "", folder / "growing.jsonl"
        while not stopping.wait(every):
            step = rows.count("\n")
            row = {"run_id": "growing", "step": step, "kl": step / 10, "proxy_reward": step / 20}
            rows += json.dumps(row) + "\n"
            log.write_text(rows)
            spool_paths(home, [log], ReadOptions())

    thread = threading.Thread(target=grow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
