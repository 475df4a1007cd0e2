"""Readers who each make a choice every ten seconds, beside a bare page with the same figures.

Sessions without browsers keep one page open and change its axis at random times. The floor is a
Streamlit page that holds the same three figures and nothing else, under the same load: page and
floor take turns within one run, so that a busy machine slows both.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.pages import EXAMPLES, server
from bench.processes import ROOT, Cost, python
from bench.sessions import Hung, Session

RUN = "r3_grpo_bigrm"
AXES = {"√KL": "sqrt_kl", "KL": "kl", "step": "step"}
CROWDS = (1, 15, 50)
EVERY = 10.0
"""Seconds between two choices of a reader, on average."""
BARE = """
import pickle
import streamlit as st

st.set_page_config(layout="wide")


@st.cache_resource
def figures():
    with open({file!r}, "rb") as kept:
        return pickle.load(kept)


axis = st.segmented_control("Axis", list(figures()), default="√KL", key="axis")
st.plotly_chart(figures()[axis or "√KL"], key="rewards", theme="streamlit")
"""


def measure(
    runs: int, steps: int, seconds: float = 60.0, crowds: Sequence[int] = CROWDS
) -> list[dict[str, object]]:
    """Rows by number of readers: seconds from a choice until all is redrawn, page and floor."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        home = folder / "home"
        python(["-m", "data", "import", EXAMPLES / RUN, "--json"], home)
        python(["-m", "analytics", "verdict", "--json"], home)
        call = f"from bench.readers import keep; keep({str(folder / 'figures')!r})"
        python(["-c", call], home)
        bare = folder / "bare.py"
        bare.write_text(BARE.format(file=str(folder / "figures")))
        pages = {"ours": (ROOT / "app.py", f"/overoptimization?run={RUN}"), "floor": (bare, "/")}
        rows = []
        for crowd in crowds:
            crowd_row: dict[str, Any] = {"what": f"{crowd} readers", "readers": crowd}
            for which, (script, address) in pages.items():
                with server(script, home, folder) as url:
                    before = process(url).cpu
                    seen = read(url, address, crowd, seconds)
                    after = process(url)
                    seen |= {"cpu_s": (after.cpu - before) / seen["choices"], "mb": after.memory}
                    crowd_row |= {f"{which}_{key}": value for key, value in seen.items()}
            crowd_row["ratio"] = crowd_row["ours_p95_s"] / crowd_row["floor_p95_s"]
            crowd_row["cpu_ratio"] = crowd_row["ours_cpu_s"] / crowd_row["floor_cpu_s"]
            rows.append(crowd_row)
    for row in rows:
        row["to_one_reader"] = row["ours_p95_s"] / rows[0]["ours_p95_s"]
    return rows


def keep(file: str) -> None:
    """Pickle the page's figure by its axis (in a process that owns the store)."""
    import pickle

    from analytics.figures.rewards.rewards import reward_figure
    from data.columns import PANELS
    from pages.shared import reads
    from pages.shared.keeping import ownership

    every = {row["run_id"]: row for row in reads.runs().iter_rows(named=True)}
    curves, _ = reads.run_curves([every[RUN]], {}, None)
    figures = {label: reward_figure(curves, axis, "raw", PANELS) for label, axis in AXES.items()}
    Path(file).write_bytes(pickle.dumps(figures))
    ownership.release()


def read(url: str, address: str, crowd: int, seconds: float) -> dict[str, Any]:
    """p50, p95 and the number of choices, first views apart, and of sessions that hung."""
    end = time.monotonic() + seconds

    def one(number: int) -> tuple[float, list[float], bool]:
        dice, took, first = random.Random(number), [], float("nan")
        try:
            with Session(url) as session:
                drawn = session.open(address)
                first = drawn.seconds
                choices = [s for label, s in drawn.choices.items() if label.startswith("Axis: ")]
                last = 0
                while (pause := dice.uniform(0, 2 * EVERY)) < end - time.monotonic():
                    wait(session, pause)
                    last = (last + dice.choice((1, 2))) % len(choices)
                    drawn = session.choose(choices[last])
                    took.append(drawn.seconds)
                    if drawn.failed or drawn.charts != 1:
                        raise RuntimeError(f"{address} was not redrawn: {drawn.failed}")
        except Hung:
            return first, took, True
        return first, took, False

    with ThreadPoolExecutor(crowd) as readers:
        seen = list(readers.map(one, range(crowd)))
    took = sorted(second for _, seconds_of, _ in seen for second in seconds_of) or [float("nan")]
    return {
        "p50_s": statistics.median(took), "p95_s": took[int(0.95 * (len(took) - 1))],
        "choices": len(took), "hangs": sum(hung for *_, hung in seen),
        "first_p50_s": statistics.median(first for first, *_ in seen),
    }  # fmt: skip


def wait(session: Session, seconds: float) -> None:
    """Look for news meanwhile, as an open page does."""
    end = time.monotonic() + seconds
    session.stay(seconds)
    time.sleep(max(0.0, end - time.monotonic()))


def process(url: str) -> Cost:
    """CPU seconds so far, and resident megabytes, of the server at an address of this machine."""
    port = url.rpartition(":")[2]
    done = subprocess.run(["pgrep", "-f", f"server.port {port}"], capture_output=True, text=True)
    pid = min(done.stdout.split(), key=int)  # those that it started come after it
    ticks = (Path("/proc") / pid / "stat").read_text().rpartition(")")[2].split()
    pages = int((Path("/proc") / pid / "statm").read_text().split()[1])
    spent = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    return Cost(spent, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
