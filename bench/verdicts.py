"""CPU of verdicts: all runs, and again after one of them got one more gold evaluation."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench import workload
from bench.processes import python

EVALUATIONS = 20
VERDICT = ("-m", "analytics", "verdict", "--json")


def measure(runs: int, steps: int) -> list[dict[str, object]]:
    """``steps`` says nothing here: each run has EVALUATIONS rows."""
    rows = workload.evaluations(runs, EVALUATIONS)
    last = rows["step"].max()
    grown_run = workload.run_name(runs // 2)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder) / "home"
        earlier = rows.filter(~((rows["run_id"] == grown_run) & (rows["step"] == last)))
        log = workload.write(earlier, Path(folder) / "log.parquet")
        python(["-m", "data", "import", log, "--json"], home)
        start = python(["-m", "data", "list", "--json"], home)
        everything = python(VERDICT, home)
        nothing = python(VERDICT, home)
        workload.write(rows, log)
        python(["-m", "data", "import", log, "--json"], home)
        one = python(VERDICT, home)
    return [
        {
            "what": f"{runs} verdicts of {EVALUATIONS} evaluations",
            "ours_cpu_s": everything.cpu, "beside": "listing the runs", "beside_cpu_s": start.cpu,
            "ratio": everything.cpu / start.cpu,
            "cpu_s_a_verdict": (everything.cpu - nothing.cpu) / runs,
        },
        {
            "what": "one new evaluation of one run",
            "ours_cpu_s": one.cpu, "beside": f"{runs} verdicts", "beside_cpu_s": everything.cpu,
            "ratio": one.cpu / everything.cpu, "cpu_s_a_verdict": one.cpu - nothing.cpu,
        },
        {
            "what": "nothing new",
            "ours_cpu_s": nothing.cpu, "beside": "listing the runs", "beside_cpu_s": start.cpu,
            "ratio": nothing.cpu / start.cpu,
        },
    ]  # fmt: skip
