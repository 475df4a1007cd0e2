"""Hundreds of live runs that grow while viewers look on: is a row lost, how late does one show?

Every second some of the runs are sent a row over HTTP, each of them one in five seconds. Viewers
without browsers keep a run's page open, look for news as a browser does, and choose another axis
every ten seconds. The server's resident memory is watched; at the end the store's rows are counted.
"""

from __future__ import annotations

import json
import os
import random
import re
import secrets
import statistics
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import sin
from pathlib import Path

from bench.pages import server
from bench.processes import ROOT
from bench.readers import EVERY, process
from bench.sessions import Session
from data.remote import StoreAccess

VIEWERS = 10
EACH = 5
"""Seconds from one row of a run to its next."""
TOKEN = secrets.token_hex(16)
UNTIL = re.compile(r"until=(\d+)")


def measure(runs: int, steps: int, seconds: float = 60.0) -> list[dict[str, object]]:
    """By quarter of the time: how late rows showed, choices, memory; then what the store holds."""
    names = [f"live{number:03}" for number in range(runs)]
    os.environ["OVEROPT_INGEST_TOKEN"] = TOKEN
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        with server(ROOT / "app.py", home, folder) as url:
            growth = Growth(url, names)
            for _ in range(8):  # a page needs a curve to begin with
                growth.grow(names)
            with Session(url) as first:  # the first verdict waits for a process to start
                first.open(f"/overoptimization?run={names[0]}")
            time.sleep(EVERY)
            end, began = time.monotonic() + seconds, time.monotonic()
            with ThreadPoolExecutor(VIEWERS) as pool:
                weights: list[tuple[float, float]] = []
                viewers = [pool.submit(view, url, growth, names[n], n, end) for n in range(VIEWERS)]
                while time.monotonic() < end:
                    turn = int(time.monotonic() - began)
                    growth.grow(names[turn % EACH :: EACH])
                    if turn % EACH == 0:
                        weights.append((time.monotonic() - began, process(url).memory))
                    time.sleep(max(0.0, began + turn + 1 - time.monotonic()))
                seen = [viewer.result() for viewer in viewers]
        with StoreAccess(home) as store:
            points = {row["run_id"]: row["points"]
                    for row in store.query("runs", project=None, runs=None).to_dicts()}  # fmt: skip
    lags = [(at - began, lag) for lags_seen, _ in seen for at, lag in lags_seen]
    took = [(at - began, lag) for _, took_seen in seen for at, lag in took_seen]
    rows: list[dict[str, object]] = []
    for quarter in range(4):
        low, high = seconds * quarter / 4, seconds * (quarter + 1) / 4
        late = [lag for at, lag in lags if low <= at < high]
        choices = [lag for at, lag in took if low <= at < high]
        rows.append({
            "what": f"quarter {quarter + 1}", "rows_seen": len(late), "late_p50_s": p(late, 0.5),
            "late_p95_s": p(late, 0.95), "latest_s": p(late, 1), "choices": len(choices),
            "choice_p50_s": p(choices, 0.5), "choice_p95_s": p(choices, 0.95),
            "mb": p([mb for at, mb in weights if low <= at < high], 0.5),
        })  # fmt: skip
    lost = sum(step != points.get(run, 0) for run, step in growth.steps.items())
    sent = sum(growth.steps.values())
    return [*rows, {"what": "all", "rows_sent": sent, "runs_short": lost, "mb": weights[-1][1]}]


def p(values: Sequence[float], share: float) -> float:
    """A quantile of what was seen, NaN of nothing."""
    if share == 0.5 and values:
        return statistics.median(values)
    return sorted(values)[int(share * (len(values) - 1))] if values else float("nan")


class Growth:
    """Runs, the last step that each was sent, and when."""

    def __init__(self, url: str, names: Sequence[str]) -> None:
        self.url = url
        self.steps = dict.fromkeys(names, 0)
        self.sent: dict[tuple[str, int], float] = {}
        self.turn = threading.Lock()

    def grow(self, names: Sequence[str]) -> None:
        """Send one more row of each of these runs, in one body."""
        rows = []
        for name in names:
            step = self.steps[name] + 1
            proxy, gold = step / 20, 2 * sin(min(step, 60) / 30) + random.uniform(-0.1, 0.1)
            rows.append(json.dumps({"run_id": name, "step": step, "kl": step / 10,
                                    "proxy_reward": proxy, "gold_reward": gold}))  # fmt: skip
            self.steps[name] = step
        now = time.monotonic()
        with self.turn:
            self.sent |= {(name, self.steps[name]): now for name in names}
        body = ("\n".join(rows) + "\n").encode()
        asked = urllib.request.Request(f"{self.url}/api/ingest", data=body, method="POST", headers={
            "Content-Type": "application/x-ndjson", "Authorization": f"Bearer {TOKEN}"
        })  # fmt: skip
        with urllib.request.urlopen(asked, timeout=60) as answer:
            answer.read()


def view(
    url: str, growth: Growth, name: str, number: int, end: float
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """(When, how late) of each row that came to a viewer's page, and of each choice."""
    dice, late, took = random.Random(number), [], []
    with Session(url) as session:
        drawn = session.open(f"/overoptimization?run={name}&axis=step")
        choices = [state for label, state in drawn.choices.items() if label.startswith("Axis: ")]
        shown = _until(session)
        pause = time.monotonic() + dice.uniform(0, 2 * EVERY)
        while (now := time.monotonic()) < end:
            if session.stay(0.5):
                for step in range(shown + 1, (there := _until(session)) + 1):
                    if when := growth.sent.get((name, step)):
                        late.append((time.monotonic(), time.monotonic() - when))
                shown = max(shown, there)
            if now > pause and choices:
                took.append((now, session.choose(dice.choice(choices)).seconds))
                pause = now + dice.uniform(0, 2 * EVERY)
    return late, took


def _until(session: Session) -> int:
    codes = [element.code.code_text for element in session.elements if element.HasField("code")]
    found = [int(step) for code in codes for step in UNTIL.findall(code)]
    return max(found, default=0)
