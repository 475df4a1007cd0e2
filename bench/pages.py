"""From navigation to the drawn chart, beside a bare Streamlit page that draws the same figure.

Cold: the server has just started and the browser has an empty cache. Warm: both have shown the
page before. The two pages take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from bench import workload
from bench.processes import ROOT, python

CHART = ".js-plotly-plot .scatterlayer path, .js-plotly-plot .gl-canvas"
COLD, WARM = 3, 5
PATIENCE = 900
BARE = """
import pickle
import streamlit as st

st.set_page_config(layout="wide")
with open({file!r}, "rb") as kept:
    figure = pickle.load(kept)
st.plotly_chart(figure, key="rewards", config={{"displaylogo": False}}, theme="streamlit")
"""
EXAMPLES = ROOT / "data" / "examples"


def measure(runs: int, steps: int) -> list[dict[str, object]]:
    """The bundled run, then 20 and ``runs`` synthetic runs of ``steps`` steps on one page."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        bundled, synthetic = folder / "bundled", folder / "synthetic"
        python(["-m", "data", "import", EXAMPLES, "--json"], bundled)
        log = workload.write(workload.training_log(runs, steps), folder / "log.parquet")
        python(["-m", "data", "import", log, "--json"], synthetic)
        for home in (bundled, synthetic):
            python(["-m", "analytics", "verdict", "--json"], home)
        names = [workload.run_name(i) for i in range(runs)]
        cases = [(bundled, ["r3_grpo_bigrm"])]
        cases += [(synthetic, names[:n]) for n in dict.fromkeys((min(20, runs), runs))]
        return [compare(home, chosen, folder) for home, chosen in cases]


def compare(home: Path, chosen: Sequence[str], folder: Path) -> dict[str, object]:
    kept = folder / f"{home.name}-{len(chosen)}.pickle"
    call = f"from bench.pages import keep_figure; keep_figure({list(chosen)!r}, {str(kept)!r})"
    python(["-c", call], home)
    script = folder / f"{home.name}_{len(chosen)}.py"
    script.write_text(BARE.format(file=str(kept)))
    path = f"/overoptimization?{urlencode([('run', run) for run in chosen])}"
    pages = {"ours": (ROOT / "app.py", path), "bare": (script, "/")}
    cold: dict[str, list[float]] = {"ours": [], "bare": []}
    warm: dict[str, list[float]] = {"ours": [], "bare": []}
    with browser() as chromium:
        for turn in range(COLD):
            last = turn == COLD - 1
            for which, (app, address) in pages.items():
                with server(app, home, folder) as url:
                    context = chromium.new_context(viewport={"width": 1440, "height": 900})
                    cold[which].append(drawn(context, url + address))
                    for _ in range(WARM if last else 0):
                        warm[which].append(drawn(context, url + address))
                    context.close()
    seconds = {
        f"{which}_{how}_s": statistics.median(times[which])
        for how, times in (("cold", cold), ("warm", warm))
        for which in pages
    }
    return {
        "what": f"{len(chosen)} {'bundled run' if home.name == 'bundled' else 'synthetic runs'}",
        **seconds,
        "ratio": seconds["ours_cold_s"] / seconds["bare_cold_s"],
        "warm_ratio": seconds["ours_warm_s"] / seconds["bare_warm_s"],
        "figure_mb": kept.stat().st_size / 1e6,
        "all": {"cold": cold, "warm": warm},
    }


def keep_figure(chosen: Sequence[str], file: str) -> None:
    """Pickle the figure that the page draws by default (in a process that owns the store)."""
    import logging

    for name in ("streamlit", "streamlit.runtime.caching.cache_data_api"):
        logging.getLogger(name).setLevel(logging.ERROR)
    from analytics.figures.rewards.rewards import reward_figure
    from data.columns import PANELS
    from pages.shared import reads
    from pages.shared.keeping import ownership

    ownership.owner()
    every = {row["run_id"]: row for row in reads.runs().iter_rows(named=True)}
    curves, _ = reads.run_curves([every[run] for run in chosen], {}, None)
    Path(file).write_bytes(pickle.dumps(reward_figure(curves, "sqrt_kl", "raw", PANELS)))
    ownership.release()


def drawn(context, url: str) -> float:
    """Seconds from navigation to the first drawn path (the others are drawn in the same go)."""
    page = context.new_page()
    began = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_selector(CHART, state="attached", timeout=PATIENCE * 1000)
    seconds = time.perf_counter() - began
    page.close()
    return seconds


@contextmanager
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    from tests.browser import chromium

    found = chromium.find()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found.path, args=list(chromium.FLAGS),
            env=dict(os.environ | found.variables),
        )  # fmt: skip
        yield started
        started.close()


@contextmanager
def server(script: Path, home: Path, folder: Path) -> Iterator[str]:
    """`streamlit run` of a script over a store, until it answers; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://localhost:{port}"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    command += ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    with (folder / "server.txt").open("a+") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=os.environ | {"OVEROPT_HOME": str(home)}, start_new_session=True,
        )  # fmt: skip
        try:
            end = time.monotonic() + PATIENCE
            while not answers(url):
                if process.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    raise RuntimeError(f"no server at {url}: {log.read()[-2000:]}")
                time.sleep(0.1)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
