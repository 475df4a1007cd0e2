"""The committed trainings through the commands: imported and judged as a user's logs would be."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from analytics.quality.real_logs import WAYS, real_runs, team_log
from analytics.quality.real_runs import row_of
from bench.battery import answer
from bench.processes import python


def measure(runs: int = 0, steps: int = 0) -> list[dict[str, object]]:
    """One row a way of logging; runs and steps say nothing here."""
    trainings, rows = real_runs(), []
    for way in WAYS:
        with tempfile.TemporaryDirectory(prefix="real-runs-") as folder:
            home, log = Path(folder) / "home", Path(folder) / "log.parquet"
            team_log(trainings, way).write_parquet(log)
            python(["-m", "data", "import", log, "--json"], home)
            verdicts = json.loads(answer(("-m", "analytics", "verdict", "--json"), home))
        row = row_of(way, trainings.truths, {one["run"]: one for one in verdicts})
        rows.append({"what": row.pop("words")} | row)
    return rows
