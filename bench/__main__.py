"""``python -m bench [NAME…]``: run benchmarks, print a table, write bench/results/NAME.json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import (
    battery,
    growing,
    hallucination,
    imports,
    load,
    memory,
    pages,
    readers,
    responses,
    shortcuts,
    trackers,
    verdicts,
)  # fmt: skip
from bench.real_runs import verdicts as real_runs

BENCHMARKS: dict[str, Callable[[int, int], list[dict[str, object]]]] = {
    "imports": imports.measure, "memory": memory.measure, "trackers": trackers.measure,
    "verdicts": verdicts.measure, "pages": pages.measure, "hallucination": hallucination.measure,
    "battery": battery.measure, "load": load.measure, "readers": readers.measure,
    "real_runs": real_runs.measure, "responses": responses.measure, "growing": growing.measure,
    "shortcuts": shortcuts.measure,
}  # fmt: skip
ASKED_FOR = ("battery", "real_runs", "growing")
"""Benchmarks that run only where they are named: they measure verdicts, or for half an hour."""
RESULTS = Path(__file__).parent / "results"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--runs", type=int, default=200, help="synthetic runs")
    parser.add_argument("--steps", type=int, default=5_000, help="steps of each")
    parser.add_argument("--megabytes", type=int, default=2_000, help="size of memory's log")
    parser.add_argument("--sessions", type=int, default=20, help="readers of load")
    parser.add_argument("--bursts", type=int, default=5, help="times that all of them read")
    parser.add_argument("--seconds", type=float, default=60, help="how long readers choose")
    parser.add_argument("--responses", type=int, default=5_000_000, help="rows of responses")
    parser.add_argument("--url", help="server for load, instead of one of its own")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; known: {', '.join(BENCHMARKS)}")
    failed = False
    RESULTS.mkdir(exist_ok=True)
    for name in options.names or [name for name in BENCHMARKS if name not in ASKED_FOR]:
        began, busy = time.time(), os.getloadavg()[0]
        try:
            measure = BENCHMARKS[name]
            if name == "memory":
                measure = partial(memory.measure, megabytes=options.megabytes)
            if name == "load":
                measure = partial(load.measure, sessions=options.sessions, bursts=options.bursts,
                                  url=options.url)  # fmt: skip
            if name in ("readers", "growing"):
                measure = partial(measure, seconds=options.seconds)  # type: ignore[call-arg]
            if name == "shortcuts":
                measure = partial(shortcuts.measure, many=min(options.responses, 1_000_000))
            if name == "responses":
                measure = partial(responses.measure, responses=options.responses)
            rows = measure(options.runs, options.steps)
        except (RuntimeError, ImportError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
            continue
        show(name, rows)
        result = {
            "benchmark": name, "runs": options.runs, "steps": options.steps, "rows": rows,
            "at": time.strftime("%Y-%m-%d %H:%M:%S"), "seconds": time.time() - began,
            "load_before": busy, "cores": os.cpu_count(), "machine": platform.platform(),
            "python": platform.python_version(),
        }  # fmt: skip
        file = RESULTS / f"{name}.json"
        file.write_text(json.dumps(result, indent=1))
        print(f"written to {file}")
    return 1 if failed else 0


def show(name: str, rows: list[dict[str, object]]) -> None:
    keys = [k for k in dict.fromkeys(k for row in rows for k in row) if k not in ("all", "ratio")]
    table = Table(title=f"{name} (ratio = ours / beside, both measured in this run)")
    for key in (keys[0], "ratio", *keys[1:]):
        table.add_column(key.replace("_", " "), justify="left" if key == "what" else "right")
    for row in rows:
        table.add_row(*(cell(row.get(key)) for key in (keys[0], "ratio", *keys[1:])))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    sys.exit(main())
